"""What strangers write, on the page: nothing of it runs, nothing is fetched, nothing breaks.

That nothing is asked of anybody else, that no dialog opens and that no policy has to step in is seen to with every
visitor (tests/page.py)."""

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.characters.models import Character
from apps.conversations.models import Conversation
from tests.ai_server import AIServer
from tests.endpoints import CARD
from tests.factories import make_character, make_conversation, make_document, make_tool, make_user, say
from tests.page import Visitor, dropped

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HTML = (
    '<img src=x onerror="alert(1)"><script>alert(2)</script><svg onload="alert(3)"></svg>'
    '<iframe src="https://evil.example/"></iframe><style>*{display:none}</style><base href="https://evil.example/">'
    '<meta http-equiv="refresh" content="0;url=https://evil.example"><a href="javascript:alert(4)">here</a>'
)
MARKDOWN = (
    "[run](javascript:alert(5)) [run](JaVaScRiPt:alert(6)) [run](data:text/html,<script>alert(7)</script>)"
    " [run](vbscript:alert) [run](&#106;avascript:alert(8)) [near](//evil.example/) [path](/api/auth/users/me/)"
    " ![far](https://evil.example/p.png) ![near](//evil.example/p.png) ![back](/\\evil.example/p.png)"
    " ![svg](data:text/html;base64,PHNjcmlwdD4=) <https://evil.example/auto> <javascript:alert(9)>"
    " [ref][evil] ![ref][evil]\n\n[evil]: https://evil.example/ref.png\n"
)
RTL = "\u202eecalp eht morf\u202c \u2066\u200f\u061c\u200b\ufeff"
SHORT = f'{RTL}<img src=x onerror="alert(1)">![p](https://evil.example/p.png)'
ALL = f"{HTML}\n\n{MARKDOWN}\n\n{RTL}"
# What has nothing to do with a character's words.
FORBIDDEN = (
    "iframe, base, main img[src^='http'], script:not([src]), [onerror], [onload],"
    " a[href^='javascript' i], a[href^='data' i]"
)


def unharmed(visitor: Visitor) -> None:
    visitor.page.wait_for_load_state("networkidle")
    expect(visitor.page.locator(FORBIDDEN)).to_have_count(0)
    expect(visitor.page.locator("#root, body > div").first).to_be_visible()
    wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{visitor.place} is too wide by {wide}"


@pytest.fixture
def strangers() -> Character:
    """A public character; whoever made it means no good."""
    texts = "description personality scenario system_prompt first_message example_dialogue post_history_instructions"
    return make_character(
        make_user("greta@example.com", display_name=SHORT[:100]),
        **dict.fromkeys([*texts.split(), "creator_notes"], ALL),
        name=SHORT,
        nickname=SHORT,
        creator=SHORT,
        character_version=SHORT[:100],
        tags=[SHORT[:100], "<b>bold</b>", "x" * 100],
        alternate_greetings=[ALL, MARKDOWN],
        visibility="public",
        prompt_visible=True,
        lorebook={"entries": [{"name": SHORT, "keys": ["evening"], "content": ALL}]},
    )


def test_a_strangers_character_does_no_harm(at_home: Visitor, strangers: Character, alice: User, ai: AIServer) -> None:
    for place in ("/", "/characters?scope=public", f"/characters/{strangers.pk}"):
        at_home.goes_to(place)
        at_home.sees("ecalp eht morf")
        unharmed(at_home)
    at_home.page.get_by_role("button", name="Talk").first.click()
    at_home.is_at("/c/.+")
    at_home.sees("<script>alert(2)</script>")
    ai.says(ALL, reasoning=ALL)
    at_home.says("Good evening.")
    at_home.sees_the_end()
    unharmed(at_home)
    hrefs = at_home.last_turn.locator("a").evaluate_all("(all) => all.map((it) => [it.href, it.rel, it.target])")
    assert hrefs
    assert all(href.startswith("https://evil.example/") for href, _, _ in hrefs)
    assert {(rel, target) for _, rel, target in hrefs} == {("noreferrer noopener", "_blank")}
    at_home.chooses("This conversation", "What the model is told")
    at_home.sees("by ", at_home.page.get_by_role("dialog"))
    unharmed(at_home)
    Conversation.objects.update(title=SHORT)
    at_home.reloads()
    expect(at_home.page.get_by_role("heading", level=1)).to_contain_text("onerror")
    unharmed(at_home)
    at_home.goes_to("/search?q=evening")
    at_home.page.wait_for_load_state("networkidle")
    unharmed(at_home)


def test_what_is_found_is_shown_as_it_was_written(at_home: Visitor, ada: Conversation) -> None:
    say(ada, f"evening <mark>x</mark> &lt;mark&gt; {ALL}")
    ada.title = SHORT
    ada.save(update_fields=["title"])
    at_home.goes_to("/search?q=evening")
    expect(at_home.page.locator("main mark").first).to_have_text("evening")
    unharmed(at_home)


def test_tools_and_sources_do_no_harm(at_home: Visitor, alice: User, ai: AIServer) -> None:
    character = make_character(alice)
    character.tools.add(make_tool(alice, "roll", "dice"))
    make_document(character, SHORT, f"The lighthouse was built in 1858. {HTML[:300]}")
    conversation = make_conversation(alice, character, title=SHORT, persona_name=SHORT[:100], topic=SHORT)
    ai.calls_tool("roll", {"dice": ALL, HTML: [MARKDOWN]})
    ai.calls_tool(HTML, "not JSON " + ALL)
    ai.says(ALL)
    at_home.opens(conversation)
    at_home.says("When was the lighthouse built?")
    at_home.sees_the_end()
    for summary in at_home.last_turn.locator("summary").all():
        summary.click()
    at_home.last_turn.get_by_role("list", name="Sources").get_by_role("button").first.click()
    at_home.sees("The lighthouse was built in 1858.")
    unharmed(at_home)
    at_home.reloads()
    at_home.sees("<script>alert(2)</script>")
    unharmed(at_home)


def test_a_card_file_does_no_harm(at_home: Visitor) -> None:
    at_home.goes_to("/characters")
    dropped(at_home, card(name=SHORT, description=ALL, first_mes=ALL, creator_notes=ALL, tags=[SHORT[:100]]))
    at_home.is_at("/characters/.+")
    at_home.sees("ecalp eht morf")
    unharmed(at_home)
    character = Character.objects.get()
    assert character.first_message == ALL
    at_home.goes_to(f"/characters/{character.pk}/edit")
    unharmed(at_home)


def test_what_is_no_card_is_refused_with_a_sentence(at_home: Visitor) -> None:
    at_home.bears("400")
    for content in (b"\x00" * 100, b"{}", b'{"spec": "chara_card_v2", "data": []}', "\u202e".encode()):
        at_home.goes_to("/characters")
        dropped(at_home, content)
        at_home.sees("This is no card")
    assert not Character.objects.exists()


def test_very_much_text_is_shown_and_the_page_goes_on(at_home: Visitor, ada: Conversation, ai: AIServer) -> None:
    million = "The clock strikes. " * 50_000 + "\n\n" + "x" * 50_000
    ai.says(million, pieces=20)
    at_home.opens(ada)
    at_home.says("Say it all.")
    at_home.sees_the_end()
    unharmed(at_home)
    ai.says("Now you know.")
    at_home.says("Thank you.")
    at_home.sees("Now you know.")
    at_home.reloads()
    at_home.sees("Now you know.")


def test_what_cannot_be_kept_is_refused_clearly(at_home: Visitor, ada: Conversation) -> None:
    at_home.bears("400")
    at_home.opens(ada)
    # A field takes no NUL from a keyboard; from a script it does.
    at_home.page.evaluate(
        """() => { const area = document.querySelector("textarea");
        Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(area, "a\\0b");
        area.dispatchEvent(new Event("input", { bubbles: true })); }"""
    )
    at_home.presses("Send")
    alert = at_home.page.get_by_role("alert").filter(has_text="ull")
    expect(alert).to_be_visible()
    ada.refresh_from_db()
    assert ada.message_count == 1


def card(**fields: Any) -> bytes:
    return json.dumps({**CARD, "data": {**CARD["data"], **fields}}).encode()
