"""What this machine allows in Python: ASGI without a framework, psycopg in ten threads, and one statement a request,
which looks at who asks, too. `app` sends lists as PostgreSQL builds them; `columns` writes a page of messages itself,
with orjson. No search."""

import asyncio
import base64
import gc
import hmac
import json
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import dict_row, tuple_row
from uuid_utils.compat import uuid7

from bench.peers import statements
from bench.peers.gate import MAX_SIZE, POOL, SECRET, URL, around, decode, encode, preview, stands

ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
MESSAGES = re.compile(f"/api/conversations/({ID})/messages/")
POOL_THREADS = ThreadPoolExecutor(POOL)
local = threading.local()


class Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


def prepared(statement: str) -> str:
    """With psycopg's names for values."""
    return re.sub(r"(?<![:\w]):([a-z_]+)", r"%(\1)s", statement)


def with_user(answer: str) -> str:
    """One row: whether the user is active and their password's hash, then what `answer` finds for them."""
    return prepared(
        f"""
        SELECT u.password, answer.* FROM accounts_user u
        JOIN accounts_tokenfamily family ON family.user_id = u.id AND family.id = :family
        LEFT JOIN LATERAL ({answer}) answer ON true
        WHERE u.id = :user AND u.is_active
        """
    )


USER = with_user(
    """
    SELECT convert_to(json_build_object(
        'id', u.id, 'email', email, 'display_name', display_name, 'created_at', u.created_at
    )::text, 'UTF8')
    """
)
BYTES = "convert_to(page.results, 'UTF8'), pg_current_snapshot()::text"
PAGE = with_user(
    f"""
    SELECT {BYTES}, active_leaf_id, first, beyond FROM conversations_conversation mine,
    LATERAL ({statements.page("coalesce(:start, mine.active_leaf_id)", "mine.id")}) page
    WHERE mine.id = :conversation AND mine.user_id = u.id
    """
)
LISTS = {
    beyond: with_user(
        f"""
        SELECT {BYTES}, found, moment, key, first_moment, first_key
        FROM ({statements.conversation_page("u.id", beyond=beyond)}) page
        """
    )
    for beyond in (False, True)
}
MINE = with_user(
    """
    SELECT active_leaf_id, pg_current_snapshot()::text FROM conversations_conversation
    WHERE id = :conversation AND user_id = u.id
    """
)
PATH = prepared(
    f"{statements.path(':start', ':conversation')}"
    f" SELECT {statements.as_text(statements.MESSAGE)}, family::text[] FROM message, {statements.FAMILY} ORDER BY steps"
)
HOLD = with_user(f"SELECT true, held.* FROM ({statements.HOLD.replace('user_id = :user', 'user_id = u.id')}) held")
APPEND, KNOWN = prepared(statements.append(statements.MESSAGE)), prepared(statements.KNOWN)


def connection() -> psycopg.Connection[Any]:
    """This thread's."""
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(URL, autocommit=True, prepare_threshold=0, row_factory=tuple_row)
    return local.connection  # type: ignore[no-any-return]


def claims_of(header: bytes) -> dict[str, Any]:
    scheme, _, token = header.partition(b" ")
    signed, _, signature = token.rpartition(b".")
    expected = hmac.new(SECRET.encode(), signed, sha256).digest()
    try:
        sound = hmac.compare_digest(expected, unpadded(signature)) and scheme.lower() == b"bearer"
        head, _, body = signed.partition(b".")
        claims: dict[str, Any] = orjson.loads(unpadded(body))
        if not sound or orjson.loads(unpadded(head))["alg"] != "HS256" or claims["token_type"] != "access":
            raise Refused(401)
        claims["user_id"], claims["fam"], claims["mark"] = UUID(claims["user_id"]), UUID(claims["fam"]), claims["mark"]
    except (ValueError, KeyError, TypeError):
        raise Refused(401) from None
    if claims["exp"] <= time.time():
        raise Refused(401)
    return claims


def unpadded(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def ask(statement: str, claims: dict[str, Any], **values: Any) -> tuple[Any, ...]:
    """What is found for the user whose token it is; 401 where it is nobody's, 404 where nothing is found."""
    values |= {"user": claims["user_id"], "family": claims["fam"]}
    row = connection().cursor(binary=True).execute(statement, values).fetchone()
    if row is None or not stands(claims["mark"], row[0]):
        raise Refused(401)
    return row[1:]


class Request:
    def __init__(self, scope: Any, body: bytes) -> None:
        self.path, self.method, self.body = scope["path"], scope["method"], body
        self.headers = dict(scope["headers"])
        self.query = dict(parse_qsl(scope["query_string"].decode()))
        self.claims = claims_of(self.headers.get(b"authorization", b""))
        try:
            self.size = int(self.query.get("page_size", 50))
        except ValueError:
            raise Refused(400) from None
        if not 1 <= self.size <= MAX_SIZE:
            raise Refused(400)

    def edge(self, *kinds: Callable[[Any], Any]) -> list[Any] | None:
        if "cursor" not in self.query:
            return None
        try:
            return [kind(part) for kind, part in zip(kinds, decode(self.query["cursor"]), strict=True)]
        except ValueError:
            raise Refused(400) from None

    def link(self, *cursor: Any) -> str:
        query = urlencode({**self.query, "cursor": encode(*cursor)})
        return f"http://{self.headers[b'host'].decode()}{self.path}?{query}"


def page(following: str | None, previous: str | None, results: bytes, since: str | None) -> tuple[int, bytes]:
    head = b'{"next":%b,"previous":%b,"results":' % (orjson.dumps(following), orjson.dumps(previous))
    return 200, b'%b%b,"since":%b}' % (head, results, orjson.dumps(since))


def me(request: Request) -> tuple[int, bytes]:
    return 200, ask(USER, request.claims)[0]


def conversations(request: Request) -> tuple[int, bytes]:
    edge = request.edge(datetime.fromisoformat, UUID)
    values = {"moment": edge[0], "key": edge[1]} if edge else {}
    found = ask(LISTS[edge is not None], request.claims, limit=request.size + 1, **values)
    results, since, count, moment, key, first_moment, first_key = found
    return page(
        request.link("n", moment.isoformat(), key) if count > request.size else None,
        request.link("p", first_moment.isoformat(), first_key) if edge and count else None,
        results,
        None if edge else encode(since),
    )


def messages(request: Request, conversation: str) -> tuple[int, bytes]:
    edge = request.edge(UUID, UUID)
    values = {"conversation": UUID(conversation), "limit": request.size + 1, "start": edge and edge[1]}
    results, since, leaf, first, beyond = ask(PAGE, request.claims, **values)
    if results is None:
        raise Refused(404)
    if edge:
        leaf = edge[0]
    return page(
        request.link("n", leaf, beyond) if beyond else None,
        request.link("p", leaf, first) if edge and first and edge[1] != leaf else None,
        results,
        None if edge else encode(since),
    )


def messages_by_columns(request: Request, conversation: str) -> tuple[int, bytes]:
    edge = request.edge(UUID, UUID)
    leaf, since = ask(MINE, request.claims, conversation=UUID(conversation))
    if since is None:
        raise Refused(404)
    leaf, start = edge or (leaf, leaf)
    values = {"start": start, "conversation": UUID(conversation), "limit": request.size + 1}
    cursor = connection().cursor(binary=True, row_factory=dict_row).execute(PATH, values)
    rows = cursor.fetchall()
    for row in rows:
        for name in statements.JSON_COLUMNS:
            row[name] = row[name] and orjson.Fragment(row[name])
        row["siblings"], row["sibling_index"], row["sibling_count"] = around(row.pop("family"), row["id"])
    return page(
        request.link("n", leaf, rows[request.size]["id"]) if len(rows) > request.size else None,
        request.link("p", leaf, rows[0]["id"]) if rows and start != leaf else None,
        orjson.dumps(rows[: request.size], option=orjson.OPT_UTC_Z),
        None if edge else encode(since),
    )


def append(request: Request, conversation: str) -> tuple[int, bytes]:
    try:
        new = orjson.loads(request.body)
        content, role = new["content"], new.get("role", "user")
        client_id, extra = new.get("client_id") or None, new.get("extra", {})
        sound = content.strip() and len(content) <= 200_000 and role in ("user", "assistant", "system")
        if not sound or not isinstance(extra, dict) or len(client_id or "") > 128:
            raise Refused(400)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(400) from None
    keys = {"conversation": UUID(conversation), "user": request.claims["user_id"]}
    with connection().transaction():
        held = ask(HOLD, request.claims, conversation=keys["conversation"])
        leaf, generating = held[1:]
        if held[0] is None:
            raise Refused(404)
        if generating:
            raise Refused(409)
        cursor = connection().cursor(binary=True)
        if client_id and cursor.execute(KNOWN, {**keys, "client_id": client_id}).fetchone():
            raise Refused(400)
        values = {**keys, "id": uuid7(), "parent": leaf, "now": datetime.now(UTC), "role": role, "content": content}
        values |= {"preview": preview(content), "client_id": client_id, "extra": json.dumps(extra)}
        row = cursor.execute(APPEND, values).fetchone()
    assert row is not None
    assert cursor.description is not None
    told = dict(zip((column.name for column in cursor.description), row, strict=True))
    told["siblings"], told["sibling_index"], told["sibling_count"] = around(told.pop("family"), told["id"])
    return 201, orjson.dumps(told, option=orjson.OPT_UTC_Z)


def respond(scope: Any, body: bytes, page_of: Callable[[Request, str], tuple[int, bytes]]) -> tuple[int, bytes]:
    try:
        request = Request(scope, body)
        found = MESSAGES.fullmatch(request.path)
        if found and request.method == "POST":
            return append(request, found[1])
        if found and request.method == "GET":
            return page_of(request, found[1])
        if request.path == "/api/conversations/" and request.method == "GET":
            return conversations(request)
        if request.path == "/api/auth/users/me/" and request.method == "GET":
            return me(request)
        raise Refused(404)
    except Refused as refused:
        return refused.status, b"{}"


async def app(scope: Any, receive: Any, send: Any) -> None:
    await serve(scope, receive, send, messages)


async def columns(scope: Any, receive: Any, send: Any) -> None:
    await serve(scope, receive, send, messages_by_columns)


async def serve(scope: Any, receive: Any, send: Any, page_of: Callable[[Request, str], tuple[int, bytes]]) -> None:
    if scope["type"] != "http":
        return
    body, more = b"", scope["method"] == "POST"
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    loop = asyncio.get_running_loop()
    status, answer = await loop.run_in_executor(POOL_THREADS, respond, scope, body, page_of)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


# What is there by now is not looked through for garbage again.
gc.collect()
gc.freeze()
