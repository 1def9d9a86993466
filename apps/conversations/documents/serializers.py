"""What a document has to be before rows are made of it."""

from typing import Any, cast

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.api.fields import Flag, JSONObject, List, Number, Text, WholeNumber
from apps.characters.serializers import VisibleCharacter, stop_sequences
from apps.conversations.documents.shape import FORMAT, MAX_MESSAGES, VERSION
from apps.conversations.models import MessageStatus, Role
from apps.conversations.serializers import ConversationSerializer, Rating

# Of a column.
MAX_NUMBER = 2**31 - 1

# Nobody goes on writing in a document.
Status = [(status.value, status.label) for status in MessageStatus if status != MessageStatus.GENERATING]


def text(**options: Any) -> Text:
    return Text(required=False, allow_blank=True, **options)


def number(**options: Any) -> WholeNumber:
    return WholeNumber(**{"required": False, "allow_null": True, "min_value": 0, "max_value": MAX_NUMBER, **options})


def moment(**options: Any) -> serializers.DateTimeField:
    return serializers.DateTimeField(required=False, allow_null=True, **options)


class Failure(serializers.Serializer[None]):
    """What was wrong with an answer that failed."""

    code = Text(allow_blank=True)
    detail = Text(allow_blank=True)
    retry_after = WholeNumber(required=False, min_value=0, max_value=MAX_NUMBER)


class Messages(serializers.ListSerializer[Any]):
    """The first message that is wrong is told, not each of thousands."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise ValidationError(["Expected a list of messages."], code="not_a_list")
        if len(data) > MAX_MESSAGES:
            raise ValidationError([f"There are more than {MAX_MESSAGES:,} messages."], code="max_length")
        said: list[Any] = []
        known: set[int] = set()
        client_ids: set[str] = set()
        for place, item in enumerate(data):
            try:
                message = cast(Any, self.child).run_validation(item)
                refuse_what_does_not_fit(message, known, client_ids)
            except ValidationError as error:
                raise ValidationError(cast(Any, {str(place): error.detail})) from error
            known.add(message["id"])
            if client_id := message.get("client_id"):
                client_ids.add(client_id)
            said.append(message)
        return said


def refuse_what_does_not_fit(message: dict[str, Any], known: set[int], client_ids: set[str]) -> None:
    """Among those that stand before it."""
    if message["id"] in known:
        raise ValidationError({"id": ["A message before this one has this number."]}, code="unique")
    if message["parent"] is not None and message["parent"] not in known:
        raise ValidationError({"parent": ["No message before this one has this number."]}, code="does_not_exist")
    if message.get("client_id") in client_ids:
        raise ValidationError({"client_id": ["A message before this one has this id."]}, code="unique")


class MessageDocument(serializers.Serializer[None]):
    """A message, under a number that is its own in this document. Parents stand before what follows them, siblings in
    their order."""

    id = WholeNumber(min_value=0, max_value=MAX_NUMBER)
    parent = WholeNumber(  # type: ignore[assignment]  # the field's name is the contract's
        min_value=0, max_value=MAX_NUMBER, allow_null=True, help_text="The number of what it follows; null for a root."
    )
    role = serializers.ChoiceField(choices=Role.choices)
    content = Text(allow_blank=True)
    reasoning = text()
    tool_calls = List(child=JSONObject(), required=False)
    sources = List(child=JSONObject(), required=False)
    extra = JSONObject(required=False)
    client_id = Text(required=False, allow_null=True, max_length=128)
    status = serializers.ChoiceField(choices=Status, required=False)
    error = Failure(required=False, allow_null=True)
    model = text(max_length=200)
    finish_reason = text(max_length=20)
    prompt_tokens = number()
    completion_tokens = number()
    rating = Rating(choices=[-1, 1], required=False, allow_null=True)
    created_at = moment()
    edited_at = moment()

    class Meta:
        list_serializer_class = Messages


class ConversationDocument(serializers.Serializer[None]):
    """A conversation with its whole tree. Times without a zone are in UTC."""

    format = serializers.ChoiceField(choices=[FORMAT])
    version = WholeNumber(min_value=VERSION, max_value=VERSION)
    character_name = text(max_length=200)
    title = text(max_length=200)
    topic = text(max_length=20_000)
    persona_name = text(max_length=100)
    persona_description = text(max_length=20_000)
    model = text(max_length=200, help_text="Kept as it is, on offer here or not.")
    temperature = Number(required=False, allow_null=True, min_value=0, max_value=2)
    top_p = Number(required=False, allow_null=True, min_value=0, max_value=1)
    max_tokens = number(min_value=1, max_value=1_000_000)
    stop = stop_sequences(allow_null=True)
    pinned = Flag(required=False)
    archived = Flag(required=False)
    extra = JSONObject(required=False)
    created_at = moment()
    active_leaf = number(help_text="The number of the message that was last looked at; null or left out: the last one.")
    messages = MessageDocument(many=True, max_length=MAX_MESSAGES)  # type: ignore[call-arg]  # the list's own

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        leaf = attrs.get("active_leaf")
        if leaf is not None and all(message["id"] != leaf for message in attrs["messages"]):
            raise ValidationError({"active_leaf": ["No message has this number."]}, code="does_not_exist")
        return attrs


class ConversationImport(ConversationDocument):
    """A conversation's document, and whom it goes on with."""

    character = VisibleCharacter(
        required=False, allow_null=True, help_text="Yours, or a public one. Without one, no answer can be written."
    )


class ImportForm(serializers.Serializer[None]):
    file = serializers.FileField(help_text="Our JSON, or a SillyTavern chat; it is told by what is in it.")
    character = serializers.UUIDField(required=False, help_text="Whom it goes on with.")


class ImportedConversation(ConversationSerializer):
    """The new conversation."""

    warnings = serializers.SerializerMethodField(help_text="What was left out or mended, and in which line.")

    class Meta(ConversationSerializer.Meta):
        fields = (*ConversationSerializer.Meta.fields, "warnings")  # type: ignore[assignment]

    def get_warnings(self, conversation: Any) -> list[str]:
        return cast(list[str], self.context["warnings"])
