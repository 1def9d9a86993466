"""What readers are shown of an answer, however long it is and wherever they begin."""

import json

import pytest

from apps.chat.frames import OPEN, PACK, Frames


def frame(number: int) -> bytes:
    return b"data: " + json.dumps({"type": "text-delta", "delta": f"{number}\n\n"}).encode() + b"\n\n"


@pytest.mark.parametrize(
    "count", [0, 1, PACK - 1, PACK, PACK + OPEN - 1, PACK + OPEN, 2 * PACK - 1, 2 * PACK, 2 * PACK + 1, 10 * PACK + 7]
)
@pytest.mark.parametrize("at_once", [1, 3, PACK, 1000])
def test_whoever_asks_gets_what_they_have_not_seen(count: int, at_once: int) -> None:
    frames, told = Frames(), [frame(number) for number in range(count)]
    for start in range(0, count, at_once):
        frames.add(told[start : start + at_once])
    assert len(frames) == count
    assert list(frames) == told
    for seen in {0, 1, PACK - 1, PACK, PACK + 1, count // 2, count - 1, count}:
        if 0 <= seen <= count:
            assert frames.after(seen) == told[seen:]
