from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.api.fields import Text
from apps.api.schema import NO_NUL
from apps.compat.openai.base import always
from apps.compat.openai.said import ROLES, SaidField

MOST_ITEMS = 20
MOST_PAIRS, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": MOST_PAIRS,
        "propertyNames": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": NO_NUL},
        "additionalProperties": {"type": "string", "maxLength": LONGEST_VALUE, "pattern": NO_NUL},
    }
)
class Metadata(serializers.Field[dict[str, str], Any, Any, Any]):
    """Texts by their names, as many and as long as OpenAI allows."""

    default_error_messages = {"invalid": "Expected an object.", "too_many": "At most {most} of them."}

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            self.fail("invalid")
        if len(data) > MOST_PAIRS:
            self.fail("too_many", most=MOST_PAIRS)
        key, value = Text(max_length=LONGEST_KEY), Text(max_length=LONGEST_VALUE, allow_blank=True)
        return {str(key.run_validation(name)): str(value.run_validation(text)) for name, text in data.items()}


class OpenAINewItemSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["message"], required=False, allow_null=True)
    role = serializers.ChoiceField(choices=list(ROLES), help_text="`developer` means `system`.")
    content = SaidField()

    def validate_content(self, text: str) -> str:
        if not text.strip():
            raise ValidationError("This field may not be blank.", code="blank")
        return text


class OpenAINewItemsSerializer(serializers.Serializer[Any]):
    items = serializers.ListField(child=OpenAINewItemSerializer(), min_length=1, max_length=MOST_ITEMS)


class OpenAINewConversationSerializer(serializers.Serializer[Any]):
    metadata = Metadata(required=False, allow_null=True)
    items = serializers.ListField(
        child=OpenAINewItemSerializer(),
        required=False,
        allow_null=True,
        max_length=MOST_ITEMS,
        help_text="How it begins. Without them, it begins with the character's greeting.",
    )
    character = Text(
        required=False,
        allow_null=True,
        max_length=300,
        help_text="One of yours, by name or id, as for a completion. Without one, nobody answers in it.",
    )


class OpenAIChangeSerializer(serializers.Serializer[Any]):
    metadata = Metadata(allow_null=True)


class OpenAIConversationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="The same as at `/api/conversations/`.")
    object = always("conversation")
    created_at = serializers.IntegerField(help_text="Seconds since 1970.")
    metadata = serializers.DictField(child=serializers.CharField(allow_blank=True))
    character = serializers.UUIDField(allow_null=True)
    title = serializers.CharField(allow_blank=True)


class OpenAIDeletedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = always("conversation.deleted")
    deleted = serializers.BooleanField()


class OpenAIPartSerializer(serializers.Serializer[Any]):
    may_be_absent = ("annotations", "logprobs")

    type = serializers.ChoiceField(choices=["input_text", "output_text"])
    text = serializers.CharField(allow_blank=True)
    annotations = serializers.ListField(child=serializers.DictField(), help_text="Always empty.")
    logprobs = serializers.ListField(child=serializers.DictField(), help_text="Always empty.")


class OpenAIItemSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="The same as at `/api/conversations/…/messages/`.")
    type = always("message")
    role = serializers.ChoiceField(choices=["system", "user", "assistant", "tool"])
    status = serializers.ChoiceField(choices=["in_progress", "completed", "incomplete"])
    content = OpenAIPartSerializer(many=True)


class OpenAIItemListSerializer(serializers.Serializer[Any]):
    object = always("list")
    data = OpenAIItemSerializer(many=True)  # type: ignore[assignment]  # the field's name is OpenAI's
    first_id = serializers.UUIDField(allow_null=True)
    last_id = serializers.UUIDField(allow_null=True)
    has_more = serializers.BooleanField()


class OpenAIItemListQuery(serializers.Serializer[None]):
    after = serializers.UUIDField(required=False, help_text="Where to go on: `last_id` of the page before.")
    limit = serializers.IntegerField(required=False, min_value=1, max_value=100, default=20)
    order = serializers.ChoiceField(choices=["asc", "desc"], default="desc", help_text="Newest first, or oldest first.")
