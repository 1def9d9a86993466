from http import HTTPStatus
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.long_work import one_of_few
from apps.api.parsers import JSONParser
from apps.api.queries import query_of
from apps.api.responses import awaited
from apps.characters import fetching, pictures, shelf
from apps.characters.card_serializers import AvatarQuery, FileForm, ImportedCharacter, PictureAddress
from apps.characters.card_views import HeldCharacters, PictureRenderer, refused, uploaded, working
from apps.characters.fetching import NotFetched
from apps.characters.models import FETCHED, CharacterFile, FileKind
from apps.characters.pictures import NotAPicture, Picture

A_YEAR = 365 * 24 * 3600
MOST_FETCHED = 50

PICTURES = {(200, kind): OpenApiResponse(OpenApiTypes.BINARY, "The picture.") for kind in pictures.STORED.values()}
PICTURE = {"application/json": PictureAddress, "multipart/form-data": FileForm}


class AssetViewSet(HeldCharacters):
    """Pictures of characters, and files of theirs that are elsewhere."""

    @extend_schema(operation_id="characters_avatar_retrieve", parameters=[AvatarQuery], responses=PICTURES)
    @action(
        detail=True,
        methods=["get"],
        serializer_class=FileForm,
        parser_classes=[JSONParser, MultiPartParser],
        renderer_classes=[JSONRenderer, PictureRenderer, BrowsableAPIRenderer],
    )
    def avatar(self, request: Request, pk: UUID) -> HttpResponse:
        """A character's picture, where it has one. Its address, with `v`, is in the character's `avatar`."""
        known = query_of(request, AvatarQuery).get("v", "")
        sha = self.get_object().avatar_sha256
        if not sha:
            raise Http404
        tag = f'"{sha[:32]}"'
        if tag in (tags := parse_etags(request.headers.get("If-None-Match", ""))) or tags == ["*"]:
            response: HttpResponse = HttpResponseNotModified()
        else:
            file = get_object_or_404(
                CharacterFile.objects.filter(kind=FileKind.AVATAR).values("content", "media_type", "sha256"),
                character=pk,
            )
            # Another one since the row was looked up.
            sha, tag = file["sha256"], f'"{file["sha256"][:32]}"'
            response = HttpResponse(bytes(file["content"]), content_type=file["media_type"])
        response["ETag"] = tag
        lasting = bool(known) and sha.startswith(known) and len(known) >= 12
        response["Cache-Control"] = f"private, max-age={A_YEAR}, immutable" if lasting else "private, no-cache"
        response["X-Content-Type-Options"] = "nosniff"
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    @extend_schema(request=PICTURE, responses={200: ImportedCharacter})
    @avatar.mapping.put
    def set_avatar(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Give a character of yours a picture: a PNG, APNG, JPEG, WebP or GIF of at most 20 MB, 16 million pixels and
        4,096 a side, as a `file`, or the `url` where it is on a public server. Only its pixels are kept. 429: others
        are bringing theirs just now."""
        self.get_object()
        if (request.content_type or "").startswith("multipart/"):
            return self.with_picture(pk, uploaded(request), "file")
        form = PictureAddress(data=request.data)
        form.is_valid(raise_exception=True)
        url, user = form.validated_data["url"], request.user.pk

        async def news() -> bytes | NotFetched:
            with fetching.place_of(user):
                try:
                    return await fetching.one(url)
                except NotFetched as failure:
                    return failure

        def respond(came: bytes | NotFetched) -> Response:
            if isinstance(came, NotFetched):
                raise ValidationError({"url": [came.detail]}, code=came.code)
            return self.with_picture(pk, came, "url")

        return awaited(self, request, news, respond)

    @extend_schema(responses={204: None})
    @avatar.mapping.delete
    def remove_avatar(self, request: Request, pk: UUID) -> Response:
        """Take a character's picture away, where it has one."""
        with transaction.atomic():
            shelf.hang(self.held(pk), None)
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="characters_assets_fetch", request=None, responses={200: ImportedCharacter})
    @action(detail=True, methods=["post"], url_path="assets/fetch", url_name="assets-fetch")
    def fetch(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Fetch the files that the card of a character of yours names on public servers, and keep them: they go along
        in exports as CHARX. The main icon becomes its picture, where it has none. At most 50 files, 20 MB each and 50
        MB together, within a minute; `warnings` tells what could not be had. What is here already is not fetched again.
        429: others are bringing theirs just now, or you are."""
        character = self.get_object()
        missing = shelf.missing(character)
        size, number = shelf.room(character)
        wanted = dict(list(missing.items())[: min(MOST_FETCHED, number)])
        if not missing:
            return self.imported(character, [], HTTPStatus.OK)
        warnings = []
        if left := len(missing) - len(wanted):
            warnings.append(f"Files that were not fetched, since they are too many for one time: {left}.")
        icon, user = shelf.main_icon(character), request.user.pk

        async def news() -> dict[str, bytes | NotFetched]:
            with fetching.place_of(user):
                return await fetching.many(wanted, size)

        def respond(came: dict[str, bytes | NotFetched]) -> Response:
            files = {path: each for path, each in came.items() if isinstance(each, bytes)}
            told = [
                f"{path} was not fetched. {each.detail}" for path, each in came.items() if isinstance(each, NotFetched)
            ]
            return self.with_files(pk, files, icon, [*warnings, *told])

        return awaited(self, request, news, respond)

    def with_picture(self, pk: UUID, data: bytes, attr: str) -> Response:
        with one_of_few(working):
            try:
                picture = pictures.clean(data)
            except NotAPicture as error:
                raise refused(error, attr) from error
            with transaction.atomic():
                character = self.held(pk)
                shelf.hang(character, picture)
        return self.imported(character, shelf.told_of(picture), HTTPStatus.OK)

    def with_files(self, pk: UUID, files: dict[str, bytes], icon: str | None, warnings: list[str]) -> Response:
        picture: Picture | None = None
        if icon in files and not self.get_object().avatar_sha256:
            with one_of_few(working):
                try:
                    picture = pictures.clean(files[icon])
                except NotAPicture as error:
                    warnings.append(f"The icon was kept, and did not become the picture. {error.detail}")
        with transaction.atomic():
            character = self.held(pk)
            warnings += [f"There is no room for {path}." for path in shelf.add(character, files)]
            if picture and not character.avatar_sha256:
                shelf.hang(character, picture, FETCHED)
                warnings += shelf.told_of(picture)
        return self.imported(character, warnings, HTTPStatus.OK)
