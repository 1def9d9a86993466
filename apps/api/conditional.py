"""Lists that clients ask for again and again: an ETag, and 304 while nothing is new."""

from hashlib import sha256
from typing import Any

from django.http import HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from apps.api.renderers import outline


class ConditionalList(GenericViewSet[Any]):
    """For a viewset: its list in JSON carries a weak ETag, and is answered with 304 where the client has it.

    The tag is of what is listed and not of `since`, which is another one each time; an older one tells no less.
    """

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if not is_conditional(self) or response.status_code != 200:
            return response
        # Nobody's cache keeps it for others, nor for the next one at the same browser.
        response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Authorization", "Cookie"])
        if response.accepted_renderer.format != "json":
            return response
        response["ETag"] = tag = self._tag(response.data)
        known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
        if known != ["*"] and tag not in known and tag.removeprefix("W/") not in known:
            return response
        unchanged = HttpResponseNotModified()
        for name in ("Cache-Control", "ETag", "Vary"):
            unchanged[name] = response[name]
        return unchanged

    def _tag(self, page: dict[str, Any]) -> str:
        listed = {name: part for name, part in page.items() if name != "since"}
        # With whose it is, so that nobody learns anything by another's tag.
        whose = str(self.request.user.pk)
        return f'W/"{sha256(outline([whose, listed])).hexdigest()[:32]}"'


def is_conditional(view: Any) -> bool:
    return isinstance(view, ConditionalList) and view.action == "list"
