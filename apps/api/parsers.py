"""Reading what strangers send."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework import parsers
from rest_framework.exceptions import ParseError


class JSONParser(parsers.JSONParser):
    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error


class LargeJSONParser(parsers.BaseParser):
    """The same for bodies that may be larger than others (`IMPORT_PATHS`), which the ASGI handler has measured.

    Not a JSONParser by birth: for one of those, DRF asks Django for the body, which looks at the limit for others.
    """

    media_type = JSONParser.media_type

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return JSONParser().parse(stream, media_type, parser_context)


class AsItIs(parsers.BaseParser):
    """The bytes of a body, for those who know better how to read them."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return stream.read()
