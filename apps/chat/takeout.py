"""Everything that somebody has here, as one zip archive."""

import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any, TypeVar, cast

from django.db.models import Exists, Model, OuterRef, QuerySet
from rest_framework.utils.encoders import JSONEncoder

from apps.accounts.models import User
from apps.accounts.serializers import MeSerializer
from apps.api.files import file_name
from apps.characters import shelf
from apps.characters.models import Character, CharacterFile, Report
from apps.characters.serializers import CharacterSerializer
from apps.chat.models import Generation
from apps.conversations.documents import to_document
from apps.conversations.models import Conversation
from apps.knowledge import library
from apps.knowledge.models import Document, Fact, Kind
from apps.tools.models import Tool
from apps.tools.serializers import ToolSerializer

M = TypeVar("M", bound=Model)

README = (
    "Everything that {who} had in Dramatis on {when:%Y-%m-%d at %H:%M} UTC: the account is account.json.\n"
    "Each file in characters/ and conversations/ is one of them, the oldest first; a .charx is a character once more,\n"
    "as a card with its picture and its files, for other programs.\n"
    "Each file in knowledge/ is the text of a document that a character knows; knowledge.jsonl has a line for each.\n"
    "facts.jsonl has a line for everything that a character keeps about them.\n"
    "tools.jsonl has a line for every tool; secrets are not among it.\n"
    "reports.jsonl has a line for every character of somebody else's that was reported to the staff.\n"
    "usage.jsonl has a line for every time that a model was called, the oldest first.\n"
)

USAGE = (
    *("created_at", "purpose", "provider", "model", "status", "error"),
    *("prompt_tokens", "completion_tokens", "first_token_ms", "latency_ms"),
)

DOCUMENT = ("id", "character_id", "title", "kind", "size", "created_at", "updated_at")

FACT = ("character_id", "text", "created_at")
REPORT = ("character_id", "reason", "details", "created_at")

# Rows that are held in memory at once. A character's texts may come to megabytes.
CHARACTERS = 10
CONVERSATIONS = 100
DOCUMENTS = 100
CALLS = 1000


def write(user: User, archive_file: IO[bytes], now: datetime, context: dict[str, Any]) -> None:
    """Write the archive. `context` is what serializers are given: the request of `user`.

    No more is held in memory than one conversation, one document, one character with its files, or one page of rows.
    Entries stand in a fixed order, rows the oldest first. What is changed meanwhile is there as it was when its turn
    came.
    """
    with zipfile.ZipFile(archive_file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README.format(who=user.email, when=now))
        archive.writestr("account.json", _json(_account(user, context)))
        has_files = Exists(CharacterFile.objects.filter(character=OuterRef("pk")))
        characters = Character.objects.owned_by(user).annotate(has_files=has_files).prefetch_related("tools")
        for character in _oldest_first(characters, CHARACTERS):
            name = entry_name("characters", character.name, character.pk)
            archive.writestr(name, _json(CharacterSerializer(character, context=context).data))
            if cast(Any, character).has_files:
                charx, _, ending = shelf.written(character, "charx", int(now.timestamp()))
                archive.writestr(f"{name.removesuffix('.json')}.{ending}", charx, zipfile.ZIP_STORED)
        for conversation in _oldest_first(Conversation.objects.owned_by(user), CONVERSATIONS):
            conversation.user = user
            title = conversation.title or conversation.character_name
            name = entry_name("conversations", title, conversation.pk)
            archive.writestr(name, _json(to_document(conversation)))
        for document in _oldest_first(Document.objects.owned_by(user), DOCUMENTS):
            ending = "md" if document.kind == Kind.MARKDOWN else "txt"
            name = entry_name("knowledge", document.title, document.pk, ending)
            archive.writestr(name, library.text_of(document))
        with archive.open("knowledge.jsonl", "w") as lines:
            for document in _oldest_first(Document.objects.owned_by(user), DOCUMENTS):
                lines.write(_json({name: getattr(document, name) for name in DOCUMENT}) + b"\n")
        with archive.open("facts.jsonl", "w") as lines:
            for fact in _oldest_first(Fact.objects.owned_by(user), CALLS):
                lines.write(_json({name: getattr(fact, name) for name in FACT}) + b"\n")
        with archive.open("tools.jsonl", "w") as lines:
            for tool in _oldest_first(Tool.objects.owned_by(user), CALLS):
                lines.write(_json(ToolSerializer(tool, context=context).data) + b"\n")
        with archive.open("reports.jsonl", "w") as lines:
            for report in _oldest_first(Report.objects.owned_by(user), CALLS):
                lines.write(_json({name: getattr(report, name) for name in REPORT}) + b"\n")
        with archive.open("usage.jsonl", "w") as lines:
            for call in _oldest_first(Generation.objects.owned_by(user).only(*USAGE), CALLS):
                lines.write(_json({name: getattr(call, name) for name in USAGE}) + b"\n")


def entry_name(folder: str, title: str, key: object, ending: str = "json") -> str:
    """A file's name in the archive; the id makes it the only one."""
    return f"{folder}/{file_name(title, otherwise='untitled')}-{key}.{ending}"


def _account(user: User, context: dict[str, Any]) -> dict[str, Any]:
    return {
        **MeSerializer(user, context=context).data,
        "last_sign_in": user.last_login,
        "identities": list(user.identities.order_by("pk").values("issuer", "subject", "created_at")),
        "sign_ins": {
            "tokens": list(user.token_families.order_by("pk").values("created_at", "expires_at")),
            "sessions": [
                {"expires_at": when}
                for when in user.sessions.order_by("expire_date").values_list("expire_date", flat=True)
            ],
            "api_keys": list(user.api_keys.order_by("pk").values("id", "name", "prefix", "created_at", "last_used_at")),
        },
    }


def _oldest_first(rows: QuerySet[M], size: int) -> Iterator[M]:
    # Not `iterator()`: without cursors on the server, which a pooler does not allow, it would fetch all rows at once.
    page = rows.order_by("pk")[:size]
    while found := list(page):
        yield from found
        page = rows.filter(pk__gt=found[-1].pk).order_by("pk")[:size]


def _json(value: Any) -> bytes:
    return json.dumps(value, cls=JSONEncoder, ensure_ascii=False, separators=(",", ":")).encode()
