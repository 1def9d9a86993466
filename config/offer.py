"""What models are on offer, and where they are reached: the operator's word, read once at start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True)
class Source:
    """One address that speaks OpenAI's chat completions. `base_url` includes `/v1`."""

    name: str
    base_url: str
    api_key: str = field(repr=False)
    models: tuple[str, ...]


@dataclass(frozen=True)
class Offer:
    """All sources; the first model of the first one is the default.

    A model of the first source goes by its own name, one of a further source by `source/model`.
    """

    sources: tuple[Source, ...]
    # By public model id: the operator's own word on their context windows, in tokens.
    contexts: Mapping[str, int] = field(default_factory=dict)

    @property
    def default(self) -> str:
        return self.sources[0].models[0]

    @property
    def models(self) -> dict[str, tuple[Source, str]]:
        """Public model id → its source and the source's own id for it."""
        first, *others = self.sources
        offered = {model: (first, model) for model in first.models}
        offered |= {f"{source.name}/{model}": (source, model) for source in others for model in source.models}
        return offered

    def context(self, source: str, model: str) -> int | None:
        """What the operator said of the window of a source's model."""
        return self.contexts.get(model if source == self.sources[0].name else f"{source}/{model}")

    def find(self, model: str) -> tuple[Source, str]:
        """The named model, or the default one when the name is blank or no longer on offer."""
        offered = self.models
        return offered.get(model) or offered[self.default]


LEAST_CONTEXT = 512
MOST_CONTEXT = 100_000_000


def read_offer(base_url: str | None, api_key: str | None, models: list[str] | None, more: Any, contexts: Any) -> Offer:
    """`more` is AI_PROVIDERS: a list of objects with `name`, `base_url`, `api_key`, `models`; `contexts` is
    AI_CONTEXTS: an object of public model ids and tokens."""
    sources = [read_source("AI_BASE_URL", "default", base_url, api_key or "", models)]
    if not isinstance(more, list):
        raise ImproperlyConfigured("AI_PROVIDERS is a JSON list of objects.")
    for entry in more:
        if not isinstance(entry, dict):
            raise ImproperlyConfigured("AI_PROVIDERS is a JSON list of objects.")
        name = entry.get("name")
        if not isinstance(name, str) or not name or name in {known.name for known in sources}:
            raise ImproperlyConfigured("Each object in AI_PROVIDERS needs a name of its own.")
        where = f"AI_PROVIDERS, {name}"
        sources.append(read_source(where, name, entry.get("base_url"), entry.get("api_key", ""), entry.get("models")))
    offer = Offer(tuple(sources))
    return Offer(offer.sources, read_contexts(contexts, offer))


def read_contexts(contexts: Any, offer: Offer) -> dict[str, int]:
    if not isinstance(contexts, dict):
        raise ImproperlyConfigured("AI_CONTEXTS is a JSON object of models and tokens.")
    for model, context in contexts.items():
        if model not in offer.models:
            raise ImproperlyConfigured("AI_CONTEXTS names a model that is not on offer.")
        if type(context) is not int or not LEAST_CONTEXT <= context <= MOST_CONTEXT:
            raise ImproperlyConfigured(f"AI_CONTEXTS: a context is a number of tokens, {LEAST_CONTEXT} or more.")
    return contexts


def read_embeddings(base_url: str | None, api_key: str | None, model: str | None) -> Source | None:
    """Where vectors of texts are made; None where that is not configured."""
    if not base_url:
        return None
    if not model:
        raise ImproperlyConfigured("EMBEDDINGS_MODEL is needed with EMBEDDINGS_BASE_URL.")
    return read_source("EMBEDDINGS_BASE_URL", "embeddings", base_url, api_key or "", [model])


def read_source(where: str, name: str, base_url: Any, api_key: Any, models: Any) -> Source:
    """Refuses what could not be used, by its place in the settings and without repeating it: it may hold a key."""
    url = urlsplit(base_url if isinstance(base_url, str) else "")
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.password:
        raise ImproperlyConfigured(f"{where}: the base URL is http(s)://host/v1, without a user or a password.")
    if not (isinstance(api_key, str) and api_key.isascii() and api_key.isprintable()):
        raise ImproperlyConfigured(f"{where}: the API key has a character that no header can carry.")
    if not (isinstance(models, list) and models and all(isinstance(model, str) and model for model in models)):
        raise ImproperlyConfigured(f"{where}: at least one model is needed, in a list of names.")
    return Source(name, base_url.rstrip("/"), api_key, tuple(models))
