"""The keys that Better Auth publishes, read from where it does. The address is the operator's, no user's."""

import asyncio
import json
from collections.abc import Collection, Mapping
from typing import Any

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from jwt import PyJWK
from jwt.exceptions import PyJWTError

SECONDS = 3.0
MOST_BYTES = 256 * 1024
MOST_KEYS = 100

Keys = Mapping[str, PyJWK]


class KeysBroken(Exception):
    """No keys came. `reason` is made of our own words: no address, nothing that was answered."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def fetch(url: str, algorithms: Collection[str]) -> Keys:
    """The keys there, by their ids. On a thread without a loop. Raises KeysBroken within `SECONDS`, or a little after
    where it waits for a name to be resolved."""
    return read(asyncio.run(_get(url)), algorithms)


async def _get(url: str) -> bytes:
    try:
        async with (
            asyncio.timeout(SECONDS),
            _session() as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise KeysBroken(f"status {response.status}")
            return await _body(response)
    except TimeoutError:
        raise KeysBroken("no answer in time") from None
    except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError):
        raise KeysBroken("no connection") from None


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Dramatis"},
        auto_decompress=False,
        trust_env=False,
    )


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while piece := await response.content.readany():
        body += piece
        if len(body) > MOST_BYTES:
            raise KeysBroken("answer too long")
    return body


def read(body: bytes, algorithms: Collection[str]) -> Keys:
    """Those that sign by one of `algorithms`; others are passed over. KeysBroken where it is no JWK set."""
    try:
        found = json.loads(body)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeysBroken("broken answer") from None
    if not isinstance(found, list) or len(found) > MOST_KEYS:
        raise KeysBroken("broken answer")
    return {key.key_id: key for each in found if (key := _key(each, algorithms)) and key.key_id}


def _key(jwk: Any, algorithms: Collection[str]) -> PyJWK | None:
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or not isinstance(jwk.get("kid"), str):
        return None
    if jwk.get("alg") not in (None, *algorithms):
        return None
    try:
        key = PyJWK(jwk)
    except (PyJWTError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    # Each key is good for one algorithm, whatever a token says of itself.
    return key if key.algorithm_name in algorithms else None
