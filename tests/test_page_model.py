"""A newcomer's first conversation on the page, with the model that `make run` brings."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.launched import Run
from tests.page import Visits

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_the_demo_answers(visits: Visits, run: Callable[..., Run]) -> None:
    first = run()
    visitor = visits(first.url)
    visitor.goes_to("/")
    visitor.presses("Enter as the demo user")
    visitor.page.get_by_role("main").get_by_role("button", name=re.compile("Ada")).first.click()
    visitor.is_at("/c/.+")
    visitor.says("Good evening! Who are you?")
    expect(visitor.page.get_by_role("button", name="Send", exact=True)).to_be_visible(timeout=120_000)
    expect(visitor.turns).to_have_count(3)
    said = visitor.last_turn.locator(".turn-said").inner_text()
    assert said.strip()
    conversation = visitor.place.rpartition("/")[2]
    kept = visitor.context.request.get(f"{first.url}/api/conversations/{conversation}/messages/").json()["results"]
    assert [message["role"] for message in kept] == ["assistant", "user", "assistant"]
    assert (kept[0]["status"], bool(kept[0]["content"].strip())) == ("complete", True)
    assert kept[0]["completion_tokens"] > 0
    visitor.reloads()
    expect(visitor.turns).to_have_count(3)
    assert visitor.last_turn.locator(".turn-said").inner_text() == said
    assert first.stop() == 0
