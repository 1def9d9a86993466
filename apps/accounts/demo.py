"""The account that `manage.py demo` makes, whose password everybody knows."""

from functools import lru_cache

from django.conf import settings
from django.contrib.auth.hashers import check_password

from apps.accounts.models import User

EMAIL, PASSWORD = "demo@dramatis.local", "dramatis-demo"


def offered() -> dict[str, str] | None:
    """What the page signs in with at one click; None where this server has no such account, or its user has chosen
    another password."""
    if not settings.DEMO:
        return None
    kept = User.objects.filter(email=EMAIL, is_active=True).values_list("password", flat=True).first()
    return {"email": EMAIL, "password": PASSWORD} if kept and _opens(kept) else None


@lru_cache(maxsize=1)
def _opens(kept: str) -> bool:
    # Slow on purpose, and asked whenever the page is opened.
    return check_password(PASSWORD, kept)
