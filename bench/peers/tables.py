"""The tables, as SQLAlchemy's classes; columns that no answer needs are left out."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, DateTime, ForeignKey, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, deferred, mapped_column
from uuid_utils.compat import uuid7


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(String),
    }


class User(Base):
    __tablename__ = "accounts_user"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    display_name: Mapped[str]
    password: Mapped[str]
    is_active: Mapped[bool]
    created_at: Mapped[datetime]


class TokenFamily(Base):
    __tablename__ = "accounts_tokenfamily"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_user.id"))


class Conversation(Base):
    __tablename__ = "conversations_conversation"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_user.id"))
    character_id: Mapped[UUID | None]
    character_name: Mapped[str]
    title: Mapped[str]
    topic: Mapped[str]
    persona_name: Mapped[str]
    persona_description: Mapped[str]
    model: Mapped[str]
    temperature: Mapped[float | None]
    top_p: Mapped[float | None]
    max_tokens: Mapped[int | None]
    stop: Mapped[list[str] | None]
    active_leaf_id: Mapped[UUID | None]
    generating_id: Mapped[UUID | None]
    message_count: Mapped[int]
    last_message_at: Mapped[datetime | None]
    last_message_preview: Mapped[str]
    pinned: Mapped[bool]
    archived: Mapped[bool]
    extra: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(onupdate=now)
    sort_at: Mapped[datetime] = mapped_column(Computed("COALESCE(last_message_at, created_at)"))
    search: Mapped[Any] = deferred(mapped_column(TSVECTOR, Computed("")))


class Message(Base):
    __tablename__ = "conversations_message"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations_conversation.id"))
    user_id: Mapped[UUID]
    parent_id: Mapped[UUID | None]
    role: Mapped[str]
    content: Mapped[str]
    reasoning: Mapped[str] = mapped_column(default="")
    tool_calls: Mapped[list[Any]] = mapped_column(default=list)
    sources: Mapped[list[Any]] = mapped_column(default=list)
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
    client_id: Mapped[str | None]
    depth: Mapped[int]
    branch: Mapped[UUID]
    fork: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(default="complete")
    error: Mapped[dict[str, Any] | None]
    model: Mapped[str] = mapped_column(default="")
    finish_reason: Mapped[str] = mapped_column(default="")
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    rating: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    edited_at: Mapped[datetime | None]
    search: Mapped[Any] = deferred(mapped_column(TSVECTOR, Computed("")))
