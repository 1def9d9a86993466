"""The same made fast, still with FastAPI and SQLAlchemy: `columns`, which are written out by orjson without classes or
response models between; and `built`, whose lists PostgreSQL hands over as the JSON that is sent."""

import gc
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Any, Literal
from uuid import UUID

import jwt
import orjson
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from uuid_utils.compat import uuid7

from bench.peers import statements
from bench.peers.gate import MAX_SIZE, POOL, SECRET, around, decode, encode, for_asyncpg, preview, stands

engine = create_async_engine(for_asyncpg(), pool_size=POOL, max_overflow=0, isolation_level="AUTOCOMMIT")
columns, built = FastAPI(), FastAPI()


class NewMessage(BaseModel):
    content: str = Field(min_length=1, max_length=200_000, pattern=r"\S")
    role: Literal["user", "assistant", "system"] = "user"
    client_id: str | None = Field(None, max_length=128)
    extra: dict[str, Any] = {}


async def connection_of_request() -> AsyncIterator[AsyncConnection]:
    async with engine.connect() as connection:
        yield connection


Connection = Annotated[AsyncConnection, Depends(connection_of_request)]
Size = Annotated[int, Query(ge=1, le=MAX_SIZE)]
USER = text(
    """
    SELECT u.id::text, email, display_name, u.created_at, password, is_active
    FROM accounts_user u JOIN accounts_tokenfamily family ON family.user_id = u.id
    WHERE u.id = :user AND family.id = :family
    """
)


async def who(request: Request, connection: Connection) -> Any:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["exp"]})
        keys = {"user": UUID(claims["user_id"]), "family": UUID(claims["fam"])}
        sound = scheme.lower() == "bearer" and claims["token_type"] == "access"
        mark = claims["mark"]
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise HTTPException(401, "Invalid token") from None
    user = (await connection.execute(USER, keys)).one_or_none() if sound else None
    if user is None or not user.is_active or not stands(mark, user.password):
        raise HTTPException(401, "Invalid token")
    return user


Me = Annotated[Any, Depends(who)]


def send(answer: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(answer, default=str, option=orjson.OPT_UTC_Z), status, media_type="application/json")


def send_built(following: str | None, previous: str | None, results: str, since: str | None) -> Response:
    """A page around results that are JSON already."""
    body = f'{{"next":{json.dumps(following)},"previous":{json.dumps(previous)},"results":{results}'
    return Response(f'{body},"since":{json.dumps(since)}}}', media_type="application/json")


def link(request: Request, *cursor: Any) -> str:
    return str(request.url.include_query_params(cursor=encode(*cursor)))


def as_rows(result: Any) -> list[dict[str, Any]]:
    names = statements.JSON_COLUMNS.intersection(result.keys())
    rows = []
    for found in result.mappings():
        row = dict(found)
        for name in names:
            # PostgreSQL's text of it is sent as it is.
            row[name] = None if row[name] is None else orjson.Fragment(row[name])
        rows.append(row)
    return rows


def edge_of(cursor: str | None, *kinds: Callable[[Any], Any]) -> list[Any] | None:
    if cursor is None:
        return None
    try:
        return [kind(part) for kind, part in zip(kinds, decode(cursor), strict=True)]
    except ValueError:
        raise HTTPException(400, "Broken cursor") from None


@columns.get("/api/auth/users/me/")
@built.get("/api/auth/users/me/")
async def me(user: Me) -> Response:
    told = {"id": user.id, "email": user.email, "display_name": user.display_name, "created_at": user.created_at}
    return send(told)


LISTED = {
    beyond: text(
        statements.conversations(
            f"{statements.as_text(statements.CONVERSATION)}, sort_at, pg_current_snapshot()::text AS since",
            ":user",
            beyond=beyond,
        )
    )
    for beyond in (False, True)
}


@columns.get("/api/conversations/")
async def conversations(
    request: Request, user: Me, connection: Connection, page_size: Size = 50, cursor: str | None = None
) -> Response:
    edge = edge_of(cursor, datetime.fromisoformat, UUID)
    values = {"user": UUID(user.id), "limit": page_size + 1}
    if edge:
        values |= {"moment": edge[0], "key": edge[1]}
    rows = as_rows(await connection.execute(LISTED[edge is not None], values))
    moments, sinces = [row.pop("sort_at").isoformat() for row in rows], [row.pop("since") for row in rows]
    if not rows:
        sinces = [await connection.scalar(text("SELECT pg_current_snapshot()::text"))]
    last = page_size - 1
    return send(
        {
            "next": link(request, "n", moments[last], rows[last]["id"]) if len(rows) > page_size else None,
            "previous": link(request, "p", moments[0], rows[0]["id"]) if edge and rows else None,
            "results": rows[:page_size],
            "since": None if edge else encode(sinces[0]),
        }
    )


BUILT_LISTS = {
    beyond: text(
        f"SELECT page.*, pg_current_snapshot()::text AS since"
        f" FROM ({statements.conversation_page(':user', beyond=beyond)}) page"
    )
    for beyond in (False, True)
}


@built.get("/api/conversations/")
async def conversations_built(
    request: Request, user: Me, connection: Connection, page_size: Size = 50, cursor: str | None = None
) -> Response:
    edge = edge_of(cursor, datetime.fromisoformat, UUID)
    values = {"user": UUID(user.id), "limit": page_size + 1}
    if edge:
        values |= {"moment": edge[0], "key": edge[1]}
    page = (await connection.execute(BUILT_LISTS[edge is not None], values)).one()
    following = link(request, "n", page.moment.isoformat(), page.key) if page.found > page_size else None
    previous = link(request, "p", page.first_moment.isoformat(), page.first_key) if edge and page.found else None
    return send_built(following, previous, page.results, None if edge else encode(page.since))


MINE = text(
    """
    SELECT active_leaf_id, pg_current_snapshot()::text FROM conversations_conversation
    WHERE id = :conversation AND user_id = :user
    """
)
PATH = text(
    f"{statements.path(':start', ':conversation')}"
    f" SELECT {statements.as_text(statements.MESSAGE)}, family::text[] FROM message, {statements.FAMILY} ORDER BY steps"
)


@columns.get("/api/conversations/{pk}/messages/")
async def messages(
    request: Request, pk: UUID, user: Me, connection: Connection, page_size: Size = 50, cursor: str | None = None
) -> Response:
    edge = edge_of(cursor, UUID, UUID)
    mine = (await connection.execute(MINE, {"conversation": pk, "user": UUID(user.id)})).one_or_none()
    if mine is None:
        raise HTTPException(404, "Not found")
    leaf, start = edge or (mine[0], mine[0])
    values = {"start": start, "conversation": pk, "limit": page_size + 1}
    rows = as_rows(await connection.execute(PATH, values)) if start else []
    for row in rows:
        row["siblings"], row["sibling_index"], row["sibling_count"] = around(row.pop("family"), row["id"])
    return send(
        {
            "next": link(request, "n", leaf, rows[page_size]["id"]) if len(rows) > page_size else None,
            "previous": link(request, "p", leaf, rows[0]["id"]) if rows and start != leaf else None,
            "results": rows[:page_size],
            "since": None if edge else encode(mine[1]),
        }
    )


BUILT = text(
    f"""
    SELECT mine.active_leaf_id AS leaf, pg_current_snapshot()::text AS since, page.*
    FROM conversations_conversation mine,
    LATERAL ({statements.page("coalesce(:start, mine.active_leaf_id)", "mine.id")}) page
    WHERE mine.id = :conversation AND mine.user_id = :user
    """
).bindparams(bindparam("start", type_=PG_UUID()))


@built.get("/api/conversations/{pk}/messages/")
async def messages_built(
    request: Request, pk: UUID, user: Me, connection: Connection, page_size: Size = 50, cursor: str | None = None
) -> Response:
    edge = edge_of(cursor, UUID, UUID)
    values = {"conversation": pk, "user": UUID(user.id), "limit": page_size + 1, "start": edge and edge[1]}
    page = (await connection.execute(BUILT, values)).one_or_none()
    if page is None:
        raise HTTPException(404, "Not found")
    leaf = edge[0] if edge else page.leaf
    following = link(request, "n", leaf, page.beyond) if page.beyond else None
    previous = link(request, "p", leaf, page.first) if edge and page.first and edge[1] != leaf else None
    return send_built(following, previous, page.results, None if edge else encode(page.since))


HOLD, KNOWN = text(statements.HOLD), text(statements.KNOWN)
APPEND = text(statements.append(statements.as_text(statements.MESSAGE))).bindparams(
    *(bindparam(name, type_=PG_UUID()) for name in ("id", "conversation", "user", "parent"))
)


@columns.post("/api/conversations/{pk}/messages/")
@built.post("/api/conversations/{pk}/messages/")
async def append(pk: UUID, new: NewMessage, user: Me, connection: Connection) -> Response:
    # The user has been read by itself; what follows is one transaction.
    await connection.commit()
    await connection.execution_options(isolation_level="READ COMMITTED")
    keys = {"conversation": pk, "user": UUID(user.id)}
    held = (await connection.execute(HOLD, keys)).one_or_none()
    if held is None:
        raise HTTPException(404, "Not found")
    if held.generating_id:
        raise HTTPException(409, "An answer is being written")
    if new.client_id and await connection.scalar(KNOWN, {**keys, "client_id": new.client_id}):
        raise HTTPException(400, "There is a message with this id already")
    values = {**keys, "id": uuid7(), "parent": held.active_leaf_id, "now": datetime.now(UTC), "role": new.role}
    values |= {"content": new.content, "preview": preview(new.content), "client_id": new.client_id or None}
    result = await connection.execute(APPEND, {**values, "extra": orjson.dumps(new.extra).decode()})
    row = as_rows(result)[0]
    await connection.commit()
    row["siblings"], row["sibling_index"], row["sibling_count"] = around(row.pop("family"), UUID(row["id"]))
    return send(row, 201)


# Sorted by what no index has, so that PostgreSQL begins with the words.
FOUND = text(
    """
    SELECT id FROM (
        (SELECT id FROM conversations_message
        WHERE user_id = :user AND search @@ websearch_to_tsquery('simple', :q) AND (:edge IS NULL OR id < :edge)
        ORDER BY uuid_send(id) DESC LIMIT :limit)
      UNION ALL
        (SELECT id FROM conversations_conversation
        WHERE user_id = :user AND search @@ websearch_to_tsquery('simple', :q) AND (:edge IS NULL OR id < :edge)
        ORDER BY uuid_send(id) DESC LIMIT :limit)
    ) found ORDER BY id DESC LIMIT :limit
    """
).bindparams(bindparam("edge", type_=PG_UUID()))
START, STOP = "\x02", "\x03"
MARKS = f"'MaxFragments=1, MaxWords=40, MinWords=20, ShortWord=0, StartSel={START}, StopSel={STOP}'"
TOLD = text(
    f"""
    SELECT message.id, role, message.created_at, conversation.id::text AS conversation, title, character_name,
        character_id::text AS character,
        ts_headline('simple', content, websearch_to_tsquery('simple', :q), {MARKS}) AS headline
    FROM conversations_message message JOIN conversations_conversation conversation ON conversation.id = conversation_id
    WHERE message.id = ANY(:page)
  UNION ALL
    SELECT id, NULL, NULL, id::text, title, character_name, character_id::text,
        ts_headline('simple', title, websearch_to_tsquery('simple', :q), {MARKS})
    FROM conversations_conversation WHERE id = ANY(:page)
    """
)


@columns.get("/api/search/")
@built.get("/api/search/")
async def search(
    request: Request,
    user: Me,
    connection: Connection,
    q: Annotated[str, Query(max_length=200)],
    page_size: Size = 50,
    cursor: str | None = None,
) -> Response:
    edge = edge_of(cursor, UUID)
    values = {"user": UUID(user.id), "q": q, "edge": edge and edge[0], "limit": page_size + 1}
    keys = list(await connection.scalars(FOUND, values))
    page = keys[:page_size]
    rows = {row.id: row for row in await connection.execute(TOLD, {"q": q, "page": page})}
    hits = []
    for row in (rows[key] for key in page if key in rows):
        about = {"id": row.id, "role": row.role, "created_at": row.created_at} if row.role else None
        named = {"character": row.character, "character_name": row.character_name}
        within = {"id": row.conversation, "title": row.title, **named}
        safe = escape(row.headline).replace(START, "<mark>").replace(STOP, "</mark>")
        kind = "message" if about else "conversation"
        hits.append({"kind": kind, "conversation": within, "message": about, "highlight": safe})
    return send(
        {
            "next": link(request, "n", page[-1]) if len(keys) > page_size else None,
            "previous": link(request, "p", page[0]) if page and edge else None,
            "results": hits,
        }
    )


# What is there by now is not looked through for garbage again.
gc.collect()
gc.freeze()
