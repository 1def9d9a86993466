from typing import Any

from rest_framework import serializers

from apps.api.fields import Line, ModelSerializer, Text
from apps.knowledge.models import WRITTEN, Document, Kind, Passage
from apps.knowledge.reading import MAX_TEXT
from apps.knowledge.search import MAX_QUESTION

MAX_TITLE = 200


class DocumentSerializer(ModelSerializer):
    """A text that a character knows."""

    passages = serializers.IntegerField(
        source="passage_count", read_only=True, help_text="How many passages it is cut into."
    )

    class Meta:
        model = Document
        fields = ("id", "title", "kind", "size", "characters", "passages", "created_at", "updated_at")
        read_only_fields = ("kind", "size", "characters")
        extra_kwargs = {
            "size": {"help_text": "Bytes, as it was sent."},
            "characters": {"help_text": "Characters of its text."},
        }


class AddedDocument(DocumentSerializer):
    warnings = serializers.SerializerMethodField(help_text="What of the file is not known, for people.")

    class Meta(DocumentSerializer.Meta):
        fields = (*DocumentSerializer.Meta.fields, "warnings")  # type: ignore[assignment]

    def get_warnings(self, document: Document) -> list[str]:
        return list(self.context["warnings"])


class NewDocument(serializers.Serializer[Any]):
    """A text that is written down here."""

    title = Line(max_length=MAX_TITLE)
    text = Text(max_length=MAX_TEXT)
    kind = serializers.ChoiceField(
        choices=WRITTEN,
        default=Kind.TEXT,
        help_text="Whether its headings are those of Markdown.",
    )


class DocumentForm(serializers.Serializer[Any]):
    """A file: plain text, Markdown (by its name's ending, `.md`) or PDF (by what is in it)."""

    file = serializers.FileField(allow_empty_file=True)
    title = Line(max_length=MAX_TITLE, required=False, help_text="Left out: the file's name.")


class PassageSerializer(ModelSerializer):
    class Meta:
        model = Passage
        fields = ("id", "place", "heading", "text")
        read_only_fields = fields


class QuestionQuery(serializers.Serializer[None]):
    q = Line(max_length=MAX_QUESTION, help_text="A question, or words. They need not all be found.")


class FoundSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="The passage's.")
    document = serializers.UUIDField()
    title = serializers.CharField(help_text="The document's.")
    heading = serializers.CharField(help_text="What it stands under: headings, or a page. Blank where there is none.")
    text = serializers.CharField()
    score = serializers.FloatField(help_text="For comparing what one answer holds; it says nothing by itself.")


class FoundList(serializers.Serializer[Any]):
    """All of it is on this page."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = FoundSerializer(many=True)
