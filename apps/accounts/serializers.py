from typing import Any

from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.validators import UniqueValidator

from apps.accounts.models import User
from apps.api.fields import Line, ModelSerializer, Text

MIN_PASSWORD = 8
MAX_PASSWORD = 256
TAKEN = "There is an account with this address already."
NOT_YOURS = "This is not your password."
USED_UP = "This link is used up or wrong."


class Password(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{"write_only": True, "max_length": MAX_PASSWORD, "style": {"input_type": "password"}, **options}
        )


class NewPassword(Password):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_length": MIN_PASSWORD, **options})


class Email(serializers.EmailField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data).lower()


def check_password_strength(password: str, user: User, field: str) -> None:
    try:
        password_validation.validate_password(password, user)
    except DjangoValidationError as error:
        raise ValidationError({field: serializers.as_serializer_error(error)["non_field_errors"]}) from error


class SignUpSerializer(ModelSerializer):
    email = Email(
        max_length=254,
        validators=[UniqueValidator(User.objects.all(), message=TAKEN)],
    )
    password = NewPassword()

    class Meta:
        model = User
        fields = ("id", "email", "display_name", "password")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        person = User(email=attrs["email"], display_name=attrs.get("display_name", ""))
        check_password_strength(attrs["password"], person, "password")
        return attrs


class MeSerializer(ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "email", "display_name", "created_at")
        read_only_fields = ("email",)

    def update(self, instance: User, validated_data: dict[str, Any]) -> User:
        # This and nothing else: what was read a moment ago must not undo a change of password, or a deletion.
        User.objects.filter(pk=instance.pk).update(**validated_data, updated_at=timezone.now())
        for name, value in validated_data.items():
            setattr(instance, name, value)
        return instance


class CurrentPasswordSerializer(serializers.Serializer[None]):
    current_password = Password()

    def validate_current_password(self, value: str) -> str:
        if not self.context["request"].user.check_password(value):
            raise ValidationError(NOT_YOURS, code="invalid_password")
        return value


class SetPasswordSerializer(CurrentPasswordSerializer):
    new_password = NewPassword()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_password_strength(attrs["new_password"], self.context["request"].user, "new_password")
        return attrs


class ResetPasswordSerializer(serializers.Serializer[None]):
    email = Email(max_length=254)


class ResetPasswordConfirmSerializer(serializers.Serializer[None]):
    uid = Line(max_length=100, help_text="From the link in the mail.")
    token = Line(max_length=100, help_text="From the link in the mail.")
    new_password = NewPassword()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            user = User.objects.filter(pk=force_str(urlsafe_base64_decode(attrs["uid"])), is_active=True).first()
        except (ValueError, DjangoValidationError):
            user = None
        if user is None or not default_token_generator.check_token(user, attrs["token"]):
            raise ValidationError({"token": [USED_UP]}, code="invalid_token")
        check_password_strength(attrs["new_password"], user, "new_password")
        return {**attrs, "user": user}


class SignInSerializer(serializers.Serializer[None]):
    email = Line(max_length=254)
    password = Password()


class RefreshSerializer(serializers.Serializer[None]):
    refresh = Line(max_length=4096)


class VerifySerializer(serializers.Serializer[None]):
    token = Line(max_length=4096)


class PairSerializer(serializers.Serializer[None]):
    access = serializers.CharField(help_text="For `Authorization: Bearer`; short-lived.")
    refresh = serializers.CharField(help_text="Exchange it at `jwt/refresh/`; each works once.")


class EmptySerializer(serializers.Serializer[None]):
    pass


def registration_open() -> bool:
    return bool(settings.REGISTRATION == "open")
