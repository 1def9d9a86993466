"""Which entries fire, what set them off, and what has room."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from apps.characters.macros import Macros
from apps.chat.lorebook import gates
from apps.chat.lorebook.entries import Book, Entry, Position, Rank, Role
from apps.chat.lorebook.matching import Matcher, Text, ends, whole
from apps.chat.lorebook.scene import Scene, State

# Books of strangers: no more rounds, no more of a content looked through, no more characters filled.
MOST_ROUNDS = 50
MOST_SCANNED = 20_000
MOST_FILLED = 1_000_000

OVER_BUDGET = "the lorebook's budget is spent"
TOO_LONG = "it alone is longer than the lorebook's budget"
NOT_LOOKED_FOR = "the lorebook has too many keys for texts of this length: it was not looked for to the end"
UNREAD = "the lorebook has more entries or keys than are read"
OF_ITS_GROUP = "another entry of its group was taken"


@dataclass(frozen=True, slots=True)
class Lore:
    """An entry that is told. `fired_by` is the key as it is written, or why none was needed; `through` names the entry
    in whose content the key was found, where it was in no message. Of the lowest `rank` is what goes first."""

    name: str
    content: str
    fired_by: str
    through: str
    position: Position
    depth: int
    role: Role
    order: int
    tokens: int
    trimmed_first: bool
    rank: Rank


@dataclass(frozen=True, slots=True)
class Fired:
    """`lore` stands in the order in which it is told, `dropped` are those that were set off and are not told, with why;
    `state` is for the next turn; `disabled_prompts` are our own prompts that an entry turns off."""

    lore: list[Lore] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    state: State = field(default_factory=dict)
    disabled_prompts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cause:
    by: str
    through: str = ""


def fire(
    book: Book,
    scene: Scene,
    *,
    budget: int,
    tokens: Callable[[str], int],
    macros: Macros,
    state: State | None = None,
) -> Fired:
    """`budget` in tokens, which the book's own may lower; `macros` are for contents. `state` is what the turn before
    this one left."""
    firing = _Firing(book, scene, state or {}, macros, tokens, budget)
    causes = firing.run()
    fired = [entry for entry in book.entries if entry.place in causes]
    lore = [
        (entry, _lore(entry, causes[entry.place], entry.position, content, firing.sizes[entry.place]))
        for entry in sorted(fired, key=lambda entry: (entry.order, entry.place))
        if entry.position and (content := firing.filled[entry.place])
    ]
    over = _over_budget(lore, budget, book.token_budget)
    # What has no room was not said: it is not remembered, and turns nothing off.
    kept = [entry for entry in fired if entry.place not in over]
    unread = [(f"the last {book.unread} entries", UNREAD)] if book.unread else []
    return Fired(
        lore=[each for entry, each in lore if entry.place not in over],
        dropped=[*firing.dropped, *unread, *((each.name, OVER_BUDGET) for entry, each in lore if entry.place in over)],
        state=gates.remembered(kept, scene, state or {}),
        disabled_prompts=frozenset(prompt for entry in kept for prompt in entry.disables),
    )


def _lore(entry: Entry, cause: Cause, position: Position, content: str, tokens: int) -> Lore:
    return Lore(
        name=entry.name,
        content=content,
        fired_by=cause.by,
        through=cause.through,
        position=position,
        depth=entry.depth,
        role=entry.role,
        order=entry.order,
        tokens=tokens,
        trimmed_first=entry.trimmed_first,
        rank=entry.rank,
    )


def _over_budget(lore: Sequence[tuple[Entry, Lore]], budget: int, books: int | None) -> set[int]:
    """The places of those that go, the lowest rank first."""
    sizes = {entry.place: each.tokens for entry, each in lore}
    entries = sorted((entry for entry, _ in lore), key=lambda entry: entry.rank)
    over: set[int] = set()
    for limit, counted in ((books, [each for each in entries if not each.ignores_budget]), (budget, entries)):
        left = sum(sizes[entry.place] for entry in counted if entry.place not in over)
        for entry in counted:
            if limit is not None and left > limit and entry.place not in over:
                over.add(entry.place)
                left -= sizes[entry.place]
    return over


class _Firing:
    """Rounds: the first looks through the messages, each further one through what the round before has set off."""

    def __init__(
        self,
        book: Book,
        scene: Scene,
        state: State,
        macros: Macros,
        tokens: Callable[[str], int],
        budget: int,
    ) -> None:
        self.book, self.scene, self.state = book, scene, state
        self.macros, self.tokens, self.budget = macros, tokens, budget
        self.matcher = Matcher()
        self.causes: dict[int, Cause] = {}
        self.out: set[int] = set()
        self.dropped: list[tuple[str, str]] = []
        self.filled: dict[int, str] = {}
        self.sizes: dict[int, int] = {}
        self.length = 0  # of all that was filled
        self.said: list[Text] = []
        self.first = 0  # of the messages that any entry looks at
        # Contents that can set off others: of the last round by the name of their entry, and each round's together.
        self.fresh: list[tuple[str, Text]] = []
        self.told: list[Text] = []
        self.hits: dict[int, Cause] = {}

    def run(self) -> dict[int, Cause]:
        """By place, why."""
        waiting = [entry for entry in self.book.entries if gates.is_open(entry, self.scene)]
        depths = [self._depth(entry) for entry in waiting]
        self.first = max(len(self.scene.texts) - max(depths, default=0), 0)
        self.said = ends([text for _, text in self.scene.texts[self.first :]])
        last = max((entry.recursion_level for entry in waiting), default=0) if self.book.recursive else 0
        for round_ in range(MOST_ROUNDS):
            matched = {entry.place: cause for entry in waiting if (cause := self._cause(entry, round_))}
            if self.matcher.spent:
                for entry in waiting:
                    if entry.is_looked_for and entry.place not in matched:
                        self._drop(entry, NOT_LOOKED_FOR)
            self.fresh = []
            self._take([entry for entry in waiting if entry.place in matched], matched)
            waiting = [entry for entry in waiting if entry.place not in self.causes and entry.place not in self.out]
            if self.fresh:
                self.told.append(whole(*(each.raw for _, each in self.fresh)))
            elif round_ >= last:
                break
            if sum(self.sizes.values()) > self._limit():
                # What others set off is not to push out what was spoken of.
                break
        return self.causes

    def _cause(self, entry: Entry, round_: int) -> Cause | None:
        if entry.conditions.always:
            return Cause("@@activate")
        hit = self._hit(entry, round_)
        if entry.recursion_level > round_ or (round_ and entry.excludes_recursion):
            return None
        if gates.is_sticky(entry, self.scene, self.state):
            return Cause("sticky")
        if gates.is_cooling(entry, self.scene, self.state):
            return None
        keeps = entry.conditions.after_match
        if keeps is not None and gates.has_matched(entry, self.state):
            return Cause("@@keep_activate_after_match") if keeps else None
        texts = [self._messages(entry), *self.told]
        if not self.matcher.allows(entry, texts):
            return None
        if entry.constant:
            return Cause("constant")
        return hit if hit and self.matcher.suits(entry, texts) else None

    def _hit(self, entry: Entry, round_: int) -> Cause | None:
        """What of its keys was found so far. Each text is looked through once."""
        if entry.place not in self.hits and (not round_ or self.fresh):
            asked = self.told[-1] if round_ else self._messages(entry)
            if key := self.matcher.found(entry.keys, asked):
                by_name = (name for name, one in self.fresh if self.matcher.found([key], one))
                self.hits[entry.place] = Cause(key.written, next(by_name, "") if round_ else "")
        return self.hits.get(entry.place)

    def _take(self, matched: Sequence[Entry], causes: dict[int, Cause]) -> None:
        """Those that matched in this round, but for the losers of their groups and of chance."""
        fired = [entry for entry in self.book.entries if entry.place in self.causes]
        lost = gates.losers(matched, fired, self.scene, self.state)
        for entry in matched:
            if entry.place in lost:
                self._drop(entry, OF_ITS_GROUP)
            elif not self._lucky(entry):
                self._drop(entry, f"chance: {entry.probability:g} in 100")
            elif self.length > MOST_FILLED:
                self._drop(entry, OVER_BUDGET)
            else:
                self._tell(entry, causes[entry.place])

    def _limit(self, entry: Entry | None = None) -> int:
        """Tokens that an entry may have at the most, or all of them together."""
        books = self.book.token_budget
        return self.budget if books is None or (entry and entry.ignores_budget) else min(books, self.budget)

    def _tell(self, entry: Entry, cause: Cause) -> None:
        filled, hidden = self.macros.fill_hiding(entry.content, of=f"lore {entry.place}")
        filled = filled.strip()
        self.length += len(filled)
        size = self.tokens(filled) if filled and entry.position else 0
        if size > self._limit(entry):
            self._drop(entry, TOO_LONG)
            return
        self.causes[entry.place], self.filled[entry.place], self.sizes[entry.place] = cause, filled, size
        if self.book.recursive and not entry.prevents_recursion:
            self.fresh.append((entry.name, whole("\n".join([filled[:MOST_SCANNED], *hidden])[: 2 * MOST_SCANNED])))

    def _lucky(self, entry: Entry) -> bool:
        if entry.probability >= 100 or entry.conditions.always or gates.is_sticky(entry, self.scene, self.state):
            return True
        return gates.chance(self.scene.seed, "probability", entry.identity) * 100 < entry.probability

    def _drop(self, entry: Entry, why: str) -> None:
        self.out.add(entry.place)
        self.dropped.append((entry.name, why))

    def _depth(self, entry: Entry) -> int:
        """How many of the newest messages the entry, or its book, looks at."""
        return entry.scan_depth if entry.scan_depth is not None else self.book.scan_depth

    def _messages(self, entry: Entry) -> Text:
        first = max(len(self.scene.texts) - self._depth(entry), self.first)
        return self.said[first - self.first]
