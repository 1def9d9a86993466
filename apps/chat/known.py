from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Model:
    window: int
    bytes_per_token: float


def model(source: str, model: str) -> Model:
    return Model(settings.AI_CONTEXT_TOKENS, 3.5)
