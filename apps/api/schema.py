"""The OpenAPI schema: what drf-spectacular finds, plus what every operation here can answer."""

# drf-spectacular's own methods have no types.
# mypy: disable-error-code="no-untyped-call"

import re
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from apps.api.conditional import is_conditional
from apps.api.fields import MAX_JSON_DEPTH, MAX_JSON_NUMBER, Text

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
    "410": "What changed since is no longer known. Load everything anew.",
    "413": "The body is too large.",
    "415": "No such form of body is read here.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "500": "A mistake of this server.",
    "503": "The database cannot be reached just now.",
}

# As components of the schema.
NAMES = {
    "400": "BadRequest",
    "401": "NotSignedIn",
    "403": "Refused",
    "404": "NotFound",
    "406": "NotAcceptable",
    "409": "Conflict",
    "410": "Expired",
    "413": "BodyTooLarge",
    "415": "UnsupportedMediaType",
    "429": "TooManyRequests",
    "500": "ServerError",
    "503": "DatabaseUnavailable",
}


UNCHANGED = "As it was when the answer that `If-None-Match` names was given; a `since` that came with that one holds."

# PostgreSQL holds no NUL; some texts may not be blank either.
NO_NUL = r"^[^\u0000]*$"
NOT_BLANK = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"

JSON = "application/json"


class Schema(AutoSchema):
    """Bodies in JSON, what strict fields ask of a text, and answers that hold all their fields."""

    def map_parsers(self) -> list[str]:
        """Forms are read too, for the browsable API; but they have no types, so they are no part of the contract."""
        found: list[str] = super().map_parsers()
        return [JSON] if JSON in found else found

    def get_request_serializer(self) -> Any:
        """A DELETE has a body only where `extend_schema` says so."""
        return None if self.method == "DELETE" else super().get_request_serializer()

    def _get_request_body(self, direction: Any = "request") -> Any:
        if self.method != "DELETE" or self.get_request_serializer() is None:
            return super()._get_request_body(direction)
        self.method = "POST"  # drf-spectacular knows no DELETE with a body
        try:
            return super()._get_request_body(direction)
        finally:
            self.method = "DELETE"

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        answers = super()._get_response_bodies(direction)
        if is_conditional(self.view):
            answers["200"]["headers"] = _named("ETag", "Cache-Control")
            answers["304"] = {"description": UNCHANGED, "headers": _named("ETag", "Cache-Control")}
        return answers

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.ListSerializer) and getattr(field, "max_length", None):
            schema["maxItems"] = field.max_length  # type: ignore[attr-defined]
        if direction == "request" and schema and schema.get("type") == ["string", "null"] and "format" in schema:
            # The same, in words that tools do not misread: some forget the format of a type that is a list.
            text = {"type": "string", "format": schema.pop("format")}
            del schema["type"]
            schema["oneOf"] = [text, {"type": "null"}]
        return schema

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        super()._insert_field_validators(field, schema)
        if isinstance(field, Text) and not field.read_only and "$ref" not in schema:
            schema["pattern"] = NOT_BLANK if field.needs_words and not field.allow_blank else NO_NUL

    def _postprocess_serializer_schema(self, schema: Any, serializer: Any, direction: Any) -> Any:
        schema = super()._postprocess_serializer_schema(schema, serializer, direction)
        if direction == "response" and schema.get("properties"):
            absent = getattr(serializer, "may_be_absent", ())
            schema["required"] = sorted(set(schema["properties"]) - set(absent))
            for name in getattr(serializer, "may_be_null", ()):
                schema["properties"][name]["type"] = [schema["properties"][name]["type"], "null"]
        return schema


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "apps.accounts.authentication.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class BetterAuthTokenScheme(TokenScheme):
    target_class = "apps.compat.better_auth.authentication.BetterAuthToken"
    name = "betterAuthToken"


class BetterAuthCookieScheme(OpenApiAuthenticationExtension):
    target_class = "apps.compat.better_auth.authentication.BetterAuthCookie"
    name = "betterAuthCookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": getattr(settings.BETTER_AUTH, "cookie", "")}


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = "apps.accounts.key_authentication.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        about = "An API key, from `/api/auth/api-keys/`."
        return {"type": "http", "scheme": "bearer", "bearerFormat": "drm_…", "description": about}


def only_ours(endpoints: list[Any], **_: Any) -> list[Any]:
    """The schema does not describe itself."""
    return [endpoint for endpoint in endpoints if endpoint[0] not in ("/api/schema/", "/api/docs/")]


def document_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Adds to every operation the errors that any request can meet, and to every answer the headers that it carries."""
    components = result.setdefault("components", {})
    components["headers"] = HEADERS
    for name, shape in {**ERROR_COMPONENTS, **JSON_COMPONENTS}.items():
        components.setdefault("schemas", {}).setdefault(name, shape)
    shared = components["responses"] = {NAMES[status]: _error(status) for status in NAMES}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                for status, answer in operation["responses"].items():
                    answer["headers"] = {**_headers(status), **answer.get("headers", {})}
                for status in _errors_of(path, method, operation):
                    answer = {"$ref": f"#/components/responses/{NAMES[status]}"}
                    operation["responses"].setdefault(status, answer)
                operation["responses"] = dict(sorted(operation["responses"].items()))
    used = str(result["paths"])
    components["responses"] = {name: answer for name, answer in shared.items() if f"/responses/{name}'" in used}
    return result


def _errors_of(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    found = ["406", "429", "500", "503"]
    secured = any(operation.get("security", []))
    of_session = path == "/api/auth/session/" and method != "get"
    if secured or "/jwt/" in path or path == "/metrics" or (of_session and method == "post"):
        found.append("401")
    if secured or path == "/api/auth/users/" or of_session:
        found.append("403")
    if "requestBody" in operation:
        found += ["400", "413", "415"]
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    if names:
        found.append("400")
    if "since" in names:
        found.append("410")
    if re.search(r"\{\w+\}", path):
        found.append("404")
    if secured and method != "get":
        found.append("409")
    return found


def _error(status: str) -> dict[str, Any]:
    content = {JSON: {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
    return {"description": ABOUT[status], "headers": _headers(status), "content": content}


def _headers(status: str) -> dict[str, Any]:
    return _named("X-Request-ID", *{"401": ["WWW-Authenticate"], "429": ["Retry-After"]}.get(status, []))


def _named(*headers: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in headers}


HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "What this request is called in the logs: your own name for it, or one that was made.",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "WWW-Authenticate": {"description": "How to sign in.", "required": True, "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "ETag": {
        "description": "Send it back as `If-None-Match`: 304 while the answer would be the same.",
        "required": True,
        "schema": {"type": "string", "pattern": '^W/"[0-9a-f]+"$'},
    },
    "Cache-Control": {
        "description": "Yours alone, and to be asked for again each time.",
        "required": True,
        "schema": {"const": "private, no-cache"},
    },
}

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

# What JSONB can hold.
JSON_COMPONENTS: dict[str, Any] = {
    "JSONObject": {
        "type": "object",
        "description": f"Any object of JSON, at most {MAX_JSON_DEPTH} levels deep. It is kept as it is.",
        "propertyNames": {"type": "string", "pattern": NO_NUL},
        "additionalProperties": {"$ref": "#/components/schemas/JSONValue"},
    },
    "JSONValue": {
        "anyOf": [
            {"type": "string", "pattern": NO_NUL},
            {"type": "number", "minimum": -MAX_JSON_NUMBER, "maximum": MAX_JSON_NUMBER},
            {"type": "boolean"},
            {"type": "null"},
            # Said like this, since TypeScript takes no array of what is just being declared.
            {"type": "array", "allOf": [{"items": {"$ref": "#/components/schemas/JSONValue"}}]},
            {"$ref": "#/components/schemas/JSONObject"},
        ]
    },
}
