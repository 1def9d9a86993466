"""The frames of one answer, kept in little room: a long one has thousands, each much like the next."""

import zlib
from collections.abc import Iterable, Iterator

# As many as are packed together. The newest, which most readers are after, lie open.
PACK = 32
OPEN = 8
END = b"\n\n"


class Frames:
    """A list of server-sent events that only grows."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._open: list[bytes] = []

    def add(self, frames: Iterable[bytes]) -> None:
        self._open += frames
        while len(self._open) >= PACK + OPEN:
            self._packed.append(zlib.compress(b"".join(self._open[:PACK]), 1))
            del self._open[:PACK]

    def after(self, count: int) -> list[bytes]:
        """Those behind the first `count`."""
        before = len(self._packed) * PACK
        if count >= before:
            return self._open[count - before :]
        packs = [self._unpacked(pack) for pack in self._packed[count // PACK :]]
        return [frame for pack in packs for frame in pack][count % PACK :] + self._open

    @staticmethod
    def _unpacked(pack: bytes) -> Iterator[bytes]:
        # No frame has an empty line in it: that is where it ends.
        return (frame + END for frame in zlib.decompress(pack).split(END)[:-1])

    def __len__(self) -> int:
        return len(self._packed) * PACK + len(self._open)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.after(0))
