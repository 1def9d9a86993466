"""Who sends a request, by Better Auth's word. The settings name these two where Better Auth is configured."""

# drf-spectacular's own methods have no types.
# mypy: disable-error-code="no-untyped-call"

from typing import Any, cast

from django.conf import settings
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from apps.accounts.identities import identity_of
from apps.accounts.models import ExternalIdentity, User
from apps.compat.better_auth import cookies, tokens
from apps.compat.better_auth.options import BetterAuth

Found = tuple[User, ExternalIdentity] | None

SAFE = {"GET", "HEAD", "OPTIONS"}


def configured() -> BetterAuth:
    return cast(BetterAuth, settings.BETTER_AUTH)


class UntrustedOrigin(PermissionDenied):
    default_code = "origin_not_trusted"
    default_detail = "By cookie, changes are made from this server's own pages and those in CORS_ALLOWED_ORIGINS alone."


class BetterAuthToken(BaseAuthentication):
    """A bearer token that says Better Auth issued it. Others are left to those who come after."""

    def authenticate(self, request: Request) -> Found:
        options = configured()
        scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
        raw = raw.strip()
        if scheme.lower() != "bearer" or not tokens.claims_issuer(raw, options):
            return None
        identity = identity_of(tokens.read(raw, options))
        return identity.user, identity

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class BetterAuthCookie(BaseAuthentication):
    """Its session cookie, where nothing else says who asks. One that is good no more is as none."""

    def authenticate(self, request: Request) -> Found:
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
        identity = identity_of(newcomer)
        return identity.user, identity


def from_trusted_origin(request: Request) -> bool:
    """Browsers name the origin of a page with every unsafe request. One that names none is not let through."""
    own = f"{request.scheme}://{request.get_host()}"
    return request.headers.get("Origin") in {own, *settings.CORS_ALLOWED_ORIGINS}


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = BetterAuthToken
    name = "betterAuthToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class CookieScheme(OpenApiAuthenticationExtension):
    target_class = BetterAuthCookie
    name = "betterAuthCookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": configured().cookie}
