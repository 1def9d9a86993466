"""Who sends a request, by Better Auth's word. The settings name these two where Better Auth is configured.

Django REST Framework reads them while its own views are being made, so nothing is imported here that needs views: it
stands in `arrivals`.
"""

from typing import TYPE_CHECKING

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

if TYPE_CHECKING:
    from apps.compat.better_auth.arrivals import Found


class BetterAuthToken(BaseAuthentication):
    """A bearer token that says Better Auth issued it. Others are left to those who come after."""

    def authenticate(self, request: Request) -> "Found":
        from apps.compat.better_auth import arrivals

        return arrivals.by_token(request)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class BetterAuthCookie(BaseAuthentication):
    """Its session cookie, where nothing else says who asks. One that is good no more is as none."""

    def authenticate(self, request: Request) -> "Found":
        from apps.compat.better_auth import arrivals

        return arrivals.by_cookie(request)
