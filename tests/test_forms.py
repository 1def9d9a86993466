"""What the browsable API's forms send, as browsers send it: every field, empty where nothing was written."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
import requests

from apps.accounts.models import User
from apps.characters.models import Character
from apps.conversations.models import Conversation, Message
from tests.factories import PASSWORD, make_conversation
from tests.online import Server


class Form(HTMLParser):
    """The fields of a page's forms for POST, with what they hold as the page is opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._posts = self._text = False
        self._name = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._posts = found.get("method", "").upper() == "POST" and "_content" not in found.get("id", "")
        if not self._posts or "name" not in found or found["name"].startswith("_"):
            return
        self._name, self._text = found["name"], tag == "textarea"
        if tag in ("input", "textarea", "select") and found.get("type") not in ("checkbox", "submit"):
            self.fields.setdefault(found["name"], found.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._posts and self._text:
            self.fields[self._name] = data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._text = False


class Browser:
    def __init__(self, url: str, user: User) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["Accept"] = "text/html"
        page = self.session.get(f"{url}/api/auth/login/", timeout=30).text
        [token] = re.findall(r'csrfmiddlewaretoken" value="([^"]+)', page)[:1]
        self.send("/api/auth/login/", {"username": user.email, "password": PASSWORD, "csrfmiddlewaretoken": token})

    def fill_in(self, path: str, **written: str) -> requests.Response:
        """Open the page, write into its form, send it whole."""
        form = Form(self.session.get(self.url + path, timeout=30).text)
        assert set(written) <= set(form.fields), form.fields
        return self.send(path, form.fields | written)

    def send(self, path: str, fields: dict[str, str]) -> requests.Response:
        files = {name: (None, value) for name, value in fields.items()}
        return self.session.post(self.url + path, files=files, headers={"Referer": self.url + path}, timeout=30)


@pytest.fixture
def browser(server: Server, alice: User) -> Browser:
    return Browser(server.url, alice)


def test_a_character_is_made_by_its_form(browser: Browser) -> None:
    response = browser.fill_in("/api/characters/", name="Ada")
    assert response.status_code == 201, response.text
    made = Character.objects.get()
    assert (made.name, made.lorebook, made.extensions) == ("Ada", {}, {})


def test_a_conversation_is_begun_by_its_form(browser: Browser, alice: User) -> None:
    browser.fill_in("/api/characters/", name="Ada")
    response = browser.fill_in("/api/conversations/", character=str(Character.objects.get().pk))
    assert response.status_code == 201, response.text
    assert Conversation.objects.get().character_name == "Ada"


@pytest.mark.parametrize("route", ["chat", "messages"])
def test_what_is_said_by_a_form_follows_what_was_said_before(browser: Browser, alice: User, route: str) -> None:
    conversation = make_conversation(alice)
    response = browser.fill_in(f"/api/conversations/{conversation.pk}/{route}/", content="By a form.")
    assert response.status_code == 201, response.text
    assert Message.objects.get(content="By a form.").parent == conversation.active_leaf


def test_json_in_a_form_is_bounded(browser: Browser) -> None:
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    response = browser.fill_in("/api/characters/", name="Ada", extensions=deep)
    assert response.status_code == 400
    assert not Character.objects.exists()


@pytest.mark.parametrize("route", ["chat", "messages"])
def test_the_body_that_is_offered_to_begin_with_names_no_parent(browser: Browser, alice: User, route: str) -> None:
    """Null would mean a new root."""
    page = browser.session.get(f"{browser.url}/api/conversations/{make_conversation(alice).pk}/{route}/", timeout=30)
    [offered] = re.findall(r'<textarea[^>]*name="_content"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)
    assert "content" in offered
    assert "parent" not in offered
