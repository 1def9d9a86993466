"""Who says what in the data that is measured on (`bench.data`): the same people and messages every time.

Who is there (`people`), and how much is theirs:

    long        one conversation of 100,000 messages
    many        5,000 conversations of 20
    middling    125 conversations of 80: 10,000 messages
    hundred     5 conversations of 20
    deep        one conversation of 12,000 messages
    thousand    one conversation of 1,000 messages, and an empty one
    fifty       50 conversations of 20
    other-0 …   400 people with all the rest

Every 20th answer was written twice; the second one is a leaf that no path goes through. Texts are of made-up words, a
few of which are met often and most seldom, as in a language; and of these, counted among one person's messages:

    COMMON      in every 2nd message
    MIDDLING    in 1 of 100, half of the time together with COMMON
    OTHER       in 1 of 50, with MIDDLING in 1 of 200
    RARE        in 1 of 50,000 of all messages, and in one at least of each of the first seven people's
    ABSENT      in none
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

COMMON, MIDDLING, OTHER, RARE, ABSENT = "lantern", "harbour", "ferry", "quixotic", "zymurgy"
BEGAN = 1_700_000_000_000  # milliseconds since 1970
SPAN = 700 * 24 * 60 * 60 * 1000
PHRASES = 4096


@dataclass(frozen=True)
class Size:
    messages: int
    conversations: int
    long: int
    many: int
    others: int
    memory: str  # that holds all of it


FULL = Size(1_000_000, 10_000, 100_000, 5_000, 400, "3GB")
SMALL = Size(60_000, 900, 20_000, 500, 20, "512MB")


@dataclass
class Held:
    """A conversation: `first` is the number of its first message among its owner's."""

    id: UUID
    number: int
    length: int
    first: int
    began: int
    gap: int
    preview: str = ""

    def message(self, place: int) -> int:
        """The id of its message at `place`, as a number."""
        return key(self.began + place * self.gap, self.number, place)

    @property
    def leaf(self) -> int | None:
        """The place of the last message that is no second try."""
        return self.length - (2 if is_second_try(self.length - 1) else 1) if self.length else None


@dataclass
class Person:
    name: str
    id: UUID
    conversations: list[Held]
    token: str = ""

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"


def key(moment: int, number: int, place: int) -> int:
    """A UUIDv7 of a millisecond, of the `place`th thing of a conversation."""
    return moment << 80 | 7 << 76 | 8 << 60 | number << 32 | place


def is_second_try(place: int) -> bool:
    return place % 21 == 19


def spot(place: int) -> tuple[int, int | None]:
    """How deep the message at a place is, and the place of its parent. Of 21 places the 20th has the 19th's parent."""
    block, rest = divmod(place, 21)
    depth = 20 * block + (rest if rest < 19 else rest - 1)
    return depth, (place - (2 if rest >= 19 else 1) if place else None)


def people_of(size: Size) -> dict[str, Person]:
    lengths = {
        "long": [size.long],
        "many": [20] * size.many,
        "middling": [80] * 125,
        "hundred": [20] * 5,
        "deep": [12_000],
        "thousand": [1_000, 0],
        "fifty": [20] * 50,
    }
    left = size.conversations - sum(map(len, lengths.values()))
    each, over = divmod(size.messages - sum(map(sum, lengths.values())), left)
    for index in range(left):
        lengths.setdefault(f"other-{index % size.others}", []).append(each + (index < over))
    dice, number = random.Random(1), 0
    people = {}
    for index, (name, wanted) in enumerate(lengths.items()):
        held, first = [], 0
        for length in wanted:
            gap = min(90_000, SPAN // max(length, 1))
            began = BEGAN + dice.randrange(SPAN - length * gap + 1)
            held.append(Held(UUID(int=key(began - 1, number, 0)), number, length, first, began, gap))
            number, first = number + 1, first + length
        people[name] = Person(name, UUID(int=key(BEGAN - 1_000, index, 0)), held)
    return people


def phrases() -> list[str]:
    """Of nine words or so, drawn from 30,000 so that the nth is met 1/n as often as the first."""
    dice = random.Random(2)
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    found = dict.fromkeys("".join(dice.choices(syllables, k=1 + (n > 50) + (n > 2_000))) for n in range(200_000))
    words = list(found)[:30_000]
    chances = [1 / (n + 1) for n in range(len(words))]
    return [" ".join(dice.choices(words, chances, k=dice.randint(7, 12))) for _ in range(PHRASES)]


def marks(person: str, nth: int, number: int) -> str:
    """The words that are counted, in a person's nth message, the `number`th of all."""
    words = f" {COMMON}" if nth % 2 == 0 else ""
    if nth % 200 in (7, 108):
        words += f" {MIDDLING}"
    if nth % 50 == 8:
        words += f" {OTHER}"
    if number % 50_000 == 17 or (nth == 60 and not person.startswith("other")):
        words += f" {RARE}"
    return words


COLUMNS = (
    "id, created_at, updated_at, conversation_id, user_id, parent_id, role, content, reasoning, tool_calls, sources,"
    " extra, depth, branch, fork, status, model, finish_reason, prompt_tokens, completion_tokens"
)


def rows(people: dict[str, Person]) -> Iterator[str]:
    """Every message, in the order of their times, as COPY reads them. Fills in the conversations' previews."""
    owners = {held.number: (person, held) for person in people.values() for held in person.conversations}
    keys = sorted(held.message(place) for _, held in owners.values() for place in range(held.length))
    stock, dice = phrases(), random.Random(3)
    for number, whole in enumerate(keys):
        place = whole & 0xFFFFFFFF
        person, held = owners[whole >> 32 & 0xFFFFFFF]
        depth, parent = spot(place)
        by_user, root = depth % 2 == 1, held.message(0)
        # Those of people are shorter than the answers.
        first, *more = (stock[dice.getrandbits(12)] for _ in range(3 if by_user else 7))
        text = f"{first}{marks(person.name, held.first + place, number)} {', '.join(more)}."
        if place == held.leaf:
            held.preview = text[:200]
        moment = f"{datetime.fromtimestamp((whole >> 80) / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}+00"
        above = f"{held.message(parent):032x}" if parent is not None else "\\N"
        branch, fork = (f"{whole:032x}", f"{root:032x}") if is_second_try(place) else (f"{root:032x}", "\\N")
        told = "user\t" if by_user else "assistant\t"
        spent = "\t\t\\N\t\\N" if by_user else f"llama-3.3-70b\tstop\t{900 + place % 700}\t{len(text) // 4}"
        yield (
            f"{whole:032x}\t{moment}\t{moment}\t{held.id}\t{person.id}\t{above}\t{told}{text}\t\t[]\t[]\t{{}}\t"
            f"{depth}\t{branch}\t{fork}\tcomplete\t{spent}\n"
        )


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
