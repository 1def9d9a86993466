"""Cutting texts into passages: nothing lost, nothing too long, no word torn where that can be helped."""

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.knowledge.headings import MAX_PATH, of_markdown, of_pages
from apps.knowledge.passages import MOST, SHORT, Mark, Piece, split

PROSE = "The keeper winds forty clocks each night. She never sleeps before the last of them has struck twelve. "


def cut(text: str, marks: list[Mark] | None = None) -> list[Piece]:
    return list(split(text, marks or []))


def sizes(pieces: list[Piece]) -> list[int]:
    return [len(piece.text) for piece in pieces]


# ── Any text ─────────────────────────────────────────────────────────────────────────────────

BITS = [
    *(
        "word ",
        "word, ",
        "Word. ",
        "\n",
        "\n\n",
        "\n \n",
        " ",
        "\t",
        "x",
        "longword",
        "1860 ",
        "a-b ",
        "https://a.b/c?d ",
    ),
    *("# One\n", "## Two\n", "###\n", "Three\n-----\n", "```\n", "    # code\n", "\f", "* item\n", "> said\n"),
    *(
        "时钟",
        "坏了。",
        "时钟！",
        "時計が",
        "コーヒー",
        "시계가 ",
        "ห้องฉัน",
        "घड़ी ",
        "ساعتي ",
        "𠮷",
        "😀",
        "👩‍👩‍👧",
        "e\u0301",
        "\u200b",
    ),
]
texts = st.lists(st.tuples(st.sampled_from(BITS), st.integers(1, 700)), max_size=12).map(
    lambda runs: "".join(bit * times for bit, times in runs)
)


@settings(deadline=None)
@given(texts | st.text(max_size=3000), st.sampled_from([of_markdown, of_pages, lambda text: []]))
def test_any_text_is_its_passages(text: str, marks_of: object) -> None:
    marks = marks_of(text)  # type: ignore[operator]
    pieces = cut(text, marks)
    assert "".join(piece.text for piece in pieces) == text
    assert all(1 <= size <= MOST for size in sizes(pieces))
    # No more of them than the text is worth.
    assert all(one + other > SHORT for one, other in pairwise(sizes(pieces)))
    assert {piece.heading for piece in pieces} <= {"", *(mark.path for mark in marks)}
    assert all(len(piece.heading) <= MAX_PATH for piece in pieces)
    assert cut(text, marks) == pieces


def is_latin(letter: str) -> bool:
    return letter.isascii() and not letter.isspace()


@settings(deadline=None)
@given(texts)
def test_no_word_is_torn_that_fits_into_a_passage(text: str) -> None:
    for one, other in pairwise(cut(text)):
        if is_latin(one.text[-1]) and is_latin(other.text[0]):
            assert not re.search(r"\s", one.text), "it could have ended before this word"
        assert not unicodedata.combining(other.text[0]), "a letter is torn from its mark"


# ── Where they end ───────────────────────────────────────────────────────────────────────────


def test_a_short_text_is_one_passage() -> None:
    assert cut("") == []
    assert cut("Half past nine.") == [Piece("", "Half past nine.")]
    assert sizes(cut("x" * MOST)) == [MOST]


def test_long_prose_is_cut_evenly_between_sentences() -> None:
    pieces = cut(PROSE * 60)
    assert all(piece.text.endswith((". ", ".")) for piece in pieces)
    assert min(sizes(pieces)) >= 800


def test_paragraphs_are_preferred_to_sentences_and_these_to_lines() -> None:
    first = PROSE * 8 + "\n\n"
    assert cut(first + PROSE * 12)[0].text == first
    lines = [f"{number} and nothing more\n" for number in range(80)]
    assert all(piece.text.endswith("\n") for piece in cut("".join(lines))[:-1])
    mixed = cut((PROSE[:-1] + "\n") * 30)
    assert all(re.search(r"[.]\s*$", piece.text) for piece in mixed)


@pytest.mark.parametrize(
    ("sentence", "ends"),
    [
        ("灯塔里有四十个时钟，每天晚上看守人都会给它们上发条。", "。"),
        ("灯台には四十個の時計があり、番人は毎晩それを巻きます。", "。"),
        ("Wie spät ist es? „Halb zehn“, sagte sie! ", " "),
        ("ในประภาคารมีนาฬิกาสี่สิบเรือน คนเฝ้าไขลานทุกคืน ", " "),
    ],
)
def test_every_language_has_ends_of_its_own(sentence: str, ends: str) -> None:
    pieces = cut(sentence * 80)
    assert len(pieces) > 1
    assert all(piece.text.endswith(ends) for piece in pieces)


def test_languages_without_spaces_or_marks_are_cut_between_letters() -> None:
    pieces = cut("时钟" * 2000)
    assert min(sizes(pieces)) >= 700
    # A word of another language in between stays whole.
    for one, other in pairwise(cut("时钟坏了clockwork" * 300)):
        assert not (one.text[-1].isascii() and other.text[0].isascii())


def test_a_word_longer_than_a_passage_is_cut_and_one_that_fits_is_not() -> None:
    assert sizes(cut("x" * 3 * MOST)) == [MOST] * 3
    assert sizes(cut("a " + "x" * MOST)) == [2, MOST]
    address = "https://example.com/" + "x" * (MOST - 100)
    assert any(f"{address} " in piece.text for piece in cut(f"{PROSE * 8}{address} {PROSE * 8}"))


def test_a_letter_with_a_thousand_marks_is_bounded_too() -> None:
    assert max(sizes(cut("e" + "\u0301" * 5000))) == MOST


# ── Headings ─────────────────────────────────────────────────────────────────────────────────

BOOK = f"""# Cape Sorrow

## The lighthouse

{PROSE * 6}

### The clocks

{PROSE * 15}

## The keeper

Ada keeps it.

## The cat

It sleeps.
"""


def test_passages_are_named_by_the_headings_that_they_stand_under() -> None:
    pieces = cut(BOOK, of_markdown(BOOK))
    headings = [piece.heading for piece in pieces]
    assert headings[0] == "Cape Sorrow › The lighthouse"
    assert headings[1:-1] == ["Cape Sorrow › The lighthouse › The clocks"] * (len(pieces) - 2)
    # What is short goes together, by the name of the first.
    assert headings[-1] == "Cape Sorrow › The keeper"
    assert pieces[0].text.startswith("# Cape Sorrow\n\n## The lighthouse")
    assert pieces[-1].text == "## The keeper\n\nAda keeps it.\n\n## The cat\n\nIt sleeps.\n"


def test_text_before_the_first_heading_has_none() -> None:
    text = f"{PROSE * 4}\n\n# Later\n\n{PROSE * 4}"
    assert [piece.heading for piece in cut(text, of_markdown(text))] == ["", "Later"]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("# One\n## Two\n# Three", ["One", "One › Two", "Three"]),
        ("### Three\n# One\n## Two ##", ["Three", "One", "One › Two"]),
        ("# C#\n# F #", ["C#", "F"]),
        ("#one\n####### seven\n\\# no\n    # code\n\t# code\ntext # no", []),
        ("   # Indented\n#\n# \n##\tTab", ["Indented", "", "", "Tab"]),
        ("One\n===\ntext\n\nTwo\n---\n", ["One", "One › Two"]),
        ("two lines\nof text\n---\n\n---\n- item\n---\n| a |\n---\n> b\n---\n\n--", []),
        ("```\n# no\n```\n# yes\n~~~~\n# no\n~~~\n# no\n~~~~\n# yes too", ["yes", "yes too"]),
        ("```\n# never closed", []),
        ("# One\r", ["One"]),
        ("---\ntitle: front matter\n---\n# One", ["One"]),
        ("# " + "x" * 500, ["x" * 100]),
        ("# 时钟\n## 指针", ["时钟", "时钟 › 指针"]),
    ],
)
def test_headings_of_markdown(text: str, paths: list[str]) -> None:
    assert [mark.path for mark in of_markdown(text)] == paths


def test_a_path_that_is_too_long_keeps_what_is_nearest() -> None:
    text = "\n".join(f"{'#' * level} {level}{'x' * 99}" for level in range(1, 7))
    path = of_markdown(text)[-1].path
    assert len(path) <= MAX_PATH
    assert path.endswith("6" + "x" * 99)


def test_pages_are_numbered() -> None:
    text = "\f".join([PROSE * 5, "", PROSE * 15, "The end."])
    headings = [piece.heading for piece in cut(text, of_pages(text))]
    assert headings[0] == "Page 1"
    assert set(headings[1:]) == {"Page 3", "Page 4"}


# ── Work ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "bit", ["x", "a ", "\n", "# x\n", "a\n---\n", ".", "#", "时钟坏了", "e\u0301", "`", "```\n", "=\n", "\f"]
)
def test_nothing_takes_more_passages_than_it_is_long(bit: str) -> None:
    text = bit * (400_000 // len(bit))
    pieces = cut(text, of_markdown(text))
    assert len(pieces) <= len(text) / SHORT + 1
    assert "".join(piece.text for piece in pieces) == text
