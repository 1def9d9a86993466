"""Cutting a text into passages: at headings, else between paragraphs, sentences, lines, words. Pure.

Passages are slices: put together they are the text again, white space included.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import regex

# Characters of a passage, at most, and about.
MOST = 1_200
GOAL = 1_100
# How far from an even share a passage may end, for the sake of a better place.
SLACK = 250
# A section shorter than this goes together with the next one, where both fit into one passage.
SHORT = 200

# Where a passage may end, the best first: after the match.
ENDS = (
    re.compile(r"\n[^\S\n]*\n\s*"),
    re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+\s++|(?<![。！？．｡])[。！？．｡]++[”’」』）]*+\s*+"),
    re.compile(r"\n\s*"),
    re.compile(r"[\s\u200b]+"),
)
# Languages that write no spaces between words: a passage may end after any letter of theirs.
SPACELESS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff01-\uffef\U00020000-\U000323af]"
)
GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Mark:
    """A heading: where its line begins and ends, and what stands under it is called."""

    begins: int
    ends: int
    path: str


@dataclass(frozen=True, slots=True)
class Piece:
    heading: str
    text: str


def split(text: str, marks: Sequence[Mark] = ()) -> Iterator[Piece]:
    """The passages in their order. `marks` are the text's headings, in theirs."""
    begins = [mark.begins for mark in marks]
    for start, end in _sections(text, marks):
        while end - start > MOST:
            cut = _cut(text, start, end)
            yield Piece(_heading(text, start, cut, marks, begins), text[start:cut])
            start = cut
        yield Piece(_heading(text, start, end, marks, begins), text[start:end])


def _sections(text: str, marks: Sequence[Mark]) -> Iterator[tuple[int, int]]:
    """From heading to heading. What is short goes together with what follows where both fit; a heading without words
    of its own always does."""
    next_begins = [*(mark.begins for mark in marks[1:]), len(text)]
    start, words_from, has_words = 0, 0, False
    for mark, end in zip(marks, next_begins if marks else [], strict=True):
        has_words = has_words or bool(text[words_from : mark.begins].strip())
        if has_words and (mark.begins - start >= SHORT or end - start > MOST):
            yield start, mark.begins
            start, has_words = mark.begins, False
        words_from = mark.ends
    if text:
        yield start, len(text)


def _cut(text: str, start: int, end: int) -> int:
    """Where the passage that begins at `start` ends best, in a section that is longer than one."""
    share = (end - start) / ceil((end - start) / GOAL)
    goal = start + min(int(share), GOAL)
    high = min(goal + SLACK, start + MOST)
    for pattern in ENDS:
        if places := [match.end() for match in pattern.finditer(text, goal - SLACK, high)]:
            return min(places, key=lambda place: abs(place - goal))
    between, _ = _between_words(text, goal - SLACK, high, goal)
    if between:
        return between
    most = start + MOST
    between, inside = _between_words(text, start, most, most)
    return between or inside or most


def _between_words(text: str, low: int, high: int, goal: int) -> tuple[int, int]:
    """The place nearest to `goal` that is in no word, and the last one that is in no letter; 0 where there is none."""
    between = inside = 0
    before = ""
    for match in GRAPHEME.finditer(text, low, high + 1):
        place, letter = match.start(), match[0]
        if before and place <= high:
            inside = place
            is_between = not (_is_of_a_word(before) and _is_of_a_word(letter))
            if is_between and abs(place - goal) <= abs(between - goal):
                between = place
        before = letter
    return between, inside


def _is_of_a_word(letter: str) -> bool:
    """Whether it is part of a word that only spaces end; marks are."""
    return not letter[0].isspace() and letter[0] != "\u200b" and not SPACELESS.match(letter)


def _heading(text: str, start: int, end: int, marks: Sequence[Mark], begins: Sequence[int]) -> str:
    """What the passage's first words stand under. Of headings right after another it is the last one."""
    first = start + len(text[start:end]) - len(text[start:end].lstrip())
    number = bisect_right(begins, first) - 1
    if number < 0:
        return ""
    while number + 1 < len(marks) and begins[number + 1] < end:
        if marks[number].ends < start or text[marks[number].ends : begins[number + 1]].strip():
            break
        number += 1
    return marks[number].path
