"""Looking names up, once and without holding up anybody else who does."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .addresses import Address

# Name → the addresses that it has. Raises OSError where it has none.
LookUp = Callable[[str], Awaitable[Sequence[str]]]

# Of our own: who answers slowly for a name of theirs is not to keep the threads that find the providers.
_POOL = ThreadPoolExecutor(max_workers=8, thread_name_prefix="names")


async def look_up(name: str) -> list[str]:
    """By this system's resolver. A name that ends with a dot is asked of DNS as it is: it finds neither what stands in
    /etc/hosts nor what is reached through a search domain."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, _look_up, name)


def _look_up(name: str) -> list[str]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [_text(place) for family, _, _, _, place in found if family in (socket.AF_INET, socket.AF_INET6)]


def _text(place: tuple[Any, ...]) -> str:
    host, _, *rest = place
    # The zone of an address that is only good on one link.
    return f"{host}%{rest[1]}" if rest and rest[1] and "%" not in host else str(host)


def is_this_machine(address: Address) -> bool:
    """Whether the address is one of this machine's own. A firewall that keeps the Internet out does not keep it from
    itself, so a public address of its own leads inside. Nothing is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 443))
            # To itself, a machine speaks from the address that it speaks to.
            return bool(probe.getsockname()[0] == str(address))
    except OSError:
        return False
