"""Who sends a request, by the bearer token it carries."""

from typing import Any

from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import Token

from apps.accounts.models import User
from apps.accounts.tokens import user_of


class TokenAuthentication(JWTAuthentication):  # type: ignore[misc]  # simplejwt is untyped
    def get_user(self, validated_token: Token) -> User:
        user = user_of(validated_token)
        if user is None:
            raise AuthenticationFailed("This token has ended.", code="token_ended")
        return user

    def get_header(self, request: Any) -> bytes | None:
        header: bytes | None = super().get_header(request)
        return header
