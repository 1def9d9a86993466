"""What an entry depends on beside its keys: time, chance, and the others of its group."""

from collections.abc import Collection, Sequence

from apps.characters.chance import LIMIT, drawn
from apps.chat.lorebook.entries import Entry
from apps.chat.lorebook.scene import Scene, State

# Entries that a turn notes for the next one: of more those that fired last.
MOST_REMEMBERED = 1_000


def chance(*told: str) -> float:
    """From 0 to below 1."""
    return drawn(*told) / LIMIT


def is_open(entry: Entry, scene: Scene) -> bool:
    asked = entry.conditions
    return entry.enabled and (
        asked.always
        or (
            not asked.never
            and scene.answers >= asked.only_after
            and (not asked.only_every or scene.answers % asked.only_every == 0)
            # Where nobody knows the greeting, none is asked for.
            and (asked.greeting is None or scene.greeting is None or asked.greeting == scene.greeting)
            and scene.length >= entry.delay
        )
    )


def is_sticky(entry: Entry, scene: Scene, state: State) -> bool:
    return bool(state and entry.sticky) and scene.length < state.get(entry.identity, {}).get("sticky", 0)


def is_cooling(entry: Entry, scene: Scene, state: State) -> bool:
    return bool(state and entry.cooldown) and scene.length < state.get(entry.identity, {}).get("cooldown", 0)


def has_matched(entry: Entry, state: State) -> bool:
    return bool(state) and "matched" in state.get(entry.identity, {})


def remembered(fired: Collection[Entry], scene: Scene, state: State) -> State:
    """What the next turn is to know. A cooldown begins where the entry is no longer sticky."""
    kept: State = {
        identity: dict(notes)
        for identity, notes in state.items()
        if "matched" in notes or scene.length < max(notes.get("sticky", 0), notes.get("cooldown", 0))
    }
    for entry in fired:
        if not entry.remembers:
            continue
        notes = kept.setdefault(entry.identity, {})
        if entry.conditions.after_match is not None:
            notes["matched"] = 1
        if not is_sticky(entry, scene, state):
            notes["at"] = scene.length
            if entry.sticky:
                notes["sticky"] = scene.length + entry.sticky
            if entry.cooldown:
                notes["cooldown"] = scene.length + entry.sticky + entry.cooldown
    if len(kept) <= MOST_REMEMBERED:
        return kept
    newest = sorted(kept.items(), key=lambda noted: -noted[1].get("at", 0))
    return dict(newest[:MOST_REMEMBERED])


def losers(matched: Sequence[Entry], fired: Collection[Entry], scene: Scene, state: State) -> set[int]:
    """The places of those that lose in one of their groups: to one that is there already, to those that are sticky, to
    the highest order among those that override, else by the draw."""
    lost: set[int] = set()
    taken = {group for entry in fired for group in entry.groups}
    groups: dict[str, list[Entry]] = {}
    for entry in matched:
        for group in entry.groups:
            groups.setdefault(group, []).append(entry)
    for group, members in groups.items():
        rivals = [entry for entry in members if entry.place not in lost]
        sticky = [entry for entry in rivals if is_sticky(entry, scene, state)]
        winners = [] if group in taken else sticky or rivals[:1]
        if len(rivals) > 1 and not sticky and group not in taken:
            winners = [_winner(rivals, scene.seed, group)]
        lost |= {entry.place for entry in rivals} - {entry.place for entry in winners}
    return lost


def _winner(rivals: Sequence[Entry], seed: str, group: str) -> Entry:
    if overriding := [entry for entry in rivals if entry.group_override]:
        return max(overriding, key=lambda entry: (entry.order, -entry.place))
    drawn = chance(seed, "group", group) * sum(entry.group_weight for entry in rivals)
    for entry in rivals:
        drawn -= entry.group_weight
        if drawn < 0:
            return entry
    return rivals[-1]
