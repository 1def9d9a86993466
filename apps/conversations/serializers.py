from bisect import bisect_left
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty
from rest_framework.utils import html

from apps.api.fields import JSONObject, Line, ModelSerializer, OwnReference, Text, WholeNumber, from_form
from apps.characters.serializers import MODEL_SETTINGS, OfferedModel, VisibleCharacter, stop_sequences
from apps.conversations import tree
from apps.conversations.models import MAX_CONTENT, Conversation, Message, MessageStatus, Role

# What a message tells of its siblings; each of 2,000 that told of all would fill 80 KB.
MAX_SIBLINGS = 100

ABOUT_COUNT = "All messages, those of other branches included."


class MessageHere(OwnReference):
    """A message of the conversation that the request's address names."""

    def get_queryset(self) -> Any:
        view = self.context.get("view")  # none where rows are only rendered
        conversation = view and view.kwargs.get("pk")
        return Message.objects.filter(conversation=conversation) if conversation else Message.objects.none()

    def get_value(self, dictionary: Any) -> Any:
        value = super().get_value(dictionary)
        # A form in which nothing was chosen means the leaf, as JSON does that leaves the field out.
        return empty if html.is_html_input(dictionary) and not value else value


class Content(Text):
    """What is said: not blank, kept exactly."""

    needs_words = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": MAX_CONTENT, **options})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text.strip() and not self.allow_blank:
            self.fail("blank")
        return text


class SettableFields(ModelSerializer):
    """What a user says of a conversation, when it begins and later."""

    title = Line(required=False, allow_blank=True, max_length=200)
    topic = Text(required=False, allow_blank=True, max_length=20_000, help_text="What this conversation is about.")
    model = OfferedModel()
    stop = stop_sequences(allow_null=True)


class ConversationSerializer(SettableFields):
    """A conversation as lists and clients see it. `title` is filled after the first exchange while it is blank."""

    character = serializers.UUIDField(source="character_id", read_only=True, allow_null=True)
    active_leaf = MessageHere(
        required=False, allow_null=True, help_text="Setting it switches the branch; null does not."
    )
    generating = serializers.UUIDField(source="generating_id", read_only=True, allow_null=True)
    message_count = WholeNumber(read_only=True, help_text=ABOUT_COUNT)

    class Meta:
        model = Conversation
        fields = (
            "id",
            "character",
            "character_name",
            "title",
            "topic",
            "persona_name",
            "persona_description",
            *MODEL_SETTINGS,
            "active_leaf",
            "generating",
            "message_count",
            "last_message_at",
            "last_message_preview",
            "pinned",
            "archived",
            "extra",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("character_name", "last_message_at", "last_message_preview")

    def to_representation(self, instance: Conversation) -> dict[str, Any]:
        fields = super().to_representation(instance)
        fields["active_leaf"] = str(instance.active_leaf_id) if instance.active_leaf_id else None
        return fields


class NewConversationSerializer(SettableFields):
    character = VisibleCharacter()
    greeting = WholeNumber(
        required=False,
        min_value=0,
        max_value=100,
        default=0,
        help_text="0: the first message; n: its nth alternate. A blank one falls to the next.",
    )

    class Meta:
        model = Conversation
        fields = (
            *("character", "greeting", "title", "topic", "persona_name", "persona_description"),
            *MODEL_SETTINGS,
            "extra",
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["greeting"] and attrs["character"].greeting_at(attrs["greeting"]) is None:
            raise ValidationError({"greeting": ["This character has no such greeting."]}, code="does_not_exist")
        return attrs


class ConversationListQuery(serializers.Serializer[None]):
    character = serializers.UUIDField(required=False, help_text="Only those with this character.")
    archived = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only archived ones, or only those that are not."
    )
    pinned = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only pinned ones, or only those that are not."
    )
    search = Line(
        required=False, allow_blank=True, max_length=200, help_text="Words in title, topic or the character's name."
    )


class MessageError(serializers.Serializer[None]):
    may_be_absent = ("retry_after",)

    code = serializers.CharField()
    detail = serializers.CharField()
    retry_after = serializers.IntegerField(required=False, help_text="Seconds, where the provider named some.")


class MessageSerializer(ModelSerializer):
    """One message. `siblings` are the ids of all that follow the same parent, this one included, oldest first; of very
    many, the hundred around this one."""

    # Each message comes with its `sibling_ids`; see `with_siblings`.

    conversation = serializers.UUIDField(source="conversation_id", read_only=True)
    parent = serializers.UUIDField(source="parent_id", read_only=True, allow_null=True)  # type: ignore[assignment]
    role = serializers.ChoiceField(choices=Role.choices)
    status = serializers.ChoiceField(choices=MessageStatus.choices, read_only=True)
    error = MessageError(read_only=True, allow_null=True)
    siblings = serializers.SerializerMethodField()
    sibling_index = serializers.SerializerMethodField(help_text="Its place among all of them, from 0.")
    sibling_count = serializers.SerializerMethodField(help_text="How many there are, this one included.")
    tool_calls = serializers.ListField(child=serializers.DictField(), read_only=True)
    sources = serializers.ListField(child=serializers.DictField(), read_only=True)
    extra = JSONObject(required=False)

    class Meta:
        model = Message
        fields: tuple[str, ...] = (
            "id",
            "conversation",
            "parent",
            "role",
            "content",
            "reasoning",
            "tool_calls",
            "sources",
            "extra",
            "client_id",
            "depth",
            "siblings",
            "sibling_index",
            "sibling_count",
            "status",
            "error",
            "model",
            "finish_reason",
            "prompt_tokens",
            "completion_tokens",
            "rating",
            "created_at",
            "updated_at",
            "edited_at",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_siblings(self, message: Message) -> list[str]:
        siblings = message.sibling_ids
        begin = max(0, min(self.get_sibling_index(message) - MAX_SIBLINGS // 2, len(siblings) - MAX_SIBLINGS))
        return [str(key) for key in siblings[begin : begin + MAX_SIBLINGS]]

    def get_sibling_index(self, message: Message) -> int:
        return bisect_left(message.sibling_ids, message.pk)

    def get_sibling_count(self, message: Message) -> int:
        return len(message.sibling_ids)


class UnderParent(serializers.Serializer[None]):
    """What is said, and where in the tree."""

    content = Content(style={"base_template": "textarea.html"})
    parent = MessageHere(required=False, allow_null=True, help_text="Left out: the active leaf. Null: a new root.")  # type: ignore[assignment]

    def get_initial(self) -> Any:
        """What the browsable API offers as a body to begin with: null would mean a new root."""
        return {name: value for name, value in super().get_initial().items() if value is not None}


class NewMessageSerializer(UnderParent):
    role = serializers.ChoiceField(
        choices=[Role.USER.value, Role.ASSISTANT.value, Role.SYSTEM.value], default=Role.USER.value
    )
    client_id = Text(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=128,
        help_text="Your own id for it, once a conversation.",
    )
    extra = JSONObject(required=False)


class Rating(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        if type(data) is not int and not from_form(self):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class MessageChangeSerializer(serializers.Serializer[None]):
    content = Content(required=False)
    rating = Rating(choices=[-1, 1], required=False, allow_null=True)


class MessageListQuery(serializers.Serializer[None]):
    path = serializers.ChoiceField(
        choices=["active", "all"],
        default="active",
        help_text="The active path, newest first; or the tree, oldest first.",
    )


def with_siblings(messages: list[Message]) -> list[Message]:
    siblings = tree.siblings_of(messages)
    for message in messages:
        message.sibling_ids = siblings[message.parent_id]
    return messages


def render_messages(messages: list[Message]) -> list[dict[str, Any]]:
    return [MessageSerializer.show(message) for message in with_siblings(messages)]


def render_message(message: Message) -> dict[str, Any]:
    return render_messages([message])[0]
