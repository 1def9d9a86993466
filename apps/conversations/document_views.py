from threading import BoundedSemaphore
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils import json
from rest_framework.viewsets import GenericViewSet

from apps.accounts.models import User
from apps.accounts.ownership import Mine, hold
from apps.api.files import as_file, file_name
from apps.api.long_work import AT_ONCE, one_of_few
from apps.api.parsers import LargeJSONParser
from apps.api.queries import AsQuery, query_of
from apps.conversations.access import GenerationInProgress, held, still_here
from apps.conversations.documents import from_document, to_document
from apps.conversations.documents.markdown import to_markdown
from apps.conversations.documents.serializers import (
    ConversationDocument,
    ConversationImport,
    ImportedConversation,
    ImportForm,
)
from apps.conversations.documents.shape import Document
from apps.conversations.documents.sillytavern_export import to_lines
from apps.conversations.documents.uploads import LINES, LinesParser, NewlineDelimitedParser, opened
from apps.conversations.forks import fork
from apps.conversations.models import Conversation, MessageStatus
from apps.conversations.serializers import ConversationSerializer, MessageHere

MARKDOWN = "text/markdown"

importing = BoundedSemaphore(AT_ONCE)


class MarkdownRenderer(JSONRenderer):
    """Lets `Accept: text/markdown` be asked for. Files pass through no renderer; refusals are JSON."""

    media_type = MARKDOWN
    format = "markdown"


class LinesRenderer(JSONRenderer):
    """The same for SillyTavern's lines."""

    media_type = LINES
    format = "jsonl"


class ForkSerializer(serializers.Serializer[None]):
    message = MessageHere(required=False, help_text="The last one to take along. Left out: the active leaf.")


class ExportQuery(AsQuery):
    as_ = serializers.ChoiceField(choices=["json", "markdown", "sillytavern"], default="json")


class DocumentViewSet(Mine[Conversation], GenericViewSet[Conversation]):
    """Conversations on their way out, in, and into another one."""

    queryset = Conversation.objects.all()
    lookup_value_converter = "id"

    @extend_schema(responses={201: ConversationSerializer})
    @action(detail=True, methods=["post"], serializer_class=ForkSerializer)
    def fork(self, request: Request, pk: UUID) -> Response:
        """Begin a new conversation with a copy of this one: the path from the first message down to the one named.
        The other branches are left behind. 409 `generation_in_progress`: that message is still being written."""
        self.get_object()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            hold(cast(User, request.user))
            conversation = held(pk)
            message = serializer.validated_data.get("message")
            message = still_here(message, "message") if message else conversation.active_leaf
            if message and message.status == MessageStatus.GENERATING:
                raise GenerationInProgress()
            made = fork(conversation, message)
        return Response(ConversationSerializer(made, context=self.get_serializer_context()).data, status=201)

    @extend_schema(
        parameters=[ExportQuery],
        responses={
            (200, "application/json"): ConversationDocument,
            (200, MARKDOWN): OpenApiResponse(OpenApiTypes.STR, "The active path, for people."),
            (200, LINES): OpenApiResponse(OpenApiTypes.STR, "The active path with its swipes, for SillyTavern."),
        },
    )
    @action(
        detail=True,
        methods=["get"],
        serializer_class=ConversationDocument,
        renderer_classes=[JSONRenderer, MarkdownRenderer, LinesRenderer, BrowsableAPIRenderer],
    )
    def export(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Take a conversation along: as JSON, with all that is in it, or its active path as Markdown or as a
        SillyTavern chat. What `as` says is what comes, whatever `Accept` prefers."""
        form = query_of(request, ExportQuery)["as"]
        conversation = self.get_object()
        document = to_document(conversation)
        name = file_name(conversation.title or conversation.character_name, otherwise="conversation")
        if form == "markdown":
            text = "".join(to_markdown(document, conversation.persona))
            return as_file(text, f"{MARKDOWN}; charset=utf-8", f"{name}.md")
        if form == "sillytavern":
            text = jsonl(document, conversation.persona)
            return as_file(text, f"{LINES}; charset=utf-8", f"{name}.jsonl")
        if cast(Any, request).accepted_renderer.format == BrowsableAPIRenderer.format:
            return Response(document)
        return as_file(JSONRenderer().render(document), JSONRenderer.media_type, f"{name}.json")

    @extend_schema(
        request={"application/json": ConversationImport, "multipart/form-data": ImportForm},
        responses={201: ImportedConversation},
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="import",
        url_name="import",
        serializer_class=ConversationImport,
        parser_classes=[LargeJSONParser, MultiPartParser, LinesParser, NewlineDelimitedParser],
    )
    def bring(self, request: Request) -> Response:
        """Bring a conversation in: its JSON document as the body, or as a `file`, which may be a SillyTavern chat
        too. `warnings` tells what was left out of such a chat, or mended. 429: others are bringing theirs just now."""
        with one_of_few(importing):
            document, warnings = uploaded(request)
            serializer = self.get_serializer(data=document)
            serializer.is_valid(raise_exception=True)
            said = serializer.validated_data
            conversation = from_document(cast(User, request.user), said, said.get("character"))
        context = {**self.get_serializer_context(), "warnings": warnings}
        return Response(ImportedConversation(conversation, context=context).data, status=201)


def uploaded(request: Request) -> tuple[Document, list[str]]:
    """What the request brings, as a body or as a form's file, and what its reader should know."""
    body: Any = request.data
    if isinstance(body, bytes):
        return opened(body)
    if not (request.content_type or "").startswith("multipart/"):
        return body, []
    form = ImportForm(data=body)
    form.is_valid(raise_exception=True)
    document, warnings = opened(form.validated_data["file"].read())
    character = form.validated_data.get("character")
    return ({**document, "character": str(character)} if character else document), warnings


def jsonl(document: Document, persona: str) -> str:
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in to_lines(document, persona))
