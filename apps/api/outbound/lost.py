"""Naming what ended a request, in our own words: aiohttp's name the address."""

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from .errors import Broken, OutboundError, Unreachable

# Everything that aiohttp raises for a connection or a protocol that broke.
LOST = (aiohttp.ClientError, HttpProcessingError, OSError)


def why_lost(lost: Exception) -> OutboundError:
    """Before an answer was there."""
    if isinstance(lost, aiohttp.ClientSSLError):
        return Unreachable("The server cannot prove that it is the one that the address names.")
    if isinstance(lost, (aiohttp.ClientConnectionError, OSError)):
        return Unreachable("The server cannot be reached.")
    return Broken("The server does not answer as HTTP asks.")
