"""What models are on offer, and where they are reached: the operator's word, read once at start."""

from dataclasses import dataclass, field
from typing import Any

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

    def find(self, model: str) -> tuple[Source, str]:
        """The named model, or the default one when the name is blank or no longer on offer."""
        offered = self.models
        return offered.get(model) or offered[self.default]


def read_offer(base_url: str | None, api_key: str | None, models: list[str] | None, more: Any) -> Offer:
    """`more` is AI_PROVIDERS: a list of objects with `name`, `base_url`, `api_key`, `models`."""
    sources = [Source("default", (base_url or "").rstrip("/"), api_key or "", tuple(models or ["unset"]))]
    if not isinstance(more, list):
        raise ImproperlyConfigured("AI_PROVIDERS is a JSON list of objects.")
    for entry in more:
        try:
            name, url, offered = entry["name"], entry["base_url"], entry["models"]
            source = Source(str(name), str(url).rstrip("/"), str(entry.get("api_key", "")), tuple(map(str, offered)))
        except (KeyError, TypeError, AttributeError) as error:
            raise ImproperlyConfigured("Each object in AI_PROVIDERS needs name, base_url and models.") from error
        if not source.models or source.name in {known.name for known in sources}:
            raise ImproperlyConfigured("Each object in AI_PROVIDERS needs a name of its own and at least one model.")
        sources.append(source)
    return Offer(tuple(sources))
