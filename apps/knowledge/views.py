from functools import partial
from http import HTTPStatus
from pathlib import PurePath
from threading import BoundedSemaphore
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts.models import User
from apps.accounts.ownership import Mine, OwnedQuerySet
from apps.api.long_work import AT_ONCE, one_of_few
from apps.api.pagination import NewestFirst
from apps.api.parsers import LargeJSONParser
from apps.api.queries import query_of
from apps.api.responses import awaited
from apps.api.threads import spawn_from_thread
from apps.characters.models import Character
from apps.knowledge import backfill, library, pdf, search
from apps.knowledge.asking import PASSAGES, ask
from apps.knowledge.embeddings import embedder
from apps.knowledge.models import Document, Kind, Passage
from apps.knowledge.reading import MAX_FILE, MB, NotReadable, Read, checked, clean, read_plain
from apps.knowledge.search import Found
from apps.knowledge.serializers import (
    MAX_TITLE,
    AddedDocument,
    DocumentForm,
    DocumentSerializer,
    FoundList,
    NewDocument,
    PassageSerializer,
    QuestionQuery,
)

MARKDOWN = {".md", ".markdown", ".mdown", ".mkd"}

# Apart: a PDF takes its time, and texts are not to wait for it.
texts = BoundedSemaphore(AT_ONCE)
pdfs = BoundedSemaphore(AT_ONCE)


class OfCharacter:
    """For views under a character: one that is theirs who ask, or 404. What is attached to a public one is its owner's
    alone."""

    request: Any
    kwargs: dict[str, Any]

    def character(self) -> Character:
        return get_object_or_404(Character.objects.owned_by(self.request.user), pk=self.kwargs["pk"])


class KnowledgeViewSet(OfCharacter, Mine[Document], ListModelMixin, GenericViewSet[Document]):
    """What one of your characters knows from texts."""

    queryset = Document.objects.all()
    serializer_class = DocumentSerializer
    pagination_class = NewestFirst
    lookup_url_kwarg = "document_pk"
    parser_classes = (LargeJSONParser, MultiPartParser)

    def get_queryset(self) -> OwnedQuerySet[Document]:
        return cast(OwnedQuerySet[Document], super().get_queryset().filter(character=self.kwargs["pk"]))

    @extend_schema(description="One document; its text is in its passages.")
    def retrieve(self, request: Request, pk: UUID, document_pk: UUID) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What a character of yours knows from texts: its documents, newest first."""
        self.character()
        return super().list(request, *args, **kwargs)

    @extend_schema(
        request={"application/json": NewDocument, "multipart/form-data": DocumentForm}, responses={201: AddedDocument}
    )
    def create(self, request: Request, pk: UUID) -> Response:
        """Give a character of yours a text to know: a `file` of plain text, Markdown or PDF, of at most 20 MB, 2,000
        pages and 2,000,000 characters, or a title and a text. It can be found at once. `warnings` tells which pages of
        a PDF have no text. 429: others are giving theirs just now."""
        self.character()
        is_form = (request.content_type or "").startswith("multipart/")
        given = (DocumentForm if is_form else NewDocument)(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            document, warnings = self._kept(pk, **given.validated_data)
        except NotReadable as error:
            raise ValidationError({"file" if is_form else "text": [error.detail]}, code=error.code) from error
        spawn_from_thread(partial(backfill.begin, pk))
        context = {**self.get_serializer_context(), "warnings": warnings}
        return Response(AddedDocument(document, context=context).data, HTTPStatus.CREATED)

    def _kept(
        self, pk: UUID, title: str = "", text: str = "", kind: str = Kind.TEXT, file: Any = None
    ) -> tuple[Document, tuple[str, ...]]:
        """Of a file or a text; with what is to be told of it. Raises NotReadable."""
        data = bytes_of(file) if file else text.encode()
        named = PurePath(" ".join(clean(file.name).split())) if file else PurePath()
        title = title or named.stem[:MAX_TITLE].strip() or "Untitled"
        is_pdf = file is not None and pdf.is_one(data)
        with one_of_few(pdfs if is_pdf else texts):
            if is_pdf:
                read = pdf.read(data)
            elif file:
                read = read_plain(data, Kind.MARKDOWN if named.suffix.lower() in MARKDOWN else Kind.TEXT)
            else:
                read = Read(kind, checked(text))
            document = library.keep(cast(User, self.request.user), pk, title, read, len(data))
        return document, read.warnings

    def partial_update(self, request: Request, pk: UUID, document_pk: UUID) -> Response:
        """Give a document another title."""
        with transaction.atomic():
            # Where it was deleted since it was looked up, saving would make it anew.
            document = get_object_or_404(self.get_queryset().select_for_update(no_key=True), pk=document_pk)
            serializer = self.get_serializer(document, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            serializer.save()
        return Response(serializer.data)

    def destroy(self, request: Request, pk: UUID, document_pk: UUID) -> Response:
        """Take a document away: the character knows nothing of it any more."""
        self.get_object().delete()
        return Response(status=HTTPStatus.NO_CONTENT)


class OldestFirst(NewestFirst[Passage]):
    descending = False


class PassageViewSet(Mine[Passage], ListModelMixin, GenericViewSet[Passage]):
    queryset = Passage.objects.all()
    serializer_class = PassageSerializer
    pagination_class = OldestFirst

    def get_queryset(self) -> OwnedQuerySet[Passage]:
        rows = super().get_queryset()
        return cast(OwnedQuerySet[Passage], rows.filter(document=self.kwargs["document_pk"]))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A document in its passages, in their order. Put together they are its text, as it was read."""
        documents = Document.objects.owned_by(request.user).filter(character=kwargs["pk"])
        get_object_or_404(documents, pk=kwargs["document_pk"])
        return super().list(request, *args, **kwargs)


class KnowledgeSearchView(OfCharacter, GenericAPIView[Passage]):
    queryset = Passage.objects.all()
    serializer_class = FoundList
    filter_backends = ()
    pagination_class = None

    @extend_schema(operation_id="characters_knowledge_search", parameters=[QuestionQuery], responses=FoundList)
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """What a turn would find in what a character of yours knows: the best passages for a question, the best first.

        By the words of the question, those that are rare here first, in any language; and by what it means, where
        this server has a model for that."""
        character, user = self.character(), cast(User, request.user)
        question = query_of(request, QuestionQuery)["q"]
        if embedder() is None:
            return shown(search.find(character, question, user=user, limit=PASSAGES))
        return awaited(self, request, partial(ask, character, question, user=user), shown)


def shown(found: list[Found]) -> Response:
    results = [
        {
            "id": str(each.id),
            "document": str(each.document),
            "title": each.title,
            "heading": each.heading,
            "text": each.text,
            "score": each.score,
        }
        for each in found
    ]
    return Response({"next": None, "previous": None, "results": results})


def bytes_of(file: Any) -> bytes:
    """Of an uploaded file. Raises NotReadable."""
    if file.size > MAX_FILE:
        raise NotReadable("too_big", f"The file is larger than {MAX_FILE // MB} MB.")
    content: bytes = file.read()
    return content
