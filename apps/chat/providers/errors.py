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


class ToolsUnsupported(ProviderFailed):
    """The model, or its server, takes no tools; before an answer had begun."""


class ContextTooLong(ProviderError):
    """The prompt, or the prompt and the answer asked for, exceed the model's window; before an answer had begun.

    `window` and `tokens` (of the prompt) are what the provider named; None where it named none.
    """

    code = "context_too_long"
    detail = "This conversation has become too long for the model."

    def __init__(self, *, window: int | None = None, tokens: int | None = None) -> None:
        super().__init__("prompt too long")
        self.window = window
        self.tokens = tokens
