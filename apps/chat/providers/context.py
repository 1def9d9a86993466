"""What refusals say, as servers word them: that a prompt is too long, that a model takes no tools, or that a field has
another name. Only numbers are taken from their words."""

import json
import re
from typing import Any

from .errors import ContextTooLong

LEAST_WINDOW = 256
MOST_WINDOW = 100_000_000

# Statuses under which such a refusal may come.
STATUSES = (400, 413, 422)
# And those under which a refusal of tools comes: OpenRouter finds no endpoint for them, llama.cpp fails.
STATUSES_OF_TOOLS = (*STATUSES, 404, 405, 500, 501)
# How much of a refusal is read, and how much of a sentence in it: some go on with what they were sent.
MOST_BYTES = 65_536
_SENTENCE = 600

_CODES = ("context_length_exceeded", "exceed_context_size_error", "context_window_exceeded")
_PHRASES = re.compile(
    r"maximum context length|maximum model length|prompt is too long|prompt too long|input is too long"
    r"|exceeds? (?:the )?(?:available |model'?s? |max(?:imum)? )*context|exceeded max context|context overflows"
    r"|reduce the length of the (?:messages|prompt|input)|too long to fit into the model|request too large"
    r"|longer than the model's context|maximum prompt length|`inputs` tokens \+ `max_new_tokens` must be"
    r"|input token count.{0,20} exceeds|n_keep\W.{0,20}n_ctx|when context the overflows"
)
_TOOLS = re.compile(
    r"(?:tool|function)[ _-]?(?:s|call|calls|calling|use|choice)?\b[^.]{0,60}"
    r"(?:not support|n't support|unsupported|not enabled|not available|not allowed|requires --)"
    r"|(?:not support|n't support|unsupported|not enabled|no endpoints found that support|does not accept)[^.]{0,60}"
    r"(?:tool|function)"
)
_NUMBER = r"(\d[\d,]{0,12})"
_WINDOWS = [
    re.compile(pattern.replace("#", _NUMBER))
    for pattern in (
        r"maximum (?:context|model|prompt) length (?:is|of) #",
        r"with # maximum context length",
        r"context length(?: of)?(?: only)? \(?#",
        r"tokens > # maximum",
        r"context limit: \d+ \+ \d+ > #",
        r"`max_new_tokens` must be <= #",
        r"limit is #",
        r"maximum number of tokens allowed \(#",
        r"n_ctx\W{1,3}#",
        r"context window of #",
        r"available context size \(#",
    )
]
_TOKENS = [
    re.compile(pattern.replace("#", _NUMBER))
    for pattern in (
        r"# in (?:the messages|your prompt)",
        r"# of text input",
        r"messages resulted in #",
        r"prompt contains (?:at least )?#",
        r"request (?:has|contains) #",
        r"length (?:of )?#\)? is (?:longer|too long)",
        r"too long: # tokens",
        r"context limit: #",
        r"given: # `inputs`",
        r"current length is #",
        r"token count \(#",
        r"keep the first # tokens",
        r"n_keep\W{1,3}#",
        r"requested(?: tokens \(|,? (?:about |a total of )?)#",
        r"(?:input|request) \(# tokens\)",
    )
]


def too_long(status: int, error: Any) -> ContextTooLong | None:
    """`error` is what the answer held as its error: an object or a string; None where it complains of something else.

    413 says it without words.
    """
    fields = error if isinstance(error, dict) else {}
    words = _words(error)
    codes = [fields.get("code"), fields.get("type")]
    if status != 413 and not any(code in _CODES for code in codes) and not _PHRASES.search(words):
        return None
    window = sane_window(fields.get("n_ctx")) or sane_window(_first(_WINDOWS, words))
    tokens = fields.get("n_prompt_tokens")
    if type(tokens) is not int:
        tokens = _first(_TOKENS, words)
    return ContextTooLong(window=window, tokens=tokens if tokens and 0 < tokens <= MOST_WINDOW else None)


def read(body: bytes) -> Any:
    """The error in the body of a refusal: `{"error": …}`, the object itself, or its text."""
    text = body.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return (document.get("error") or document) if isinstance(document, dict) else text


def no_tools(error: Any) -> bool:
    words = _words(error)
    # One that is written badly is no sign that others are not taken.
    return bool(_TOOLS.search(words)) and "schema" not in words


def wants_max_completion_tokens(error: Any) -> bool:
    return "'max_completion_tokens' instead" in _words(error)


def sane_window(value: object) -> int | None:
    return value if type(value) is int and LEAST_WINDOW <= value <= MOST_WINDOW else None


def _words(error: Any) -> str:
    """Its sentences; never what a server echoes of the request in other fields."""
    if isinstance(error, str):
        return error[:_SENTENCE].lower()
    if not isinstance(error, dict):
        return ""
    said = [error.get(key) for key in ("message", "detail", "error")]
    metadata = error.get("metadata")
    if isinstance(metadata, dict):
        # A router's word of what the server behind it said.
        said.append(metadata.get("raw"))
    return " ".join(text[:_SENTENCE] for text in said if isinstance(text, str)).lower()


def _first(patterns: list[re.Pattern[str]], words: str) -> int | None:
    for pattern in patterns:
        if found := pattern.search(words):
            return int(found[1].replace(",", ""))
    return None
