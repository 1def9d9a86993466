"""The page for everybody: axe finds nothing on any screen, light or dark, and all of it is done by keyboard alone."""

from types import SimpleNamespace

import pytest
from playwright.sync_api import Locator, expect

from apps.accounts.models import User
from apps.conversations.models import Conversation, Message
from config.local.page import WEB
from tests.ai_server import AIServer
from tests.factories import PASSWORD, make_character, make_conversation
from tests.online import Server, until
from tests.page import Visitor, Visits

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

# WCAG 2.2 to AA, and what axe's makers call good practice.
AXE = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html, any, all }) =>
        `${id}: ${help}: ${html.slice(0, 160)} ${[...any, ...all].map(({ message }) => message).join(" ")}`));
}"""
EDITED = ["depth", "lorebook", "tools", "knowledge", "model", "sharing"]
SETTINGS = ["account", "appearance", "memory", "usage", "keys", "data"]
MARKDOWN = """# A list

- [x] wound
- [ ] `oiled`, as [the book](https://example.com) says

> *Slowly.*

| clock | time |
|---|---|
| hall | nine |

```python
wind("the clock on the stairs, which has stopped again, and nobody in the house would say when it had")
```"""


def seen_by_axe(visitor: Visitor) -> list[str]:
    # Colours that are on their way are no colours yet.
    until(lambda: visitor.page.evaluate("document.getAnimations().every((it) => it.playState !== 'running')"))
    visitor.page.evaluate((WEB / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found: list[str] = visitor.page.evaluate(AXE)
    return found


@pytest.fixture(params=["light", "dark"])
def reader(request: pytest.FixtureRequest, visits: Visits, server: Server) -> Visitor:
    """Nobody yet, by day and by night."""
    return visits(server.url, color_scheme=request.param, reduced_motion="reduce")


def check(visitor: Visitor, *places: str) -> None:
    found: dict[str, list[str]] = {}
    for place in places:
        visitor.goes_to(place)
        visitor.page.wait_for_load_state("networkidle")
        found[place] = seen_by_axe(visitor)
    none_of(found)


def none_of(found: dict[str, list[str]]) -> None:
    assert not any(found.values()), "\n".join(f"{where}: {what}" for where, each in found.items() for what in each)


def test_axe_finds_nothing_at_the_door(reader: Visitor) -> None:
    check(reader, "/sign-in", "/sign-up")


def test_axe_finds_nothing_on_any_screen(reader: Visitor, alices: SimpleNamespace, alice: User) -> None:
    reader.is_signed_in_as(alice)
    character = alices.character.pk
    check(
        reader,
        *("/", "/characters", "/characters/new", f"/characters/{character}", f"/characters/{character}/edit"),
        *(f"/characters/{character}/edit/{part}" for part in EDITED),
        *("/search", "/search?q=clock", "/no/such/place"),
        *(f"/settings/{part}" for part in SETTINGS),
    )


def test_axe_finds_nothing_for_a_newcomer(reader: Visitor, alice: User) -> None:
    reader.is_signed_in_as(alice)
    check(reader, "/", "/characters", "/search?q=nothing")


def test_axe_finds_nothing_in_a_talk(reader: Visitor, ada: Conversation, alice: User, ai: AIServer) -> None:
    reader.is_signed_in_as(alice)
    ai.says(MARKDOWN, reasoning="They want a list.")
    reader.opens(ada)
    reader.says("A list!")
    reader.sees_the_end()
    found = {"the talk": seen_by_axe(reader)}
    ai.fails(500, times=3)
    reader.presses("Another answer", reader.last_turn)
    reader.sees("Try again", reader.last_turn)
    found["a failure"] = seen_by_axe(reader)
    reader.presses("Say something else instead", reader.turn("A list!"))
    found["an edit"] = seen_by_axe(reader)
    reader.presses("Cancel")
    for menu, item in (("This conversation", "What the model is told"), ("This conversation", "Keyboard")):
        reader.presses(menu)
        expect(reader.page.get_by_role("menu")).to_be_visible()
        found[menu] = seen_by_axe(reader)
        reader.page.get_by_role("menu").get_by_text(item, exact=True).click()
        expect(reader.page.get_by_role("dialog")).to_be_visible()
        reader.page.wait_for_load_state("networkidle")
        found[item] = seen_by_axe(reader)
        reader.page.keyboard.press("Escape")
        expect(reader.page.get_by_role("dialog")).to_have_count(0)
    reader.presses("The scene: who you are, what this is about")
    expect(reader.page.get_by_role("dialog")).to_be_visible()
    found["the scene"] = seen_by_axe(reader)
    reader.page.keyboard.press("Escape")
    reader.chooses("More", "Delete from here", reader.last_turn)
    expect(reader.page.get_by_role("button", name="Undo")).to_be_visible()
    found["undo"] = seen_by_axe(reader)
    reader.presses("Undo")
    if reader.on_phone:
        reader.opens_the_bar()
        found["the side bar"] = seen_by_axe(reader)
    none_of(found)


# ── By keyboard ──────────────────────────────────────────────────────────────────────────────


class Keyboard:
    """Hands that have nothing else."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.press = visitor.page.keyboard.press
        self.types = visitor.page.keyboard.type

    def tabs_to(self, goal: Locator, key: str = "Tab") -> None:
        """And sees on the way where the focus is."""
        expect(goal).to_be_attached()
        seen = []
        for _ in range(120):
            self.press(key)
            if goal.evaluate("(it) => it === document.activeElement"):
                assert self.is_shown(), "It has the focus, and nobody can see that."
                return
            seen.append(self.visitor.page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))
        raise AssertionError(f"{goal} is not reached by {key}; what is: {list(dict.fromkeys(seen))}")

    def is_shown(self) -> bool:
        return bool(
            self.visitor.page.evaluate(
                """() => { const style = getComputedStyle(document.activeElement);
                return style.outlineStyle !== "none" || style.boxShadow !== "none"
                    || document.activeElement.closest(".composer-box") !== null; }"""
            )
        )


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_one_comes_in_and_talks_by_keyboard_alone(visitor: Visitor, alice: User, ai: AIServer) -> None:
    make_character(alice, alternate_greetings=["Good evening."])
    keys, page = Keyboard(visitor), visitor.page
    visitor.goes_to("/")
    keys.tabs_to(page.get_by_label("E-mail"))
    keys.types("alice@example.com")
    keys.press("Tab")
    keys.types(PASSWORD)
    keys.press("Enter")
    visitor.is_at("/")
    keys.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    keys.press("Enter")
    keys.tabs_to(page.get_by_role("main").get_by_role("button", name="Ada").first)
    keys.press("Enter")
    visitor.is_at("/c/.+")
    visitor.sees("Hello, Alice.")
    expect(visitor.composer).to_be_focused()
    # Another greeting, by the arrows of what was said.
    region = page.get_by_role("region", name="What you and")
    keys.tabs_to(region, "Shift+Tab")
    keys.press("ArrowRight")
    visitor.sees_turns("Good evening.")
    keys.press("ArrowLeft")
    visitor.sees_turns("Hello, Alice.")
    keys.tabs_to(visitor.composer)
    call = ai.waits("It is ")
    keys.types("What time is it?")
    keys.press("Enter")
    visitor.sees("It is")
    keys.press("Escape")
    visitor.sees("Stopped here.")
    assert call.client_gone.wait(10)
    # Another answer, and back.
    ai.says("It is nine.")
    keys.tabs_to(region, "Shift+Tab")
    keys.press("r")
    visitor.sees_turns("Hello, Alice.", "What time is it?", "It is nine.")
    visitor.sees_the_end()
    region.focus()
    keys.press("ArrowLeft")
    visitor.sees("Stopped here.")
    keys.press("ArrowRight")
    visitor.sees_turns("Hello, Alice.", "What time is it?", "It is nine.")
    # What stands under a message: a rating, and a menu that is gone through by arrows.
    keys.tabs_to(visitor.last_turn.get_by_role("button", name="Good answer"))
    keys.press("Space")
    until(lambda: Message.objects.filter(rating=1).exists())
    keys.tabs_to(visitor.last_turn.get_by_role("button", name="More"))
    keys.press("Enter")
    menu = page.get_by_role("menu")
    expect(menu).to_be_focused()
    keys.press("ArrowUp")
    expect(menu.get_by_role("menuitem", name="Delete from here")).to_be_focused()
    keys.press("Escape")
    expect(menu).to_have_count(0)
    expect(visitor.last_turn.get_by_role("button", name="More")).to_be_focused()
    # An edit: the arrow up in an empty line.
    ai.says("It is Monday.")
    keys.tabs_to(visitor.composer)
    keys.press("ArrowUp")
    expect(page.get_by_role("textbox", name="What you say instead")).to_be_focused()
    keys.press("Control+a")
    keys.types("What day is it?")
    keys.press("Control+Enter")
    visitor.sees_turns("Hello, Alice.", "What day is it?", "It is Monday.")
    visitor.sees_the_end()
    # Dialogs keep the focus, and give it back.
    scene = page.get_by_role("button", name="The scene: who you are, what this is about")
    keys.tabs_to(scene, "Shift+Tab")
    keys.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(12):
        keys.press("Tab")
        expect(page.locator("[role=dialog] :focus, [data-base-ui-focus-guard]:focus")).to_have_count(1)
    keys.press("Escape")
    expect(dialog).to_have_count(0)
    expect(scene).to_be_focused()
    keys.press("Control+/")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    keys.press("Escape")
    # And out.
    keys.tabs_to(page.get_by_role("link", name="Settings"))
    keys.press("Enter")
    visitor.is_at("/settings.*")
    assert Conversation.objects.count() == 1


@pytest.mark.parametrize("device", ["phone"], indirect=True)
def test_the_drawer_keeps_and_returns_the_focus(at_home: Visitor, ada: Conversation, alice: User) -> None:
    other = make_conversation(alice, make_character(alice, name="Bert"), title="Elsewhere")
    at_home.opens(ada)
    button = at_home.page.get_by_role("button", name="Open the side bar")
    button.focus()
    at_home.page.keyboard.press("Enter")
    bar = at_home.page.locator(".shell-bar")
    expect(bar.locator(":focus")).to_have_count(1)
    expect(at_home.page.locator("main")).to_have_attribute("inert", "")
    at_home.page.keyboard.press("Escape")
    expect(button).to_be_focused()
    at_home.page.keyboard.press("Enter")
    bar.get_by_role("link", name="Elsewhere").focus()
    at_home.page.keyboard.press("Enter")
    at_home.is_at(f"/c/{other.pk}")
    expect(at_home.page.locator("main")).not_to_have_attribute("inert", "")
