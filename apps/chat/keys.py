"""Idempotency keys: a request that is sent again is answered again, and not done again.

The header is that of the IETF draft `draft-ietf-httpapi-idempotency-key-header`. A key belongs to one conversation, and
to the route and the body that it first came with, as they were sent.
"""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.http.request import RawPostDataException
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from apps.api.errors import Conflict
from apps.chat.models import Generation
from apps.chat.outcomes import DELETED, DETAILS
from apps.conversations.models import Conversation

HEADER = "Idempotency-Key"
MAX_KEY = 255


class KeyReused(Conflict):
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key came with another request before. Use a new key for a new request."


class Earlier(NamedTuple):
    """The generation that the same request began before."""

    generation: UUID


@dataclass(frozen=True, slots=True)
class Key:
    text: str
    fingerprint: str


def key_of(request: Request) -> Key | None:
    """What the request's header says; to be asked before the body is parsed."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    if not (text.strip() and text.isascii() and text.isprintable() and len(text) <= MAX_KEY):
        raise ValidationError({HEADER: [f"1 to {MAX_KEY} printable ASCII characters."]}, code="invalid")
    try:
        body = request._request.body
    except RawPostDataException:  # a form, which the check of its CSRF token has read
        body = repr(sorted(request._request.POST.lists())).encode()
    sent = hashlib.sha256(request.path.rstrip("/").encode() + b"\n" + body)
    return Key(text, sent.hexdigest())


def earlier(conversation: Conversation, key: Key | None) -> Earlier | None:
    """Under the conversation's lock, so that of many at once one finds nothing. 404 where its answer was deleted."""
    if key is None:
        return None
    found = Generation.objects.filter(conversation=conversation, idempotency_key=key.text).first()
    if found is None:
        return None
    if found.fingerprint != key.fingerprint:
        raise KeyReused()
    if found.message_id is None:
        raise NotFound(DETAILS[DELETED])
    return Earlier(found.pk)
