"""The page as people use it: built, served by a real server, and opened in Debian's Chromium.

    def test_one_talks(visitor: Visitor, ada: Conversation, ai: AIServer) -> None:
        ai.says("Good evening.")
        visitor.opens(ada)
        visitor.says("Hello.")
        visitor.sees("Good evening.")

Whatever a test is about, it fails where the page wrote an error to the console, did what its policy forbids, or asked
anybody but its own server for anything.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from apps.accounts.models import User
from apps.conversations.models import Conversation
from config.local.page import WEB, build, has_page
from config.local.terminal import Refused
from tests.factories import make_character, make_conversation
from tests.online import Server

DEVICES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
        "is_mobile": True,
        "device_scale_factor": 2,
    },
}
# Longer than anything takes that works, on a slow machine too.
PATIENCE_MS = 15_000
WATCH = """
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    console.error(`The policy forbids ${violatedDirective}: ${blockedURI}`));
"""
expect.set_options(timeout=PATIENCE_MS)


class Visitor:
    """Somebody in front of the page, on a device of their own."""

    def __init__(self, context: BrowserContext, url: str, device: str) -> None:
        self.context, self.url, self.device = context, url, device
        self.troubles: list[str] = []
        self._borne: list[str] = []
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(WATCH)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.troubles.append(f"uncaught: {error.error}"))
        context.on("request", self._look_where)
        context.on("dialog", self._close)
        self.page: Page = context.new_page()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(f"console: {message.text} ({message.location['url']})")

    def _look_where(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", f"blob:{self.url}/")):
            self.troubles.append(f"asked another: {request.url}")

    def _close(self, dialog: Dialog) -> None:
        if dialog.type != "beforeunload":
            self.troubles.append(f"{dialog.type}: {dialog.message}")
        dialog.accept()

    def opens_another_tab(self) -> "Visitor":
        """The same person on the same device, whose troubles are seen here."""
        tab = copy(self)
        tab.page = self.context.new_page()
        return tab

    def bears(self, pattern: str) -> None:
        """Such a trouble is what this test is about."""
        self._borne.append(pattern)

    def check(self) -> None:
        """That there was no trouble but what was to be borne."""
        left = [each for each in self.troubles if not any(re.search(borne, each) for borne in self._borne)]
        assert not left, "\n".join(left)

    # ── Where one goes ───────────────────────────────────────────────────────────────────────

    @property
    def on_phone(self) -> bool:
        return self.device == "phone"

    @property
    def place(self) -> str:
        return self.page.url.removeprefix(self.url)

    def goes_to(self, place: str = "/") -> None:
        self.page.goto(self.url + place)

    def is_at(self, pattern: str) -> None:
        expect(self.page).to_have_url(re.compile(re.escape(self.url) + pattern + "$"))

    def reloads(self) -> None:
        self.page.reload()

    def is_signed_in_as(self, user: User) -> "Visitor":
        """Without the form, which has tests of its own."""
        client = Client()
        client.force_login(user)
        self.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": self.url}])
        return self

    def opens(self, conversation: Conversation) -> None:
        self.goes_to(f"/c/{conversation.pk}")
        expect(self.page.get_by_role("region", name="What you and")).to_be_visible()

    def opens_the_bar(self) -> Locator:
        """The side bar, which is a drawer on a phone."""
        if self.on_phone:
            self.presses("Open the side bar")
        bar = self.page.locator(".shell-bar")
        expect(bar).to_be_in_viewport()
        return bar

    # ── What one does ────────────────────────────────────────────────────────────────────────

    def presses(self, name: str, within: Locator | None = None, exact: bool = True) -> None:
        (within or self.page).get_by_role("button", name=name, exact=exact).first.click()

    def follows(self, name: str, within: Locator | None = None) -> None:
        (within or self.page).get_by_role("link", name=name).first.click()

    def chooses(self, menu: str, item: str, within: Locator | None = None) -> None:
        self.presses(menu, within)
        entry = self.page.get_by_role("menu").get_by_text(item, exact=True)
        entry.click()

    def fills(self, within: Locator | None = None, /, **fields: str) -> None:
        """By their labels, with spaces for underscores."""
        for label, text in fields.items():
            (within or self.page).get_by_label(label.replace("_", " "), exact=False).first.fill(text)

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name="Say something to")

    def scrolls(self, by: int) -> None:
        """In what was said, by hand."""
        self.page.get_by_role("region", name="What you and").hover()
        self.page.mouse.wheel(0, by)

    def says(self, text: str) -> None:
        self.composer.fill(text)
        if self.on_phone:
            self.presses("Send")
        else:
            self.composer.press("Enter")

    # ── What one sees ────────────────────────────────────────────────────────────────────────

    def sees(self, text: str, within: Locator | None = None) -> None:
        expect((within or self.page.locator("body")).get_by_text(text).filter(visible=True).first).to_be_visible()

    def sees_no(self, text: str, within: Locator | None = None) -> None:
        expect((within or self.page.locator("body")).get_by_text(text).filter(visible=True)).to_have_count(0)

    @property
    def turns(self) -> Locator:
        """The messages, oldest first."""
        return self.page.get_by_role("article")

    def turn(self, text: str) -> Locator:
        return self.turns.filter(has_text=text).last

    @property
    def last_turn(self) -> Locator:
        return self.turns.last

    def sees_turns(self, *texts: str) -> None:
        """These, in this order, and no others."""
        expect(self.page.locator("article .turn-said, article.turn-system")).to_have_text(list(texts))

    def sees_the_end(self) -> None:
        """Of an answer: one can say something again."""
        expect(self.page.get_by_role("button", name="Send", exact=True)).to_be_visible()


# ── Fixtures ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def page_trouble(request: pytest.FixtureRequest) -> str | None:
    """Builds the page, where any test of this run wants it, and tells what was in the way. Before the server starts,
    which looks for its files once."""
    if not any("browser" in getattr(item, "fixturenames", ()) for item in request.session.items):
        return None
    try:
        build(WEB)
    except Refused as refusal:
        return str(refusal)
    return None if has_page(WEB) else "The build made no page."


def find_chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "There is no Chromium to try the page in: install Debian's package `chromium`."
    return found


# As long as it is there, this thread seems to run an event loop, which tests of other modules want to do themselves.
@pytest.fixture(scope="module")
def browser(page_trouble: str | None) -> Iterator[Browser]:
    assert page_trouble is None, page_trouble
    chromium = find_chromium()
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # It is Playwright's loop that Django sees, and it stands still while a test looks into the database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=list(DEVICES))
def device(request: pytest.FixtureRequest) -> str:
    return str(request.param)


Visits = Callable[..., Visitor]


@pytest.fixture
def visits(browser: Browser, device: str, transactional_db: None) -> Iterator[Visits]:
    """`visits(url, **options)`: another visitor, with cookies and storage of their own."""
    visitors: list[Visitor] = []

    def visit(url: str, **options: Any) -> Visitor:
        context = browser.new_context(**{"locale": "en-GB", "color_scheme": "light", **DEVICES[device], **options})
        visitors.append(Visitor(context, url, device))
        return visitors[-1]

    yield visit
    for each in visitors:
        each.context.close()
    for each in visitors:
        each.check()


@pytest.fixture
def visitor(visits: Visits, server: Server) -> Visitor:
    """Nobody yet."""
    return visits(server.url)


@pytest.fixture
def at_home(visitor: Visitor, alice: User) -> Visitor:
    """alice, signed in."""
    return visitor.is_signed_in_as(alice)


@pytest.fixture
def ada(alice: User) -> Conversation:
    """With Ada, who has greeted her."""
    return make_conversation(alice, make_character(alice), title="Clocks")


def dropped(visitor: Visitor, content: bytes, name: str = "card.json") -> None:
    """A file, anywhere on the page, as a hand does it."""
    visitor.page.wait_for_load_state("networkidle")
    visitor.page.evaluate(
        """([bytes, name]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name));
            const target = document.querySelector("main");
            for (const kind of ["dragenter", "dragover", "drop"])
                target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
        }""",
        [list(content), name],
    )
