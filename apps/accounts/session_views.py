"""Signing in and out on the page: by a cookie that its scripts cannot read."""

from typing import Any, cast

from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.middleware.csrf import get_token
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import demo, throttles
from apps.accounts.authentication import PageAuthentication
from apps.accounts.models import User
from apps.accounts.serializers import MeSerializer, SignInSerializer, registration_open
from apps.accounts.views import NO_CONTENT, WRONG_PASSWORD, Steps


class DemoSerializer(serializers.Serializer[None]):
    email = serializers.CharField()
    password = serializers.CharField()


class SessionSerializer(serializers.Serializer[None]):
    user = MeSerializer(allow_null=True, help_text="Null: nobody is signed in.")
    registration = serializers.ChoiceField(choices=["open", "closed"], help_text="Whether one can sign up here.")
    demo = DemoSerializer(allow_null=True, help_text="A sign-in for everybody, where this server has one.")


@extend_schema(auth=[{}])  # type: ignore[list-item]  # none is needed
class SessionViewSet(Steps):
    permission_classes = (AllowAny,)
    authentication_classes = (PageAuthentication,)
    serializer_class: type[serializers.BaseSerializer[Any]] = SignInSerializer

    def get_throttles(self) -> list[Any]:
        return [throttle() for throttle in throttles.SIGN_IN] if self.action == "sign_in" else []

    @extend_schema(operation_id="auth_session_retrieve", responses=SessionSerializer)
    def show(self, request: Request) -> Response:
        """Who is signed in by the session cookie, and what somebody who is not can do. The answer brings the cookie
        `csrftoken`, which goes back as `X-CSRFToken` with every unsafe method."""
        return self._told(request, request.user if request.user.is_authenticated else None)

    @extend_schema(operation_id="auth_session_create", responses=SessionSerializer)
    def sign_in(self, request: Request) -> Response:
        """Sign in by the session cookie, for a page of this server. Needs `X-CSRFToken`, which is another one
        afterwards."""
        fields = self.validated(request)
        user = authenticate(request._request, username=fields["email"], password=fields["password"])
        with transaction.atomic():
            # Held: the account is not deleted while it is being signed in to, and its password is still this one.
            standing = User.objects.select_for_update(no_key=True).filter(is_active=True)
            if user is None or not standing.filter(pk=user.pk, password=user.password).exists():
                raise AuthenticationFailed(WRONG_PASSWORD, "no_active_account")
            # Django keeps the session of somebody who signs in once more.
            request._request.session.flush()
            login(request._request, user)
        return self._told(request, user)

    @extend_schema(operation_id="auth_session_destroy", responses=NO_CONTENT)
    def sign_out(self, request: Request) -> Response:
        """End the session; fine where there is none. Needs `X-CSRFToken`."""
        logout(request._request)
        return Response(status=204)

    def _told(self, request: Request, user: Any) -> Response:
        get_token(request._request)
        told = {
            "user": cast(User, user) and MeSerializer.show(user),
            "registration": "open" if registration_open() else "closed",
            "demo": demo.offered(),
        }
        return Response(told, headers={"Cache-Control": "no-store"})
