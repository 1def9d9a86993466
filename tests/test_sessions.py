"""Sessions: the sign-in page, CSRF, what ends a session, the admin, and the pages of the browsable API."""

from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.conversations.models import Message
from tests.ai_server import AIServer
from tests.conftest import signed_in
from tests.factories import PASSWORD
from tests.online import Server
from tests.refusals import refused

ME = "/api/auth/users/me/"
NEW_PASSWORD = "a tidy clockwork"

pytestmark = pytest.mark.django_db


def sign_in(username: str = "alice@example.com", password: str = PASSWORD) -> APIClient:
    client = APIClient()
    response = client.post("/api/auth/login/", {"username": username, "password": password})
    assert (response.status_code, response.get("Location")) == (302, "/api/")
    return client


def change_password(client: Any) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert client.post("/api/auth/users/set_password/", body, format="json").status_code == 204


def test_the_sign_in_page_gives_a_session_that_the_api_accepts(alice: User) -> None:
    response = sign_in("Alice@Example.com").get(ME)
    assert (response.status_code, response.json()["email"]) == (200, "alice@example.com")


@pytest.mark.parametrize("password", ["guessed", "", "a\0b", "x" * 5000])
def test_a_wrong_password_gives_none(alice: User, client: Client, password: str) -> None:
    page = client.post("/api/auth/login/", {"username": "alice@example.com", "password": password})
    assert page.status_code == 200
    refused(client.get(ME), 401, "not_authenticated")


def test_signing_out_ends_the_session(alice: User) -> None:
    client = sign_in()
    assert client.post("/api/auth/logout/").status_code == 302
    refused(client.get(ME), 401, "not_authenticated")


# ── CSRF ─────────────────────────────────────────────────────────────────────────────────────


def test_unsafe_methods_by_session_need_the_csrf_token(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.get(ME).status_code == 200
    refused(client.patch(ME, {"display_name": "Al"}, format="json"), 403, "permission_denied")
    alice.refresh_from_db()
    assert alice.display_name == "Alice"

    client.get("/api/", headers={"Accept": "text/html"})
    token = client.cookies["csrftoken"].value
    assert client.patch(ME, {"display_name": "Al"}, format="json", headers={"X-CSRFToken": token}).status_code == 200


def test_the_sign_in_page_needs_the_csrf_token(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    body = {"username": "alice@example.com", "password": PASSWORD}
    refused(client.post("/api/auth/login/", body), 403, "csrf_failed")
    refused(client.get(ME), 401, "not_authenticated")


def test_a_bearer_token_needs_none(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(**signed_in(alice)._credentials)
    assert client.patch(ME, {"display_name": "Al"}, format="json").status_code == 200


# ── What ends a session ──────────────────────────────────────────────────────────────────────


def test_a_disabled_user_has_no_session(alice: User) -> None:
    client = sign_in()
    User.objects.update(is_active=False)
    refused(client.get(ME), 401, "not_authenticated")
    page = APIClient().post("/api/auth/login/", {"username": alice.email, "password": PASSWORD})
    assert page.status_code == 200


def test_a_deleted_user_has_no_session(alice: User) -> None:
    client = sign_in()
    assert client.delete(ME, {"current_password": PASSWORD}, format="json").status_code == 204
    refused(client.get(ME), 401, "not_authenticated")


def test_a_new_password_ends_the_other_sessions_and_every_token(alice: User) -> None:
    here, there, by_token = sign_in(), sign_in(), signed_in(alice)
    change_password(here)
    assert here.get(ME).status_code == 200
    refused(there.get(ME), 401, "not_authenticated")
    refused(by_token.get(ME), 401, "token_not_valid")


def test_a_new_password_set_with_a_token_ends_every_session(alice: User) -> None:
    session = sign_in()
    change_password(signed_in(alice))
    refused(session.get(ME), 401, "not_authenticated")


# ── The admin ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def as_root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    return client


ADMIN_PAGES = [
    "accounts/user/",
    "accounts/user/add/",
    "accounts/user/{user}/change/",
    "accounts/user/{user}/password/",
    "accounts/user/{user}/delete/",
    "characters/character/",
    "conversations/conversation/",
]


@pytest.mark.parametrize("page", ["", *ADMIN_PAGES])
def test_the_admin_is_for_staff(alices: SimpleNamespace, as_root: Client, page: str) -> None:
    path = f"/admin/{page.format(user=alices.user.pk)}"
    assert as_root.get(path).status_code == 200
    for stranger in (sign_in(), Client()):
        response = stranger.get(path)
        assert (response.status_code, response.get("Location")) == (302, f"/admin/login/?next={path}")


def test_the_admins_sign_in_page_is_for_staff(alice: User, as_root: Client) -> None:
    client = Client()
    page = client.post("/admin/login/", {"username": "alice@example.com", "password": PASSWORD})
    assert (page.status_code, "_auth_user_id" in client.session) == (200, False)
    page = client.post("/admin/login/?next=/admin/", {"username": "root@example.com", "password": PASSWORD})
    assert (page.status_code, "_auth_user_id" in client.session) == (302, True)


def test_what_the_admin_does_to_an_account_ends_its_tokens(alice: User, as_root: Client) -> None:
    as_alice = signed_in(alice)
    page = f"/admin/accounts/user/{alice.pk}/"
    passwords = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert as_root.post(f"{page}password/", passwords).status_code == 302
    refused(as_alice.get(ME), 401, "token_not_valid")

    alice.refresh_from_db()
    as_alice = signed_in(alice)
    assert as_root.post(f"{page}change/", {"email": "Alice@example.com", "display_name": "Alice"}).status_code == 302
    alice.refresh_from_db()
    assert (alice.email, alice.is_active) == ("alice@example.com", False)
    refused(as_alice.get(ME), 401, "token_not_valid")

    assert as_root.post(f"{page}delete/", {"post": "yes"}).status_code == 302
    refused(as_alice.get(ME), 401, "token_not_valid")


# ── The browsable API ────────────────────────────────────────────────────────────────────────

PAGES = {
    "/api/": 200,
    "/api/characters/": 200,
    "/api/characters/{character}/": 200,
    "/api/conversations/": 200,
    "/api/conversations/{conversation}/": 200,
    "/api/conversations/{conversation}/messages/": 200,
    "/api/conversations/{conversation}/messages/{message}/": 200,
    "/api/conversations/{conversation}/chat/": 405,
    "/api/models/": 200,
    "/api/auth/users/": 405,
    "/api/auth/users/me/": 200,
    "/api/auth/users/set_password/": 405,
    "/api/auth/users/reset_password_confirm/": 405,
    "/api/auth/jwt/create/": 405,
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_shown_in_a_browser(alices: SimpleNamespace, page: str) -> None:
    names = {"character": alices.character, "conversation": alices.conversation, "message": alices.message}
    path = page.format(**{name: row.pk for name, row in names.items()})
    response = sign_in().get(path, headers={"Accept": "text/html"})
    assert response.status_code == PAGES[page]
    assert response["Content-Type"].startswith("text/html")
    assert "<title>" in response.content.decode()


def test_a_stranger_is_shown_the_way_to_sign_in(client: Client) -> None:
    response = client.get("/api/characters/", headers={"Accept": "text/html"})
    assert response.status_code == 401
    assert "/api/auth/login/?next=/api/characters/" in response.content.decode()


class Forms(HTMLParser):
    """The forms of a page: of each what a browser sends when nothing is filled in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.found.append({})
        elif tag in ("input", "textarea", "select") and self.found and given.get("name"):
            self.found[-1][str(given["name"])] = given.get("value") or ""

    def with_field(self, name: str) -> dict[str, str]:
        [form] = [form for form in self.found if name in form]
        return form


def test_one_can_chat_in_the_browser(server: Server, alices: SimpleNamespace, ai: AIServer) -> None:
    browser = requests.Session()
    browser.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
    login = f"{server.url}/api/auth/login/"
    form = Forms(browser.get(login).text).with_field("password")
    browser.post(login, data={**form, "username": "alice@example.com", "password": PASSWORD})

    chat = f"{server.url}/api/conversations/{alices.conversation.pk}/chat/"
    form = Forms(browser.get(chat).text).with_field("content")
    ai.says("Half past nine & quiet.")
    page = browser.post(chat, data={**form, "content": "What time is it?"})
    assert page.status_code == 201, page.text
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Half past nine &amp; quiet." in page.text
    said = list(Message.objects.order_by("created_at").values_list("role", "content"))[-2:]
    assert said == [("user", "What time is it?"), ("assistant", "Half past nine & quiet.")]

    refused_page = browser.post(chat, data={"content": "Forged."})
    assert refused_page.status_code == 403
    assert not Message.objects.filter(content="Forged.").exists()
