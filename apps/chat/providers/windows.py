"""The context windows in a server's list of models: every server has its own field for them."""

import json
from typing import Any

from .context import sane_window
from .errors import ProviderFailed

MOST_BYTES = 4_000_000

# Of vLLM, OpenRouter and Together, Groq, LM Studio (as loaded first), Mistral.
_FIELDS = (
    "max_model_len",
    "context_length",
    "context_window",
    "loaded_context_length",
    "max_context_length",
)


def read(body: bytes) -> dict[str, Any]:
    """A JSON object; a list becomes its `data`, as Together sends it. Raises `ProviderFailed` for what is neither."""
    try:
        document = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, list):
        document = {"data": document}
    if not isinstance(document, dict):
        raise ProviderFailed("broken list of models")
    return document


def listed(document: dict[str, Any]) -> dict[str, int]:
    """Model id → tokens, for those whose window is told."""
    return {model: window for model, entry in _entries(document) if (window := _window(entry))}


def by_llama_cpp(document: dict[str, Any]) -> list[str]:
    """The models that llama.cpp serves: it tells their window elsewhere, and in its list what they were trained for."""
    return [model for model, entry in _entries(document) if entry.get("owned_by") == "llamacpp"]


def served(props: dict[str, Any]) -> int | None:
    """From llama.cpp's `/props`: what each of its slots holds."""
    settings = props.get("default_generation_settings")
    return sane_window(settings.get("n_ctx")) if isinstance(settings, dict) else None


def _entries(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    data = document.get("data")
    entries = data if isinstance(data, list) else []
    return [(entry["id"], entry) for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def _window(entry: dict[str, Any]) -> int | None:
    meta, top = entry.get("meta"), entry.get("top_provider")
    found = next((window for name in _FIELDS if (window := sane_window(entry.get(name)))), None)
    if found is None and isinstance(meta, dict):
        # Never `n_ctx_train`: what is served may be far less.
        found = sane_window(meta.get("n_ctx"))
    if found and isinstance(top, dict) and (less := sane_window(top.get("context_length"))):
        return min(found, less)
    return found
