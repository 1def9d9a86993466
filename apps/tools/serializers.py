import re
from collections.abc import Collection
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.utils import html

from apps.api.fields import Flag, JSONObject, Line, List, ModelSerializer, Text
from apps.api.outbound import request as outgoing
from apps.api.outbound import urls
from apps.api.outbound.errors import AddressRefused, RequestRefused
from apps.tools import parameters, templates, vault
from apps.tools.builtins import BUILTINS
from apps.tools.functions import functions_of
from apps.tools.models import MAX_DESCRIPTION, NAME, Kind, Tool

SECRET_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
MOST_PAIRS = 50
MAX_URL = 2_000
MAX_VALUE = 4_000

# What a new one has where nothing is said of it.
FRESH: dict[str, dict[str, Any]] = {
    Kind.BUILTIN: {},
    Kind.HTTP: {"method": "GET", "headers": {}, "query": {}, "body": None},
    Kind.MCP: {"headers": {}, "functions": None},
}


class Pairs(serializers.DictField):
    """Texts by name."""

    default_error_messages = {
        "too_many": f"More than {MOST_PAIRS} of them.",
        "bad_name": "{name!r} cannot be a name here.",
    }

    def __init__(self, name: str = r"^[\x21-\x7e]{1,200}$", **options: Any) -> None:
        self.name = re.compile(name)
        child = options.pop("child", None) or Text(max_length=MAX_VALUE, allow_blank=True)
        super().__init__(**{"child": child, **options})

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if html.is_html_input(data):
            data = html.parse_html_dict(data)
        if isinstance(data, dict):
            if len(data) > MOST_PAIRS:
                self.fail("too_many")
            # First: errors of values are told under their names.
            for name in data:
                if not self.name.fullmatch(name):
                    self.fail("bad_name", name=name[:50])
        found: dict[str, Any] = super().to_internal_value(data)
        return found


class FunctionName(serializers.RegexField):
    def __init__(self, **options: Any) -> None:
        super().__init__(NAME, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Headers(Pairs):
    """Those of a request, but for what is made with it."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        found = super().to_internal_value(data)
        for name, value in found.items():
            try:
                outgoing.check("GET", [(name, templates.MARK.sub("", value))])
            except RequestRefused as error:
                raise serializers.ValidationError(str(error), code="bad_header") from error
        return found


class Template(JSONObject):
    """JSON with `{names}` in its texts."""


def checked(check: Any, value: Any) -> Any:
    try:
        check(value)
    except templates.BadTemplate as error:
        raise serializers.ValidationError(str(error), code="bad_template") from error
    return value


class HTTPSerializer(serializers.Serializer[Any]):
    """One request. `{name}` stands for an argument and `{secrets.NAME}` for a secret; a brace that is meant is written
    twice. Arguments that are named nowhere go along in the query of GET and DELETE, else in the body."""

    method = serializers.ChoiceField(choices=["GET", "POST", "PUT", "PATCH", "DELETE"], default="GET")
    url = Line(max_length=MAX_URL, help_text="Names may stand in path and query: where it goes is fixed.")
    headers = Headers(default=dict)
    query = Pairs(default=dict)
    body = Template(default=None, allow_null=True, help_text="JSON. Null: what is named nowhere else.")

    def validate_url(self, url: str) -> str:
        checked(templates.check_url, url)
        return _reachable(url)

    def validate_headers(self, headers: dict[str, str]) -> dict[str, str]:
        return dict(checked(templates.check, headers))

    def validate_query(self, query: dict[str, str]) -> dict[str, str]:
        return dict(checked(templates.check, query))

    def validate_body(self, body: Any) -> Any:
        return checked(templates.check, body)


class MCPSerializer(serializers.Serializer[Any]):
    """A server that speaks MCP over Streamable HTTP."""

    url = Line(max_length=MAX_URL)
    headers = Headers(default=dict, help_text="`{secrets.NAME}` stands for a secret.")
    functions = List(
        child=Line(max_length=128),
        default=None,
        allow_null=True,
        max_length=100,
        help_text="Which of the server's are offered to models. Null: all that it listed.",
    )

    def validate_url(self, url: str) -> str:
        if "{" in url or "}" in url:
            raise serializers.ValidationError("There are no {names} in it.", code="bad_template")
        return _reachable(url)

    def validate_headers(self, headers: dict[str, str]) -> dict[str, str]:
        return dict(checked(templates.check, headers))


def _reachable(url: str) -> str:
    try:
        urls.read(templates.MARK.sub("x", url))
    except AddressRefused as error:
        raise serializers.ValidationError(str(error), code="bad_url") from error
    return url


class FunctionSerializer(serializers.Serializer[Any]):
    """What a model is offered."""

    name = serializers.CharField()
    description = serializers.CharField()
    parameters = JSONObject(help_text="JSON Schema of the arguments.")


class ToolSerializer(ModelSerializer):
    """A tool of yours, of one `kind`, which says which of `builtin`, `http` and `mcp` it has; the others are null.

    `secrets` are kept encrypted and never shown: what is given is added to those that are there, null takes one away.
    `functions` is what it offers to models.
    """

    name = FunctionName(help_text="A function's name: letters, digits, _ and -; once among your tools.")
    description = Text(
        required=False, allow_blank=True, max_length=MAX_DESCRIPTION, help_text="What it does, told to models."
    )
    kind = serializers.ChoiceField(choices=Kind.choices)
    builtin = serializers.ChoiceField(choices=list(BUILTINS), required=False, allow_null=True)
    http = HTTPSerializer(required=False, allow_null=True)
    mcp = MCPSerializer(required=False, allow_null=True)
    parameters = JSONObject(
        required=False, help_text="JSON Schema 2020-12 of the arguments of an `http` tool; the others have their own."
    )
    secrets = Pairs(
        SECRET_NAME,
        child=Text(min_length=4, max_length=MAX_VALUE, allow_null=True),
        required=False,
        write_only=True,
    )
    secret_names = List(child=Line(), read_only=True)
    functions = serializers.SerializerMethodField()
    listed = serializers.SerializerMethodField(
        help_text="What an `mcp` server offered when it was asked last, by its own names: of these `functions` chooses."
    )
    usable_by_others = Flag(
        required=False, help_text="By whoever talks to a public character that has it. It acts in your name."
    )

    class Meta:
        model = Tool
        fields = (
            "id",
            "name",
            "description",
            "kind",
            "builtin",
            "http",
            "mcp",
            "parameters",
            "secrets",
            "secret_names",
            "functions",
            "listed",
            "usable_by_others",
            "created_at",
            "updated_at",
        )

    @extend_schema_field(FunctionSerializer(many=True))
    def get_functions(self, tool: Tool) -> Any:
        return FunctionSerializer(functions_of(tool), many=True).data

    def get_listed(self, tool: Tool) -> list[str]:
        return [each["name"] for each in tool.listed]

    def validate_parameters(self, schema: dict[str, Any]) -> dict[str, Any]:
        try:
            parameters.check(schema)
        except parameters.BadSchema as error:
            raise serializers.ValidationError(str(error), code="bad_schema") from error
        return schema

    def validate_name(self, name: str) -> str:
        same = Tool.objects.owned_by(self.context["request"].user).filter(name=name).first()
        if same and same != self.instance:
            raise serializers.ValidationError("There is a tool of yours with this name already.", code="unique")
        return name

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        before: Tool | None = self.instance
        kind = given.get("kind") or (before.kind if before else "")
        parts = {name: given.pop(name, None) for name in Kind.values}
        is_same = before is not None and before.kind == kind
        config = before.config if before and is_same else FRESH[kind]
        if parts[kind] is not None:
            config = {**config, **(parts[kind] if isinstance(parts[kind], dict) else {"builtin": parts[kind]})}
        elif not is_same:
            raise serializers.ValidationError({kind: ["This kind of tool needs it."]}, code="required")
        if kind != Kind.BUILTIN and "url" not in config:
            raise serializers.ValidationError({kind: {"url": ["This kind of tool needs it."]}}, code="required")
        if not (before and is_same and all(before.config.get(name) == config.get(name) for name in ("url", "headers"))):
            # What another server offers is not known yet.
            given["listed"] = []
        schema = given.get("parameters") or (before and before.parameters) or parameters.NOTHING
        given |= self._secrets(given.pop("secrets", {}), before)
        if kind != Kind.BUILTIN:
            known = given.get("secret_names", before.secret_names if before else [])
            self._check_names(kind, config, schema, known)
        return {**given, "config": config, "parameters": schema if kind == Kind.HTTP else {}}

    @staticmethod
    def _secrets(given: dict[str, str | None], before: Tool | None) -> dict[str, Any]:
        """The columns that change."""
        if not given:
            return {}
        try:
            kept = vault.unseal(before.secrets) if before else {}
        except vault.Unreadable:
            # Kept under another key: only those that are set anew are of use.
            kept = {}
        secrets = {name: value for name, value in {**kept, **given}.items() if value is not None}
        if len(secrets) > MOST_PAIRS:
            raise serializers.ValidationError({"secrets": [f"More than {MOST_PAIRS} of them."]}, code="too_many")
        return {"secrets": vault.seal(secrets), "secret_names": sorted(secrets)}

    @staticmethod
    def _check_names(kind: str, config: dict[str, Any], schema: dict[str, Any], secrets: Collection[str]) -> None:
        known = schema.get("properties", {})
        for part in ("url", "headers", "query", "body"):
            for secret, name in templates.names(config.get(part)):
                if secret and name not in secrets:
                    detail, code = f"There is no secret {name!r}.", "unknown_secret"
                elif not secret and (kind == Kind.MCP or name not in known):
                    detail, code = f"There is no argument {name!r} in the parameters.", "unknown_argument"
                else:
                    continue
                raise serializers.ValidationError({kind: {part: [detail]}}, code=code)


class RunSerializer(serializers.Serializer[None]):
    arguments = JSONObject(default=dict)
    function = Line(required=False, max_length=64, help_text="Of an `mcp` tool: which of its functions.")


class SourceSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()


class ToolFailureSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class RanSerializer(serializers.Serializer[Any]):
    """What came of it. Either `error` or `text` is null."""

    text = serializers.CharField(allow_null=True, help_text="What a model would be told.")
    raw = serializers.JSONField(
        help_text="What the tool gave, up to 20,000 characters of it; null where it gave nothing."
    )
    sources = SourceSerializer(many=True)
    error = ToolFailureSerializer(allow_null=True)
    milliseconds = serializers.IntegerField()
