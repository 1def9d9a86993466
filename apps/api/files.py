"""Files for people to save."""

import re
import unicodedata

from django.http import HttpResponse
from django.utils.http import content_disposition_header

MAX_NAME = 60


def file_name(title: str, *, otherwise: str) -> str:
    """What any system takes. Titles are strangers' text: of them only Latin letters and digits stay; `otherwise` where
    that leaves nothing."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub("[^A-Za-z0-9]+", "-", plain)[:MAX_NAME].strip("-") or otherwise


def as_file(content: str | bytes, kind: str, name: str) -> HttpResponse:
    """A response that is saved under `name`; `kind` is its media type."""
    disposition = content_disposition_header(True, name) or ""
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=kind, headers=headers)
