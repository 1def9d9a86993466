"""What holds for any lorebook."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.characters.macros import Macros
from apps.chat import lorebook
from apps.chat.lorebook import Scene
from apps.chat.lorebook.entries import Key
from apps.chat.lorebook.letters import joined
from apps.chat.lorebook.matching import Matcher, whole
from tests.slow import examples

WORDS = ["lamp", "fog", "rope", "bell", "keeper"]
words = st.lists(st.sampled_from([*WORDS, "/l.mp/i", "/(/", "灯"]), max_size=3)
small = st.integers(-1, 5)
flags = st.booleans() | st.none()

extensions = st.fixed_dictionaries(
    {},
    optional={
        "position": st.integers(-1, 8),
        "depth": small,
        "role": small,
        "selectiveLogic": small,
        "probability": st.integers(-1, 101),
        "group": st.sampled_from(["", "g", "g,h", "h"]),
        "group_override": flags,
        "group_weight": small,
        "exclude_recursion": flags,
        "prevent_recursion": flags,
        "delay_until_recursion": flags | small,
        "scan_depth": small,
        "sticky": small,
        "cooldown": small,
        "delay": small,
        "ignore_budget": flags,
    },
)
decorators = st.sampled_from(
    [
        *("", "@@activate\n", "@@depth 2\n@@position scenario\n", "@@ignore_on_max_context\n"),
        *("@@keep_activate_after_match\n", "@@additional_keys fog\n", "@@exclude_keys bell\n@@dont_activate\n"),
    ]
)
entries = st.fixed_dictionaries(
    {"keys": words, "content": st.builds(lambda d, w: d + " ".join(w), decorators, words), "enabled": flags},
    optional={
        "constant": flags,
        "selective": flags,
        "secondary_keys": words,
        "insertion_order": small,
        "priority": small,
        "extensions": extensions,
        "use_regex": flags,
    },
)
books = st.fixed_dictionaries(
    {"entries": st.lists(entries, max_size=12)},
    optional={"scan_depth": small, "token_budget": st.integers(0, 12), "recursive_scanning": flags},
)
texts = st.lists(words.map(" ".join), max_size=4)


def fire(book: Any, said: list[str], budget: int, **more: Any) -> lorebook.Fired:
    scene = Scene([("user", text) for text in said], len(said), seed="s")
    tokens = lambda text: len(text.split())  # noqa: E731
    return lorebook.fire(lorebook.read(book), scene, budget=budget, tokens=tokens, macros=Macros("A", "B"), **more)


@settings(max_examples=examples(300), deadline=None)
@given(books, texts, st.integers(0, 15))
def test_budget_order_and_once(book: Any, said: list[str], budget: int) -> None:
    named = [
        {**entry, "name": f"{place}{'' if entry['enabled'] is not False else ' off'}"}
        for place, entry in enumerate(book["entries"])
    ]
    book = {**book, "entries": named}
    fired = fire(book, said, budget)
    names = [lore.name for lore in fired.lore]
    assert sum(lore.tokens for lore in fired.lore) <= budget
    counted = [lore for lore in fired.lore if not named[int(lore.name)].get("extensions", {}).get("ignore_budget")]
    assert "token_budget" not in book or sum(lore.tokens for lore in counted) <= book["token_budget"]
    assert [lore.order for lore in fired.lore] == sorted(lore.order for lore in fired.lore)
    out = [name for name, _ in fired.dropped]
    assert len({*names, *out}) == len(names) + len(out)
    assert not any(name.endswith("off") for name in [*names, *out])
    assert fired == fire(book, said, budget)
    # What is remembered is plain, and leads to no less.
    again = fire(book, said, budget, state=fired.state)
    assert sum(lore.tokens for lore in again.lore) <= budget


@settings(max_examples=examples(200), deadline=None)
@given(st.text("ab.é灯 ", min_size=1, max_size=6), st.text("ab.éÉ灯 ", max_size=60), st.booleans(), st.booleans())
def test_a_key_is_found_where_it_stands(written: str, said: str, whole_words: bool, is_long: bool) -> None:
    key = Key(written, written, whole_words=whole_words)
    matcher = Matcher()
    text = whole("+" * 3000 * is_long + said)
    wanted, within = written.casefold(), text.folded
    places = [at for at in range(len(within)) if within.startswith(wanted, at)]
    if whole_words and " " not in wanted:
        edges = [(within[:at][-1:] + wanted[0], wanted[-1] + within[at + len(wanted) :][:1]) for at in places]
        places = [pair for pair in edges if not any(len(edge) == 2 and joined(*edge) for edge in pair)]
    # The index is there from a hundred keys on, and changes nothing.
    assert {matcher.found([key], text) is key for _ in range(110)} == {bool(places)}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["keys", "content", "extensions", "position", "depth", "x"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@settings(max_examples=examples(300), deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["entries", "scan_depth", "token_budget", "recursive_scanning"]),
        anything
        | st.lists(
            st.dictionaries(
                st.sampled_from(
                    [
                        "keys",
                        "secondary_keys",
                        "content",
                        "enabled",
                        "constant",
                        "selective",
                        "insertion_order",
                        "priority",
                        "position",
                        "extensions",
                        "id",
                        "name",
                        "use_regex",
                    ]
                ),
                anything,
            ),
            max_size=3,
        ),
    ),
    texts,
)
def test_any_json_is_a_book(book: Any, said: list[str]) -> None:
    fired = fire(book, said, 10)
    assert sum(lore.tokens for lore in fired.lore) <= 10
