"""Who sends a request, by the bearer token it carries."""

from typing import Any

from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.tokens import Token

from apps.accounts import tokens


class TokenAuthentication(JWTAuthentication):
    def get_validated_token(self, raw_token: bytes) -> Token:
        return tokens.read_access(raw_token)

    def get_user(self, validated_token: Token) -> Any:
        user = tokens.user_of(validated_token)
        if user is None:
            raise InvalidToken()
        return user
