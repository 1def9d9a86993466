"""For what is asked most: who asks is looked up by the same statement that finds what they ask for."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.tokens import Token

from apps.accounts import tokens
from apps.accounts.models import User


class Claim:
    """Who a token says its bearer is, standing in for the user until that is proven.

    A statement that has `STANDING` among its queries, and `claim.values` among its values, finds what to `prove` it
    with: nothing, or the hash of their password.
    """

    is_authenticated = is_active = True
    is_anonymous = is_staff = is_superuser = False

    def __init__(self, token: Token) -> None:
        self._token = token
        self.pk = UUID(token["user_id"])
        self.values: Mapping[str, Any] = {"user": self.pk, "family": UUID(token[tokens.FAMILY])}
        self.is_proven = self.is_refused = False

    def __str__(self) -> str:
        return str(self.pk)

    def prove(self, password: str | None) -> None:
        """`InvalidToken` where nobody stands behind the token any more."""
        self.is_proven = password is not None and tokens.has_mark(self._token, password)
        self.is_refused = not self.is_proven
        if self.is_refused:
            raise InvalidToken()

    def look_up(self) -> None:
        """The same, by a statement of its own."""
        if tokens.user_of(self._token) is None:
            raise InvalidToken()
        self.is_proven = True


def standing(user: UUID, family: UUID) -> QuerySet[User, str]:
    return User.objects.filter(pk=user, token_families=family, is_active=True).values_list("password", flat=True)


def values_of(user: User | Claim) -> Mapping[str, Any]:
    """For a statement that has `STANDING`, whoever asks. Of a user who is one already, no token is looked for."""
    return user.values if isinstance(user, Claim) else {"user": user.pk, "family": None}


def prove(user: User | Claim, password: str | None) -> None:
    if isinstance(user, Claim):
        user.prove(password)


STANDING: dict[str, Callable[..., QuerySet[Any]]] = {"standing": standing}
