"""What stands in double braces."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.characters.macros import MOST_INSERTED, Macros

ADA = Macros(
    "Ada",
    "Robin",
    texts={"persona": "a traveller named {{user}}", "scenario": "{{persona}} at the door", "loop": "{{loop}}!"},
    seed="one",
    now=datetime(2026, 3, 5, 14, 7, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{char}} meets {{USER}}.", "Ada meets Robin."),
        ("<BOT> <char> <User> <b>", "Ada Ada Robin <b>"),
        ("{{ char }}'s tea", "Ada's tea"),
        ("{{random:a}}{{pick::b}}{{roll:1}}{{roll:d1}}{{roll 2d1}}", "ab112"),
        ("{{random:{{char}}}} {{reverse:{{user}}}}", "Ada niboR"),
        (r"{{random:one\, two}}", "one, two"),
        ("{{// nobody sees {{char}} this}}{{comment: nor this}}{{hidden_key:lamp}}{{noop}}.", "."),
        ("{{scenario}}", "a traveller named Robin at the door"),
        ("a{{newline}}b", "a\nb"),
        ("{{isodate}} {{isotime}} {{date}} {{time}} {{weekday}}", "2026-03-05 14:07 March 5, 2026 2:07 PM Thursday"),
        ("{{unknown:thing}} {{getvar::x}} {{}} {{persona:x}}", "{{unknown:thing}} {{getvar::x}} {{}} {{persona:x}}"),
        ("{{roll:d0}} {{roll:six}} {{roll:99999999999}}", "{{roll:d0}} {{roll:six}} {{roll:99999999999}}"),
        ("open {{char", "open {{char"),
        ("shut }} {{user}} {{a {{b", "shut }} Robin {{a {{b"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
    ],
)
def test_each(text: str, filled: str) -> None:
    assert ADA.fill(text) == filled


def test_a_name_is_a_name_though_it_looks_like_a_macro() -> None:
    assert Macros("{{user}}", r"{{random:a,b}}\1").fill("{{char}} and {{user}}") == r"{{user}} and {{random:a,b}}\1"


def test_chance_is_the_seeds() -> None:
    text = "{{random:" + ",".join(map(str, range(1000))) + "}}"
    assert Macros("A", "B", seed="x").fill(text) == Macros("A", "B", seed="x").fill(text)
    assert len({Macros("A", "B", seed=str(seed)).fill(text) for seed in range(20)}) > 15
    both = ADA.fill(text + " " + text).split()
    assert both[0] != both[1]
    pick = text.replace("random", "pick")
    assert len(set(ADA.fill(pick + " " + pick).split())) == 1
    assert {Macros("A", "B", seed=str(seed)).fill("{{roll:d6}}") for seed in range(100)} == set("123456")


def test_two_texts_of_a_prompt_draw_each_for_itself() -> None:
    text = "{{random:" + ",".join(map(str, range(1000))) + "}} {{roll:d1000000}}"
    first, second = ADA.fill(text, of="first").split(), ADA.fill(text, of="second").split()
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert ADA.fill(text, of="first").split() == first
    pick = text.split()[0].replace("random", "pick")
    assert ADA.fill(pick, of="first") == ADA.fill(pick, of="second")


def test_hidden_keys_are_told_apart() -> None:
    assert ADA.fill_hiding("A{{hidden_key:lamp {{user}}}}B{{HIDDEN_KEY::{{hidden_key:rope}} oil}}") == (
        "AB",
        ["lamp Robin", " oil"],
    )
    assert ADA.fill_hiding("{{// {{hidden_key:lamp}} }}.") == (".", [])
    assert ADA.fill_hiding("{{reverse:{{hidden_key:a,b}}xy}}") == ("yx", ["a,b"])
    many, keys = ADA.fill_hiding("{{hidden_key:x}}" * 3000 + ".")
    assert (many, len(keys)) == (".", 2048)


def test_what_is_inserted_is_bounded() -> None:
    bomb = Macros("A", "B", texts={"x": "{{y}}" * 1000, "y": "{{z}}" * 1000, "z": "boom" * 1000})
    assert len(bomb.fill("{{x}}")) <= MOST_INSERTED
    assert len(ADA.fill("{{loop}}")) < 100
    assert ADA.fill("<u\u017fer>") == "<u\u017fer>"
    itself = Macros("A", "B", texts={"x": "{{x}}" * 12})
    assert len(itself.fill("{{x}}")) < 100_000
    assert ADA.fill("{{roll:999d9}}" * 7000).count("{{") > 6000
    assert ADA.fill("{{" * 50_000).count("{{") == 50_000
    deep = "{{a " * 300_000 + "}}" * 300_000
    assert ADA.fill(deep) == deep
    assert ADA.fill("{{reverse:" * 20 + "ab" + "}}" * 20) == "ab"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{}:,<>/\\ charuseCHARrandomrolldpick0123"))
def test_any_text_is_filled(text: str) -> None:
    assert ADA.fill(text) == ADA.fill(text)
