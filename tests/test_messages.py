"""Messages: a tree of rows, one path of it active, and what the conversation's row says of them."""

import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.api.rows import new_id
from apps.conversations.models import Conversation, Message
from tests.factories import make_character, make_conversation
from tests.test_crud import change, make, refused


class Talk:
    """A conversation by its address: what is done to it over the API, and what its rows say."""

    def __init__(self, client: APIClient, conversation: Conversation) -> None:
        self.client = client
        self.pk = conversation.pk
        self.address = f"/api/conversations/{conversation.pk}/"

    def add(self, content: str = "?", **fields: Any) -> str:
        """Under the leaf, or under `parent`; its id."""
        added: str = make(self.client, f"{self.address}messages/", content=content, **fields)["id"]
        return added

    def change(self, message: Any, **fields: Any) -> Any:
        return change(self.client, f"{self.address}messages/{message}/", **fields)

    def switch(self, message: Any) -> str | None:
        leaf: str | None = change(self.client, self.address, active_leaf=str(message))["active_leaf"]
        return leaf

    def delete(self, message: Any) -> str | None:
        assert self.client.delete(f"{self.address}messages/{message}/").status_code == 204
        return self.leaf

    @property
    def leaf(self) -> str | None:
        leaf: str | None = self.seen["active_leaf"]
        return leaf

    @property
    def seen(self) -> Any:
        return self.client.get(self.address).json()

    def messages(self, path: str = "active") -> Any:
        return self.client.get(f"{self.address}messages/", {"path": path, "page_size": 100}).json()["results"]

    def paged(self, size: int) -> list[str]:
        """The active path page by page, to its end and back again: both ways show the same."""
        page = self.client.get(f"{self.address}messages/", {"page_size": size}).json()
        older = [page["results"]]
        while page["next"]:
            page = self.client.get(page["next"]).json()
            older.append(page["results"])
        newer = [page["results"]]
        while page["previous"]:
            page = self.client.get(page["previous"]).json()
            newer.insert(0, page["results"])
        ids = [[message["id"] for each in pages for message in each] for pages in (older, newer)]
        assert ids[0] == ids[1]
        return ids[0]

    def rows(self) -> list[Message]:
        return list(Message.objects.filter(conversation=self.pk).order_by("id"))


@pytest.fixture
def talk(alice: User, as_alice: APIClient) -> Talk:
    """Nothing was said yet."""
    return Talk(as_alice, make_conversation(alice, make_character(alice, first_message="")))


def test_a_message_is_added_under_the_leaf_and_becomes_it(talk: Talk) -> None:
    first = talk.add("Hello.")
    second = talk.add(" Good\n evening. ", role="assistant", client_id="mine", extra={"mood": ["calm"]})
    newest, oldest = talk.messages()
    assert (oldest["id"], oldest["role"], oldest["depth"], oldest["parent"]) == (first, "user", 0, None)
    assert (newest["id"], newest["role"], newest["depth"], newest["parent"]) == (second, "assistant", 1, first)
    assert (newest["content"], newest["client_id"]) == (" Good\n evening. ", "mine")
    assert (newest["extra"], newest["status"], newest["siblings"]) == ({"mood": ["calm"]}, "complete", [second])
    assert (talk.leaf, talk.seen["message_count"]) == (second, 2)
    assert talk.seen["last_message_preview"] == "Good evening."
    assert talk.seen["last_message_at"] == newest["created_at"]


def test_an_earlier_parent_makes_a_branch_and_null_a_root(talk: Talk) -> None:
    first = talk.add("First")
    talk.add("One")
    other = talk.add("Other", parent=first)
    root = talk.add("Root", parent=None)
    tree = {message["id"]: message for message in talk.messages("all")}
    assert [message["content"] for message in tree.values()] == ["First", "One", "Other", "Root"]
    assert tree[root]["siblings"] == tree[first]["siblings"] == [first, root]
    assert (tree[root]["depth"], tree[other]["depth"], tree[other]["parent"]) == (0, 1, first)
    assert [message["id"] for message in talk.messages()] == [root]


def test_switching_goes_down_to_the_newest_leaf(talk: Talk) -> None:
    root = talk.add("Root")
    left = talk.add("Left")
    under_left = talk.add("Left, and on")
    right = talk.add("Right", parent=root)
    assert talk.switch(left) == talk.switch(under_left) == under_left
    assert talk.seen["last_message_preview"] == "Left, and on"
    assert talk.switch(root) == right
    newer = talk.add("Newer", parent=left)
    assert talk.switch(right) == right
    assert talk.switch(left) == newer


@pytest.mark.parametrize(
    ("doomed", "expected"),
    [
        ("leaf", "a1"),
        ("a1", "a2"),
        ("a", "b"),
        ("root", "other"),
        ("a2", "leaf"),
        ("b", "leaf"),
        ("other", "leaf"),
    ],
)
def test_deleting_moves_the_leaf_to_what_is_left_nearby(doomed: str, expected: str, talk: Talk) -> None:
    ids: dict[str, Any] = {"root": talk.add("root")}
    ids["a"] = talk.add("a")
    ids["a1"] = talk.add("a1")
    ids["leaf"] = talk.add("leaf")
    ids["a2"] = talk.add("a2", parent=ids["a"])
    ids["b"] = talk.add("b", parent=ids["root"])
    ids["other"] = talk.add("other", parent=None)
    talk.switch(ids["leaf"])
    assert talk.delete(ids[doomed]) == ids[expected]
    assert talk.messages()[0]["content"] == expected
    assert talk.client.get(f"{talk.address}messages/{ids[doomed]}/").status_code == 404


def test_deleting_the_last_message_leaves_silence(talk: Talk) -> None:
    root = talk.add()
    talk.add()
    assert talk.delete(root) is None
    assert (talk.seen["message_count"], talk.seen["last_message_at"], talk.rows()) == (0, None, [])
    assert talk.messages() == talk.messages("all") == []
    assert talk.leaf != talk.add("And again.")


def test_an_edit_is_marked_and_moves_nothing(talk: Talk) -> None:
    first, last = talk.add("First"), talk.add("Last")
    before = talk.seen
    edited = talk.change(first, content="  Edited")
    assert (edited["content"], edited["depth"], edited["parent"]) == ("  Edited", 0, None)
    assert edited["edited_at"] >= edited["created_at"]
    assert talk.seen == {**before, "updated_at": talk.seen["updated_at"]}
    talk.change(last, content="Edited too")
    assert talk.seen["last_message_preview"] == "Edited too"
    assert talk.seen["last_message_at"] == before["last_message_at"]


def test_a_rating_is_minus_one_one_or_none_and_no_edit(talk: Talk) -> None:
    message = talk.add()
    for rating in (-1, 1, None):
        rated = talk.change(message, rating=rating)
        assert (rated["rating"], rated["edited_at"], rated["content"]) == (rating, None, "?")
    for wrong in (0, 2, -2, 0.5, "good", True, [1]):
        address = f"{talk.address}messages/{message}/"
        refused(talk.client.patch(address, {"rating": wrong, "content": "!"}, format="json"), 400, "rating")
    assert talk.rows()[0].content == "?"


@pytest.mark.parametrize("content", ["", " ", "\n\t", None, 12])
def test_nothing_said_is_no_message(content: Any, talk: Talk) -> None:
    refused(talk.client.post(f"{talk.address}messages/", {"content": content}, format="json"), 400, "content")
    message = talk.add("Hello.")
    refused(
        talk.client.patch(f"{talk.address}messages/{message}/", {"content": content}, format="json"), 400, "content"
    )
    assert [row.content for row in talk.rows()] == ["Hello."]


def test_a_tool_does_not_speak_by_itself(talk: Talk) -> None:
    body = {"content": "?", "role": "tool"}
    refused(talk.client.post(f"{talk.address}messages/", body, format="json"), 400, "role")
    assert talk.add("Be brief.", role="system")


def test_a_client_id_counts_once_a_conversation(talk: Talk, alice: User) -> None:
    talk.add("First", client_id="mine")
    body = {"content": "Second", "client_id": "mine"}
    refused(talk.client.post(f"{talk.address}messages/", body, format="json"), 400, "client_id")
    assert [row.content for row in talk.rows()] == ["First"]
    talk.add("No id", client_id=None)
    talk.add("No id either", client_id=None)
    Talk(talk.client, make_conversation(alice)).add("Elsewhere", client_id="mine")


def test_a_message_is_found_in_its_own_conversation_alone(talk: Talk, alices: SimpleNamespace) -> None:
    address = f"{talk.address}messages/{alices.message.pk}/"
    for method in ("get", "patch", "delete"):
        assert getattr(talk.client, method)(address, {"content": "?"}, format="json").status_code == 404
    assert talk.client.get(f"{talk.address}messages/{new_id()}/").status_code == 404
    alices.message.refresh_from_db()


def test_a_preview_is_short_and_on_one_line(talk: Talk) -> None:
    talk.add("  a\n\n b\t" + "word " * 200)
    preview = talk.seen["last_message_preview"]
    assert preview.startswith("a b word word")
    assert 190 <= len(preview) <= 200


def newest_below(rows: list[Message], start: Any) -> Any:
    """The youngest message at or below `start`: whatever follows a message is younger."""
    below = {start}
    for row in rows:  # oldest first
        if row.parent_id in below:
            below.add(row.pk)
    return max(below)


def steps(talk: Talk, chance: random.Random) -> Iterator[Any]:
    """One change after another; each yields the leaf that is expected after it, `...` for the one before."""
    number = 0
    while True:
        rows = talk.rows()
        number += 1
        kind = chance.choices(["add", "branch", "root", "switch", "edit", "delete"], [6, 4, 1, 3, 2, 2])[0]
        any_row = chance.choice(rows).pk if rows else None
        if kind == "add" or not rows:
            yield talk.add(f"Line {number}.")
        elif kind in {"branch", "root"}:
            yield talk.add(f"Line {number}.", parent=None if kind == "root" else str(any_row))
        elif kind == "switch":
            talk.switch(any_row)
            yield newest_below(rows, any_row)
        elif kind == "edit":
            talk.change(any_row, content=f"Edit {number}.")
            yield ...
        else:
            parents = {row.pk: row.parent_id for row in rows}
            on_path, up = set(), Conversation.objects.get(pk=talk.pk).active_leaf_id
            while up:
                on_path.add(up)
                up = parents[up]
            talk.delete(any_row)
            left = talk.rows()
            start = parents[any_row] or max((row.pk for row in left if row.parent_id is None), default=None)
            yield ... if any_row not in on_path else start and newest_below(left, start)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
def test_what_lists_show_is_what_the_rows_say(seed: int, talk: Talk) -> None:
    """After any sequence of changes."""
    leaf: Any = None
    for _, expected in zip(range(40), steps(talk, random.Random(seed)), strict=False):
        leaf = leaf if expected is ... else expected
        rows, seen = talk.rows(), talk.seen
        assert seen["active_leaf"] == (str(leaf) if leaf else None)
        assert seen["message_count"] == len(rows)
        by_id = {str(row.pk): row for row in rows}
        assert seen["last_message_preview"] == (by_id[str(leaf)].content if leaf else "")
        newest = rows[-1].created_at.isoformat().replace("+00:00", "Z") if rows else None
        assert seen["last_message_at"] == newest
        for row in rows:
            assert row.depth == (by_id[str(row.parent_id)].depth + 1 if row.parent_id else 0)
        path = [message["id"] for message in talk.messages()]
        assert path[:1] == ([str(leaf)] if leaf else [])
        assert [str(by_id[key].parent_id) for key in path] == [*path[1:], "None"][: len(path)]
        assert_branches(rows)
        if leaf:
            tip = by_id[str(leaf)]
            assert max(row.depth for row in rows if row.branch == tip.branch) == tip.depth, "appending relies on it"
    assert talk.paged(size=3) == path


def assert_branches(rows: list[Message]) -> None:
    """Each branch is one straight piece of the tree, and says where it left another."""
    by_id = {row.pk: row for row in rows}
    for row in rows:
        parent = by_id.get(row.parent_id)
        goes_on = parent is not None and row.branch == parent.branch
        assert goes_on or row.branch == row.pk
        assert row.fork == (parent.branch if parent is not None and not goes_on else None)
    steps = [(row.branch, row.depth) for row in rows]
    assert len(steps) == len(set(steps))


def test_our_own_id_is_a_name_that_is_taken(alices: SimpleNamespace, as_alice: APIClient) -> None:
    body = {"content": "Once more.", "client_id": str(alices.message.pk)}
    path = f"/api/conversations/{alices.conversation.pk}/messages/"
    refused(as_alice.post(path, body, format="json"), 400, "client_id")
