from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

ANYTHING = "*/*"


class FirstForAnything(DefaultContentNegotiation):
    """Who has no wish, as most have none, gets the first form: as DRF has it, without its long way there."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        if request.META.get("HTTP_ACCEPT", ANYTHING) == ANYTHING and format_suffix is None:
            first = next(iter(renderers))
            return first, first.media_type
        chosen: Any = super().select_renderer(request, renderers, format_suffix)
        return chosen  # type: ignore[no-any-return]
