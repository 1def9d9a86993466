from contextlib import ExitStack
from tempfile import TemporaryFile
from threading import BoundedSemaphore
from typing import cast

from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.api.long_work import AT_ONCE, one_of_few
from apps.chat import takeout

ZIP = "application/zip"

making = BoundedSemaphore(AT_ONCE)


class ZipRenderer(JSONRenderer):
    """Lets `Accept: application/zip` be asked for. The archive passes through no renderer; refusals are JSON."""

    media_type = ZIP
    format = "zip"


class TakeoutView(APIView):
    renderer_classes = (JSONRenderer, ZipRenderer, BrowsableAPIRenderer)

    @extend_schema(
        operation_id="auth_users_me_export",
        responses={
            (200, ZIP): OpenApiResponse(OpenApiTypes.BINARY, "The archive; README.txt in it says what is where.")
        },
    )
    def get(self, request: Request) -> FileResponse:
        """Take everything that you have here with you: your account, your characters and what they know, your
        conversations with all their branches, and what models were called for. One zip archive.

        429: other archives are being made just now."""
        user, now = cast(User, request.user), timezone.now()
        with ExitStack() as undo:
            # Has no name, and is gone when the response closes it.
            archive = undo.enter_context(TemporaryFile())
            with one_of_few(making):
                takeout.write(user, archive, now, {"request": request})
            archive.seek(0)
            undo.pop_all()
        filename = f"dramatis-{now:%Y-%m-%d}.zip"
        return FileResponse(
            archive, as_attachment=True, filename=filename, content_type=ZIP, headers={"Cache-Control": "no-store"}
        )
