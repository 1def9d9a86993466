"""The operator's list of hosts that may be where no public server is."""

import re
from collections.abc import Iterable

from . import urls
from .errors import AddressRefused

Places = frozenset[tuple[str, int]]

_PORT = re.compile(r":[0-9]+\Z")


def read(entries: Iterable[str]) -> Places:
    """Hosts and ports. `host` stands for its ports 80 and 443, `host:port` for that one; either may be an IP address,
    an IPv6 one in brackets. Raises ValueError with the entry that is none of this."""
    places = set[tuple[str, int]]()
    for entry in map(str.strip, entries):
        try:
            target = urls.read(f"http://{entry}")
        except AddressRefused:
            target = None
        if target is None or set("/?#") & set(entry) or entry.endswith(":"):
            raise ValueError(entry)
        ports = [target.port] if _PORT.search(entry) else [80, 443]
        places |= {(target.host, port) for port in ports}
    return frozenset(places)
