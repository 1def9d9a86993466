"""Secrets of tools, as they are kept: encrypted with a key that comes from `SECRET_KEY`, and never in the database."""

import json
from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """They were kept under another `SECRET_KEY`."""


def seal(secrets: dict[str, str]) -> str:
    """Blank for none."""
    return _vault(_keys()).encrypt(json.dumps(secrets).encode()).decode() if secrets else ""


def unseal(sealed: str) -> dict[str, str]:
    """Raises Unreadable."""
    if not sealed:
        return {}
    try:
        found: dict[str, str] = json.loads(_vault(_keys()).decrypt(sealed.encode()))
    except InvalidToken as error:
        raise Unreadable from error
    return found


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _vault(keys: tuple[str, ...]) -> MultiFernet:
    """The first key seals, all of them unseal."""
    return MultiFernet([Fernet(urlsafe_b64encode(_derived(key))) for key in keys])


def _derived(key: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"dramatis tools").derive(key.encode())
