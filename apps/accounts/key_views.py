from typing import Any, cast

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.mixins import DestroyModelMixin, ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts import keys
from apps.accounts.models import ApiKey, User
from apps.accounts.ownership import Mine
from apps.accounts.throttles import ApiKeysByUser
from apps.api.fields import ModelSerializer


class ApiKeySerializer(ModelSerializer):
    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = ("id", "name", "prefix", "created_at", "last_used_at")
        read_only_fields = ("prefix", "last_used_at")
        extra_kwargs = {
            "name": {"help_text": "For you to know it by: the program that it is for."},
            "prefix": {"help_text": "How the key begins."},
            "last_used_at": {"help_text": "To about a minute; null: never."},
        }


class NewApiKeySerializer(ApiKeySerializer):
    key = serializers.CharField(read_only=True, help_text="The key itself: this answer is the only one to tell it.")

    class Meta(ApiKeySerializer.Meta):
        fields = (*ApiKeySerializer.Meta.fields, "key")


@extend_schema_view(
    list=extend_schema(description="Your API keys, newest first: what they are called and how they begin."),
    retrieve=extend_schema(description="One API key."),
    destroy=extend_schema(description="Delete an API key. What uses it is refused from now on."),
)
class ApiKeyViewSet(Mine[ApiKey], ListModelMixin, RetrieveModelMixin, DestroyModelMixin, GenericViewSet[ApiKey]):
    """Keys for the OpenAI-compatible face (`/v1`). They open nothing else."""

    queryset = ApiKey.objects.all()
    serializer_class = ApiKeySerializer
    lookup_value_converter = "id"

    def get_throttles(self) -> list[Any]:
        return [ApiKeysByUser()] if self.action == "create" else []

    @extend_schema(request=ApiKeySerializer, responses={201: NewApiKeySerializer})
    def create(self, request: Request) -> Response:
        """Make an API key. The answer tells it; nobody can be told it again."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        key, text = keys.make(cast(User, request.user), serializer.validated_data["name"])
        told = {**ApiKeySerializer(key).data, "key": text}
        return Response(told, status=201, headers={"Cache-Control": "no-store"})
