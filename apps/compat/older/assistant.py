"""Whom one talks to who named nobody."""

from hashlib import sha256
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.ownership import hold
from apps.characters.models import Character

FIELDS = {
    "name": "Assistant",
    "description": "{{char}} is a helpful assistant.",
    "system_prompt": "You are {{char}}. Help {{user}}: answer plainly, and say so where you do not know.",
}


@transaction.atomic
def assistant_of(user: User) -> Character:
    """A character of theirs, made when it is first asked for, and anew where they deleted it. They may change it."""
    hold(user)
    return Character.objects.get_or_create(pk=_id_for(user.pk), defaults={"user": user, **FIELDS})[0]


def _id_for(user: UUID) -> UUID:
    """The one id that this user's can have: a UUIDv7 with the time of their own, its random bits made from it."""
    random = sha256(b"assistant " + user.bytes).digest()
    value = bytearray(user.bytes[:6] + random[:10])
    value[6] = 0x70 | value[6] & 0x0F
    value[8] = 0x80 | value[8] & 0x3F
    return UUID(bytes=bytes(value))
