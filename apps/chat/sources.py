"""The providers of this process, one for each source on offer, made when first needed."""

from django.conf import settings

from apps.chat.providers import Limits, OpenAIProvider, Provider

_providers: dict[str, Provider] = {}


def provider(source: str) -> Provider:
    if source not in _providers:
        [found] = [one for one in settings.AI_OFFER.sources if one.name == source]
        _providers[source] = OpenAIProvider(found.name, found.base_url, found.api_key, limits())
    return _providers[source]


def limits() -> Limits:
    return Limits(
        connect=settings.AI_CONNECT_TIMEOUT,
        first_token=settings.AI_FIRST_TOKEN_TIMEOUT,
        between_tokens=settings.AI_TOKEN_TIMEOUT,
        whole_turn=settings.AI_TURN_TIMEOUT,
    )


async def close() -> None:
    while _providers:
        await _providers.popitem()[1].close()
