"""Talking on the page: every thing that one can do with what was said, and what is in the database then."""

import re

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.conversations.models import Conversation, Message
from tests.ai_server import AIServer
from tests.factories import make_character, make_conversation, make_document, make_tool, say
from tests.online import until
from tests.page import Visitor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def path_of(conversation: Conversation) -> list[tuple[str, str]]:
    """What the conversation is now, oldest first."""
    conversation.refresh_from_db()
    message, path = conversation.active_leaf, []
    while message:
        path.append((message.role, message.content))
        message = message.parent
    return path[::-1]


def test_an_answer_streams_in_is_stopped_and_goes_on(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    call = ai.waits("The clock ", pieces=2)
    at_home.opens(ada)
    at_home.sees_turns("Hello, Alice.")
    at_home.says("What time is it?")
    at_home.sees_turns("Hello, Alice.", "What time is it?", "The clock")
    expect(at_home.last_turn).to_have_attribute("aria-busy", "true")
    call.says("in the hall ")
    at_home.sees_turns("Hello, Alice.", "What time is it?", "The clock in the hall")
    at_home.presses("Stop (Escape)")
    at_home.sees("Stopped here.")
    at_home.sees_the_end()
    assert Message.objects.get(role="assistant", depth=2).status == "stopped"
    ai.says("in the hall has stopped.")
    at_home.presses("Go on", at_home.last_turn)
    at_home.sees_turns("Hello, Alice.", "What time is it?", re.compile("The clock in the hall.*has stopped."))  # type: ignore[arg-type]
    at_home.sees_the_end()
    at_home.sees_no("Stopped here.")
    # The keyboard does it, too.
    call = ai.waits("Half ")
    at_home.says("And now?")
    at_home.sees("Half")
    at_home.page.keyboard.press("Escape")
    at_home.sees("Stopped here.")
    assert [role for role, _ in path_of(ada)] == ["assistant", "user", "assistant", "user", "assistant"]


def test_another_answer_and_the_way_between_them(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    ai.says("It is nine.")
    at_home.opens(ada)
    at_home.says("What time is it?")
    at_home.sees("It is nine.")
    at_home.sees_the_end()
    ai.says("It is ten.")
    at_home.presses("Another answer", at_home.last_turn)
    at_home.sees_turns("Hello, Alice.", "What time is it?", "It is ten.")
    at_home.sees("2/2", at_home.last_turn)
    at_home.presses("The version before", at_home.last_turn)
    at_home.sees("It is nine.")
    at_home.sees("1/2", at_home.last_turn)
    until(lambda: path_of(ada)[-1] == ("assistant", "It is nine."))
    at_home.presses("The next version", at_home.last_turn)
    at_home.sees("It is ten.")
    # After the last one there is another.
    ai.says("It is eleven.")
    at_home.presses("Another answer", at_home.last_turn.get_by_role("group", name="Versions"))
    at_home.sees("3/3", at_home.last_turn)
    at_home.sees("It is eleven.")
    at_home.reloads()
    at_home.sees("It is eleven.")
    at_home.sees("3/3", at_home.last_turn)


def test_a_finger_or_an_arrow_turns_the_versions(at_home: Visitor, alice: User) -> None:
    character = make_character(alice, alternate_greetings=["Good evening.", "You again?"])
    conversation = make_conversation(alice, character, title="Greetings")
    at_home.opens(conversation)
    at_home.sees_turns("Hello, Alice.")
    at_home.sees("1/3")
    for text in ("Good evening.", "You again?"):
        if at_home.on_phone:
            swipe_left(at_home)
        else:
            at_home.page.get_by_role("region", name="What you and").press("ArrowRight")
        at_home.sees_turns(text)
    until(lambda: path_of(conversation) == [("assistant", "You again?")])
    # There is no fourth, and nobody is asked to make one.
    expect(at_home.page.get_by_role("button", name="The next version")).to_be_disabled()


def swipe_left(visitor: Visitor) -> None:
    """Across the last message, as a finger does it."""
    box = visitor.last_turn.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    devtools = visitor.context.new_cdp_session(visitor.page)
    for kind, x in (("touchStart", 300), ("touchMove", 200), ("touchMove", 100), ("touchEnd", None)):
        points = [] if x is None else [{"x": x, "y": y}]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_turn_is_said_differently(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    ai.says("It is nine.")
    at_home.opens(ada)
    at_home.says("What time is it?")
    at_home.sees("It is nine.")
    at_home.sees_the_end()
    ai.says("It is Monday.")
    at_home.presses("Say something else instead", at_home.turn("What time is it?"))
    at_home.page.get_by_role("textbox", name="What you say instead").fill("What day is it?")
    at_home.presses("Say this instead")
    at_home.sees_turns("Hello, Alice.", "What day is it?", "It is Monday.")
    at_home.sees_the_end()
    # Both are there, as versions; on a desk the arrow up begins an edit, and Escape leaves it.
    at_home.presses("The version before", at_home.turn("What day is it?"))
    at_home.sees_turns("Hello, Alice.", "What time is it?", "It is nine.")
    until(lambda: path_of(ada)[-1] == ("assistant", "It is nine."))
    assert Message.objects.filter(conversation=ada).count() == 5
    at_home.composer.press("ArrowUp")
    expect(at_home.page.get_by_role("textbox", name="What you say instead")).to_have_value("What time is it?")
    at_home.page.keyboard.press("Escape")
    expect(at_home.page.get_by_role("textbox", name="What you say instead")).to_have_count(0)


def test_an_answer_is_edited_rated_copied_and_forked(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    at_home.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ai.says("It is **nine**.")
    at_home.opens(ada)
    at_home.says("What time is it?")
    at_home.sees("It is nine.")
    at_home.sees_the_end()
    expect(at_home.last_turn.locator("strong")).to_have_text("nine")
    at_home.presses("Copy", at_home.last_turn)
    at_home.sees("Copied.")
    assert at_home.page.evaluate("navigator.clipboard.readText()") == "It is **nine**."
    at_home.presses("Good answer", at_home.last_turn)
    expect(at_home.last_turn.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    answer = Message.objects.get(role="assistant", depth=2)
    until(lambda: Message.objects.get(pk=answer.pk).rating == 1)
    at_home.presses("Bad answer", at_home.last_turn)
    until(lambda: Message.objects.get(pk=answer.pk).rating == -1)
    expect(at_home.last_turn.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    at_home.presses("Bad answer", at_home.last_turn)
    until(lambda: Message.objects.get(pk=answer.pk).rating is None)
    at_home.chooses("More", "Edit the text", at_home.last_turn)
    at_home.page.get_by_role("textbox", name="What Ada said").fill("It is ten.")
    at_home.presses("Save")
    at_home.sees_turns("Hello, Alice.", "What time is it?", "It is ten.")
    until(lambda: Message.objects.get(pk=answer.pk).content == "It is ten.")
    at_home.chooses("More", "Fork here", at_home.turn("What time is it?"))
    at_home.sees("A conversation of its own, up to here.")
    at_home.sees_turns("Hello, Alice.", "What time is it?")
    assert Conversation.objects.count() == 2
    assert path_of(ada)[-1] == ("assistant", "It is ten.")


def test_what_is_deleted_comes_back_or_is_gone(at_home: Visitor, ada: Conversation) -> None:
    for text in ("One.", "Two.", "Three."):
        say(ada, text)
        say(ada, f"{text}…", "assistant")
    at_home.opens(ada)
    at_home.chooses("More", "Delete from here", at_home.turns.nth(3))
    at_home.sees_no("Two.")
    at_home.presses("Undo")
    at_home.sees("Three.…")
    assert Message.objects.filter(conversation=ada).count() == 7
    at_home.chooses("More", "Delete from here", at_home.turns.nth(3))
    at_home.sees_no("Two.")
    # Whoever leaves meant it.
    at_home.goes_to("/")
    until(lambda: Message.objects.filter(conversation=ada).count() == 3)
    at_home.opens(ada)
    at_home.sees_turns("Hello, Alice.", "One.", "One.…")


def test_tools_thoughts_and_sources_are_shown(at_home: Visitor, alice: User, ai: AIServer) -> None:
    character = make_character(alice)
    character.tools.add(make_tool(alice, "roll", "dice"))
    make_document(character, "Lighthouses", "The lighthouse at Skagen was built in 1858. {{char}} wound its clock.")
    conversation = make_conversation(alice, character, title="Dice")
    ai.calls_tool("roll", {"dice": "1d1+6"}, text="Let me see.")
    ai.says("You rolled seven.", reasoning="They want a number.")
    at_home.opens(conversation)
    at_home.says("When was the lighthouse built? Roll for it!")
    at_home.sees("You rolled seven.")
    at_home.sees_the_end()
    for _ in range(2):  # as it came, and as it is kept
        answer = at_home.last_turn
        answer.locator("summary", has_text="roll").click()
        at_home.sees('"dice": "1d1+6"', answer)
        at_home.sees('"total"', answer)
        answer.locator("summary", has_text="Thoughts").click()
        at_home.sees("They want a number.", answer)
        at_home.presses("Lighthouses", answer)
        at_home.sees("was built in 1858")
        at_home.page.keyboard.press("Escape")
        at_home.reloads()
        at_home.sees("You rolled seven.")


def test_a_tool_that_failed_says_so(at_home: Visitor, alice: User, ai: AIServer) -> None:
    character = make_character(alice)
    character.tools.add(make_tool(alice, "roll", "dice"))
    conversation = make_conversation(alice, character, title="Dice")
    ai.calls_tool("roll", {"dice": "a handful"})
    ai.says("I cannot.")
    at_home.opens(conversation)
    at_home.says("Roll!")
    at_home.sees("I cannot.")
    at_home.last_turn.locator("summary", has_text="roll failed").click()
    at_home.sees("a handful", at_home.last_turn)


def test_it_is_told_why_the_prompt_is_what_it_is(at_home: Visitor, alice: User) -> None:
    book = {
        "entries": [
            {"name": "The lamp", "keys": ["lighthouse"], "content": "The lamp is lit by Greta."},
            {"name": "Bread", "keys": ["bread"], "content": "Bread needs flour."},
        ]
    }
    conversation = make_conversation(alice, make_character(alice, lorebook=book), title="Lamps")
    say(conversation, "Who is at the lighthouse?")
    at_home.opens(conversation)
    at_home.chooses("This conversation", "What the model is told")
    told = at_home.page.get_by_role("dialog")
    at_home.sees("The lamp", told)
    at_home.sees("by lighthouse", told)
    at_home.sees_no("Bread", told)
    told.locator("summary").last.click()
    at_home.sees("Who is at the lighthouse?", told)
    at_home.page.keyboard.press("Escape")
    expect(told).to_have_count(0)


def test_one_says_who_one_is_and_what_it_is_about(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    at_home.opens(ada)
    at_home.presses("The scene: who you are, what this is about")
    scene = at_home.page.get_by_role("dialog", name="The scene")
    at_home.fills(scene, Who_you_are_here="Captain Nemo", What_there_is_to_know="Lives under water.")
    at_home.fills(scene, What_this_conversation_is_about="Finding a lost clock.")
    # Whoever closes it, or reloads, finds what they wrote.
    at_home.page.keyboard.press("Escape")
    expect(scene).to_have_count(0)
    at_home.reloads()
    at_home.presses("The scene: who you are, what this is about")
    at_home.sees("changes of yours that were not saved", scene)
    expect(scene.get_by_label("Who you are here")).to_have_value("Captain Nemo")
    at_home.presses("Cancel", scene)
    at_home.presses("The scene: who you are, what this is about")
    expect(scene.get_by_label("Who you are here")).to_have_value("")
    at_home.fills(scene, Who_you_are_here="Captain Nemo", What_there_is_to_know="Lives under water.")
    at_home.fills(scene, What_this_conversation_is_about="Finding a lost clock.")
    at_home.presses("Save", scene)
    expect(scene).to_have_count(0)
    ada.refresh_from_db()
    assert (ada.persona_name, ada.persona_description, ada.topic) == (
        "Captain Nemo",
        "Lives under water.",
        "Finding a lost clock.",
    )
    at_home.says("Here I am.")
    at_home.sees("You said: Here I am.")
    told = str(ai.heard[-1]["messages"])
    assert "Captain Nemo" in told
    assert "Lives under water." in told
    assert "Finding a lost clock." in told


def test_another_model_answers_in_this_conversation(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    at_home.opens(ada)
    at_home.chooses("This conversation", "The model")
    dialog = at_home.page.get_by_role("dialog", name="The model")
    dialog.get_by_role("combobox", name="Model", exact=True).select_option("second-model")
    dialog.get_by_label("Temperature").fill("0.5")
    at_home.presses("Save", dialog)
    expect(dialog).to_have_count(0)
    at_home.says("What time is it?")
    at_home.sees("You said: What time is it?")
    assert (ai.heard[-1]["model"], ai.heard[-1]["temperature"]) == ("second-model", 0.5)
    # And the character's own again.
    at_home.chooses("This conversation", "The model")
    dialog.get_by_role("combobox", name="Model", exact=True).select_option("")
    dialog.get_by_label("Temperature").fill("")
    at_home.presses("Save", dialog)
    expect(dialog).to_have_count(0)
    ada.refresh_from_db()
    assert (ada.model, ada.temperature, ada.stop) == ("", None, None)
