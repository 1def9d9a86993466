"""What the routes of cards take and give."""

from typing import Any, cast

from rest_framework import serializers

from apps.api.fields import Line, ModelSerializer
from apps.api.outbound import urls
from apps.api.outbound.errors import AddressRefused
from apps.api.queries import AsQuery
from apps.characters.models import Report
from apps.characters.serializers import CharacterSerializer
from apps.characters.shelf import FORMS


class FileForm(serializers.Serializer[None]):
    """One file. Its name does not matter."""

    file = serializers.FileField(allow_empty_file=True)


class PictureAddress(serializers.Serializer[None]):
    """Where a picture is."""

    url = Line(max_length=2_000, help_text="Of the picture itself, on a public server: redirects are not followed.")

    def validate_url(self, url: str) -> str:
        try:
            urls.read(url)
        except AddressRefused as error:
            raise serializers.ValidationError(str(error), code="bad_url") from error
        return url


class ExportQuery(AsQuery):
    as_ = serializers.ChoiceField(choices=list(FORMS), default="png")


class AvatarQuery(serializers.Serializer[None]):
    v = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="As `avatar` says it: the answer may then be kept for good.",
    )


class LorebookQuery(serializers.Serializer[None]):
    mode = serializers.ChoiceField(
        choices=["add", "replace"], default="add", help_text="Add the entries to those that are there, or replace all."
    )


class ImportedCharacter(CharacterSerializer):
    """The character as it is now."""

    warnings = serializers.SerializerMethodField(help_text="What was cut, mended or left out, for people.")

    class Meta(CharacterSerializer.Meta):
        fields = (*CharacterSerializer.Meta.fields, "warnings")  # type: ignore[assignment]

    def get_warnings(self, character: Any) -> list[str]:
        return cast(list[str], self.context["warnings"])


class ReportSerializer(ModelSerializer):
    """What you told the staff of a character."""

    class Meta:
        model = Report
        fields = ("reason", "details", "created_at", "updated_at")
