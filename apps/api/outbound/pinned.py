"""Holds aiohttp to the addresses that were checked."""

import socket
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

from .addresses import Address


class Pinned(AbstractResolver):
    """For one request: gives these addresses for whatever name, and makes sockets for them alone.

    aiohttp asks no resolver about an IP address, so `socket` is where every connection passes. It makes one socket an
    address: aiohttp would try each several times, and send a request again whose answer did not come.
    """

    def __init__(self, addresses: Sequence[Address], port: int) -> None:
        self._addresses = addresses
        self._port = port
        self._untried = {(str(address), port) for address in addresses}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=self._port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass

    def socket(self, info: AddrInfoType) -> socket.socket:
        family, kind, proto, _, place = info
        key = (str(place[0]), int(place[1]))
        if key not in self._untried or place[2:] not in ((), (0, 0)):
            raise PermissionError("not an address that was checked, or one that was tried")
        self._untried.remove(key)
        return socket.socket(family, kind, proto)
