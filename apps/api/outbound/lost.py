"""Naming what ended a request, in our own words: aiohttp's name the address."""

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from .errors import Broken, OutboundError, Unreachable

# Everything that aiohttp raises for a connection or a protocol that broke. RuntimeError is what reading a body meets
# where the parser has closed the connection over what came after it; uvloop's own is one, too.
LOST = (aiohttp.ClientError, HttpProcessingError, OSError, RuntimeError)


def why_lost(lost: Exception) -> OutboundError:
    """Before an answer was there."""
    if isinstance(lost, aiohttp.ClientSSLError):
        return Unreachable("The server cannot prove that it is the one that the address names.")
    if isinstance(lost, (aiohttp.ClientConnectionError, OSError, RuntimeError)):
        return Unreachable("The server cannot be reached.")
    return Broken("The server does not answer as HTTP asks.")
