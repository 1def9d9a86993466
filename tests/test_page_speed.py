"""What the page weighs, and what it keeps: none of it is a matter of how fast a machine is (bench/page.py is)."""

import re

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.conversations.models import Conversation
from config.local.page import WEB
from tests.ai_server import AIServer
from tests.factories import grow, make_character, make_conversation
from tests.page import Visitor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

LOADED = "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => /\\.js$/.test(name))"
# From the first on, also those from before this was run.
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
    for (const entry of list.getEntries())
        if (!entry.hadRecentInput)
            window.shifts.push([entry.value, ...entry.sources.map(({ node }) => node?.className ?? node?.nodeName)]);
}).observe({ type: "layout-shift", buffered: false });
"""
WORDS = "The clock on the stairs had stopped again, and nobody in the house would say when it had. "


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_first_load_is_light(at_home: Visitor, ada: Conversation) -> None:
    for place in ("/sign-in", "/", f"/c/{ada.pk}"):
        at_home.goes_to(place)
        at_home.page.wait_for_load_state("networkidle")
        loaded = [name.rpartition("/")[2] for name in at_home.page.evaluate(LOADED)]
        assert loaded
        sizes = {name: (WEB / "dist" / "assets" / f"{name}.gz").stat().st_size for name in set(loaded)}
        assert sum(sizes.values()) <= 180 * 1024, sizes


def test_ten_thousand_messages_are_a_few_nodes(at_home: Visitor, alice: User) -> None:
    conversation = make_conversation(alice, make_character(alice), title="Long")
    grow(conversation, 10_000)
    at_home.opens(conversation)
    at_home.sees("Line 9999.")
    most = at_home.turns.count()
    for _ in range(12):  # what was said before is loaded as one goes there
        at_home.scrolls(-4000)
        at_home.page.wait_for_timeout(120)
        most = max(most, at_home.turns.count())
    assert most < 200
    assert int(re.sub(r"\D", "", at_home.turns.first.locator(".turn-said").inner_text())) < 9_950
    at_home.presses("To the newest")
    at_home.sees("Line 9999.")
    assert at_home.turns.count() < 200


def test_nothing_moves_while_an_answer_grows(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    grow(ada, 12)
    at_home.opens(ada)
    at_home.page.wait_for_load_state("networkidle")
    at_home.page.evaluate(SHIFTS)
    ai.says((WORDS * 5 + "\n\n") * 4 + "That is all.", delay=0.005)
    at_home.says("Tell me all of it.")
    at_home.sees("That is all.")
    at_home.sees_the_end()
    at_home.page.wait_for_timeout(300)
    expect(at_home.last_turn).to_be_in_viewport()
    assert at_home.page.evaluate("window.shifts") == []


def test_who_reads_what_was_said_before_is_not_pulled_away(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    grow(ada, 30)
    call = ai.waits(WORDS * 3)
    at_home.opens(ada)
    at_home.says("Tell me all of it.")
    at_home.sees("when it had.")
    region = at_home.page.get_by_role("region", name="What you and")
    at_home.scrolls(-600)
    expect(at_home.page.get_by_role("button", name="To the newest")).to_be_visible()
    at_home.page.wait_for_timeout(300)
    before = region.evaluate("(it) => it.scrollTop")
    call.says(WORDS * 10)
    call.release("That is all.")
    at_home.sees_the_end()
    assert abs(region.evaluate("(it) => it.scrollTop") - before) < 2
    at_home.presses("To the newest")
    expect(at_home.last_turn).to_be_in_viewport()
