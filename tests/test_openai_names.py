"""Which character a model's id means."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.characters.models import Character
from apps.compat.openai import names
from tests.factories import make_character

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada", "ada"),
        ("Ada Lovelace", "ada-lovelace"),
        ("Dr. O'Neill / the 2nd", "dr-oneill-the-2nd"),
        ("Żółw", "żółw"),
        ("Мария", "мария"),
        ("雪女", "雪女"),
        ("../../etc", "etc"),
        ("🦉", "character"),
        ("---", "character"),
    ],
)
def test_a_name_as_an_id(name: str, expected: str) -> None:
    assert names.slug(name) == expected
    assert "/" not in names.slug(name)


def ids(user: User) -> list[str]:
    return list(names.models_of(user))


def test_of_one_name_the_oldest_has_it(alice: User, bob: User) -> None:
    first, second, third = (make_character(alice, name=name) for name in ("Ada", "ada", "ADA!"))
    make_character(bob, name="Ada")
    ends = [f"ada-{each.pk.hex[-8:]}" for each in (first, second, third)]
    assert ids(alice) == ["ada", *ends[1:]]
    for name, expected in (("ada", first), *zip(ends, (first, second, third), strict=True)):
        assert names.find(alice, name)[1] == expected
        assert names.find(alice, name)[0] in ids(alice)
    first.delete()
    # What was told before goes on to mean the same, and the name is another's.
    assert ids(alice) == ["ada", ends[2]]
    assert names.find(alice, ends[1]) == ("ada", second)


def test_a_name_that_looks_like_anothers_id(alice: User) -> None:
    first = make_character(alice, name="Ada")
    second = make_character(alice, name="Ada")
    sly = make_character(alice, name=names.with_end(second))
    slier = make_character(alice, name=str(first.pk))
    found = names.models_of(alice)
    assert len(found) == 4
    assert set(found.values()) == {first, second, sly, slier}
    assert {names.find(alice, name)[1] for name in found} == set(found.values())


@pytest.mark.parametrize("asked", ["", "Ada", "ADA", " ada", "ada/", "a\0", "ad", "ada-", "\ud800", "x" * 300])
def test_what_is_no_model(asked: Any, alice: User) -> None:
    make_character(alice)
    with pytest.raises(names.NoSuchModel):
        names.find(alice, asked)


def test_it_is_two_queries_however_many(alice: User, django_assert_num_queries: Any) -> None:
    for number in range(20):
        make_character(alice, name=f"Ada {number}")
    with django_assert_num_queries(2):
        assert names.find(alice, "ada-7")[1].name == "Ada 7"
    assert Character.objects.count() == 20


def test_no_names_shut_a_character_out(alice: User) -> None:
    """Each is found by its id, whatever others are called."""
    rows = [make_character(alice, name=name) for name in ("X", "Y", "Ada", "Ada")]
    last = rows[-1]
    for row, name in zip(rows, (names.with_end(last), str(last.pk)), strict=False):
        Character.objects.filter(pk=row.pk).update(name=name)
    models = names.models_of(alice)
    assert len(models) == 4
    assert {character.pk for character in models.values()} == {row.pk for row in rows}
    for row in rows:
        assert names.find(alice, str(row.pk))[1] == row
    assert names.find(alice, names.with_end(last))[1] == last


def test_a_name_of_letters_that_become_many_is_no_longer_than_others(alice: User) -> None:
    make_character(alice, name="ﷺ" * 200)
    assert all(len(name) <= 200 for name in ids(alice))
