"""Who sends a request: by the bearer token it carries, or by the session of the page."""

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.tokens import Token

from apps.accounts import tokens
from apps.accounts.claims import Claim


class TokenAuthentication(JWTAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        header = self.get_header(request)
        raw = self.get_raw_token(header) if header is not None else None
        if raw is None:
            return None
        token = self.get_validated_token(raw)
        # Of views that are `ownership.Proves`.
        proves = getattr(request.parser_context["view"], "proves", None)
        return Claim(token) if proves and proves(request) else self.get_user(token), token

    def get_validated_token(self, raw_token: bytes) -> Token:
        return tokens.read_access(raw_token)

    def get_user(self, validated_token: Token) -> Any:
        user = tokens.user_of(validated_token)
        if user is None:
            raise InvalidToken()
        return user


class PageAuthentication(SessionAuthentication):
    """The session, and nothing else. Nobody is signed in or out by another site: unlike DRF's own, it asks for the
    CSRF token where nobody is signed in, too."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        self.enforce_csrf(request)
        user = request._request.user
        return (user, None) if user.is_active else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'
