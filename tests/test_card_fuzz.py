"""Whatever bytes come, a card or a book is read, or it is said why not."""

import tracemalloc
from collections import Counter

import pytest

from apps.characters import cards
from tests.card_mutants import mutants

MB = 1024 * 1024


@pytest.mark.parametrize(("seed", "count"), [(1, 600), pytest.param(2, 10_000, marks=pytest.mark.slow)])
def test_broken_files(seed: int, count: int) -> None:
    ended: Counter[str] = Counter()
    tracemalloc.start()
    for data in mutants(seed, count):
        for read in (cards.read, cards.read_book):
            try:
                read(data)
                ended["read"] += 1
            except cards.NotACard as error:
                ended[error.code] += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * MB
    # Neither all of them are refused at the door, nor are most let through.
    assert ended["read"] > count // 20
    assert ended["damaged"] > 10
    assert len(ended) > 6
