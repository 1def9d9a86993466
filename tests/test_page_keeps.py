"""What becomes of a turn on the page when a tab, a line, a server or a provider fails: it is not lost, nor doubled."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.conversations.models import Conversation, Message, Role
from config.offer import Offer
from tests.ai_server import AIServer
from tests.factories import make_character, make_conversation, say
from tests.online import Server, until
from tests.page import Visitor, Visits
from tests.processes import ServerProcess
from tests.wire import Wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NO_LINE = "No connection. Trying again; nothing is lost."
# What a browser says of a request that failed, whoever is to blame.
FAILED = r"Failed to load resource|net::ERR"


def saved(conversation: Conversation) -> list[tuple[str, str, str]]:
    found = Message.objects.filter(conversation=conversation).order_by("depth", "pk")
    return [(message.role, message.content, message.status) for message in found]


GREETED = ("assistant", "Hello, Alice.", "complete")


def test_a_reload_in_the_middle_of_an_answer_goes_on(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    call = ai.waits("Half ")
    at_home.opens(ada)
    at_home.says("What time is it?")
    at_home.sees_turns("Hello, Alice.", "What time is it?", "Half")
    at_home.reloads()
    at_home.sees_turns("Hello, Alice.", "What time is it?", "Half")
    call.says("past ")
    at_home.sees_turns("Hello, Alice.", "What time is it?", "Half past")
    # Away, and back by the browser's own button.
    at_home.goes_to("/settings")
    call.says("nine, ")
    at_home.page.go_back()
    at_home.sees_turns("Hello, Alice.", "What time is it?", "Half past nine,")
    call.release("I think.")
    at_home.sees_turns("Hello, Alice.", "What time is it?", "Half past nine, I think.")
    at_home.sees_the_end()
    assert saved(ada) == [
        GREETED,
        ("user", "What time is it?", "complete"),
        ("assistant", "Half past nine, I think.", "complete"),
    ]


def test_a_second_tab_follows(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    tab = at_home.opens_another_tab()
    for each in (at_home, tab):
        each.opens(ada)
    call = ai.waits("Half ")
    at_home.says("What time is it?")
    tab.sees_turns("Hello, Alice.", "What time is it?", "Half")
    call.says("past ")
    for each in (at_home, tab):
        each.sees_turns("Hello, Alice.", "What time is it?", "Half past")
    # It is one conversation: what is stopped here is stopped there.
    tab.presses("Stop (Escape)")
    for each in (at_home, tab):
        each.sees("Stopped here.")
        each.sees_the_end()
    tab.chooses("More", "Delete from here", tab.turn("What time is it?"))
    tab.goes_to("/")
    at_home.sees_turns("Hello, Alice.")
    assert saved(ada) == [GREETED]


def test_what_was_typed_survives_a_reload(at_home: Visitor, ada: Conversation, alice: User) -> None:
    other = make_conversation(alice, make_character(alice, name="Bert"), title="Elsewhere")
    at_home.opens(ada)
    at_home.composer.fill("Dear Ada,\n\nI have not")
    at_home.reloads()
    expect(at_home.composer).to_have_value("Dear Ada,\n\nI have not")
    # Each conversation has its own.
    at_home.opens(other)
    expect(at_home.composer).to_have_value("")
    at_home.opens(ada)
    expect(at_home.composer).to_have_value("Dear Ada,\n\nI have not")
    at_home.says("Never mind.")
    at_home.sees("You said: Never mind.")
    at_home.reloads()
    expect(at_home.composer).to_have_value("")


def test_what_was_refused_comes_back_to_where_it_was_typed(at_home: Visitor, ada: Conversation) -> None:
    at_home.bears(FAILED)
    at_home.opens(ada)
    at_home.composer.fill("Hello?")
    Conversation.objects.filter(pk=ada.pk).delete()
    at_home.says("Hello?")
    expect(at_home.page.get_by_role("alert").filter(has_text=re.compile("."))).to_be_visible()
    expect(at_home.composer).to_have_value("Hello?")


def test_without_a_line_a_turn_waits_and_goes_once(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    at_home.bears(FAILED)
    at_home.opens(ada)
    at_home.context.set_offline(True)
    at_home.says("Can you hear me?")
    at_home.sees(NO_LINE)
    at_home.sees("Can you hear me?")
    ai.says("I can.")
    at_home.context.set_offline(False)
    at_home.sees("I can.")
    at_home.sees_the_end()
    at_home.sees_no(NO_LINE)
    assert saved(ada) == [GREETED, ("user", "Can you hear me?", "complete"), ("assistant", "I can.", "complete")]
    assert ai.calls == 1


def test_a_turn_that_waits_for_a_line_survives_a_reload(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    at_home.bears(FAILED)
    at_home.opens(ada)
    at_home.context.set_offline(True)
    at_home.says("Can you hear me?")
    at_home.sees(NO_LINE)
    at_home.context.set_offline(False)
    # Before it has tried again: the page that comes has it to send.
    at_home.reloads()
    until(lambda: len(saved(ada)) == 3 or at_home.composer.input_value() == "Can you hear me?")
    if len(saved(ada)) == 1:
        at_home.presses("Send")
    at_home.sees("You said: Can you hear me?")
    assert [content for _, content, _ in saved(ada)] == [
        "Hello, Alice.",
        "Can you hear me?",
        "You said: Can you hear me?",
    ]


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server.url) as wire:
        yield wire


@pytest.fixture
def far_away(visits: Visits, wire: Wire, alice: User) -> Visitor:
    """alice, by a line that breaks."""
    visitor = visits(wire.url).is_signed_in_as(alice)
    visitor.bears(FAILED)
    return visitor


def test_a_turn_whose_answer_was_lost_on_the_way_is_not_sent_twice(
    far_away: Visitor, wire: Wire, ada: Conversation, ai: AIServer
) -> None:
    ai.says("It is nine.")
    far_away.opens(ada)
    wire.swallows_the_answer_to("POST /api/chat")
    far_away.says("What time is it?")
    assert wire.swallowed.wait(10)
    far_away.sees(NO_LINE)
    wire.mends()
    far_away.sees_turns("Hello, Alice.", "What time is it?", "It is nine.")
    far_away.sees_the_end()
    far_away.sees_no(NO_LINE)
    assert saved(ada) == [GREETED, ("user", "What time is it?", "complete"), ("assistant", "It is nine.", "complete")]
    assert ai.calls == 1


@pytest.fixture
def unhurried(ada: Conversation, settings: Any) -> Conversation:
    """Its model may think for as long as a line takes to be mended."""
    provider = replace(settings.AI_OFFER.sources[0], name="unhurried")
    settings.AI_OFFER = Offer((*settings.AI_OFFER.sources, provider))
    settings.AI_TOKEN_TIMEOUT = settings.AI_TURN_TIMEOUT = 60
    ada.model = f"unhurried/{provider.models[0]}"
    ada.save(update_fields=["model"])
    return ada


def test_an_answer_goes_on_where_the_line_broke(
    unhurried: Conversation, far_away: Visitor, wire: Wire, ada: Conversation, ai: AIServer
) -> None:
    call = ai.waits("Half ")
    far_away.opens(ada)
    far_away.says("What time is it?")
    far_away.sees_turns("Hello, Alice.", "What time is it?", "Half")
    wire.breaks()
    call.says("past ")
    far_away.sees(NO_LINE)
    # What is there stays there.
    far_away.sees_turns("Hello, Alice.", "What time is it?", "Half")
    wire.mends()
    far_away.sees_turns("Hello, Alice.", "What time is it?", "Half past")
    far_away.sees_no(NO_LINE)
    wire.breaks()
    call.release("nine.")
    until(lambda: saved(ada)[-1] == ("assistant", "Half past nine.", "complete"))
    wire.mends()
    far_away.sees_turns("Hello, Alice.", "What time is it?", "Half past nine.")
    far_away.sees_the_end()
    assert (len(saved(ada)), ai.calls) == (3, 1)


def test_what_was_said_elsewhere_a_moment_ago_is_shown_with_the_next_turn(
    at_home: Visitor, ada: Conversation, ai: AIServer
) -> None:
    at_home.opens(ada)
    at_home.sees_turns("Hello, Alice.")
    # In the seconds until the page looks again it does not hear of it.
    looks = f"{at_home.url}/api/conversations/{ada.pk}/"
    as_before = at_home.page.request.get(looks).json()
    at_home.page.route(looks, lambda route: route.fulfill(json=as_before))
    say(ada, "I write from the train.")
    say(ada, "Have a safe journey.", Role.ASSISTANT)
    call = ai.waits("It is ")
    at_home.says("What time is it?")
    at_home.sees("It is")
    at_home.page.unroute(looks)
    call.release("nine.")
    at_home.sees_turns(
        "Hello, Alice.", "I write from the train.", "Have a safe journey.", "What time is it?", "It is nine."
    )


@pytest.fixture
def settings_file(at_home: Visitor) -> re.Pattern[str]:
    """What the page loads when one goes to the settings."""
    at_home.bears(r"Failed to|net::ERR|dynamically imported")
    return re.compile(r"/static/web/assets/Settings-.*\.js")


def test_what_does_not_load_leaves_the_rest(
    at_home: Visitor, ada: Conversation, settings_file: re.Pattern[str]
) -> None:
    at_home.opens(ada)
    at_home.page.route(settings_file, lambda route: route.abort())
    at_home.opens_the_bar()
    at_home.follows("Settings")
    at_home.sees("Something went wrong here")
    # One goes elsewhere, or tries again.
    at_home.page.go_back()
    at_home.sees_turns("Hello, Alice.")
    at_home.page.go_forward()
    at_home.sees("Something went wrong here")
    at_home.page.unroute(settings_file)
    at_home.presses("Load the page again")
    at_home.sees("What characters call you")


@pytest.mark.parametrize(("menu", "file"), [("", "MenuPopup"), ("The model", "ModelDialog")])
def test_a_menu_or_a_dialog_that_does_not_load_takes_nothing_along(
    at_home: Visitor, ada: Conversation, menu: str, file: str
) -> None:
    at_home.bears(r"Failed to|net::ERR|dynamically imported")
    at_home.opens(ada)
    at_home.page.route(re.compile(f"/static/web/assets/{file}-.*\\.js"), lambda route: route.abort())
    at_home.presses("This conversation")
    if menu:
        at_home.page.get_by_role("menu").get_by_text(menu, exact=True).click()
    at_home.sees("This did not load.")
    at_home.says("Are you there?")
    at_home.sees_turns("Hello, Alice.", "Are you there?", "You said: Are you there?")


def test_after_an_upgrade_the_page_of_now_is_loaded(
    at_home: Visitor, ada: Conversation, settings_file: re.Pattern[str]
) -> None:
    at_home.opens(ada)
    at_home.composer.fill("Not sent yet")
    # The server has other files now, and another page, that names them.
    at_home.page.route(settings_file, lambda route: route.fulfill(status=404), times=1)
    at_home.page.route(f"{at_home.url}/", lambda route: route.fulfill(body="<!doctype html>another"), times=1)
    at_home.opens_the_bar()
    at_home.follows("Settings")
    at_home.sees("What characters call you")
    at_home.opens(ada)
    expect(at_home.composer).to_have_value("Not sent yet")


# ── Servers and providers that fail ──────────────────────────────────────────────────────────


@pytest.fixture
def process(transactional_db: None, ai: AIServer) -> Iterator[ServerProcess]:
    # The lease of one that is gone runs out sooner.
    process = ServerProcess(DRAIN_SECONDS="0.5", AI_TURN_TIMEOUT="60", AI_TOKEN_TIMEOUT="60")
    process.start()
    yield process
    ai.reset()
    process.remove()


def test_an_answer_that_a_killed_server_left_is_shown_as_such_and_made_anew(
    process: ServerProcess, visits: Visits, alice: User, ada: Conversation, ai: AIServer
) -> None:
    visitor = visits(process.url).is_signed_in_as(alice)
    visitor.bears(FAILED)
    call = ai.waits("Half past ", pieces=2)
    visitor.opens(ada)
    visitor.says("What time is it?")
    visitor.sees_turns("Hello, Alice.", "What time is it?", "Half past")
    call.says("nine, ")
    until(lambda: "nine" in visitor.last_turn.inner_text())
    process.kill()
    visitor.sees(NO_LINE)
    process.start()
    visitor.sees("This was cut short: the server went down while it was written.")
    visitor.sees_no(NO_LINE)
    assert Message.objects.get(role="assistant", depth=2).status == "interrupted"
    ai.says("It is nine.")
    visitor.presses("Answer anew")
    visitor.sees_turns("Hello, Alice.", "What time is it?", "It is nine.")
    visitor.sees_the_end()
    assert Message.objects.filter(role="user").count() == 1
    assert sorted(Message.objects.filter(depth=2).values_list("status", flat=True)) == ["complete", "interrupted"]


def test_a_busy_provider_says_when_to_try_again(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    ai.fails(429, retry_after=42, times=3)
    at_home.opens(ada)
    at_home.says("What time is it?")
    at_home.sees("busy", at_home.last_turn)
    expect(at_home.last_turn).to_contain_text(re.compile(r"\b(4[0-2]|3\d) s"))
    ai.reset()
    ai.says("It is nine.")
    at_home.presses("Try again", at_home.last_turn)
    at_home.sees_turns("Hello, Alice.", "What time is it?", "It is nine.")
    at_home.sees_the_end()
    assert Message.objects.filter(role="user").count() == 1
    # There are two answers now, and the way back to the other.
    at_home.presses("The version before", at_home.last_turn)
    at_home.sees("busy", at_home.last_turn)


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_an_answer_whose_provider_dropped_it_keeps_what_was_written(
    at_home: Visitor, ada: Conversation, ai: AIServer
) -> None:
    ai.drops_after(3)
    at_home.opens(ada)
    at_home.says("Tell me a tale.")
    at_home.sees("Once upon a")
    expect(at_home.last_turn.get_by_role("button", name="Try again")).to_be_visible()
    at_home.reloads()
    at_home.sees("Once upon a")
    ai.says("Once upon a time there was a clock.")
    at_home.presses("Try again", at_home.last_turn)
    at_home.sees_turns("Hello, Alice.", "Tell me a tale.", "Once upon a time there was a clock.")
