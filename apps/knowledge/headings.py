"""Finding what the parts of a text are called. Pure."""

from collections.abc import Iterator
from itertools import islice

from apps.knowledge.passages import Mark

MAX_TITLE = 100
MAX_PATH = 300
MAX_HEADINGS = 20_000
UNDER = " › "

PAGE = "\f"


def of_markdown(text: str) -> list[Mark]:
    """Headings with `#`, and those that are underlined; none inside of fenced code. Each is named with those that it
    stands under."""
    marks: list[Mark] = []
    path: dict[int, str] = {}
    for begins, ends, level, title in islice(_titles(text), MAX_HEADINGS):
        path = {upper: name for upper, name in path.items() if upper < level} | {level: title[:MAX_TITLE].strip()}
        marks.append(Mark(begins, ends, _joined([name for name in path.values() if name])))
    return marks


def of_pages(text: str) -> list[Mark]:
    """The pages of a text, a form feed between two, by their numbers."""
    marks, place = [], 0
    for number, page in enumerate(text.split(PAGE), start=1):
        marks.append(Mark(place, place, f"Page {number}"))
        place += len(page) + 1
    return marks


def _joined(names: list[str]) -> str:
    # The nearest say most.
    while len(path := UNDER.join(names)) > MAX_PATH:
        names = names[1:]
    return path


def _titles(text: str) -> Iterator[tuple[int, int, int, str]]:
    """Begin and end of each heading, its level and its words."""
    fence = ""
    place = 0
    # The last line and whether a paragraph may begin with it.
    above, above_begins, is_first = "", 0, False
    for line in text.split("\n"):
        ends = place + len(line)
        bare = line.strip()
        indented = line.startswith(("    ", "\t"))
        title = None
        if fence:
            if bare.startswith(fence) and not bare.strip(fence[0]):
                fence = ""
        elif not indented and bare.startswith(("```", "~~~")):
            fence = bare[: len(bare) - len(bare.lstrip(bare[0]))]
        elif not indented and (title := _after_hashes(bare)) is not None:
            yield place, ends, *title
        elif above and is_first and (level := _underline(bare)):
            title = level, above
            yield above_begins, ends, *title
        plain = bool(bare) and not fence and not indented and title is None and bare[0] not in "-*+>|=#`~"
        is_first = plain and not above
        above, above_begins = bare if not title else "", place
        place = ends + 1


def _after_hashes(line: str) -> tuple[int, str] | None:
    rest = line.lstrip("#")
    level = len(line) - len(rest)
    if not 1 <= level <= 6 or rest[:1] not in ("", " ", "\t"):
        return None
    title = rest.strip()
    # Hashes may close it, too; those of "C#" do not.
    bare = title.rstrip("#")
    return level, (bare.strip() if bare[-1:] in ("", " ", "\t") else title)


def _underline(line: str) -> int:
    """The level of the heading that this line is drawn under; 0 where it is no such line."""
    if len(line) < 3 or line.strip(line[0]):
        return 0
    return {"=": 1, "-": 2}.get(line[0], 0)
