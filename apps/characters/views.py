from typing import Any, cast

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from apps.accounts.ownership import Mine
from apps.api.conditional import ConditionalList
from apps.api.pagination import NewestFirst
from apps.api.queries import query_of
from apps.characters.models import Character, CharacterQuerySet
from apps.characters.serializers import CharacterListQuery, CharacterSerializer


@extend_schema_view(
    create=extend_schema(description="Write a character."),
    retrieve=extend_schema(description="One character: yours, or a public one."),
    update=extend_schema(description="Change a character of yours; fields that are left out stay."),
    partial_update=extend_schema(description="Change a character of yours."),
    destroy=extend_schema(description="Delete a character of yours. Its conversations stay, and can be read."),
)
class CharacterViewSet(ConditionalList, Mine[Character], ModelViewSet[Character]):
    """Characters: your own to change, and those that others made public to read and to talk to."""

    queryset = Character.objects.all()
    serializer_class = CharacterSerializer
    pagination_class = NewestFirst
    lookup_value_converter = "id"

    def get_queryset(self) -> CharacterQuerySet:
        if self.action not in ("list", "retrieve"):
            own: CharacterQuerySet = super().get_queryset()
            return own
        characters = Character.objects.visible_to(self.request.user)
        characters = characters.prefetch_related("tools")
        return self._listed(characters) if self.action == "list" else characters

    def _listed(self, characters: CharacterQuerySet) -> CharacterQuerySet:
        query = query_of(self.request, CharacterListQuery)
        if query["scope"] == "mine":
            characters = characters.owned_by(self.request.user)
        elif query["scope"] == "public":
            characters = characters.public()
        return characters.tagged([tag for tag in query.get("tag", []) if tag]).matching(query.get("search", ""))

    @extend_schema(parameters=[CharacterListQuery])
    def list(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Characters, newest first: yours, public ones, or both."""
        return super().list(request, *args, **kwargs)

    def perform_destroy(self, instance: Character) -> None:
        with transaction.atomic():
            # Who is about to begin a conversation with it holds the row, and is waited for.
            Character.objects.select_for_update().filter(pk=instance.pk).first()
            instance.delete()

    def perform_update(self, serializer: BaseSerializer[Character]) -> None:
        with transaction.atomic():
            # Where it was deleted since it was looked up, saving would make it anew.
            get_object_or_404(self.get_queryset().select_for_update(), pk=cast(Character, serializer.instance).pk)
            serializer.save()

    def perform_create(self, serializer: BaseSerializer[Character]) -> None:
        serializer.save(user=self.request.user)
