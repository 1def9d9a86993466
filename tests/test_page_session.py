"""The page's sign-in: a session cookie, its CSRF token, and that all which the page asks for goes by the two."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from django.conf import settings as configured
from django.core.management import call_command
from rest_framework.test import APIClient

from apps.accounts.models import Session, User
from apps.characters.models import Character
from apps.conversations.models import Conversation, Message
from tests.ai_server import AIServer
from tests.conftest import signed_in
from tests.endpoints import CARD
from tests.factories import PASSWORD, make_conversation, make_picture
from tests.online import Server, chunks
from tests.refusals import refused

SESSION = "/api/auth/session/"
ME = "/api/auth/users/me/"
ALICE = {"email": "alice@example.com", "password": PASSWORD}
NEW_PASSWORD = "a tidy clockwork"

pytestmark = pytest.mark.django_db


class Page:
    """A browser's: it keeps cookies, and sends the CSRF token as a script of the page would."""

    def __init__(self) -> None:
        self.client = APIClient(enforce_csrf_checks=True)
        self.client.get(SESSION)

    @property
    def token(self) -> str:
        return str(self.client.cookies["csrftoken"].value)

    def session(self) -> Any:
        return self.client.get(SESSION).json()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        options = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.generic(method, path, headers={"X-CSRFToken": self.token, **headers}, **options)

    def sign_in(self, email: str = ALICE["email"], password: str = PASSWORD) -> Any:
        return self.ask("POST", SESSION, {"email": email, "password": password})


@pytest.fixture
def page() -> Page:
    return Page()


def test_nobody_is_signed_in_at_first() -> None:
    client = APIClient()
    response = client.get(SESSION)
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert response.json() == {"user": None, "registration": "open", "demo": None}
    assert client.cookies["csrftoken"].value
    assert "sessionid" not in client.cookies
    assert not Session.objects.exists()


def test_signing_in_and_out(alice: User, page: Page) -> None:
    response = page.sign_in(" Alice@Example.com ")
    assert response.status_code == 200, response.content
    assert response.json()["user"] == page.client.get(ME).json()
    assert page.session() == response.json()
    cookie = page.client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")

    assert page.ask("DELETE", SESSION).status_code == 204
    assert page.session()["user"] is None
    refused(page.client.get(ME), 401, "not_authenticated")
    assert not Session.objects.exists()
    assert page.ask("DELETE", SESSION).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {**ALICE, "password": "guessed"},
        {**ALICE, "password": "x" * 256},
        {"email": "nobody@example.com", "password": PASSWORD},
    ],
)
def test_a_wrong_password_signs_nobody_in(alice: User, page: Page, body: Any) -> None:
    response = page.ask("POST", SESSION, body)
    refused(response, 401, "no_active_account")
    assert response["WWW-Authenticate"]
    assert page.session()["user"] is None


def test_a_disabled_account_is_no_account(alice: User, page: Page) -> None:
    page.sign_in()
    User.objects.update(is_active=False)
    assert page.session()["user"] is None
    refused(page.sign_in(), 401, "no_active_account")


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({}, "email"),
        ({**ALICE, "email": "a\0b"}, "email"),
        ({**ALICE, "password": "x" * 257}, "password"),
        ({**ALICE, "password": ["x"]}, "password"),
        ([], None),
    ],
)
def test_a_bad_body_names_the_field(page: Page, body: Any, attr: str | None) -> None:
    response = page.ask("POST", SESSION, body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == attr or attr is None


# ── CSRF ─────────────────────────────────────────────────────────────────────────────────────


def test_signing_in_and_out_need_the_token_whoever_asks(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    for _ in range(2):  # without the cookie, and with it but not sent back
        refused(client.post(SESSION, ALICE, format="json"), 403, "permission_denied")
        refused(client.delete(SESSION), 403, "permission_denied")
        client.get(SESSION)
    assert client.get(SESSION).json()["user"] is None


def test_a_bearer_token_is_no_way_around_it(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(**signed_in(alice)._credentials)
    refused(client.post(SESSION, ALICE, format="json"), 403, "permission_denied")
    refused(client.delete(SESSION), 403, "permission_denied")
    assert client.get(SESSION).json()["user"] is None
    assert client.get(ME).status_code == 200


def test_another_site_signs_nobody_in(alice: User, page: Page) -> None:
    elsewhere = page.ask("POST", SESSION, ALICE, Origin="https://elsewhere.example")
    refused(elsewhere, 403, "permission_denied")
    assert page.session()["user"] is None


# ── Sessions that begin and end ──────────────────────────────────────────────────────────────


def test_the_session_and_the_csrf_token_are_others_after_signing_in(alice: User, bob: User, page: Page) -> None:
    before = page.token
    page.sign_in()
    keys = [page.client.cookies["sessionid"].value]
    assert page.token != before
    page.sign_in()  # again
    keys.append(page.client.cookies["sessionid"].value)
    assert page.sign_in("bob@example.com").json()["user"]["email"] == "bob@example.com"
    keys.append(page.client.cookies["sessionid"].value)
    assert len(set(keys)) == 3
    assert list(Session.objects.values_list("pk", flat=True)) == keys[-1:]


def test_a_session_that_a_stranger_chose_is_not_signed_in_to(alice: User, page: Page) -> None:
    page.client.cookies["sessionid"] = "a" * 32
    page.sign_in()
    assert page.client.cookies["sessionid"].value != "a" * 32


@pytest.mark.parametrize("key", ["a" * 32, "x", "", "é" * 32, "a" * 4000, "'; --", "%00" * 11])
def test_a_stale_cookie_is_as_none(alice: User, page: Page, key: str) -> None:
    page.client.cookies["sessionid"] = key
    assert page.session()["user"] is None
    page.client.cookies["sessionid"] = key
    assert page.ask("DELETE", SESSION).status_code == 204
    page.client.cookies["sessionid"] = key
    assert page.sign_in().status_code == 200


def test_the_session_of_a_deleted_account_is_as_none(alice: User, bob: User, page: Page) -> None:
    page.sign_in()
    left = page.client.cookies["sessionid"].value
    alice.delete()
    assert page.session()["user"] is None
    page.client.cookies["sessionid"] = left
    assert page.sign_in("bob@example.com").status_code == 200


def test_a_new_password_keeps_this_session_and_ends_the_others(alice: User, page: Page) -> None:
    other = Page()
    page.sign_in()
    other.sign_in()
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert page.ask("POST", "/api/auth/users/set_password/", body).status_code == 204
    assert page.session()["user"]["email"] == "alice@example.com"
    assert page.ask("PATCH", ME, {"display_name": "Al"}).status_code == 200
    assert other.session()["user"] is None


def test_the_account_is_deleted_from_the_page(alice: User, page: Page) -> None:
    page.sign_in()
    refused(page.ask("DELETE", ME, {"current_password": "guessed"}), 400, "invalid_password", "current_password")
    assert page.ask("DELETE", ME, {"current_password": PASSWORD}).status_code == 204
    assert page.session()["user"] is None
    assert not User.objects.exists()


@pytest.mark.parametrize("registration", ["open", "closed"])
def test_it_tells_whether_one_can_sign_up(page: Page, settings: Any, registration: str) -> None:
    settings.REGISTRATION = registration
    assert page.session()["registration"] == registration


def test_guesses_are_slowed_down_as_those_at_tokens_are(
    alice: User, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(configured.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "sign-in-account", "3/min")
    for _ in range(2):
        refused(page.sign_in(password="guessed"), 401, "no_active_account")
    refused(page.client.post("/api/auth/jwt/create/", {**ALICE, "password": "guessed"}), 401, "no_active_account")
    response = page.sign_in()
    refused(response, 429, "throttled")
    assert int(response["Retry-After"]) >= 1
    # Only who signs in is counted.
    assert page.client.get(SESSION).status_code == 200
    assert page.ask("DELETE", SESSION).status_code == 204


# ── The demo ─────────────────────────────────────────────────────────────────────────────────


def test_the_demo_is_offered_where_there_is_one(page: Page, settings: Any) -> None:
    settings.DEMO = True
    assert page.session()["demo"] is None  # nobody made it
    call_command("demo", verbosity=0, stdout=None)
    offered = page.session()["demo"]
    assert page.sign_in(**offered).status_code == 200
    settings.DEMO = False
    assert page.session()["demo"] is None


def test_the_demo_is_not_offered_with_a_password_that_its_user_chose(page: Page, settings: Any) -> None:
    settings.DEMO = True
    call_command("demo", verbosity=0, stdout=None)
    demo = page.session()["demo"]
    page.sign_in(**demo)
    body = {"current_password": demo["password"], "new_password": NEW_PASSWORD}
    assert page.ask("POST", "/api/auth/users/set_password/", body).status_code == 204
    assert page.session()["demo"] is None


# ── All that the page asks for ───────────────────────────────────────────────────────────────


class Browser(requests.Session):
    """A page of a real server."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.get(SESSION)

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        headers = {"Accept": "*/*", "Origin": self.url, "X-CSRFToken": self.cookies.get("csrftoken", "")}
        headers |= options.pop("headers", {})
        return super().request(method, self.url + url, *args, headers=headers, timeout=30, **options)


@pytest.fixture
def browser(server: Server, alice: User) -> Browser:
    browser = Browser(server.url)
    assert browser.post(SESSION, json=ALICE).status_code == 200
    return browser


def test_one_talks_by_the_cookie(browser: Browser, alice: User, ai: AIServer) -> None:
    ai.says("Good evening.")
    conversation = make_conversation(alice)
    said = {"id": "1", "role": "user", "parts": [{"type": "text", "text": "Hello."}]}
    sent = {"id": str(conversation.pk), "messages": [said], "trigger": "submit-message"}
    response = browser.post("/api/chat", json=sent, headers={"Idempotency-Key": "k"})
    assert (response.status_code, list(chunks(response))[-1]) == (200, "[DONE]")
    assert Message.objects.filter(conversation=conversation, content="Good evening.").exists()
    assert browser.get(f"/api/chat/{conversation.pk}/stream").status_code == 204
    assert browser.post(f"/api/chat/{conversation.pk}/stop").json() == {"assistant_message": None}
    forged = requests.post(f"{browser.url}/api/chat", json=sent, cookies=browser.cookies, timeout=30)
    refused(forged, 403, "permission_denied")


def test_the_rest_of_the_page_goes_by_the_cookie(browser: Browser, alice: User) -> None:
    file = {"file": ("card.json", json.dumps(CARD), "application/json")}
    made = browser.post("/api/characters/import/", files=file)
    assert made.status_code == 201, made.text
    character = f"/api/characters/{Character.objects.get().pk}/"
    picture = {"file": ("ada.png", make_picture(), "image/png")}
    assert browser.put(f"{character}avatar/", files=picture).status_code == 200
    assert browser.get(f"{character}avatar/").headers["Content-Type"] == "image/png"
    assert browser.get(f"{character}export/?as=png").ok
    assert browser.post("/api/conversations/", json={"character": made.json()["id"]}).status_code == 201
    conversation = f"/api/conversations/{Conversation.objects.get().pk}/"
    assert browser.patch(conversation, json={"pinned": True}).ok
    assert browser.get(f"{conversation}prompt/").ok
    listed = browser.get("/api/conversations/")
    assert listed.ok
    again = browser.get("/api/conversations/", headers={"If-None-Match": listed.headers["ETag"]})
    assert again.status_code == 304
    assert browser.delete(conversation).status_code == 204
    assert browser.get("/api/auth/users/me/export/").ok
    assert browser.delete(ME, json={"current_password": PASSWORD}).status_code == 204


def test_the_page_asks_for_nothing_of_anothers(alices: SimpleNamespace, bob: User, page: Page) -> None:
    page.sign_in("bob@example.com")
    assert page.client.get(f"/api/conversations/{alices.conversation.pk}/").status_code == 404
    refused(page.ask("DELETE", f"/api/conversations/{alices.conversation.pk}/"), 404, "not_found")
