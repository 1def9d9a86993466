"""Who sends a request, by the bearer token it carries."""

from typing import Any

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
