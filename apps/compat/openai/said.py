"""What is said, in OpenAI's forms: a text, or parts of one."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.api.fields import Text
from apps.api.schema import NO_NUL
from apps.conversations.models import MAX_CONTENT, Role

# What a part's text is called, by the part's type.
PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}

# `developer` is what newer models of OpenAI's call the system.
ROLES = {
    "developer": Role.SYSTEM,
    "system": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
}

_TEXT = {"type": "string", "pattern": NO_NUL, "maxLength": MAX_CONTENT}
_PART = {
    "oneOf": [
        {
            "type": "object",
            "required": ["type", name],
            "properties": {"type": {"enum": [kind for kind in PARTS if PARTS[kind] == name]}, name: _TEXT},
        }
        for name in dict.fromkeys(PARTS.values())
    ]
}
SCHEMA = {"oneOf": [_TEXT, {"type": "array", "items": _PART}]}


@extend_schema_field(SCHEMA)
class SaidField(serializers.Field[str, Any, Any, Any]):
    """As one text; parts of it one below the other. Pictures, sounds and files are not read here."""

    default_error_messages = {
        "invalid": "Expected a text, or a list of parts.",
        "not_a_part": "Expected an object with a type.",
        "not_text": "Only text is read here: parts of the types {types}.",
        "required": "This field is required.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._text = Text(max_length=MAX_CONTENT, allow_blank=True)

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, str):
            return str(self._text.run_validation(data))
        if not isinstance(data, list):
            self.fail("invalid")
        joined = "\n".join(self._part(str(place), part) for place, part in enumerate(data))
        return str(self._text.run_validation(joined))

    def _part(self, place: str, part: Any) -> str:
        if not isinstance(part, dict):
            raise ValidationError({place: [self.error_messages["not_a_part"]]}, code="not_a_part")
        kind = part.get("type")
        name = PARTS.get(kind) if isinstance(kind, str) else None
        if name is None:
            detail = self.error_messages["not_text"].format(types=", ".join(PARTS))
            raise ValidationError({place: {"type": [detail]}}, code="not_text")
        try:
            return str(self._text.run_validation(part.get(name)))
        except ValidationError as error:
            raise ValidationError({place: {name: error.detail}}) from error
