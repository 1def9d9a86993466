"""JSON as it is sent."""

import json
from typing import Any

import orjson
from rest_framework import renderers
from rest_framework.utils import encoders

from apps.api.json_rows import Listed


class JSONEncoder(encoders.JSONEncoder):
    def default(self, obj: Any) -> Any:
        return json.loads(orjson.dumps(obj.json)) if isinstance(obj, Listed) else super().default(obj)


_others = JSONEncoder().default


def _default(value: Any) -> Any:
    return value.json if isinstance(value, Listed) else _others(value)


def outline(data: Any) -> bytes:
    """What is sent, in short: by the digests of what PostgreSQL made."""
    try:
        return orjson.dumps(data, lambda value: value.digest if isinstance(value, Listed) else _others(value))
    except orjson.JSONEncodeError:
        return JSONRenderer().render(data)


class JSONRenderer(renderers.JSONRenderer):
    """By orjson, in a tenth of the time, and with what PostgreSQL has made JSON of as it is."""

    encoder_class = JSONEncoder

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        if not self.get_indent(accepted_media_type or "", renderer_context or {}):
            try:
                return orjson.dumps(data, _default, orjson.OPT_UTC_Z)
            except orjson.JSONEncodeError:
                pass  # Whole numbers beyond 64 bits, or keys that are no text: Python's own writes them.
        rendered: bytes = super().render(data, accepted_media_type, renderer_context)
        return rendered
