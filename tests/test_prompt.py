"""What the model is sent, as a person would read it."""

from textwrap import dedent

import pytest

from apps.chat.prompt import Cast, Prompt, Said, build_prompt, tokens

DEFAULT = "Write {{char}}'s next reply to {{user}}."

ADA = Cast(
    char="Ada",
    user="Robin",
    default_system_prompt=DEFAULT,
    persona="A traveller.",
    description="{{char}} repairs clocks.",
    personality="patient",
    scenario="Fog. {{user}} knocks.",
    topic="The long clock",
    example_dialogue="<START>\n{{user}}: Lonely?\n{{char}}: Hardly.\n<START>\n{{char}}: Mind the stair.",
    post_history_instructions="Keep it short, {{char}}.",
)

TALK = [Said("assistant", "Come in."), Said("user", "Thank you."), Said("assistant", "Tea?"), Said("user", "Please.")]


def as_text(prompt: Prompt) -> str:
    return "\n".join(f"[{message['role']}]\n{message['content']}" for message in prompt)


def test_a_whole_prompt() -> None:
    assert as_text(build_prompt(ADA, TALK, budget=4000)) == dedent("""\
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


def test_the_characters_system_prompt_replaces_the_default_and_may_hold_it() -> None:
    cast = Cast("Ada", "Robin", DEFAULT, system_prompt="First. {{original}} Last. {{original}}")
    assert build_prompt(cast, [], 4000)[0]["content"] == "First. Write Ada's next reply to Robin. Last."


def test_names_are_filled_in_whatever_their_case_or_their_letters() -> None:
    cast = Cast(r"A\1da", "R{{char}}", "{{CHAR}} <BOT> <char> meets {{User}} <USER>")
    assert build_prompt(cast, [], 4000)[0]["content"] == r"A\1da A\1da A\1da meets R{{char}} R{{char}}"


def test_the_oldest_turns_go_first_and_the_new_one_never() -> None:
    fields = Cast("Ada", "Robin", DEFAULT)
    head = tokens("Write Ada's next reply to Robin.")
    last_two = tokens("Tea?") + tokens("Please.")
    assert [m["content"] for m in build_prompt(fields, TALK, head + last_two)[1:]] == ["Tea?", "Please."]
    assert [m["content"] for m in build_prompt(fields, TALK, head + last_two - 1)[1:]] == ["Please."]
    assert [m["content"] for m in build_prompt(fields, TALK, 0)[1:]] == ["Please."]


def test_rows_without_text_are_left_out_and_user_turns_are_not_merged() -> None:
    talk = [Said("user", "One."), Said("assistant", " \n"), Said("user", "Two.")]
    assert build_prompt(Cast("A", "R", ""), talk, 4000) == [
        {"role": "user", "content": "One."},
        {"role": "user", "content": "Two."},
    ]


@pytest.mark.parametrize(("text", "least", "most"), [("", 4, 4), ("a" * 350, 100, 108), ("時" * 100, 85, 104)])
def test_tokens_are_estimated_near_enough(text: str, least: int, most: int) -> None:
    assert least <= tokens(text) <= most
