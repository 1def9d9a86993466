"""What the model is sent, as a person would read it."""

from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest

from apps.characters.macros import Macros
from apps.chat import lorebook
from apps.chat.lorebook import Fired, Lore, Scene
from apps.chat.prompt import Built, Cast, Said, Scale, Summarised, build_prompt

DEFAULT = "Write {{char}}'s next reply to {{user}}."

ADA = Cast(
    default_system_prompt=DEFAULT,
    persona="A traveller.",
    description="{{char}} repairs clocks.",
    personality="patient",
    scenario="Fog. {{user}} knocks.",
    topic="The long clock",
    example_dialogue="<START>\n{{user}}: Lonely?\n{{char}}: Hardly.\n<START>\n{{char}}: Mind the stair.",
    post_history_instructions="Keep it short, {{char}}.",
)

BARE = Cast("")

SCALE = Scale(4.0)


def talk(*lines: str, first: int = 0) -> list[Said]:
    """The character and the user in turn, the user last."""
    roles = ["user", "assistant"] * len(lines)
    depths = range(first, first + len(lines))
    return [
        Said(roles[len(lines) - 1 - at], line, depth)
        for at, (line, depth) in enumerate(zip(lines, depths, strict=True))
    ]


TALK = talk("Come in.", "Thank you.", "Tea?", "Please.")
TALK = [Said("assistant", "Come in."), *talk("Thank you.", "Tea?", "Please.", first=1)]


def lore(content: str, position: str = "before_char", **more: Any) -> Lore:
    given = {"depth": 0, "role": "system", "order": 100, "trimmed_first": False, **more}
    given.setdefault("rank", (not given["trimmed_first"], given["order"], given["order"], 0))
    return Lore(
        name=content.split()[0],
        content=content,
        fired_by="key",
        through="",
        position=position,  # type: ignore[arg-type]
        tokens=SCALE.tokens(content),
        **given,
    )


def fired(*entries: Lore, disabled: tuple[str, ...] = ()) -> Fired:
    return Fired(list(entries), [], {}, frozenset(disabled))


def build(
    cast: Cast = ADA,
    history: list[Said] = TALK,
    budget: int = 4000,
    names: tuple[str, str] = ("Ada", "Robin"),
    **more: Any,
) -> Built:
    texts = {name: getattr(cast, name) for name in ("persona", "description", "personality", "scenario")}
    given = {"macros": Macros(*names, texts), "fired": fired(), "scale": SCALE, **more}
    return build_prompt(cast, history, budget=budget, **given)


def as_text(built: Built) -> str:
    return "\n".join(f"[{message['role']}]\n{message['content']}" for message in built.messages)


def told(built: Built) -> list[str]:
    return [message["content"] for message in built.messages]


def why(built: Built) -> list[tuple[str, str]]:
    return [(each.what, each.name) for each in built.dropped]


def test_a_whole_prompt() -> None:
    assert as_text(build()) == dedent("""\
        [system]
        Write Ada's next reply to Robin.

        Robin: A traveller.

        Ada repairs clocks.

        Ada's personality: patient

        Scenario: Fog. Robin knocks.

        This conversation is about: The long clock

        Example of how Ada talks:
        Robin: Lonely?
        Ada: Hardly.

        Example of how Ada talks:
        Ada: Mind the stair.
        [assistant]
        Come in.
        [user]
        Thank you.
        [assistant]
        Tea?
        [user]
        Please.
        [system]
        Keep it short, Ada.""")


def test_lore_stands_where_it_says() -> None:
    places = [
        *("before_char", "after_char", "before_desc", "after_desc", "personality", "scenario"),
        *("note_top", "note_bottom", "examples_top", "examples_bottom"),
    ]
    deep = [
        lore("Deep zero.", "at_depth", depth=0),
        lore("Deep one, first.", "at_depth", depth=1, role="user"),
        lore("Deep one, second.", "at_depth", depth=1),
        lore("Deep nine.", "at_depth", depth=9, role="assistant"),
    ]
    entries = [lore(f"<{place}>", place) for place in places]
    assert as_text(build(fired=fired(*deep, *entries))) == dedent("""\
        [system]
        Write Ada's next reply to Robin.

        <before_char>

        Robin: A traveller.

        <before_desc>

        Ada repairs clocks.

        <after_desc>

        Ada's personality: patient

        <personality>

        Scenario: Fog. Robin knocks.

        <scenario>

        <after_char>

        <note_top>

        This conversation is about: The long clock

        <note_bottom>

        <examples_top>

        Example of how Ada talks:
        Robin: Lonely?
        Ada: Hardly.

        Example of how Ada talks:
        Ada: Mind the stair.

        <examples_bottom>
        [assistant]
        Deep nine.
        [assistant]
        Come in.
        [user]
        Thank you.
        [assistant]
        Tea?
        [user]
        Deep one, first.
        [system]
        Deep one, second.
        [user]
        Please.
        [system]
        Deep zero.
        [system]
        Keep it short, Ada.""")


def test_a_long_talk_with_a_summary() -> None:
    history = talk(*(f"Line {n}. " + "word " * 40 for n in range(100, 140)), first=100)
    built = build(history=history, whole=False, budget=420, summary=Summarised("They met in the fog.", 90))
    assert as_text(built) == dedent("""\
        [system]
        Write Ada's next reply to Robin.

        Robin: A traveller.

        Ada repairs clocks.

        Ada's personality: patient

        Scenario: Fog. Robin knocks.

        This conversation is about: The long clock

        What happened before, in short:
        They met in the fog.
        """) + "\n".join(f"[{said.role}]\n{said.content}" for said in history[-6:]) + (
        "\n[system]\nKeep it short, Ada."
    )
    assert [(each.what, each.name, each.why) for each in built.dropped] == [
        ("examples", "2 of 2", "example dialogue makes room for the history"),
        ("history", "the first 91 messages", "the summary tells of them"),
        ("history", "43 messages before the oldest that is told", "the context is full"),
    ]
    assert built.kept_from == 134


@pytest.mark.parametrize("where", ["system_prompt", "post_history_instructions"])
def test_the_default_prompt_where_a_card_asks_for_it(where: str) -> None:
    card = replace(BARE, default_system_prompt=DEFAULT, **{where: "First. {{ original }} Last.{{Original}}"})
    original = "Write Ada's next reply to Robin." if where == "system_prompt" else ""
    assert f"First. {original} Last." in told(build(card))


def test_lore_can_turn_the_default_prompt_off() -> None:
    prompt = build(replace(BARE, default_system_prompt=DEFAULT), fired=fired(disabled=("system_prompt",)))
    assert told(prompt) == [said.content for said in TALK]


def test_names_and_macros_are_filled_in_the_fields_and_not_in_what_was_said() -> None:
    card = Cast(
        "",
        description="<BOT> {{random:x}} {{CHAR}} meets {{user}} {{persona}}",
        persona="<USER>!",
    )
    assert told(build(card, [Said("user", "{{char}}?")], names=(r"A\1da", "R{{char}}"))) == [
        r"R{{char}}: R{{char}}!" + "\n\n" + r"A\1da x A\1da meets R{{char}} R{{char}}!",
        "{{char}}?",
    ]


def test_nothing_is_said_of_what_is_blank() -> None:
    assert build(BARE, TALK[:1]).messages == [{"role": "assistant", "content": "Come in."}]
    assert build(BARE, []).messages == []


def test_going_on_is_asked_for_last_and_lore_does_not_come_between() -> None:
    history = [*TALK, Said("assistant", "With milk", 4)]
    prompt = build(replace(ADA, example_dialogue=""), history, goes_on=True, fired=fired(lore("Deep.", "at_depth")))
    assert told(prompt)[-3:-1] == ["Deep.", "With milk"]
    assert told(prompt)[-1] == (
        "Keep it short, Ada.\n\nContinue Ada's last message exactly where it stops. Repeat nothing of it."
    )


def least(*history: Said, **more: Any) -> int:
    """The least budget that leaves nothing of these out."""
    return build(BARE, list(history), 100_000, **more).tokens + 8


def test_examples_go_before_the_history() -> None:
    card = replace(BARE, example_dialogue="<START>one<START>two<START>three")
    all_of_it = build(card).tokens + 8
    assert "three" in told(build(card, budget=all_of_it))[0]
    fewer = build(card, budget=all_of_it - 9)
    assert "one" in told(fewer)[0]
    assert "three" not in told(fewer)[0]
    assert why(fewer) == [("examples", "1 of 3")]
    assert told(build(card, budget=least(*TALK))) == [said.content for said in TALK]


def test_the_oldest_turns_go_first_and_the_newest_never() -> None:
    budget = least(*TALK[2:])
    assert told(build(BARE, budget=budget)) == ["Tea?", "Please."]
    assert told(build(BARE, budget=budget - 9)) == ["Please."]
    assert told(build(BARE, budget=0)) == ["Please."]
    assert why(build(BARE, budget=0)) == [("history", "3 messages before the oldest that is told")]


def test_lore_that_asks_for_it_goes_before_the_examples() -> None:
    card = replace(BARE, example_dialogue="<START>one")
    entries = fired(lore("Stays."), lore("Goes at once.", trimmed_first=True))
    whole = build(card, fired=entries).tokens + 8
    assert why(build(card, fired=entries, budget=whole)) == []
    less = build(card, fired=entries, budget=whole - 6)
    assert why(less) == [("lore", "Goes")]
    assert "Stays.\n\nExample of how Ada talks:\none" in told(less)


def test_lore_gives_way_to_the_newest_turn_lowest_order_first() -> None:
    entries = fired(lore("One " * 80, order=1), lore("Three " * 80, order=3), lore("Two " * 80, order=2))
    prompt = build(BARE, budget=least(TALK[-1]) + 125, fired=entries)
    assert told(prompt) == [("Three " * 80).strip(), "Please."]
    assert why(prompt)[:2] == [("lore", "One"), ("lore", "Two")]


def test_lore_gives_way_by_priority_as_within_its_book() -> None:
    ranked = [("One", 1, 9), ("Two", 2, 2), ("Three", 3, 1)]
    entries = [
        {"name": name, "keys": ["please"], "content": "Lore " * 80, "insertion_order": order, "priority": priority}
        for name, order, priority in ranked
    ]
    fired = lorebook.fire(
        lorebook.read({"entries": entries}),
        Scene([("user", "Please.")], 1),
        budget=10_000,
        tokens=SCALE.tokens,
        macros=Macros("A", "R"),
    )
    prompt = build(BARE, budget=least(TALK[-1]) + 125, fired=fired)
    assert why(prompt)[:2] == [("lore", "Three"), ("lore", "Two")]


def test_a_summary_needs_room() -> None:
    assert told(build(BARE, budget=0, summary=Summarised("Before.", 1))) == ["Please."]
    assert ("summary", "") in why(build(BARE, budget=0, summary=Summarised("Before.", 1)))
    assert "Before." not in as_text(build(BARE, summary=Summarised("Before.", 1)))


def test_the_parts_tell_where_the_tokens_go() -> None:
    built = build(fired=fired(lore("Deep.", "at_depth", depth=1), lore("Before it all.")))
    assert {part.name: part.message for part in built.parts} == {
        **dict.fromkeys(["system_prompt", "lore_before_char", "persona", "description", "personality", "scenario"], 0),
        **dict.fromkeys(["topic", "examples"], 0),
        "history": 1,
        "lore_at_depth": 4,
        "post_history_instructions": 6,
    }
    assert built.tokens == sum(part.tokens for part in built.parts)
    size = sum(len(content) for content in told(built))
    assert size / 4 < built.tokens < size / 4 + 8 * len(built.messages) + 20
    assert (
        build(budget=built.tokens + 8, fired=fired(lore("Deep.", "at_depth", depth=1), lore("Before it all."))).dropped
        == []
    )


def test_scripts_of_many_bytes_count_a_token_a_letter() -> None:
    scale = Scale(3.5)
    assert scale.tokens("古い灯台の時計" * 100) >= 100 * 6
    assert 220 < scale.tokens("The keeper winds forty clocks before the fog comes in. " * 16) < 280
