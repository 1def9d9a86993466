from typing import Any

from rest_framework import serializers

from apps.api.fields import Line
from apps.characters.serializers import VisibleCharacter
from apps.conversations.models import MessageStatus, Role
from apps.conversations.serializers import Content

ABOUT_SESSION = "The conversation's id, by its other name."


class OlderStartSerializer(serializers.Serializer[None]):
    character = VisibleCharacter(
        required=False, allow_null=True, help_text="Left out or null: an assistant of yours, made the first time."
    )
    title = Line(required=False, allow_blank=True, max_length=200)


class OlderSessionSerializer(serializers.Serializer[Any]):
    session_id = serializers.UUIDField(help_text=ABOUT_SESSION)
    conversation_id = serializers.UUIDField()
    character = serializers.UUIDField()
    character_name = serializers.CharField()
    title = serializers.CharField()
    greeting = serializers.CharField(help_text="What the character says first; blank where it says nothing.")
    created_at = serializers.DateTimeField()


class OlderSaySerializer(serializers.Serializer[None]):
    message = Content(style={"base_template": "textarea.html"})


class OlderTurnSerializer(serializers.Serializer[Any]):
    response = serializers.CharField(help_text="The answer.")
    session_id = serializers.UUIDField(help_text=ABOUT_SESSION)
    conversation_id = serializers.UUIDField()
    message_id = serializers.UUIDField(help_text="The answer's.")
    status = serializers.ChoiceField(choices=MessageStatus.choices, help_text="`stopped`: from elsewhere, midway.")
    timestamp = serializers.DateTimeField()


class OlderLine(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)
    content = serializers.CharField()
    timestamp = serializers.DateTimeField(source="created_at")


class OlderHistorySerializer(serializers.Serializer[Any]):
    session_id = serializers.UUIDField(help_text=ABOUT_SESSION)
    conversation_id = serializers.UUIDField()
    history = OlderLine(many=True, help_text="Oldest first. What says nothing is left out.")
