"""What tables, columns and keys are called elsewhere. Case, hyphens and underscores make no difference.

A name that was given on the command line is the only one that counts.
"""

from collections.abc import Iterable, Mapping
from typing import Any

TABLES = {
    "characters": ("characters", "character", "bots", "bot", "personas", "companions", "chat_characters"),
    "conversations": ("chat_threads", "conversations", "threads", "chat_sessions", "chats", "sessions"),
    "messages": ("chat_messages", "messages", "conversation_messages", "thread_messages", "chat_message", "message"),
}

TIMES = (
    "created_at",
    "created",
    "date_created",
    "created_on",
    "timestamp",
    "time",
    "date",
    "create_date",
    "create_time",
)

# Kind → field → its names, the likeliest first.
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "character": {
        "id": ("id", "_id", "pk", "uuid", "character_id", "char_id", "bot_id"),
        "name": ("name", "char_name", "character_name", "bot_name", "display_name", "title", "character"),
        "nickname": ("nickname",),
        "description": ("description", "char_persona", "persona", "bio", "about"),
        "personality": ("personality", "char_personality", "traits"),
        "scenario": ("scenario", "world_scenario", "setting"),
        "system_prompt": ("system_prompt", "prompt", "system", "system_message", "instructions"),
        "first_message": ("first_message", "first_mes", "char_greeting", "greeting", "welcome_message", "intro"),
        "alternate_greetings": ("alternate_greetings",),
        "example_dialogue": ("example_dialogue", "mes_example", "example_dialogs", "examples", "samplechat"),
        "post_history_instructions": ("post_history_instructions", "jailbreak"),
        "creator": ("creator", "author"),
        "creator_notes": ("creator_notes", "creatorcomment", "tagline"),
        "character_version": ("character_version", "version"),
        "tags": ("tags", "categories", "category"),
        "lorebook": ("character_book", "lorebook"),
        "extensions": ("extensions",),
        "history": ("chat_history", "history", "messages", "chat", "conversation", "chat_log", "conversation_history"),
        "created_at": TIMES,
        "owner": (),
    },
    "conversation": {
        "id": ("id", "_id", "pk", "uuid", "thread_id", "conversation_id", "chat_id", "session_id"),
        "title": ("title", "name", "subject", "topic"),
        "character": ("character_id", "char_id", "bot_id", "persona_id", "companion_id", "character"),
        "character_name": ("character_name", "char_name", "bot_name", "character", "bot", "persona"),
        "history": ("messages", "chat_history", "history", "turns", "chat_log"),
        "created_at": TIMES,
        "owner": (),
    },
    "message": {
        "id": ("id", "_id", "pk", "uuid", "message_id", "msg_id"),
        "conversation": (
            *("thread_id", "chat_thread_id", "conversation_id", "chat_id", "session_id", "chat_session_id"),
            *("thread", "conversation", "character_id", "bot_id"),
        ),
        "order": ("position", "seq", "sequence", "message_index", "msg_order", "turn_index"),
        "role": ("role", "message_role"),
        "is_user": ("is_user", "from_user", "is_human", "by_user"),
        "is_bot": ("is_bot", "from_bot", "is_ai", "is_assistant", "by_bot"),
        "sender": (
            *("sender_type", "author_type", "sender_role", "sender", "from", "author", "speaker", "who", "name"),
            *("sender_name", "author_name", "username", "type"),
        ),
        "content": ("content", "text", "mes", "message", "body", "msg", "message_text", "value", "parts"),
        "created_at": (
            "timestamp",
            *TIMES[:4],
            "create_time",
            "send_date",
            "sent_at",
            "time",
            "date",
            "ts",
            "datetime",
            "at",
        ),
    },
}


def plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


PLAIN_TABLES = {kind: tuple(map(plain, names)) for kind, names in TABLES.items()}


class Names:
    """`tables`: kind → name. `columns`: "kind.field" → name."""

    def __init__(self, tables: Mapping[str, str] = {}, columns: Mapping[str, str] = {}) -> None:
        self.tables = dict(tables)
        self._fields = {
            kind: {
                field: (columns[f"{kind}.{field}"],) if f"{kind}.{field}" in columns else tuple(map(plain, names))
                for field, names in fields.items()
            }
            for kind, fields in FIELDS.items()
        }
        self._given = set(columns)
        self._places: dict[tuple[str, tuple[str, ...]], dict[str, list[str]]] = {}

    def places(self, kind: str, keys: Iterable[str]) -> dict[str, list[str]]:
        """Field → the keys of a record that hold it, the likeliest first; without those that nothing holds."""
        keys = tuple(keys)
        found = self._places.get((kind, keys))
        if found is None:
            if len(self._places) > 1000:  # records of which no two are alike
                self._places.clear()
            found = self._places[kind, keys] = self._find(kind, keys)
        return found

    def _find(self, kind: str, keys: tuple[str, ...]) -> dict[str, list[str]]:
        known: dict[str, str] = {}
        for key in keys:
            known.setdefault(plain(key), key)
        found = {}
        for field, names in self._fields[kind].items():
            here = keys if f"{kind}.{field}" in self._given else None
            at = [name for name in names if name in here] if here else [known[name] for name in names if name in known]
            if at:
                found[field] = at
        return found

    def value(self, kind: str, field: str, record: Mapping[str, Any]) -> Any:
        """The first that is there and not null."""
        for key in self.places(kind, record).get(field, ()):
            if record[key] is not None:
                return record[key]
        return None

    def is_called(self, kind: str, name: str) -> bool:
        """Whether a table, a list or a model may be one of `kind`, one of `TABLES`."""
        if kind in self.tables:
            return name == self.tables[kind]
        return plain(name) in PLAIN_TABLES[kind] or f"{plain(name)}s" in PLAIN_TABLES[kind]

    def history_keys(self) -> set[str]:
        """Plain names under which a long list may stand."""
        return {plain(name) for kind in ("character", "conversation") for name in self._fields[kind]["history"]}
