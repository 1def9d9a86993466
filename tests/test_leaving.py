"""A deleted account leaves nothing behind: the whole database is looked through, by its own catalogue."""

from types import SimpleNamespace

import pytest
import requests
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from apps.accounts.models import Session, User
from apps.accounts.sessions import SessionStore
from apps.characters.models import Character
from tests.ai_server import AIServer
from tests.endpoints import everything
from tests.factories import PASSWORD, make_character
from tests.online import Person, Server, chunks, until
from tests.test_isolation import OURS, rows_of
from tests.test_sessions import Forms

ME = "/api/auth/users/me/"
SECRET = "Nobody knows that I wind the clocks at night."

Tables = dict[str, list[str]]


def tables() -> Tables:
    """Every row of every table, as text. PostgreSQL writes a row with all of its columns, whatever their types."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        names = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in names:
            cursor.execute(f"SELECT each::text FROM {name} each ORDER BY 1")
            found[name] = [row for (row,) in cursor.fetchall()]
    return found


def holding(text: str) -> set[str]:
    """The tables in which this stands, as it is or in bytes."""
    forms = (text.lower(), text.encode().hex(), text.replace("-", "").lower())
    return {name for name, rows in tables().items() if any(form in row.lower() for row in rows for form in forms)}


@pytest.fixture
def as_root(server: Server) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    return client


@pytest.fixture
def without_her(server: Server, as_root: Client, bob: User, gretas: Character) -> Tables:
    """The database while bob and root are there and alice is not: name this fixture before those that are hers."""
    everything(bob)
    return tables()


def browser(server: Server) -> requests.Session:
    """Alice at the sign-in page."""
    session = requests.Session()
    login = f"{server.url}/api/auth/login/"
    form = Forms(session.get(login, headers={"Accept": "text/html"}, timeout=30).text).with_field("password")
    fields = {**form, "username": "alice@example.com", "password": PASSWORD}
    assert session.post(login, data=fields, allow_redirects=False, timeout=30).status_code == 302
    return session


def by_token(server: Server) -> Person:
    """Alice with a token that was exchanged for the next."""
    stranger = Person(server.url)
    pair = stranger.post("/api/auth/jwt/create/", {"email": "alice@example.com", "password": PASSWORD}).json()
    return Person(server.url, stranger.post("/api/auth/jwt/refresh/", {"refresh": pair["refresh"]}).json()["access"])


def live(alices: SimpleNamespace, alice: Person, as_root: Client, ai: AIServer) -> None:
    """Takes turns and deletes some, and has a conversation and a character that are gone already; root looks in."""
    ai.says("Half past nine it is.")
    answer = alice.chat(alices.conversation.pk, SECRET)
    assert answer.status_code == 201
    mine, gone = make_character(alices.user), make_character(alices.user, name="Basil")
    other = alice.post("/api/conversations/", {"character": str(mine.pk), "title": "Watches"}).json()
    ai.says("Never.")
    assert alice.chat(other["id"], "Do they ever stop?").status_code == 201
    said = alice.post(f"/api/conversations/{alices.conversation.pk}/messages/", {"content": "Hm."}).json()
    message = f"/api/conversations/{alices.conversation.pk}/messages/{said['id']}/"
    assert alice.request("DELETE", message).status_code == 204
    assert alice.request("DELETE", f"/api/conversations/{other['id']}/").status_code == 204

    changed = {"email": alices.user.email, "is_active": "on"}
    assert as_root.post(f"/admin/accounts/user/{alices.user.pk}/change/", changed).status_code == 302
    assert as_root.post(f"/admin/characters/character/{gone.pk}/delete/", {"post": "yes"}).status_code == 302
    assert LogEntry.objects.count() == 2


def test_a_deleted_account_leaves_nothing_behind(
    without_her: Tables, alices: SimpleNamespace, server: Server, as_root: Client, ai: AIServer
) -> None:
    alice, session = by_token(server), browser(server)
    live(alices, alice, as_root, ai)
    assert session.get(server.url + ME, timeout=30).json()["email"] == "alice@example.com"
    there = {key.split()[0] for key in rows_of(alices.user)}
    assert there == {model.__name__ for model in OURS}, "not everything is there to be deleted"
    traces = [str(alices.user.pk), "alice@example.com", SECRET, str(alices.conversation.pk), str(alices.character.pk)]
    assert all(holding(trace) for trace in traces)

    assert alice.request("DELETE", ME, json={"current_password": PASSWORD}).status_code == 204

    assert {trace: holding(trace) for trace in traces} == {trace: set() for trace in traces}
    assert tables() == without_her
    assert alice.get(ME).status_code == 401
    assert session.get(server.url + ME, timeout=30).status_code == 401
    assert tables() == without_her


@pytest.mark.parametrize("how", ["by her", "by the operator"])
def test_an_account_that_is_deleted_mid_stream_leaves_nothing_behind(
    without_her: Tables, alices: SimpleNamespace, server: Server, as_root: Client, ai: AIServer, how: str
) -> None:
    alice, gate = by_token(server), ai.waits()
    response = alice.stream(alices.conversation.pk, SECRET)
    until(lambda: ai.heard)
    assert holding(SECRET)
    if how == "by her":
        assert alice.request("DELETE", ME, json={"current_password": PASSWORD}).status_code == 204
    else:
        page = f"/admin/accounts/user/{alices.user.pk}/delete/"
        assert as_root.post(page, {"post": "yes"}).status_code == 302
    gate.says("To whom?")
    assert gate.client_gone.wait(10), "the call goes on for nobody"
    assert list(chunks(response))[-1] == "[DONE]"
    server.settle()
    assert tables() == without_her


def test_what_others_have_stays(without_her: Tables, alices: SimpleNamespace, server: Server, bob: User) -> None:
    """Bob talks to a public character of hers; his conversation goes on being his to read."""
    Character.objects.filter(pk=alices.character.pk).update(visibility="public")
    bobs = everything(bob, alices.character).conversation
    alices.user.delete()
    bobs.refresh_from_db()
    assert (bobs.character, bobs.character_name, bobs.message_count) == (None, "Ada", 2)


def test_no_account_comes_back_that_was_changed_meanwhile(alice: User) -> None:
    read_before = User.objects.get()
    alice.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        read_before.save()
    assert not User.objects.exists()


# ── Sessions ─────────────────────────────────────────────────────────────────────────────────


def test_no_session_begins_for_who_is_gone(alice: User) -> None:
    session, other = SessionStore(), SessionStore()
    for each in (session, other):
        each[SESSION_KEY] = str(alice.pk)
    session.save()
    assert [each.user for each in Session.objects.all()] == [alice]
    alice.delete()
    for each in (session, other):
        with pytest.raises(SessionInterrupted):
            each.save()
    with pytest.raises(SessionInterrupted):
        session.cycle_key()
    assert not Session.objects.exists()


def test_sessions_that_are_over_are_cleared(alice: User, client: Client) -> None:
    client.force_login(alice)
    call_command("clearsessions")
    assert Session.objects.count() == 1
    Session.objects.update(expire_date="2020-01-01T00:00:00Z")
    call_command("clearsessions")
    assert not Session.objects.exists()


def test_the_admin_does_not_show_the_key_of_a_session(alice: User, client: Client, as_root: Client) -> None:
    client.force_login(alice)
    page = as_root.get(f"/admin/accounts/user/{alice.pk}/delete/").content.decode()
    assert "Session: until" in page
    assert Session.objects.get(user=alice).pk not in page
