"""As a good FastAPI engineer writes it: SQLAlchemy's classes, a session a request, response models."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from html import escape
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Text, and_, bindparam, cast, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import aliased
from uuid_utils.compat import uuid7

from bench.peers.gate import MAX_SIZE, POOL, SECRET, around, decode, encode, for_asyncpg, preview, stands
from bench.peers.tables import Conversation, Message, TokenFamily, User, now

engine = create_async_engine(for_asyncpg(), pool_size=POOL, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()
bearer = HTTPBearer()
T = TypeVar("T")


class MessageOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    conversation: UUID = Field(validation_alias="conversation_id")
    parent: UUID | None = Field(validation_alias="parent_id")
    role: str
    content: str
    reasoning: str
    tool_calls: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    extra: dict[str, Any]
    client_id: str | None
    depth: int
    siblings: list[UUID]
    sibling_index: int
    sibling_count: int
    status: str
    error: dict[str, Any] | None
    model: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    rating: int | None
    created_at: datetime
    updated_at: datetime
    edited_at: datetime | None


class ConversationOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    character: UUID | None = Field(validation_alias="character_id")
    character_name: str
    title: str
    topic: str
    persona_name: str
    persona_description: str
    model: str
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    stop: list[str] | None
    active_leaf: UUID | None = Field(validation_alias="active_leaf_id")
    generating: UUID | None = Field(validation_alias="generating_id")
    message_count: int
    last_message_at: datetime | None
    last_message_preview: str
    pinned: bool
    archived: bool
    extra: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class Page(BaseModel, Generic[T]):
    next: str | None = None
    previous: str | None = None
    results: list[T]


class SyncedPage(Page[T], Generic[T]):
    since: str | None = None


class NewMessage(BaseModel):
    content: str = Field(min_length=1, max_length=200_000, pattern=r"\S")
    role: Literal["user", "assistant", "system"] = "user"
    parent: UUID | None = None
    client_id: str | None = Field(None, max_length=128)
    extra: dict[str, Any] = {}


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    display_name: str
    created_at: datetime


class FoundConversation(BaseModel):
    id: UUID
    title: str
    character: UUID | None
    character_name: str


class FoundMessage(BaseModel):
    id: UUID
    role: str
    created_at: datetime


class Hit(BaseModel):
    kind: str
    conversation: FoundConversation
    message: FoundMessage | None
    highlight: str


async def session_of_request() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(session_of_request)]
Size = Annotated[int, Query(ge=1, le=MAX_SIZE)]


async def who(session: Session, token: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> User:
    try:
        claims = jwt.decode(token.credentials, SECRET, algorithms=["HS256"], options={"require": ["exp"]})
        key, family, mark = UUID(claims["user_id"]), UUID(claims["fam"]), claims["mark"]
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise HTTPException(401, "Invalid token") from None
    living = select(User).join(TokenFamily).where(User.id == key, TokenFamily.id == family)
    user = await session.scalar(living)
    if claims["token_type"] != "access" or user is None or not user.is_active or not stands(mark, user.password):
        raise HTTPException(401, "Invalid token")
    return user


Me = Annotated[User, Depends(who)]


def link(request: Request, *cursor: Any) -> str:
    return str(request.url.include_query_params(cursor=encode(*cursor)))


def edge_of(cursor: str, length: int) -> list[Any]:
    try:
        edge = decode(cursor)
    except ValueError:
        raise HTTPException(400, "Broken cursor") from None
    if len(edge) != length:
        raise HTTPException(400, "Broken cursor")
    return edge


@app.get("/api/auth/users/me/")
async def me(user: Me) -> UserOut:
    return UserOut.model_validate(user)


@app.get("/api/conversations/")
async def conversations(
    request: Request, user: Me, session: Session, page_size: Size = 50, cursor: str | None = None
) -> SyncedPage[ConversationOut]:
    since = None if cursor else await session.scalar(select(cast(func.pg_current_snapshot(), Text)))
    rows = select(Conversation).where(Conversation.user_id == user.id)
    if cursor:
        moment, key = edge_of(cursor, 2)
        rows = rows.where(
            tuple_(Conversation.sort_at, Conversation.id) < tuple_(datetime.fromisoformat(moment), UUID(key))
        )
    rows = rows.order_by(Conversation.sort_at.desc(), Conversation.id.desc()).limit(page_size + 1)
    found = (await session.scalars(rows)).all()
    page = [ConversationOut.model_validate(row) for row in found[:page_size]]
    return SyncedPage(
        next=link(request, "n", found[page_size - 1].sort_at.isoformat(), found[page_size - 1].id)
        if len(found) > page_size
        else None,
        previous=link(request, "p", found[0].sort_at.isoformat(), found[0].id) if cursor and found else None,
        results=page,
        since=since and encode(since),
    )


async def mine(session: AsyncSession, user: User, pk: UUID, *, lock: bool = False) -> tuple[Conversation, str]:
    """The conversation, and from when what is read after it is."""
    row = select(Conversation, cast(func.pg_current_snapshot(), Text))
    row = row.where(Conversation.id == pk, Conversation.user_id == user.id)
    found = (await session.execute(row.with_for_update() if lock else row)).one_or_none()
    if found is None:
        raise HTTPException(404, "Not found")
    return found.tuple()


def path_statement() -> Any:
    """The messages from `start` up, nearest first: at most `limit`."""
    path = (
        select(Message.id, Message.parent_id, literal(1).label("steps"))
        .where(Message.id == bindparam("start"), Message.conversation_id == bindparam("conversation"))
        .cte("path", recursive=True)
    )
    up = aliased(Message)
    above = select(up.id, up.parent_id, path.c.steps + 1).join(path, up.id == path.c.parent_id)
    path = path.union_all(above.where(path.c.steps < bindparam("limit")))
    return select(Message).join(path, Message.id == path.c.id).order_by(path.c.steps)


# Built once: it is the largest.
PATH = path_statement()


async def path_to(session: AsyncSession, start: UUID, conversation: UUID, limit: int) -> Sequence[Message]:
    values = {"start": start, "conversation": conversation, "limit": limit}
    return (await session.scalars(PATH, values)).all()


async def render(session: AsyncSession, messages: Sequence[Message]) -> list[MessageOut]:
    parents = {message.parent_id for message in messages}
    with_them = Message.parent_id.in_(parents - {None})
    if None in parents:
        roots = and_(Message.conversation_id == messages[0].conversation_id, Message.parent_id.is_(None))
        with_them = or_(with_them, roots)
    siblings: dict[UUID | None, list[UUID]] = defaultdict(list)
    if messages:
        rows = select(Message.parent_id, Message.id).where(with_them).order_by(Message.id)
        for parent, key in await session.execute(rows):
            siblings[parent].append(key)
    rendered = []
    for message in messages:
        told = around(siblings[message.parent_id], message.id)
        message.siblings, message.sibling_index, message.sibling_count = told  # type: ignore[attr-defined]
        rendered.append(MessageOut.model_validate(message))
    return rendered


@app.get("/api/conversations/{pk}/messages/")
async def messages(
    request: Request, pk: UUID, user: Me, session: Session, page_size: Size = 50, cursor: str | None = None
) -> SyncedPage[MessageOut]:
    conversation, since = await mine(session, user, pk)
    leaf = start = conversation.active_leaf_id
    if cursor:
        leaf, start = (UUID(part) for part in edge_of(cursor, 2))
    found = await path_to(session, start, pk, page_size + 1) if start else []
    return SyncedPage(
        next=link(request, "n", leaf, found[page_size].id) if len(found) > page_size else None,
        previous=link(request, "p", leaf, found[0].id) if found and start != leaf else None,
        results=await render(session, found[:page_size]),
        since=None if cursor else encode(since),
    )


@app.post("/api/conversations/{pk}/messages/", status_code=201)
async def append(pk: UUID, new: NewMessage, user: Me, session: Session) -> MessageOut:
    conversation, _ = await mine(session, user, pk, lock=True)
    if conversation.generating_id:
        raise HTTPException(409, "An answer is being written")
    if new.client_id:
        known = select(Message.id).where(Message.conversation_id == pk, Message.client_id == new.client_id)
        if await session.scalar(known):
            raise HTTPException(400, "There is a message with this id already")
    at = new.parent if "parent" in new.model_fields_set else conversation.active_leaf_id
    parent = (
        await session.scalar(select(Message).where(Message.id == at, Message.conversation_id == pk)) if at else None
    )
    if at and parent is None:
        raise HTTPException(400, "No such message")
    message = Message(id=uuid7(), conversation_id=pk, user_id=user.id, parent_id=at, depth=0, created_at=now())
    message.content, message.role, message.extra, message.client_id = new.content, new.role, new.extra, new.client_id
    message.branch = message.id
    if parent:
        message.depth = parent.depth + 1
        follows = select(Message.id).where(Message.branch == parent.branch, Message.depth == message.depth)
        if await session.scalar(follows):
            message.fork = parent.branch
        else:
            message.branch = parent.branch
    session.add(message)
    conversation.active_leaf_id = message.id
    conversation.message_count += 1
    conversation.last_message_at = message.created_at
    conversation.last_message_preview = preview(message.content)
    await session.flush()
    answer = (await render(session, [message]))[0]
    await session.commit()
    return answer


START, STOP = "\x02", "\x03"
MARKS = f"MaxFragments=1, MaxWords=40, MinWords=20, ShortWord=0, StartSel={START}, StopSel={STOP}"


def headline(text: Any, query: Any) -> ColumnElement[str]:
    return func.ts_headline("simple", text, query, MARKS)


@app.get("/api/search/")
async def search(
    request: Request,
    user: Me,
    session: Session,
    q: Annotated[str, Query(max_length=200)],
    page_size: Size = 50,
    cursor: str | None = None,
) -> Page[Hit]:
    query = func.websearch_to_tsquery("simple", q)
    edge = UUID(edge_of(cursor, 1)[0]) if cursor else None
    keys: list[UUID] = []
    for table in (Message, Conversation):
        rows = select(table.id).where(table.user_id == user.id, table.search.op("@@")(query))
        if edge:
            rows = rows.where(table.id < edge)
        keys += await session.scalars(rows.order_by(table.id.desc()).limit(page_size + 1))
    keys.sort(reverse=True)
    page = keys[:page_size]
    said = (
        select(Message, Conversation, headline(Message.content, query)).join(Conversation).where(Message.id.in_(page))
    )
    hits: dict[UUID, Hit] = {}
    for message, conversation, text in await session.execute(said):
        about = FoundMessage(id=message.id, role=message.role, created_at=message.created_at)
        hits[message.id] = hit("message", conversation, about, text)
    titled = select(Conversation, headline(Conversation.title, query)).where(Conversation.id.in_(page))
    for conversation, text in await session.execute(titled):
        hits[conversation.id] = hit("conversation", conversation, None, text)
    return Page(
        next=link(request, "n", page[-1]) if len(keys) > page_size else None,
        previous=link(request, "p", page[0]) if page and cursor else None,
        results=[hits[key] for key in page if key in hits],
    )


def hit(kind: str, conversation: Conversation, message: FoundMessage | None, text: str) -> Hit:
    within = FoundConversation(
        id=conversation.id,
        title=conversation.title,
        character=conversation.character_id,
        character_name=conversation.character_name,
    )
    safe = escape(text).replace(START, "<mark>").replace(STOP, "</mark>")
    return Hit(kind=kind, conversation=within, message=message, highlight=safe)
