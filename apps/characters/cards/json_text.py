"""JSON as cards hold it: read leniently, within bounds; written so that every reader takes it."""

import json
import math
import re
from typing import Any, NoReturn

from apps.characters.cards.card import MAX_CARD, MAX_CARD_DEPTH, MAX_VALUES, NotACard, Warnings

SURROGATE = re.compile("[\ud800-\udfff]")


def text_of(data: bytes, warnings: Warnings) -> str:
    """The text of a JSON file in UTF-8, 16 or 32, with or without a byte order mark."""
    encoding = json.detect_encoding(data)
    try:
        # Half a pair of surrogates, as JavaScript may leave it, is text that JSON can write.
        text = data.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        warnings.add("Some bytes were no text; a replacement character stands in their place.")
    return text.removeprefix("\ufeff")


def storable(text: str) -> str:
    """JSON text that PostgreSQL can hold: NUL and lone surrogates, which stand within strings only, as escapes."""
    if SURROGATE.search(text):
        # A pair that was written as two characters is one.
        text = SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
    return text.replace("\0", "\\u0000")


def parse(text: str) -> Any:
    """Raises NotACard where it is no JSON, or holds what nobody could store."""
    if len(text) > MAX_CARD:
        raise NotACard("too_big", f"Its JSON is longer than {MAX_CARD // 2**20} MB.")
    try:
        # Line breaks within strings are against the rules, and seen in the wild.
        value = json.loads(text, strict=False, parse_float=_number, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise NotACard("not_json", f"It is no valid JSON: {error.msg} in line {error.lineno}.") from None
    except RecursionError:
        raise too_deep() from None
    except ValueError:  # Python's limit to the digits of an integer
        raise NotACard("bad_number", "A number in its JSON has too many digits.") from None
    _check(value)
    return value


def dumps(value: Any) -> str:
    """Compact JSON, its letters unescaped but for what UTF-8 cannot hold."""
    return storable(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def _check(value: Any) -> None:
    """Level by level, without recursion: this is what guards those who recurse."""
    level, values = [value], 1
    for _ in range(MAX_CARD_DEPTH):
        level = [
            item
            for one in level
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
        values += len(level)
        if values > MAX_VALUES:
            raise NotACard("too_many", f"Its JSON has more than {MAX_VALUES:,} values.")
        if not level:
            return
    if any(isinstance(one, dict | list) for one in level):
        raise too_deep()


def too_deep() -> NotACard:
    return NotACard("too_deep", f"Its JSON is nested deeper than {MAX_CARD_DEPTH} levels.")


def _number(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits)


def _no_number(name: str) -> NoReturn:
    raise NotACard("bad_number", f"Its JSON has a number that is none: {name[:20]}.")
