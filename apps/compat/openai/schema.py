"""What the API's schema says of /v1: another way in, and another shape of errors."""

from typing import Any

from apps.compat.openai.errors import ROOT

JSON = "application/json"
SHAPE = "OpenAIErrorResponse"

_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}
ERROR: dict[str, Any] = {
    "type": "object",
    "description": "OpenAI's shape of every error.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": _TEXT,
                "type": {"enum": ["invalid_request_error", "rate_limit_error", "server_error"]},
                "param": _MAYBE,
                "code": _TEXT,
            },
        }
    },
}

# The form of an answer is not negotiated there, and no session is let in.
NEVER = ("403", "406")


def errors_as_openai(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """After the errors of everywhere were put into the schema."""
    result["components"]["schemas"][SHAPE] = ERROR
    answers = result["components"]["responses"]
    for path, operations in result["paths"].items():
        if path.startswith(f"{ROOT}/"):
            for operation in operations.values():
                _translate(operation, answers)
    return result


def _translate(operation: dict[str, Any], answers: dict[str, Any]) -> None:
    replies = operation["responses"]
    for status in [status for status in replies if status >= "400"]:
        if status in NEVER:
            del replies[status]
        elif "$ref" in replies[status]:
            name = replies[status]["$ref"].rsplit("/", 1)[1]
            told = {JSON: {"schema": {"$ref": f"#/components/schemas/{SHAPE}"}}}
            answers.setdefault(f"OpenAI{name}", {**answers[name], "content": told})
            replies[status] = {"$ref": f"#/components/responses/OpenAI{name}"}
