from functools import partial
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from apps.accounts.models import User
from apps.accounts.ownership import Mine
from apps.api.errors import Conflict
from apps.api.pagination import NewestFirst
from apps.api.responses import awaited
from apps.tools import mcp_tool, parameters, running
from apps.tools.functions import Function, functions_of
from apps.tools.models import Kind, Tool
from apps.tools.results import Nowhere, ToolFailed
from apps.tools.running import Ran
from apps.tools.serializers import RanSerializer, RunSerializer, ToolSerializer

MOST_TOOLS = 200


class NotListed(APIException):
    """Its code is the failure's."""

    status_code = HTTPStatus.BAD_GATEWAY
    default_code = "not_listed"

    def __init__(self, failure: ToolFailed) -> None:
        super().__init__(failure.detail, failure.code)


@extend_schema_view(
    list=extend_schema(description="Your tools, newest first."),
    retrieve=extend_schema(description="One of your tools."),
    update=extend_schema(description="Change a tool; fields that are left out stay."),
    partial_update=extend_schema(description="Change a tool."),
    destroy=extend_schema(description="Delete a tool. Characters that have it do without."),
)
class ToolViewSet(Mine[Tool], ModelViewSet[Tool]):
    """Tools of yours, for your characters."""

    queryset = Tool.objects.all()
    serializer_class = ToolSerializer
    pagination_class = NewestFirst
    lookup_value_converter = "id"

    def get_queryset(self) -> Any:
        tools = super().get_queryset()
        # What is changed is a part of it, on top of what is there by then.
        return tools.select_for_update() if self.action in ("update", "partial_update") else tools

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().update(request, *args, **kwargs)

    @extend_schema(
        description=f"Make a tool; you can have {MOST_TOOLS}. An `mcp` tool offers nothing until `refresh/`."
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().create(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer[Tool]) -> None:
        if self.get_queryset().count() >= MOST_TOOLS:
            raise ValidationError(f"You have {MOST_TOOLS} tools, which is all that one can have.", code="too_many")
        serializer.save(user=self.request.user)

    @extend_schema(request=RunSerializer, responses={200: RanSerializer})
    @action(detail=True, methods=["post"], serializer_class=RunSerializer)
    def run(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Try a tool with arguments, and see what it gives. A tool that fails is no error of this request: see `error`.
        400 `bad_arguments`: they do not suit its parameters."""
        serializer = RunSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        function = _function(self.get_object(), asked.get("function"))
        try:
            parameters.validate(function.parameters, asked["arguments"])
        except parameters.BadArguments as error:
            raise ValidationError({"arguments": [str(error)]}, code="bad_arguments") from error

        def respond(ran: Ran) -> Response:
            return Response(RanSerializer(_shown(ran)).data)

        news = partial(running.run, function, asked["arguments"], Nowhere(), seconds=settings.TOOL_SECONDS)
        return awaited(self, request, news, respond)

    @extend_schema(
        request=None,
        responses={
            200: ToolSerializer,
            502: OpenApiResponse(
                {"$ref": "#/components/schemas/ErrorResponse"},
                "The server did not tell; the code is one of those of a tool that fails.",
            ),
        },
    )
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Ask an MCP server what it offers; `functions` is that from now on. Of tools of other kinds there is nothing
        to ask."""
        tool = self.get_object()
        if tool.kind != Kind.MCP:
            return Response(self.get_serializer(tool).data)
        user = cast(User, request.user)

        async def news() -> Any:
            try:
                return await mcp_tool.listed(tool.config, running.secrets_of(tool))
            except ToolFailed as failure:
                return failure

        def respond(came: Any) -> Response:
            if isinstance(came, ToolFailed):
                raise NotListed(came)
            asked = Tool.objects.owned_by(user).filter(pk=pk, kind=tool.kind, config=tool.config)
            is_told = asked.update(listed=came, updated_at=timezone.now())
            found = get_object_or_404(Tool.objects.owned_by(user), pk=pk)
            if not is_told:
                raise Conflict(code="changed_meanwhile")
            return Response(ToolSerializer(found, context=self.get_serializer_context()).data)

        return awaited(self, request, news, respond)


def _function(tool: Tool, name: str | None) -> Function:
    found = functions_of(tool)
    for function in found:
        if name in (function.name, function.own) or (name is None and len(found) == 1):
            return function
    raise ValidationError({"function": ["Name one of its functions."]}, code="unknown_function")


def _shown(ran: Ran) -> dict[str, Any]:
    failure, result = ran.failure, ran.result
    return {
        "text": result.text if result else None,
        "raw": failure.raw if failure else result and result.raw,
        "sources": result.sources if result else [],
        "error": {"code": failure.code, "detail": failure.detail} if failure else None,
        "milliseconds": ran.milliseconds,
    }
