"""A client that was away is told everything that changed meanwhile, and nothing else."""

import os
import random
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.api.rows import new_id
from apps.conversations import changes
from apps.conversations.changes import Token
from apps.conversations.models import Conversation, Message, Tombstone
from tests.device import CONVERSATIONS, Device, ids, messages_of, ok
from tests.factories import grow, make_character, make_conversation, say

# Transactions are what this is about: every write is one of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def talk(alice: User) -> Conversation:
    return make_conversation(alice, title="Clocks")


# ── Late commits ─────────────────────────────────────────────────────────────────────────────


def test_what_commits_late_is_told(alice: User, as_alice: APIClient, talk: Conversation) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"]) as late:
        late.execute("UPDATE conversations_conversation SET title = 'Late' WHERE id = %s", [talk.pk])
        slip = Message.objects.get(conversation=talk)
        late.execute("UPDATE conversations_message SET content = 'Late.' WHERE id = %s", [slip.pk])
        # Others begin after it, and are over before.
        other = make_conversation(alice)
        listed, told = Device(as_alice, CONVERSATIONS), Device(as_alice, messages_of(talk))
        assert listed.rows[str(talk.pk)]["title"] == "Clocks"
        by_clock, by_number = timezone.now(), number_of(other)
        late.commit()

    talk.refresh_from_db()
    assert talk.updated_at < by_clock
    assert number_of(talk) < by_number
    assert (listed.look(), told.look()) == ((ids(talk), []), (ids(slip), []))
    assert listed.rows[str(talk.pk)]["title"] == "Late"
    assert (listed.look(), told.look()) == (([], []), ([], []))


def number_of(conversation: Conversation) -> int:
    """The transaction that wrote it last, as a list by the highest number so far would have it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT changed::text FROM conversations_conversation WHERE id = %s", [conversation.pk])
        return int(cursor.fetchone()[0])


def test_a_deletion_that_commits_late_is_told(alice: User, as_alice: APIClient, talk: Conversation) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"]) as late:
        late.execute("DELETE FROM conversations_conversation WHERE id = %s", [talk.pk])
        make_conversation(alice)
        listed = Device(as_alice, CONVERSATIONS)
        assert str(talk.pk) in listed.rows
        late.commit()
    assert listed.look() == ([], ids(talk))


# ── What is told ─────────────────────────────────────────────────────────────────────────────


def test_every_change_is_told_once(alice: User, as_alice: APIClient, talk: Conversation) -> None:
    """Of the conversation whenever one of its messages changed: so a client asks for conversations first."""
    greeting = Message.objects.get(conversation=talk)
    address = f"{CONVERSATIONS}{talk.pk}/"
    listed, told = Device(as_alice, CONVERSATIONS), Device(as_alice, messages_of(talk), path="all")

    def look() -> Any:
        return listed.look(), told.look()

    assert look() == (([], []), ([], []))

    first = ok(as_alice.post(f"{address}messages/", {"content": "What time is it?"}, format="json"))["id"]
    assert look() == ((ids(talk), []), ([first], []))
    second = ok(as_alice.post(f"{address}messages/", {"content": "And now?"}, format="json"))["id"]
    beside = {"content": "What day is it?", "parent": str(greeting.pk)}
    branch = ok(as_alice.post(f"{address}messages/", beside, format="json"))["id"]
    assert look() == ((ids(talk), []), ([second, branch], []))

    for change in ({"content": "What hour is it?"}, {"rating": 1}, {"rating": None}):
        ok(as_alice.patch(f"{address}messages/{first}/", change, format="json"))
        assert look() == ((ids(talk), []), ([first], []))
        assert change.items() <= told.rows[first].items()
    for change in ({"title": "Watches"}, {"archived": True}, {"active_leaf": second}, {"topic": "Time"}):
        ok(as_alice.patch(address, change, format="json"))
        assert look() == ((ids(talk), []), ([], []))
        assert change.items() <= listed.rows[str(talk.pk)].items()

    ok(as_alice.delete(f"{address}messages/{first}/"))
    assert look() == ((ids(talk), []), ([], [first, second]))
    ok(as_alice.delete(f"/api/characters/{talk.character_id}/"))
    assert look() == ((ids(talk), []), ([], []))
    assert listed.rows[str(talk.pk)]["character"] is None
    assert look() == (([], []), ([], []))

    ok(as_alice.delete(address))
    assert listed.look() == ([], ids(talk))
    assert as_alice.get(f"{address}messages/", {"since": told.token}).status_code == 404
    # Its messages went along without being told one by one, those that had been deleted before included.
    assert ids(*Tombstone.objects.all()) == ids(talk)


def test_what_came_and_went_between_two_looks_is_gone(alice: User, as_alice: APIClient, talk: Conversation) -> None:
    listed, told = Device(as_alice, CONVERSATIONS), Device(as_alice, messages_of(talk))
    short, slip = make_conversation(alice), say(talk, "Wat")
    ok(as_alice.delete(f"{CONVERSATIONS}{short.pk}/"))
    ok(as_alice.delete(f"{messages_of(talk)}{slip.pk}/"))
    assert (listed.look(), told.look()) == ((ids(talk), ids(short)), ([], ids(slip)))


def test_text_that_is_being_written_is_told_when_it_is_done(as_alice: APIClient, talk: Conversation) -> None:
    told = Device(as_alice, messages_of(talk))
    answer = say(talk, "", "assistant", status="generating")
    assert told.look() == (ids(answer), [])
    row = Message.objects.filter(pk=answer.pk)
    for content in ("Half", "Half past"):
        row.update(content=content)
        assert told.look() == ([], [])
    row.update(rating=1)
    assert told.look() == (ids(answer), [])
    row.update(content="Half past nine.", status="complete")
    assert told.look() == (ids(answer), [])
    assert told.rows[str(answer.pk)]["content"] == "Half past nine."
    # And when it goes on.
    row.update(status="generating")
    assert told.look() == (ids(answer), [])


def test_a_copy_stays_true_whatever_happens(alice: User, as_alice: APIClient) -> None:
    chance = random.Random(7)
    character = make_character(alice, alternate_greetings=["Hm."])
    listed, told = Device(as_alice, CONVERSATIONS), dict[str, Device]()

    def some(rows: Any) -> Any:
        return chance.choice(list(rows))

    def change() -> None:
        talks, kind = list(Conversation.objects.all()), chance.randrange(8)
        if kind == 0 or not talks:
            make_conversation(alice, character)
            return
        address = f"{CONVERSATIONS}{(talk := some(talks)).pk}/"
        said = list(Message.objects.filter(conversation=talk))
        message = f"{address}messages/{some(said).pk}/" if said else address
        if kind == 1:
            ok(as_alice.delete(address if len(talks) > 2 else message))
        elif kind == 2:
            ok(as_alice.delete(message))
        elif kind == 3 and said:
            ok(as_alice.patch(address, {"active_leaf": str(some(said).pk)}, format="json"))
        elif kind == 4 and said:
            ok(as_alice.patch(message, {"rating": chance.choice([1, -1, None])}, format="json"))
        elif kind == 5 and said:
            ok(as_alice.patch(message, {"content": "Otherwise."}, format="json"))
        else:
            parent = some([None, *said])
            body = {"content": "Hm.", "parent": parent and str(parent.pk)}
            ok(as_alice.post(f"{address}messages/", body, format="json"))

    def derived(rows: Any) -> Any:
        """Siblings follow from parents, which do not change."""
        return {
            key: {**row, **dict.fromkeys(["siblings", "sibling_index", "sibling_count"])} for key, row in rows.items()
        }

    for _ in range(12):
        for _ in range(chance.randrange(6)):
            change()
        changed, gone = listed.look()
        for key in gone:
            told.pop(key, None)
        for key in changed:
            if key in told:
                told[key].look()
            else:
                told[key] = Device(as_alice, f"{CONVERSATIONS}{key}/messages/", path="all")
        truth = Device(as_alice, CONVERSATIONS)
        assert listed.rows == truth.rows
        assert set(told) == set(truth.rows)
        for device in told.values():
            assert derived(device.rows) == derived(Device(as_alice, device.address, path="all").rows)


def test_nobody_is_told_of_anothers(alice: User, as_alice: APIClient, as_bob: APIClient, talk: Conversation) -> None:
    his, hers = Device(as_bob, CONVERSATIONS), Device(as_alice, messages_of(talk))
    slip = say(talk, "Wat")
    make_conversation(alice)
    ok(as_alice.delete(f"{messages_of(talk)}{slip.pk}/"))
    assert his.look() == ([], [])
    ok(as_alice.delete(f"{CONVERSATIONS}{make_conversation(alice).pk}/"))
    assert his.look() == ([], [])
    # Her token is as good as his own: it says when, and not what.
    his.token = hers.token
    assert his.look() == ([], [])
    assert as_bob.get(messages_of(talk), {"since": hers.token}).status_code == 404
    assert APIClient().get(CONVERSATIONS, {"since": hers.token}).status_code == 401


def test_an_account_that_is_deleted_leaves_no_tombstone(
    alice: User, bob: User, as_alice: APIClient, as_bob: APIClient, talk: Conversation
) -> None:
    for person, conversation in ((as_alice, talk), (as_bob, make_conversation(bob))):
        ok(person.delete(f"{messages_of(conversation)}{say(conversation, 'Wat').pk}/"))
        ok(person.delete(f"{CONVERSATIONS}{make_conversation(conversation.user).pk}/"))
    alice.delete()
    assert not User.objects.filter(pk=alice.pk).exists()
    assert {tombstone.user_id for tombstone in Tombstone.objects.all()} == {bob.pk}
    assert Tombstone.objects.count() == 2


def test_deleting_again_what_a_backup_brought_back_is_told_again(as_alice: APIClient, talk: Conversation) -> None:
    ok(as_alice.delete(f"{CONVERSATIONS}{talk.pk}/"))
    Conversation(pk=talk.pk, user=talk.user, character_name="Ada").save(force_insert=True)
    listed = Device(as_alice, CONVERSATIONS)
    ok(as_alice.delete(f"{CONVERSATIONS}{talk.pk}/"))
    assert listed.look() == ([], ids(talk))


# ── Pages ────────────────────────────────────────────────────────────────────────────────────


def test_pages_are_complete_whatever_changes_while_they_are_read(as_alice: APIClient, talk: Conversation) -> None:
    told = Device(as_alice, messages_of(talk), path="all")
    said = list(grow(talk, 250))
    Message.objects.filter(pk=said[3].pk).update(rating=1)
    pages = told.pages({"since": told.token, "page_size": "40"})
    first = next(pages)
    # One that was read, one that is to come, a new one, and one of each that goes.
    Message.objects.filter(pk__in=[said[0].pk, said[200].pk]).update(content="Otherwise.")
    new = say(talk, "One more.")
    Conversation.objects.filter(pk=talk.pk).update(active_leaf=said[100])
    Message.objects.filter(depth__gt=said[240].depth).delete()
    rest = list(pages)

    listed = [row["id"] for page in [first, *rest] for row in page["results"]]
    assert listed == ids(*said[:241])
    assert {page["since"] for page in rest} == {first["since"]}
    assert not [key for page in rest for key in page["deleted"]]
    assert {page["previous"] for page in [first, *rest]} == {None}
    told.token = first["since"]
    changed, gone = told.look()
    assert (changed, gone) == (ids(said[0], said[200]), ids(*said[241:], new))


def test_a_plain_lists_first_page_alone_says_when(alice: User, as_alice: APIClient, talk: Conversation) -> None:
    grow(talk, 3)
    make_conversation(alice)
    for address in (CONVERSATIONS, messages_of(talk), f"{messages_of(talk)}?path=all"):
        first = ok(as_alice.get(f"{address}{'&' if '?' in address else '?'}page_size=1"))
        second = ok(as_alice.get(first["next"]))
        assert Token.read(first["since"])
        assert "deleted" not in first
        assert second["since"] is None
        assert ok(as_alice.get(second["previous"]))["since"] is None


def test_one_change_costs_as_many_queries_as_fifty(alice: User, as_alice: APIClient, talk: Conversation) -> None:
    def cost(address: str, token: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            page = ok(as_alice.get(address, {"since": token}))
        counts.add(len(page["results"]))
        return len(queries)

    for address, more in (
        (CONVERSATIONS, lambda: make_conversation(alice, talk.character)),
        (messages_of(talk), lambda: say(talk, "Hm.")),
    ):
        counts: set[int] = set()
        token = ok(as_alice.get(address))["since"]
        more()
        few = cost(address, token)
        for _ in range(49):
            more()
        assert cost(address, token) == few <= 6
        assert counts == {1, 50}


# ── What is remembered ───────────────────────────────────────────────────────────────────────


def test_tombstones_are_removed_when_no_token_can_ask_for_them(alice: User) -> None:
    for days in (1, 29, 30, 32, 40, 400):
        Tombstone.objects.create(pk=new_id(), user=alice, deleted_at=timezone.now() - timedelta(days=days))
    assert [changes.prune(limit=2), changes.prune(limit=2), changes.prune()] == [2, 1, 0]
    assert Tombstone.objects.count() == 3


def test_rows_that_came_from_another_database_are_not_told_for_ever(as_alice: APIClient, talk: Conversation) -> None:
    """A dump brings their stamps along, which may lie in this database's future."""
    listed = Device(as_alice, CONVERSATIONS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE conversations_conversation DISABLE TRIGGER USER")
        cursor.execute("UPDATE conversations_conversation SET changed = '1000000000000'::xid8")
        cursor.execute("ALTER TABLE conversations_conversation ENABLE TRIGGER USER")
    assert listed.look() == ([], [])
    ok(as_alice.patch(f"{CONVERSATIONS}{talk.pk}/", {"title": "Watches"}, format="json"))
    assert listed.look() == (ids(talk), [])


def test_a_long_conversation_is_deleted_with_one_tombstone(as_alice: APIClient, talk: Conversation) -> None:
    said = list(grow(talk, 400))
    told = Device(as_alice, messages_of(talk))
    ok(as_alice.delete(f"{messages_of(talk)}{said[100].pk}/"))
    assert told.look() == ([], ids(*said[100:]))
    ok(as_alice.delete(f"{CONVERSATIONS}{talk.pk}/"))
    assert Tombstone.objects.count() == 1
