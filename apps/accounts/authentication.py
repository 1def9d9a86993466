"""Who sends a request, by the bearer token it carries."""

from typing import Any

from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import Token

from apps.accounts.tokens import user_of


class TokenAuthentication(JWTAuthentication):
    def get_user(self, validated_token: Token) -> Any:
        user = user_of(validated_token)
        if user is None:
            raise AuthenticationFailed("This token has ended.", code="token_ended")
        return user
