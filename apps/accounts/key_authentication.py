"""Who sends a request, by the API key it carries; for views that say so."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts import keys
from apps.accounts.models import ApiKey, User


class KeyAuthentication(BaseAuthentication):
    """Any other bearer is left to who comes next."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, sent = get_authorization_header(request).decode("latin-1").partition(" ")
        text = sent.strip()
        if scheme.lower() != "bearer" or not text.startswith(keys.PREFIX):
            return None
        key = keys.find(text)
        if key is None:
            raise AuthenticationFailed("This API key is wrong, or was deleted.", code="invalid_api_key")
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'
