"""What all peers know of Dramatis' tokens, cursors and lists."""

import base64
import hmac
import json
import os
from bisect import bisect_left
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

K = TypeVar("K", bound=Any)

SECRET = os.environ["SECRET_KEY"]
URL = os.environ["DATABASE_URL"]
POOL = 10
MARK = sha256(b"django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash" + SECRET.encode()).digest()
MAX_SIZE, MAX_SIBLINGS = 100, 100


def for_asyncpg() -> str:
    """The database's address as SQLAlchemy wants it: a socket's folder is a parameter."""
    part = {name: quote(str(value), safe="") for name, value in conninfo_to_dict(URL).items()}
    return f"postgresql+asyncpg://{part['user']}@/{part['dbname']}?host={part['host']}&port={part['port']}"


def stands(mark: Any, password: str) -> bool:
    """Whether a token with that mark was given out under this password."""
    return hmac.compare_digest(str(mark), hmac.new(MARK, password.encode(), sha256).hexdigest()[:32])


def encode(*value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":"), default=str).encode()).decode().rstrip("=")


def decode(cursor: str) -> list[Any]:
    direction, *rest = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    if direction != "n":
        raise ValueError("Only older pages are read here.")
    return rest


def around(siblings: Sequence[K], key: K) -> tuple[list[K], int, int]:
    """The hundred of them around one, its place among all of them, and how many they are."""
    place = bisect_left(siblings, key)
    begin = max(0, min(place - MAX_SIBLINGS // 2, len(siblings) - MAX_SIBLINGS))
    return list(siblings[begin : begin + MAX_SIBLINGS]), place, len(siblings)


def preview(text: str) -> str:
    return " ".join(text[:400].split())[:200]
