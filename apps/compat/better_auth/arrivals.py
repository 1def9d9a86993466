"""Whom Better Auth vouches for, and when a cookie counts."""

from typing import cast

from django.conf import settings
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from apps.accounts.identities import Newcomer, identity_of
from apps.accounts.models import ExternalIdentity, User
from apps.compat.better_auth import cookies, tokens
from apps.compat.better_auth.options import BetterAuth

Found = tuple[User, ExternalIdentity] | None

SAFE = {"GET", "HEAD", "OPTIONS"}


class UntrustedOrigin(PermissionDenied):
    default_code = "origin_not_trusted"
    default_detail = "By cookie, changes are made from this server's own pages and those in CORS_ALLOWED_ORIGINS alone."


def by_token(request: Request) -> Found:
    options = configured()
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    raw = raw.strip()
    if scheme.lower() != "bearer" or not tokens.claims_issuer(raw, options):
        return None
    return let_in(tokens.read(raw, options))


def by_cookie(request: Request) -> Found:
    options = configured()
    cookie = request.COOKIES.get(options.cookie)
    if not cookie or not options.reads_cookies or "Authorization" in request.headers:
        return None
    newcomer = cookies.read(cookie, options, timezone.now())
    if newcomer is None:
        return None
    # Before anything is made of it: browsers send cookies along with what any page asks for.
    if request.method not in SAFE and not from_trusted_origin(request):
        raise UntrustedOrigin()
    return let_in(newcomer)


def from_trusted_origin(request: Request) -> bool:
    """Browsers name the origin of a page with every unsafe request. One that names none is not let through."""
    own = f"{request.scheme}://{request.get_host()}"
    return request.headers.get("Origin") in {own, *settings.CORS_ALLOWED_ORIGINS}


def let_in(newcomer: Newcomer) -> Found:
    identity = identity_of(newcomer)
    return identity.user, identity


def configured() -> BetterAuth:
    return cast(BetterAuth, settings.BETTER_AUTH)
