from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.api.fields import Flag, Number, Text, WholeNumber
from apps.chat.prompt import Said
from apps.compat.openai.base import always
from apps.compat.openai.said import ROLES, SaidField

MOST_MESSAGES = 10_000
MOST_STOPS = 16
LONGEST_STOP = 200

# Their results are told by the answers that follow them, as everywhere here.
LEFT_OUT = ("tool", "function")


class OpenAIMessageSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(
        choices=[*ROLES, *LEFT_OUT], help_text="What tools said is left out; `developer` means `system`."
    )
    content = SaidField(required=False, allow_null=True)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "minLength": 1, "maxLength": LONGEST_STOP},
            {
                "type": "array",
                "maxItems": MOST_STOPS,
                "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_STOP},
            },
            {"type": "null"},
        ]
    }
)
class Stop(serializers.Field[Any, Any, Any, Any]):
    """One sequence, or a list of them."""

    default_error_messages = {"invalid": "Expected a text, or a list of texts.", "too_many": "At most {most} of them."}

    def to_internal_value(self, data: Any) -> list[str]:
        texts = [data] if isinstance(data, str) else data
        if not isinstance(texts, list):
            self.fail("invalid")
        if len(texts) > MOST_STOPS:
            self.fail("too_many", most=MOST_STOPS)
        child = Text(max_length=LONGEST_STOP)
        return [str(child.run_validation(text)) for text in texts]


class OpenAIStreamOptionsSerializer(serializers.Serializer[Any]):
    include_usage = Flag(required=False, allow_null=True)


class OpenAICompletionSerializer(serializers.Serializer[Any]):
    """What else OpenAI's clients send is ignored: no tool of the client's is called, no form of answer enforced."""

    model = Text(max_length=300, help_text="A character of yours: its name as `/v1/models` has it, or its id.")
    messages = serializers.ListField(
        child=OpenAIMessageSerializer(),
        min_length=1,
        max_length=MOST_MESSAGES,
        help_text="Oldest first. Where the last one is the assistant's, the answer goes on with it.",
    )
    stream = Flag(required=False, allow_null=True)
    stream_options = OpenAIStreamOptionsSerializer(required=False, allow_null=True)
    temperature = Number(required=False, allow_null=True, min_value=0, max_value=2)
    top_p = Number(required=False, allow_null=True, min_value=0, max_value=1)
    max_tokens = WholeNumber(required=False, allow_null=True, min_value=1, max_value=1_000_000)
    max_completion_tokens = WholeNumber(required=False, allow_null=True, min_value=1, max_value=1_000_000)
    stop = Stop(required=False, allow_null=True, help_text="In place of the character's own.")
    n = WholeNumber(required=False, allow_null=True, min_value=1, max_value=1, help_text="One answer a request.")

    def validate_messages(self, sent: list[dict[str, Any]]) -> list[Said]:
        """What a model can be told of them."""
        texts = [(message["role"], message.get("content") or "") for message in sent]
        told = [(ROLES[role], text) for role, text in texts if role in ROLES and text.strip()]
        if not told:
            raise ValidationError("Nothing is said in them.", code="blank")
        return [Said(role, text, place) for place, (role, text) in enumerate(told)]


class OpenAIDetailsSerializer(serializers.Serializer[Any]):
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class OpenAIAnswerSerializer(serializers.Serializer[Any]):
    may_be_absent = ("reasoning_content",)

    role = always("assistant")
    content = serializers.CharField()
    refusal = serializers.CharField(allow_null=True)
    reasoning_content = serializers.CharField(help_text="What the model thought, where it tells.")


class OpenAIChoiceSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    message = OpenAIAnswerSerializer()
    finish_reason = serializers.ChoiceField(choices=["stop", "length", "content_filter"])
    logprobs = serializers.FloatField(allow_null=True)


class OpenAICompletedSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = always("chat.completion")
    created = serializers.IntegerField(help_text="Seconds since 1970.")
    model = serializers.CharField(help_text="As it was asked for.")
    choices = OpenAIChoiceSerializer(many=True)
    usage = OpenAIDetailsSerializer(help_text="As the provider counted, and estimated where it does not.")
