"""What a book of strangers may cost."""

import random
import string
from typing import Any

import pytest

from apps.api import javascript
from apps.chat import lorebook
from tests.lore import entry, fire, told


def reasons(fired: lorebook.Fired) -> set[str]:
    return {why for _, why in fired.dropped}


@pytest.mark.slow
def test_what_is_not_looked_for_is_told_and_nothing_fires_by_its_being_missed() -> None:
    """Twenty thousand keys against a long text, whose letters are those of the keys."""
    draw = random.Random(1)
    keys = ["".join(draw.choices("ab", k=30)) for _ in range(20_000)]
    text = "".join(draw.choices("ab", k=199_000))
    entries = [entry(*keys[at : at + 10]) for at in range(0, len(keys), 10)]
    wary = [
        entry("ab", content="@@exclude_keys oil\nLore."),
        entry("ab", selective=True, secondary_keys=["oil"], selectiveLogic=2),
        entry(constant=True, content="@@additional_keys ab\nLore."),
    ]
    free = [entry(constant=True), entry("oil", content="@@activate\nLore.")]
    fired = fire(*entries, *wary, *free, talk=[text], budget=10**6, token_budget=10**6)
    assert told(fired)[-2:] == ["2003", "2004"]
    assert not {"2000", "2001", "2002"} & {*told(fired)}
    assert len(fired.dropped) > 1000
    assert len(reasons(fired)) == 1
    assert "was not looked for" in fired.dropped[0][1]
    assert fired == fire(*entries, *wary, *free, talk=[text], budget=10**6, token_budget=10**6)


def test_a_large_book_is_looked_for_to_the_end() -> None:
    draw = random.Random(1)
    words = ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(4, 9))) for _ in range(20_000)]
    entries = [entry(*draw.sample(words, 3), match_whole_words=True) for _ in range(3000)]
    talk = [" ".join(draw.sample(words, 50)) for _ in range(50)]
    fired = fire(*entries, entry("lamp"), talk=[*talk, "lamp"], scan_depth=50, budget=10**6)
    assert told(fired)[-1] == "3000"
    assert not fired.dropped


@pytest.mark.parametrize("text", ["a" * 28_000, "aab " * 500])
def test_words_within_words_are_passed_at_once(text: str) -> None:
    keys = [entry("aa", match_whole_words=True) for _ in range(200)]
    assert told(fire(*keys, talk=[text])) == []
    assert len(fire(*keys, talk=[text + " aa"]).lore) == 200


def test_of_a_long_text_the_newest_is_looked_through() -> None:
    old, new = "lamp " + "x" * 150_000, "x" * 60_000 + " fog"
    assert told(fire(entry("lamp"), entry("fog"), entry("/lamp|x fog/"), talk=[old, new])) == ["1", "2"]


def test_what_is_more_than_is_read_is_told() -> None:
    fired = fire(*[entry("lamp") for _ in range(10_005)], budget=10**6)
    assert len(fired.lore) == 10_000
    assert fired.dropped == [("the last 5 entries", "the lorebook has more entries or keys than are read")]
    fired = fire(entry("lamp"), entry(*["fog"] * 60_000), entry("lamp"))
    assert told(fired) == ["0"]
    assert [name for name, _ in fired.dropped] == ["the last 2 entries"]
    assert told(fire(entry("lamp", content="@@exclude_keys fog\n" * 100_000 + "Lore."), talk=["lamp"])) == ["0"]


def nested(depth: int, inner: str = "a", after: str = "") -> str:
    return "(" * depth + inner + f"){after}" * depth


@pytest.mark.parametrize(
    ("pattern", "is_one"),
    [
        ("a{100}", True),
        (".{0,60}lamp.{0,60}fog.{0,60}", True),
        ("(?:a{100}){50}", True),
        ("(?:a{100}){200}", False),
        (nested(20, after="{2}"), False),
        (nested(40), True),
        (nested(60), False),
        ("a{0,99999999}", False),
        ("a" * 2001, False),
        ("é" + r"\b" * 900, False),
        ("(?:a|(b))" * 200, True),
    ],
)
def test_what_would_take_too_much_to_build_is_no_pattern(pattern: str, is_one: bool) -> None:
    assert (javascript.compiled(pattern, "i") is not None) is is_one


def test_the_time_that_patterns_take_to_build_counts() -> None:
    """A thousand of those that take longest: each some milliseconds."""
    long = [entry(f"/x{number}{'.*' * 900}/") for number in range(1000)]
    fired: Any = fire(*long, entry("lamp"), talk=["lamp"])
    assert told(fired) == ["1000"]


def test_many_groups_are_no_more_work_than_entries() -> None:
    """Two thousand entries of a hundred groups each, of which ten count."""
    groups = ",".join(f"g{number}" for number in range(100))
    fired = fire(*[entry("lamp", group=groups, content=f"{number}") for number in range(2000)])
    assert len(fired.lore) == 1
    assert len(fired.dropped) == 1999
    apart = [entry("lamp", group=f"{','.join(map(str, range(10)))},{last}") for last in ("ten", "ten")]
    assert len(fire(*apart).lore) == 1


def test_so_many_entries_are_remembered_and_the_newest_of_them() -> None:
    often = [entry("lamp", content=f"{number}", sticky=9) for number in range(3000)]
    first = fire(*often, budget=10_000)
    assert len(first.lore) == 3000
    assert len(first.state) == 1000
    late = entry("fog", content="New.", sticky=9)
    after = fire(*often[:1000], late, talk=["fog"], length=5, state=first.state, budget=10_000)
    assert len(after.state) == 1000
    assert "1000" in told(fire(*often[:1000], late, talk=[""], length=7, state=after.state, budget=10_000))
