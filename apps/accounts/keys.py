"""API keys: for programs that speak OpenAI's protocol, which have room for one key and none for a sign-in.

A key is 256 bits of chance, so a plain hash keeps it: there is nothing to guess. It lives until it is deleted, or its
user is: another password ends sign-ins, which people make anew, and not keys, which stand in programs' settings. One
that is set by way of the account's address ends keys too (`tokens.set_password`).
"""

import secrets
from datetime import timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from rest_framework.exceptions import NotAuthenticated, ValidationError

from apps.accounts.models import ApiKey, User

PREFIX = "drm_"
# What is shown of it later.
SHOWN = len(PREFIX) + 8
MOST_KEYS = 100

# When it was used last is written no more often than this.
BETWEEN_NOTES = timedelta(minutes=1)


@transaction.atomic
def make(user: User, name: str) -> tuple[ApiKey, str]:
    """A new key's row, and the key itself, which nobody can be told again."""
    rows = User.objects.select_for_update(no_key=True)
    if not rows.filter(pk=user.pk, password=user.password, is_active=True):  # deleted or signed out a moment ago
        raise NotAuthenticated()
    if ApiKey.objects.owned_by(user).count() >= MOST_KEYS:
        raise ValidationError(f"You have {MOST_KEYS} keys, which is all that one can have.", code="too_many")
    text = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(user=user, name=name, prefix=text[:SHOWN], sha256=_hash(text))
    return key, text


def find(text: str) -> ApiKey | None:
    """The key, if there is such a one and its user is active; it counts as used."""
    key = ApiKey.objects.select_related("user").filter(sha256=_hash(text), user__is_active=True).first()
    if key is not None:
        now = timezone.now()
        long_ago = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - BETWEEN_NOTES)
        ApiKey.objects.filter(long_ago, pk=key.pk).update(last_used_at=now)
    return key


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
