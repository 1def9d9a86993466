"""The page: one document for all of its addresses, which its script makes sense of."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

# A character's words are shown on it: nothing of them is run, and nothing that they name elsewhere is fetched.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class Page(NamedTuple):
    content: bytes
    etag: str


@cache
def built_in(folder: Path) -> Page | None:
    """The page as the build left it there, for as long as this process lives, as its other files are; None where
    there is none."""
    try:
        content = (folder / "index.html").read_bytes()
    except OSError:
        return None
    return Page(content, f'"{sha256(content).hexdigest()[:32]}"')


@csrf_exempt  # there is nothing to forge, and what is no page is 404
def page(request: HttpRequest, address: str = "") -> HttpResponseBase:
    """The page for who looks in a browser. Where it was not built, the way to the documentation takes its place."""
    found = built_in(settings.WEB_DIST)
    if found is None and not address:
        return HttpResponseRedirect("/api/docs/")
    if found is None or request.method not in ("GET", "HEAD") or not wants_a_page(request, anything=not address):
        raise Http404
    response = get_conditional_response(request, etag=found.etag) or HttpResponse(found.content)
    response["ETag"] = found.etag
    response["Cache-Control"] = "no-cache"
    response["Content-Security-Policy"] = POLICY
    patch_vary_headers(response, ["Accept"])
    return response


def wants_a_page(request: HttpRequest, *, anything: bool) -> bool:
    """Whether HTML is asked for by its name, or, with `anything`, as whatever there is."""
    wanted = {str(each).partition(";")[0] for each in request.accepted_types if each.quality}
    return bool(wanted & ({"text/html", "*/*"} if anything else {"text/html"}))
