"""Sign-in tokens: simplejwt's, held together in families.

A sign-in makes a family; refreshing exchanges its current token for the next one. Of many simultaneous exchanges of
one token exactly one succeeds, under the lock of the family's row. A token that turns up again long after it was
exchanged was stolen or copied, and ends the family (RFC 9700, section 4.14.2). Access tokens carry the family too,
so all of it ends at once. A change of password ends every family through the mark that each token carries.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from apps.accounts.models import RotatedToken, TokenFamily, User

FAMILY = "fam"
MARK = "mark"

# Clients that refresh in several tabs at once send one token twice within moments; that is no theft.
GRACE = timedelta(seconds=10)

Pair = dict[str, str]


def sign_in(user: User) -> Pair:
    """A new family and its first pair."""
    now = timezone.now()
    user.token_families.filter(expires_at__lt=now).delete()
    User.objects.filter(pk=user.pk).update(last_login=now)
    family = TokenFamily(user=user, expires_at=now + api_settings.REFRESH_TOKEN_LIFETIME)
    pair = _next_pair(family, user)
    family.save()
    return pair


def refresh(raw: str) -> Pair:
    """Exchange a refresh token for the next pair; `InvalidToken` where it is not the current one of a living family."""
    token = _read(RefreshToken, raw)
    with transaction.atomic():
        pair = _rotate(token)
    if pair is None:
        raise InvalidToken()
    return pair


def _rotate(token: Token) -> Pair | None:
    family = _locked_family(token)
    if family is None:
        return None
    if not _stands(token, family.user):
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
    token = _read(RefreshToken, raw)
    with transaction.atomic():
        family = _locked_family(token)
        if family is None:
            raise InvalidToken()
        family.delete()


def set_password(user: User, password: str) -> None:
    """A new password, and the end of everything that was signed in with the old one."""
    user.set_password(password)
    user.save(update_fields=["password", "updated_at"])
    user.token_families.all().delete()


def user_of(token: Token) -> User | None:
    """Whose token this is, if its family lives, its user is active and the password is the same as then."""
    user = User.objects.filter(pk=token.get("user_id"), token_families=token.get(FAMILY)).first()
    return user if user is not None and _stands(token, user) else None


def verify(raw: str) -> None:
    """`InvalidToken` unless this access token would be let in, or this refresh token is its family's current one."""
    token = _read(AccessToken if _is_access(raw) else RefreshToken, raw)
    if user_of(token) is None:
        raise InvalidToken()
    if isinstance(token, RefreshToken) and not TokenFamily.objects.filter(current=token["jti"]).exists():
        raise InvalidToken()


def _is_access(raw: str) -> bool:
    try:
        AccessToken(raw)  # type: ignore[arg-type]  # the stub wants a Token, the code a string
    except TokenError:
        return False
    return True


def _read(kind: type[Token], raw: str) -> Token:
    try:
        token = kind(raw)  # type: ignore[arg-type]
        # Ours always carry these; something else signed with the same key does not.
        token["jti"], token[FAMILY], token[MARK]
    except (TokenError, KeyError) as error:
        raise InvalidToken() from error
    return token


def _locked_family(token: Token) -> TokenFamily | None:
    families = TokenFamily.objects.select_for_update(of=("self",)).select_related("user")
    return families.filter(pk=token[FAMILY], user=token["user_id"]).first()


def _stands(token: Token, user: User) -> bool:
    return user.is_active and constant_time_compare(str(token.get(MARK)), user.token_mark())


def _next_pair(family: TokenFamily, user: User) -> Pair:
    token: Any = RefreshToken()
    token["user_id"] = str(user.pk)
    token[FAMILY] = str(family.pk)
    token[MARK] = user.token_mark()
    family.current = token["jti"]
    return {"access": str(token.access_token), "refresh": str(token)}
