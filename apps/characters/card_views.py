from http import HTTPStatus
from threading import BoundedSemaphore
from time import time
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts.models import User
from apps.accounts.ownership import Mine
from apps.api.files import as_file, file_name
from apps.api.long_work import AT_ONCE, one_of_few
from apps.api.parsers import AsItIs
from apps.api.queries import query_of
from apps.characters import cards, pictures, shelf
from apps.characters.access import PromptHidden
from apps.characters.card_serializers import (
    ExportQuery,
    FileForm,
    ImportedCharacter,
    LorebookQuery,
    ReportSerializer,
)
from apps.characters.models import Character, CharacterQuerySet, Report
from apps.characters.serializers import CharacterSerializer

working = BoundedSemaphore(AT_ONCE)

MAX_LOREBOOK = 5 * 1024 * 1024


class JSONAsItIs(AsItIs):
    """A card is kept as it was found, and reads itself within bounds of its own."""

    media_type = "application/json"


class PictureRenderer(JSONRenderer):
    """Lets `Accept: image/…` be asked for. Pictures pass through no renderer; refusals are JSON."""

    media_type = "image/*"
    format = "picture"


class ZipRenderer(JSONRenderer):
    """The same for CHARX."""

    media_type = "application/zip"
    format = "charx"


CARD = {"application/json": OpenApiTypes.OBJECT, "multipart/form-data": FileForm}


class HeldCharacters(Mine[Character], GenericViewSet[Character]):
    """Your own; to read, and to do the rest that one does with those of others, public ones too."""

    queryset = Character.objects.all()
    serializer_class = CharacterSerializer
    lookup_value_converter = "id"
    of_others = ("duplicate", "report")

    def get_queryset(self) -> CharacterQuerySet:
        if self.request.method == "GET" or self.action in self.of_others:
            return Character.objects.visible_to(self.request.user)
        own: CharacterQuerySet = super().get_queryset()
        return own

    def held(self, pk: UUID) -> Character:
        """The row, until the transaction ends: what hangs on it changes under its lock alone."""
        rows = self.get_queryset().select_for_update(no_key=True)
        character: Character = get_object_or_404(rows, pk=pk)
        return character

    def imported(self, character: Character, warnings: list[str], status: HTTPStatus = HTTPStatus.CREATED) -> Response:
        context = {**self.get_serializer_context(), "warnings": warnings}
        return Response(ImportedCharacter(character, context=context).data, status)


class CardViewSet(HeldCharacters):
    """Characters on their way in and out, and what one does with those of others."""

    @extend_schema(request=CARD, responses={201: ImportedCharacter})
    @action(
        detail=False,
        methods=["post"],
        url_path="import",
        url_name="import",
        serializer_class=FileForm,
        parser_classes=[JSONAsItIs, MultiPartParser],
    )
    def bring(self, request: Request) -> Response:
        """Bring a character in: its card as a `file` (PNG, APNG, JSON or CHARX, of version 1, 2 or 3), or the card's
        JSON as the body. It becomes a private one of yours, with its picture, its files and all that the card says;
        `warnings` tells what was cut, mended or left out. 429: others are bringing theirs just now."""
        with one_of_few(working):
            try:
                character, warnings = shelf.keep(cast(User, request.user), cards.read(uploaded(request)))
            except cards.NotACard as error:
                raise refused(error) from error
        return self.imported(character, warnings)

    @extend_schema(
        parameters=[ExportQuery],
        responses={
            (200, "image/png"): OpenApiResponse(OpenApiTypes.BINARY, "The picture with the card in it."),
            (200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "A CHARX."),
            (200, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, "The card."),
        },
    )
    @action(
        detail=True,
        methods=["get"],
        renderer_classes=[JSONRenderer, PictureRenderer, ZipRenderer, BrowsableAPIRenderer],
    )
    def export(self, request: Request, pk: UUID) -> HttpResponse:
        """Take a character along as a card: a PNG that holds it as version 2 and 3, the JSON of either, or a CHARX
        with all of its files. What `as` says is what comes, whatever `Accept` prefers. 403 `prompt_hidden`: it is
        another's, who does not show its prompt."""
        form = query_of(request, ExportQuery)["as"]
        character = self.with_prompt(self.get_object())
        with one_of_few(working):
            content, kind, ending = shelf.written(character, form, int(time()))
        name = f"{file_name(character.name, otherwise='character')}.{ending}"
        return as_file(content, kind, name)

    @extend_schema(request=CARD, parameters=[LorebookQuery], responses={201: ImportedCharacter})
    @action(detail=True, methods=["post"], serializer_class=FileForm, parser_classes=[JSONAsItIs, MultiPartParser])
    def lorebook(self, request: Request, pk: UUID) -> Response:
        """Bring a lorebook into a character of yours, as a `file` or as the body: one that stands alone, SillyTavern's
        world info, or that of a card. Its entries are added after those that are there, unless `mode` says
        otherwise."""
        mode = query_of(request, LorebookQuery)["mode"]
        self.get_object()
        with one_of_few(working):
            try:
                book = cards.read_book(uploaded(request))
            except cards.NotACard as error:
                raise refused(error) from error
            with transaction.atomic():
                character = self.held(pk)
                new = book.lorebook
                if mode == "add" and character.lorebook:
                    new = cards.merge_books(character.lorebook, new)
                    if len(cards.dumps(new)) > MAX_LOREBOOK:
                        raise ValidationError({"file": ["Both together are larger than 5 MB."]}, code="too_big")
                character.lorebook = new
                character.save(update_fields=["lorebook", "updated_at"])
        return self.imported(character, book.warnings)

    @extend_schema(request=None, responses={201: CharacterSerializer})
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, pk: UUID) -> Response:
        """Make a private copy of a character, of yours or a public one, with its picture and its files. 403
        `prompt_hidden`: it is another's, who does not show its prompt."""
        with transaction.atomic():
            made = shelf.duplicate(self.with_prompt(self.held(pk)), cast(User, request.user))
        return Response(CharacterSerializer(made, context=self.get_serializer_context()).data, HTTPStatus.CREATED)

    @extend_schema(responses={201: ReportSerializer, 200: OpenApiResponse(ReportSerializer, "You had told of it.")})
    @action(detail=True, methods=["post"], serializer_class=ReportSerializer)
    def report(self, request: Request, pk: UUID) -> Response:
        """Tell the staff of a public character of somebody else's. Told again, it takes the place of what you told
        before. 400 `own_character`: it is yours."""
        serializer = self.get_serializer(data=request.data)
        self.get_object()
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            character = self.held(pk)
            if character.user_id == request.user.pk:
                raise ValidationError("This character is yours.", code="own_character")
            said = {"details": "", **serializer.validated_data, "closed_at": None}
            report, made = Report.objects.update_or_create(said, character=character, user=cast(User, request.user))
        status = HTTPStatus.CREATED if made else HTTPStatus.OK
        return Response(ReportSerializer(report, context=self.get_serializer_context()).data, status)

    def with_prompt(self, character: Character) -> Character:
        if not character.shows_prompt_to(self.request.user):
            raise PromptHidden()
        return character


def uploaded(request: Request) -> bytes:
    """The body, or the form's file."""
    body: Any = request.data
    if isinstance(body, bytes):
        return body
    if not (request.content_type or "").startswith("multipart/"):
        return b""
    form = FileForm(data=body)
    form.is_valid(raise_exception=True)
    content: bytes = form.validated_data["file"].read()
    return content


def refused(error: cards.NotACard | pictures.NotAPicture, attr: str = "file") -> ValidationError:
    return ValidationError({attr: [error.detail]}, code=error.code)
