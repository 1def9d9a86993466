"""How a provider can fail. `detail` is for people; `reason` is for the log; neither repeats what the provider said."""

from typing import ClassVar


class ProviderError(Exception):
    """The model gave no whole answer.

    `reason` is made of our own words and numbers only: no key, address or text of the provider's.
    `retry_after` is in seconds.
    """

    code: ClassVar[str] = "provider_failed"
    detail: ClassVar[str] = "The model could not answer. Try again."

    def __init__(self, reason: str, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class ProviderFailed(ProviderError):
    """Unreachable, refused (4xx), cut off or broken."""


class ProviderBusy(ProviderError):
    """408, 409, 429 or 5xx, to the last try."""

    code = "provider_busy"
    detail = "The model is busy. Try again later."


class ProviderTimeout(ProviderError):
    """One of our own deadlines passed."""

    code = "provider_timeout"
    detail = "The model took too long to answer. Try again."


class ContextTooLong(ProviderFailed):
    code = "context_too_long"
    window: int | None = None
    tokens: int | None = None
