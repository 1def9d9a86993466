from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.characters.models import Character
from apps.compat.openai import names
from apps.compat.openai.base import TAG, View, always


class OpenAIModelSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="What `model` of a completion may be; the character's id does as well.")
    object = always("model")
    created = serializers.IntegerField(help_text="Seconds since 1970.")
    owned_by = serializers.CharField()
    name = serializers.CharField(help_text="The character's.")
    character = serializers.UUIDField(help_text="Its id.")


class OpenAIModelListSerializer(serializers.Serializer[Any]):
    object = always("list")
    data = OpenAIModelSerializer(many=True)  # type: ignore[assignment]  # the field's name is OpenAI's


def model(name: str, character: Character) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": int(character.created_at.timestamp()),
        "owned_by": "dramatis",
        "name": character.name,
        "character": str(character.pk),
    }


class ModelsView(View):
    @extend_schema(tags=[TAG], operation_id="openai_models_list", responses=OpenAIModelListSerializer)
    def get(self, request: Request) -> Response:
        """Your characters, as models; the oldest first. Those of others are not among them, public ones neither."""
        found = names.models_of(self.user)
        return Response({"object": "list", "data": [model(name, each) for name, each in found.items()]})


class ModelView(View):
    @extend_schema(tags=[TAG], operation_id="openai_models_retrieve", responses=OpenAIModelSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One of your characters, by its name or its id."""
        return Response(model(*names.find(self.user, pk)))
