"""What Better Auth says of somebody, in the forms that fit here."""

from typing import Any

from rest_framework.exceptions import ValidationError

from apps.accounts.identities import MAX_SUBJECT, Newcomer
from apps.accounts.serializers import Email
from apps.api.fields import Line

EMAIL = Email(max_length=254)
NAME = Line(max_length=100)


def newcomer(
    issuer: str, subject: Any, *, email: Any, email_verified: Any, name: Any, signed_in_at: float | None
) -> Newcomer:
    """ValueError where the subject is no name that could be kept. A bad address or name is none at all."""
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or "\0" in subject:
        raise ValueError("no subject")
    subject.encode()  # ValueError for lone surrogates
    try:
        address: str | None = EMAIL.run_validation(email)
    except ValidationError:
        address = None
    try:
        called = NAME.run_validation(name[:100] if isinstance(name, str) else name)
    except ValidationError:
        called = ""
    return Newcomer(issuer, subject, address, email_verified is True, called, signed_in_at)
