"""Every operation of the OpenAPI schema, and how to call it for the cast.

What a path or a body needs is looked up in the two tables below. What is not in them is an error: a new endpoint
extends them, and `alices` with them.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from drf_spectacular.generators import SchemaGenerator

from apps.accounts import tokens
from apps.accounts.models import User
from apps.characters.models import Character
from apps.knowledge.models import Fact
from tests.factories import PASSWORD, make_character, make_conversation, make_picture, make_tool, say

# What stands before an id in a path → the name of such a row in the cast.
KINDS = {
    "characters": "character",
    "conversations": "conversation",
    "chat": "conversation",
    "messages": "message",
    "knowledge": "document",
    "facts": "fact",
    "tools": "tool",
    "keys": "api_key",
    "models": "character",
    "items": "item",
}

# A field of a body that takes an id → the name of such a row in the cast.
REFERENCES = {
    "character": "character",
    "parent": "message",
    "active_leaf": "message",
    "message": "message",
    "tools": "tool",
}

# A parameter of a list that takes an id, likewise.
FILTERS = {"character": "character", "conversation": "conversation"}

# A path → the parameters that its list cannot do without, finding what is in the cast.
NEEDED: dict[str, dict[str, str]] = {
    "/api/search/": {"q": "clocks or time"},
    "/api/characters/{id}/knowledge/search/": {"q": "Does the clock go?"},
}

# What one does with what is another's, and cannot do with one's own.
OF_OTHERS = {"POST /api/characters/{id}/report/"}

# What is answered by the server alone, though it is no stream.
AWAITED = {
    *("POST /api/tools/{id}/run/", "POST /api/tools/{id}/refresh/"),
    *("POST /api/chat/{id}/", "POST /api/chat/{id}/message/"),
}

# Answers in JSON, whatever is asked for, and refuses in OpenAI's shape.
OPENAI = "/v1/"

Body = dict[str, Any]

CARD = {"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Grace", "description": "A programmer."}}

# A path → the file of the form that its PUT takes, where it is not sent JSON.
FILES: dict[str, Callable[[], bytes]] = {"/api/characters/{id}/avatar/": lambda: make_picture()}

# A path → a body that fits each of its operations; what one of them does not know, it ignores.
BODIES: dict[str, Callable[[Any], Body]] = {
    "/api/auth/api-keys/": lambda who: {"name": "A phone"},
    "/api/auth/jwt/create/": lambda who: {"email": who.user.email, "password": PASSWORD},
    "/api/auth/jwt/logout/": lambda who: {"refresh": tokens.sign_in(who.user)["refresh"]},
    "/api/auth/jwt/refresh/": lambda who: {"refresh": tokens.sign_in(who.user)["refresh"]},
    "/api/auth/jwt/verify/": lambda who: {"token": tokens.sign_in(who.user)["access"]},
    "/api/auth/session/": lambda who: {"email": who.user.email, "password": PASSWORD},
    "/api/auth/users/": lambda who: {"email": "new@example.com", "password": PASSWORD},
    "/api/auth/users/me/": lambda who: {"display_name": "Somebody", "current_password": PASSWORD},
    "/api/auth/users/reset_password/": lambda who: {"email": who.user.email},
    "/api/auth/users/reset_password_confirm/": lambda who: {
        "uid": urlsafe_base64_encode(force_bytes(who.user.pk)),
        "token": default_token_generator.make_token(User.objects.get(pk=who.user.pk)),
        "new_password": "another good password",
    },
    "/api/auth/users/set_password/": lambda who: {
        "current_password": PASSWORD,
        "new_password": "another good password",
    },
    "/api/characters/": lambda who: {"name": "Grace"},
    "/api/characters/{id}/": lambda who: {"name": "Grace"},
    "/api/characters/import/": lambda who: CARD,
    "/api/characters/{id}/avatar/": lambda who: {"url": "http://pictures.example/ada.png"},
    "/api/characters/{id}/knowledge/": lambda who: {"title": "Watches", "text": "A watch is a small clock."},
    "/api/characters/{id}/knowledge/{document_pk}/": lambda who: {"title": "Hours"},
    "/api/characters/{id}/lorebook/": lambda who: {"spec": "lorebook_v3", "data": {"entries": []}},
    "/api/characters/{id}/report/": lambda who: {"reason": "other"},
    "/api/chat/": lambda who: {
        "id": str(who.conversation.pk),
        "trigger": "submit-message",
        "messages": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "And now?"}]}],
    },
    "/api/chat/start/": lambda who: {"character": str(who.character.pk)},
    "/api/chat/{id}/": lambda who: {"message": "And now?"},
    "/api/chat/{id}/message/": lambda who: {"message": "And now?"},
    "/api/conversations/": lambda who: {"character": str(who.character.pk)},
    "/api/conversations/{id}/": lambda who: {"title": "Watches"},
    "/api/conversations/import/": lambda who: {
        "format": "dramatis.conversation",
        "version": 1,
        "messages": [{"id": 0, "parent": None, "role": "user", "content": "Once upon a time."}],
    },
    "/api/facts/": lambda who: {"character": str(who.character.pk), "text": "Likes tea."},
    "/api/facts/{id}/": lambda who: {"character": str(who.character.pk), "text": "Likes tea."},
    "/api/tools/": lambda who: {"name": "roll", "kind": "builtin", "builtin": "dice"},
    "/api/tools/{id}/": lambda who: {"name": "roll", "kind": "builtin", "builtin": "dice"},
    "/api/tools/{id}/run/": lambda who: {"arguments": {"zone": "UTC"}},
    "/api/conversations/{id}/fork/": lambda who: {"message": str(who.message.pk)},
    "/api/conversations/{id}/regenerate/": lambda who: {"message": str(who.message.pk)},
    "/api/conversations/{id}/chat/": lambda who: {"content": "And now?"},
    "/api/conversations/{id}/messages/": lambda who: {"content": "And now?"},
    "/api/conversations/{id}/messages/{message_pk}/": lambda who: {"content": "What year is it?"},
    "/v1/chat/completions": lambda who: {
        "model": str(who.character.pk),
        "messages": [{"role": "user", "content": "What time is it?"}],
    },
    "/v1/conversations": lambda who: {"character": str(who.character.pk)},
    "/v1/conversations/{id}": lambda who: {"metadata": {"about": "clocks"}},
    "/v1/conversations/{id}/items": lambda who: {"items": [{"role": "user", "content": "And now?"}]},
}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    secured: bool
    streams: bool
    has_id: bool
    # Name → schema, references resolved; of the JSON body and of the query.
    fields: dict[str, Any] = field(hash=False)
    query: dict[str, Any] = field(hash=False)
    reads_body: bool = False
    # Whether it is sent a form with a file: it reads no JSON, or that would name another server.
    takes_file: bool = False
    # The form of what it gives, where that is a file.
    file: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_awaited(self) -> bool:
        return self.streams or str(self) in AWAITED

    def asking(self, **query: Any) -> dict[str, Any]:
        """Query parameters, with those that are needed."""
        return {**NEEDED.get(self.path, {}), **query}

    def address(self, who: Any) -> str:
        """The path with the ids of what is theirs."""
        found = re.sub(r"(\w+)/\{\w+\}", lambda match: f"{match[1]}/{getattr(who, KINDS[match[1]]).pk}", self.path)
        assert "{" not in found, f"{found}: the tests do not know what this parameter names"
        return found

    def body(self, who: Any) -> Body | None:
        """A body that fits; a DELETE's is not in the schema, and is sent where the table has one."""
        return BODIES[self.path](who) if self.reads_body or self.path in BODIES else None

    def naming(self, name: str, key: object) -> Body:
        """The field of the body that takes an id, with this one."""
        return {name: [str(key)] if "items" in self.fields[name] else str(key)}

    def upload(self) -> dict[str, bytes] | None:
        """The file of the form that it takes, if it takes one only."""
        return {"file": FILES[self.path]()} if self.takes_file else None

    def sent(self, who: Any) -> tuple[bytes, str]:
        """What fits, as a body, and the kind of body that it is."""
        if self.takes_file:
            file = SimpleUploadedFile("a", FILES[self.path]())
            return encode_multipart(BOUNDARY, {"file": file}), MULTIPART_CONTENT
        return json.dumps(self.body(who)).encode(), "application/json"

    def allowed(self, who: Any) -> str:
        """The path where it is theirs to do."""
        return self.address(SimpleNamespace(character=who.report.character) if str(self) in OF_OTHERS else who)


@cache
def schema() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)


def resolved(part: Any) -> Any:
    """A property's schema without references, `oneOf` with null as `nullable`; `types` are those of all others."""
    part = dict(part)
    for several in ("allOf", "oneOf"):
        for each in map(resolved, part.pop(several, [])):
            kinds = part.get("types", set())
            part |= {"nullable": True} if each.get("type") == "null" else {**each, "types": kinds | {each.get("type")}}
    if "$ref" in part:
        part |= schema()["components"]["schemas"][part.pop("$ref").rpartition("/")[2]]
    if isinstance(part.get("type"), list):
        kinds = [kind for kind in part["type"] if kind != "null"]
        part |= {"type": kinds[0], "nullable": len(kinds) < len(part["type"])}
    return part


def _operation(method: str, path: str, described: Any) -> Operation:
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    files = [
        kind
        for reply in described["responses"].values()
        for kind, content in reply.get("content", {}).items()
        if content["schema"].get("format") == "binary"
    ]
    forms = list(described.get("requestBody", {}).get("content", {}))
    takes_file = forms == ["multipart/form-data"] or (path in FILES and "multipart/form-data" in forms)
    replies = [kind for reply in described["responses"].values() for kind in reply.get("content", {})]
    return Operation(
        method=method.upper(),
        path=path,
        secured=any(described.get("security", [])),
        streams="text/event-stream" in replies,
        has_id="{" in path,
        fields={name: resolved(part) for name, part in resolved(body).get("properties", {}).items()},
        query={
            each["name"]: resolved(each["schema"]) for each in described.get("parameters", []) if each["in"] == "query"
        },
        reads_body="requestBody" in described and forms != ["multipart/form-data"],
        takes_file=takes_file,
        file=next(iter(files), None),
    )


def operations() -> list[Operation]:
    paths = schema()["paths"].items()
    return [_operation(method, path, described) for path, each in paths for method, described in each.items()]


def everything(user: User, character: Character | None = None) -> SimpleNamespace:
    """What `alices` is to alice, for somebody else."""
    character = character or make_character(user, name="Basil")
    conversation = make_conversation(user, character)
    message = say(conversation, "Hm.")
    tool = make_tool(user)
    fact = Fact.objects.create(user=user, character=character, text="Takes it easy.")
    return SimpleNamespace(
        user=user, character=character, conversation=conversation, message=message, tool=tool, fact=fact
    )


def references() -> Iterator[tuple[Operation, str]]:
    """Every field of every body that takes an id."""
    for operation in operations():
        for name, part in operation.fields.items():
            if "uuid" in (part.get("format"), part.get("items", {}).get("format")):
                yield operation, name
