"""Django's middleware for pages: sessions, their user, and messages that are shown once.

A request to the API that says itself who sends it, and brings no cookie, comes from no page; most requests are of this
kind, and go past all of these. The page's own sign-in begins and ends sessions, whoever asks.
"""

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

API = ("/api/", "/v1/")
SIGN_IN = "/api/auth/session/"


class OfPages(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        says_itself = "HTTP_AUTHORIZATION" in meta and "HTTP_COOKIE" not in meta
        if says_itself and request.path_info.startswith(API) and request.path_info != SIGN_IN:
            return self.get_response(request)  # type: ignore[return-value]  # synchronous here
        return super().__call__(request)  # type: ignore[return-value]


class Sessions(OfPages, SessionMiddleware):
    pass


class Authentication(OfPages, AuthenticationMiddleware):
    pass


class Messages(OfPages, MessageMiddleware):
    pass
