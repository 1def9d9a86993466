"""Reaching a model: one small async interface, and the one implementation of it.

`Provider.stream(request)` yields deltas and ends with exactly one `Finish`, or raises a `ProviderError`.
"""

from .base import (
    Completed,
    Delta,
    Finish,
    FinishReason,
    Limits,
    Provider,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolOffer,
    Usage,
    complete,
    gathered,
)
from .clean import Cleaner, clean
from .errors import ContextTooLong, ProviderBusy, ProviderError, ProviderFailed, ProviderTimeout, ToolsUnsupported
from .openai import OpenAIProvider

__all__ = [
    "Cleaner",
    "Completed",
    "ContextTooLong",
    "Delta",
    "Finish",
    "FinishReason",
    "Limits",
    "OpenAIProvider",
    "Provider",
    "ProviderBusy",
    "ProviderError",
    "ProviderFailed",
    "ProviderTimeout",
    "Reasoning",
    "Request",
    "Text",
    "ToolCall",
    "ToolOffer",
    "ToolsUnsupported",
    "Usage",
    "clean",
    "complete",
    "gathered",
]
