"""Accounts on djoser's routes, and tokens on simplejwt's."""

from typing import Any, cast

from django.contrib.auth import authenticate, update_session_auth_hash
from django.db import IntegrityError, transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts import mail, serializers, throttles, tokens
from apps.accounts.models import User

NO_CONTENT = {204: OpenApiResponse(description="Done; there is no body.")}
WRONG_PASSWORD = "No active account with this address and password."


class Steps(GenericViewSet[User]):
    """What the viewsets here share: the body, checked."""

    queryset = User.objects.none()

    def validated(self, request: Request) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return cast(dict[str, Any], serializer.validated_data)


class Public(Steps):
    permission_classes = (AllowAny,)
    # A stale token in the header must not keep anyone from signing in.
    authentication_classes = ()

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class SignUpViewSet(Public):
    serializer_class = serializers.SignUpSerializer
    throttle_classes = throttles.SIGN_UP

    @extend_schema(responses={201: serializers.MeSerializer})
    def create(self, request: Request) -> Response:
        """Make an account; it can be used at once. 403 `registration_closed` where this server takes none."""
        if not serializers.registration_open():
            raise PermissionDenied("Registration is closed here.", code="registration_closed")
        fields = self.validated(request)
        try:
            with transaction.atomic():
                user = User.objects.create_user(**fields)
        except IntegrityError as error:  # somebody was faster with the same address
            raise ValidationError({"email": [serializers.TAKEN]}, code="unique") from error
        return Response(serializers.MeSerializer(user).data, status=201)


class ResetViewSet(Public):
    """A new password for who forgot the old one."""

    throttle_classes = throttles.RESET

    @extend_schema(responses=NO_CONTENT)
    @action(detail=False, methods=["post"], serializer_class=serializers.ResetPasswordSerializer)
    def reset_password(self, request: Request) -> Response:
        """Ask for a mail with which the password can be set. The answer is the same whether there is an account."""
        user = User.objects.filter(email=self.validated(request)["email"], is_active=True).first()
        if user is not None and not user.signs_in_elsewhere_alone:
            mail.send_reset(user)
        return Response(status=204)

    @extend_schema(responses=NO_CONTENT)
    @action(detail=False, methods=["post"], serializer_class=serializers.ResetPasswordConfirmSerializer)
    def reset_password_confirm(self, request: Request) -> Response:
        """Set the password with what the mail said. Every token and every API key of the account ends."""
        fields = self.validated(request)
        if not tokens.set_password(fields["user"], fields["new_password"], by_address=True):
            # Somebody was faster with the same link.
            raise ValidationError({"token": [serializers.USED_UP]}, code="invalid_token")
        return Response(status=204)


class AccountViewSet(Steps):
    """One's own account."""

    serializer_class = serializers.MeSerializer

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    @action(detail=False, methods=["get"])
    def me(self, request: Request) -> Response:
        """Who you are."""
        return Response(serializers.MeSerializer.show(self.user))

    @me.mapping.patch
    def update_me(self, request: Request) -> Response:
        """Change your display name."""
        serializer = self.get_serializer(self.user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data)

    @extend_schema(request=serializers.CurrentPasswordSerializer, responses=NO_CONTENT)
    @me.mapping.delete
    def delete_me(self, request: Request) -> Response:
        """Delete your account and everything in it, at once and for good."""
        # Who signs in elsewhere alone has none.
        if not self.user.signs_in_elsewhere_alone:
            password = serializers.CurrentPasswordSerializer(data=request.data, context=self.get_serializer_context())
            password.is_valid(raise_exception=True)
        self.user.delete()
        return Response(status=204)

    @extend_schema(responses=NO_CONTENT)
    @action(detail=False, methods=["post"], serializer_class=serializers.SetPasswordSerializer)
    def set_password(self, request: Request) -> Response:
        """Change your password. Every token of yours ends; sign in again."""
        if not tokens.set_password(self.user, self.validated(request)["new_password"]):  # it was changed meanwhile
            raise ValidationError({"current_password": [serializers.NOT_YOURS]}, code="invalid_password")
        if request.auth is None:  # signed in by the session cookie, which goes on
            update_session_auth_hash(request._request, self.user)
        return Response(status=204)


class TokenViewSet(Public):
    """Signing in and out."""

    @extend_schema(responses=serializers.PairSerializer)
    @action(
        detail=False,
        methods=["post"],
        url_path="create",
        serializer_class=serializers.SignInSerializer,
        throttle_classes=throttles.SIGN_IN,
    )
    def sign_in(self, request: Request) -> Response:
        """Sign in: an access token for requests, a refresh token for the next pair."""
        fields = self.validated(request)
        user = authenticate(request._request, username=fields["email"], password=fields["password"])
        if user is None:
            raise AuthenticationFailed(WRONG_PASSWORD, "no_active_account")
        return Response(tokens.sign_in(user))

    @extend_schema(responses=serializers.PairSerializer)
    @action(detail=False, methods=["post"], serializer_class=serializers.RefreshSerializer)
    def refresh(self, request: Request) -> Response:
        """Exchange a refresh token for the next pair. Each works once; one used again later ends the whole sign-in."""
        return Response(tokens.refresh(self.validated(request)["refresh"]))

    @extend_schema(responses=NO_CONTENT)
    @action(detail=False, methods=["post"], serializer_class=serializers.RefreshSerializer)
    def logout(self, request: Request) -> Response:
        """End the sign-in that this refresh token belongs to."""
        tokens.sign_out(self.validated(request)["refresh"])
        return Response(status=204)

    @extend_schema(responses={200: OpenApiResponse(serializers.EmptySerializer, "The token is good.")})
    @action(detail=False, methods=["post"], serializer_class=serializers.VerifySerializer)
    def verify(self, request: Request) -> Response:
        """Whether a token, of either kind, is good: 200, or 401."""
        tokens.verify(self.validated(request)["token"])
        return Response({})
