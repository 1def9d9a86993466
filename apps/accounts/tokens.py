"""Sign-in tokens: simplejwt's, held together in families.

A sign-in makes a family; refreshing exchanges its current token for the next one. Of many simultaneous exchanges of
one token exactly one succeeds, under the lock of the family's row. A token that turns up again long after it was
exchanged was stolen or copied, and ends the family (RFC 9700, section 4.14.2). Access tokens carry the family too,
so all of it ends at once. A change of password ends every family through the mark that each token carries.
"""

from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from apps.accounts.models import RotatedToken, TokenFamily, User
from apps.api.lookups import Lookup

FAMILY = "fam"
MARK = "mark"

# Clients that refresh in several tabs at once send one token twice within moments; that is no theft.
GRACE = timedelta(seconds=10)

# What comes of claims of the wrong type or size.
NONSENSE = (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError, RecursionError)

Pair = dict[str, str]

# With every request.
_OWNER = Lookup(lambda user, family: User.objects.filter(pk=user, token_families=family))


def sign_in(user: User) -> Pair:
    """A new family and its first pair; `InvalidToken` where the account was deleted a moment ago."""
    now = timezone.now()
    with transaction.atomic():
        # Holds the row: the account cannot be deleted before its family is there to be deleted with it.
        if not User.objects.filter(pk=user.pk).update(last_login=now):
            raise InvalidToken()
        user.token_families.filter(expires_at__lt=now).end()
        family = TokenFamily(user=user, expires_at=now + api_settings.REFRESH_TOKEN_LIFETIME)
        pair = _next_pair(family, user)
        family.save()
    return pair


def refresh(raw: str) -> Pair:
    """Exchange a refresh token for the next pair; `InvalidToken` where it is not the current one of a living family."""
    token = read(RefreshToken, raw)
    with transaction.atomic():
        pair = _rotate(token)
    if pair is None:
        raise InvalidToken()
    return pair


def _rotate(token: Token) -> Pair | None:
    family = _locked_family(token)
    if family is None:
        return None
    if not stands(token, family.user):
        family.delete()
        return None
    now = timezone.now()
    if family.current != token["jti"]:
        if not family.rotated.filter(jti=token["jti"], rotated_at__gte=now - GRACE).exists():
            family.delete()
        return None
    family.rotated.filter(rotated_at__lt=now - GRACE).delete()
    RotatedToken.objects.create(family=family, jti=token["jti"], rotated_at=now)
    family.expires_at = now + api_settings.REFRESH_TOKEN_LIFETIME
    pair = _next_pair(family, family.user)
    family.save(update_fields=["current", "expires_at"])
    return pair


def sign_out(raw: str) -> None:
    """End the family of a refresh token; a token that is no longer valid is refused as everywhere."""
    token = read(RefreshToken, raw)
    with transaction.atomic():
        family = _locked_family(token)
        if family is None:
            raise InvalidToken()
        family.delete()


def set_password(user: User, password: str | None, *, by_address: bool = False) -> bool:
    """A new password, and the end of everything that was signed in with the old one.

    `by_address`: whoever sets it has proven that the account's address is theirs, which nobody did before. Then API
    keys end too: somebody else may have made them.

    False, and nothing is done, where the password is no longer the one that `user` was read with: of many who use
    one link, or one old password, at once, one succeeds.
    """
    with transaction.atomic():
        if not User.objects.select_for_update().filter(pk=user.pk, password=user.password):
            return False
        user.set_password(password)
        user.save(update_fields=["password", "updated_at"])
        user.token_families.all().end()
        if by_address:
            user.api_keys.all().delete()
    return True


def user_of(token: Token) -> User | None:
    """Whose token this is, if its family lives, its user is active and the password is the same as then."""
    user = _OWNER.first(user=UUID(token["user_id"]), family=UUID(token[FAMILY]))
    return user if user is not None and stands(token, user) else None


def stands(token: Token, user: User) -> bool:
    """Whether this user may come in, with the password that they had when the token was made."""
    return user.is_active and has_mark(token, user.password)


def has_mark(token: Token, password: str) -> bool:
    """Whether it was made when this was the hash of the password."""
    return _is_mark_of(str(token.get(MARK)), password, settings.SECRET_KEY)


@lru_cache(maxsize=4096)
def _is_mark_of(mark: str, password: str, _key: str) -> bool:
    return constant_time_compare(mark, User(password=password).token_mark())


def verify(raw: str) -> None:
    """`InvalidToken` unless this access token would be let in, or this refresh token is its family's current one."""
    try:
        token = read(AccessToken, raw)
    except InvalidToken:
        token = read(RefreshToken, raw)
    current = TokenFamily.objects.filter(pk=token[FAMILY], current=token["jti"])
    if user_of(token) is None or (isinstance(token, RefreshToken) and not current.exists()):
        raise InvalidToken()


def read_access(raw: str | bytes) -> Token:
    """The same as `read` of an access token, which comes with every request of its fifteen minutes: what was signed
    stays signed, so only its time is looked at again."""
    token = _read_access(raw, api_settings.SIGNING_KEY)
    try:
        token.check_exp(current_time=timezone.now())
    except TokenError as error:
        raise InvalidToken() from error
    return token


@lru_cache(maxsize=4096)
def _read_access(raw: str | bytes, _key: str) -> Token:
    return read(AccessToken, raw)


def read(kind: type[Token], raw: str | bytes) -> Token:
    """What the token says; `InvalidToken` unless we signed it, as this kind, and it has not expired."""
    try:
        token = kind(raw)  # type: ignore[arg-type]  # the stub wants a Token, the code a string
        # Ours always carry these; something else signed with the same key may not.
        token[MARK]
        for claim in ("jti", "user_id", FAMILY):
            UUID(token[claim])
    except (TokenError, *NONSENSE) as error:
        raise InvalidToken() from error
    return token


def _locked_family(token: Token) -> TokenFamily | None:
    families = TokenFamily.objects.select_for_update(of=("self",)).select_related("user")
    return families.filter(pk=token[FAMILY], user=token["user_id"]).first()


def _next_pair(family: TokenFamily, user: User) -> Pair:
    token: Any = RefreshToken()
    token["user_id"] = str(user.pk)
    token[FAMILY] = str(family.pk)
    token[MARK] = user.token_mark()
    family.current = token["jti"]
    return {"access": str(token.access_token), "refresh": str(token)}
