"""What comes from outside, as a document that is still to be validated."""

from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.utils import json

from apps.api.parsers import AsItIs
from apps.conversations.documents import sillytavern
from apps.conversations.documents.shape import Document

LINES = "application/jsonl"


class LinesParser(AsItIs):
    media_type = LINES


class NewlineDelimitedParser(LinesParser):
    """The same by its other name."""

    media_type = "application/x-ndjson"


def opened(data: bytes) -> tuple[Document, list[str]]:
    """The document in a file, and what its reader should know; 400 for `file` where it is none of those that are read.

    Files are told apart by what is in them: the names that people give them say little.
    """
    try:
        whole = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict) and whole.keys() & {"format", "messages"}:
        return whole, []
    try:
        return sillytavern.read(data, timezone.now())
    except sillytavern.NotAChat as error:
        detail = "This is neither the document of a conversation nor a SillyTavern chat."
        raise ValidationError({"file": [detail]}, code="invalid") from error
