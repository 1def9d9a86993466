from typing import Any

from rest_framework import serializers

from apps.api.fields import Text
from apps.api.schema import ErrorResponseSerializer
from apps.conversations.serializers import ConversationSerializer, MessageHere, MessageSerializer, UnderParent


class ChatSerializer(UnderParent):
    """`id` is the client's own id for the user's message; `parent` an earlier message to branch from."""

    id = Text(
        source="client_id",
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=128,
        help_text="Becomes the user message's `client_id`.",
    )


class RegenerateSerializer(serializers.Serializer[None]):
    message = MessageHere(
        required=False, allow_null=True, help_text="An answer, or a message of yours. Left out: the active leaf."
    )


class NothingSerializer(serializers.Serializer[None]):
    """For what takes no body: the browsable API shows an empty form."""


class StoppedSerializer(serializers.Serializer[None]):
    assistant_message = MessageSerializer(allow_null=True, help_text="Null where nothing was being written.")


class TurnSerializer(serializers.Serializer[None]):
    user_message = MessageSerializer(allow_null=True, help_text="Null where what was answered is not the user's.")
    assistant_message = MessageSerializer()
    conversation = ConversationSerializer()


class TurnFailureSerializer(ErrorResponseSerializer):
    """The error shape, with the turn as it was saved, if it was."""

    may_be_absent = ("user_message", "assistant_message", "conversation")

    user_message = MessageSerializer(allow_null=True)
    assistant_message = MessageSerializer()
    conversation = ConversationSerializer()


class ModelSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="What a character's or conversation's `model` may be.")
    provider = serializers.CharField()
    default = serializers.BooleanField()
    context_tokens = serializers.IntegerField()


class ModelListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ModelSerializer(many=True)
