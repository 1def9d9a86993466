from typing import Any, cast

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from apps.accounts.models import User
from apps.accounts.ownership import Mine, OwnedQuerySet, hold
from apps.api.fields import Line, ModelSerializer
from apps.api.pagination import NewestFirst
from apps.api.queries import query_of
from apps.characters.models import Character
from apps.characters.serializers import VisibleCharacter
from apps.knowledge.facts import MOST_FACTS
from apps.knowledge.models import MAX_FACT, Fact


class FactSerializer(ModelSerializer):
    """Something that a character keeps about you."""

    character = VisibleCharacter()
    text = Line(max_length=MAX_FACT)

    def validate_character(self, character: Character) -> Character:
        if self.instance and character != self.instance.character:
            raise ValidationError("What one character keeps is not handed to another.", code="fixed")
        return character

    class Meta:
        model = Fact
        fields = ("id", "character", "text", "created_at", "updated_at")


class FactListQuery(serializers.Serializer[None]):
    character = serializers.UUIDField(required=False, help_text="Only what this one keeps.")


@extend_schema_view(
    create=extend_schema(description=f"Have a character keep something about you; {MOST_FACTS} of each character's."),
    retrieve=extend_schema(description="One fact."),
    update=extend_schema(description="Change a fact; fields that are left out stay."),
    partial_update=extend_schema(description="Change a fact."),
    destroy=extend_schema(description="Have it forgotten."),
)
class FactViewSet(Mine[Fact], ModelViewSet[Fact]):
    """What characters keep about you, by their tools `remember` and `recall`, or written by you."""

    queryset = Fact.objects.all()
    serializer_class = FactSerializer
    pagination_class = NewestFirst
    lookup_value_converter = "id"

    def get_queryset(self) -> OwnedQuerySet[Fact]:
        facts = cast(OwnedQuerySet[Fact], super().get_queryset())
        if self.action != "list":
            return facts
        query = query_of(self.request, FactListQuery)
        return facts.filter(character=query["character"]) if "character" in query else facts

    @extend_schema(parameters=[FactListQuery])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What characters keep about you, newest first."""
        return super().list(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer[Fact]) -> None:
        user = cast(User, self.request.user)
        with transaction.atomic():
            hold(user)
            character = serializer.validated_data["character"]
            if Fact.objects.owned_by(user).filter(character=character).count() >= MOST_FACTS:
                raise ValidationError(f"A character keeps {MOST_FACTS} facts at most.", code="too_many")
            serializer.save(user=user)

    def perform_update(self, serializer: BaseSerializer[Fact]) -> None:
        with transaction.atomic():
            # Where it was deleted since it was looked up, saving would make it anew.
            get_object_or_404(self.get_queryset().select_for_update(), pk=cast(Fact, serializer.instance).pk)
            serializer.save()
