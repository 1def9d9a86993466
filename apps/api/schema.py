"""The OpenAPI schema: what drf-spectacular finds, plus what every operation here can answer."""

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

METHODS = {"get", "post", "put", "patch", "delete"}


class ErrorSerializer(serializers.Serializer[None]):
    code = serializers.CharField(help_text="For programs.")
    detail = serializers.CharField(help_text="For people.")
    attr = serializers.CharField(allow_null=True, help_text="The field or parameter that is wrong, if one is.")


class ErrorResponseSerializer(serializers.Serializer[None]):
    """The one shape of every error."""

    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = ErrorSerializer(many=True)  # type: ignore[assignment]  # the field's name is the contract's


ABOUT = {
    "400": "Something in the request is wrong; `attr` names it.",
    "401": "Not signed in, or the token has ended.",
    "403": "Refused; a session's request without its CSRF token, for one.",
    "404": "There is no such thing, or it is not yours.",
    "406": "No such form of answer.",
    "409": "Not as things stand; `code` says why.",
    "413": "The body is too large.",
    "415": "No such form of body is read here.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "500": "A mistake of this server.",
    "503": "The database cannot be reached just now.",
}


class Schema(AutoSchema):
    pass


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.accounts.authentication.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def only_ours(endpoints: list[Any], **_: Any) -> list[Any]:
    """The schema does not describe itself."""
    return [endpoint for endpoint in endpoints if endpoint[0] not in ("/api/schema/", "/api/docs/")]


def document_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Adds to every operation the errors that any request can meet."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    for name, shape in ERROR_COMPONENTS.items():
        schemas.setdefault(name, shape)
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                for status in _errors_of(path, method, operation):
                    operation["responses"].setdefault(status, _error(status))
    return result


def _errors_of(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    found = ["406", "429", "500", "503"]
    secured = any(operation.get("security", []))
    if secured or "/jwt/" in path or path == "/metrics":
        found.append("401")
    if secured or path == "/api/auth/users/":
        found.append("403")
    if "requestBody" in operation:
        found += ["400", "413", "415"]
    if operation.get("parameters"):
        found.append("400")
    if re.search(r"\{\w+\}", path):
        found.append("404")
    if "/conversations/" in path and method != "get":
        found.append("409")
    return found


def _error(status: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
    return {"description": ABOUT[status], "content": content}


_TEXT = {"type": "string"}
ERROR_COMPONENTS: dict[str, Any] = {
    "Error": {
        "type": "object",
        "required": ["code", "detail", "attr"],
        "properties": {"code": _TEXT, "detail": _TEXT, "attr": {"type": ["string", "null"]}},
    },
    "ErrorResponse": {
        "type": "object",
        "required": ["type", "errors"],
        "properties": {
            "type": {"enum": ["validation_error", "client_error", "server_error"]},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Error"}},
        },
    },
}
