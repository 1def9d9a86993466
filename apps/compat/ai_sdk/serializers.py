from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.api.fields import List, Text
from apps.api.schema import NO_NUL, NOT_BLANK
from apps.compat.ai_sdk.parts import ROLES
from apps.conversations.models import MAX_CONTENT
from apps.conversations.serializers import Content, MessageSerializer

SUBMIT, REGENERATE = "submit-message", "regenerate-message"

MAX_ID = 128

_TEXT = {"type": "string"}
_SAID = {"type": "string", "minLength": 1, "maxLength": MAX_CONTENT, "pattern": NOT_BLANK}
_ID = {"type": "string", "maxLength": MAX_ID, "pattern": NO_NUL}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _tool(state: str, **more: Any) -> dict[str, Any]:
    kind = {"type": {"const": "dynamic-tool"}, "state": {"const": state}, "providerExecuted": {"type": "boolean"}}
    return _object(**kind, toolCallId=_TEXT, toolName=_TEXT, input={}, **more)


# As the SDK names them: their names are not ours to choose.
PART: dict[str, Any] = {
    "oneOf": [
        _object(type={"const": "step-start"}),
        _object(type={"const": "text"}, text=_TEXT, state={"const": "done"}),
        _object(type={"const": "reasoning"}, text=_TEXT, state={"const": "done"}),
        _object(
            type={"const": "source-document"},
            sourceId=_TEXT,
            mediaType=_TEXT,
            title=_TEXT,
            providerMetadata=_object(dramatis=_object(text=_TEXT)),
        ),
        _tool("input-available"),
        _tool("output-available", output=_TEXT),
        _tool("output-error", errorText=_TEXT),
    ]
}

# What a user says, in the SDK's form; of what is sent, the last one is read.
SAID: dict[str, Any] = {
    "type": "object",
    "required": ["id", "role", "parts"],
    "properties": {
        "id": _ID,
        "role": {"const": "user"},
        "parts": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": _object(type={"const": "text"}, text=_SAID),
        },
    },
}


class Objects(List):
    """A list of objects, whatever is in them; a look at each is all that it costs."""

    default_error_messages = {"not_an_object": "Expected a JSON object."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        for index, each in enumerate(data):
            if not isinstance(each, dict):
                raise ValidationError({str(index): [self.error_messages["not_an_object"]]}, code="not_an_object")
        return data


class LastMessage(serializers.Serializer[None]):
    id = Text(max_length=MAX_ID, allow_blank=True)
    role = serializers.ChoiceField(choices=list(ROLES))
    parts = Objects()


@extend_schema_field({"type": "array", "items": {"type": "object", "anyOf": [SAID, {"type": "object"}]}})
class UIMessages(Objects):
    """A chat as the client has it. Of it only the last message counts, and is looked at: `{id, role, parts, index}`,
    None where there is none."""

    def to_internal_value(self, data: Any) -> Any:
        messages = super().to_internal_value(data)
        if not messages:
            return None
        last = LastMessage(data=messages[-1])
        if not last.is_valid():
            raise ValidationError({str(len(messages) - 1): cast(Any, last.errors)})
        return {**last.validated_data, "index": len(messages) - 1}


class UISendSerializer(serializers.Serializer[None]):
    """What `DefaultChatTransport` sends; whatever else it was told to send is ignored."""

    id = Text(allow_blank=True, help_text="The conversation's.")
    messages = UIMessages(
        help_text="Only the last one is read: what the user says, its text parts put together. Its id becomes the"
        " message's `client_id`. With `regenerate-message` there may be none."
    )
    trigger = serializers.ChoiceField(choices=[SUBMIT, REGENERATE], default=SUBMIT)
    messageId = Text(  # noqa: N815
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=MAX_ID,
        help_text="To submit: the message that the last one takes the place of, which has the same id. To regenerate:"
        " an answer, or a message of the user's; left out, the last one.",
    )


def text_of(last: dict[str, Any]) -> str:
    """What a message of the user's says; 400 where there is nothing that could be said."""
    at = ("messages", last["index"], "parts")
    texts = []
    for index, part in enumerate(last["parts"]):
        if part.get("type") == "file":
            raise _wrong([*at, index], "Files are not read here: send text.", "not_text")
        if part.get("type") == "text":
            texts.append(part.get("text"))
    if not all(isinstance(text, str) for text in texts):
        raise _wrong(at, "A text part has a text.", "invalid")
    try:
        return cast(str, Content().run_validation("".join(texts)))
    except ValidationError as error:
        [first, *_] = cast(Any, error.detail)
        raise _wrong(at, first, first.code) from error


def _wrong(at: Any, detail: str, code: str) -> ValidationError:
    found: Any = [detail]
    for name in reversed(at):
        found = {str(name): found}
    return ValidationError(found, code=code)


class UIMetadata(MessageSerializer):
    """What the SDK has no place for. `siblings` are the ids of all that follow the same parent, this one included,
    oldest first; of very many, the hundred around this one."""

    # Of the fields that are declared, those that are not listed have to be taken away.
    conversation = role = tool_calls = sources = extra = None  # type: ignore[assignment]

    class Meta(MessageSerializer.Meta):
        fields = (
            *("created_at", "edited_at", "status", "error", "model", "rating", "client_id"),
            *("parent", "siblings", "sibling_index", "sibling_count"),
        )
        read_only_fields = fields


@extend_schema_field({"type": "array", "items": PART})
class UIParts(serializers.ListField):
    pass


class UIMessageSerializer(serializers.Serializer[Any]):
    """A message as the AI SDK has it."""

    id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=[(role.value, role.label) for role in ROLES])
    metadata = UIMetadata()
    parts = UIParts()
