"""What an address may look like. Pure: nothing is looked up here."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from yarl import URL

from . import addresses
from .errors import AddressRefused

LONGEST = 8_000
_LONGEST_AUTHORITY = 300

# Parsers disagree about what these mean: some drop them, some take a backslash for a slash.
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f-\x9f\\\s\ud800-\udfff]")
_SHAPE = re.compile(r"(?P<scheme>[^:/?#]*)://(?P<authority>[^/?#]*)", re.DOTALL)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]+\]|[^:\[\]]+)(:(?P<port>[0-9]{1,5})?)?")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
# Any of these at the end makes inet_aton's number of the whole: 127.1, 0x7f.1, 2130706433, 0177.0.0.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

# Those who listen here take lines for commands and pass over what they do not understand: mail, SIP, Redis, IRC,
# memcached.
_NOT_FOR_HTTP = {2525, 5060, 5061, 6379, *range(6660, 6670), 6697, 11211}


class Target(NamedTuple):
    """`host` is ASCII, lower case, without a dot at its end; `literal` is set where it is an IP address. `url` is what
    is asked for, and names this very host and port."""

    url: URL
    host: str
    port: int
    literal: addresses.Address | None


def read(text: str) -> Target:
    """Raises `AddressRefused`. Nothing else here reads an address, so what is checked is what is asked."""
    if len(text) > LONGEST or _NOT_IN_URLS.search(text):
        raise AddressRefused(f"An address has no spaces or backslashes in it, and at most {LONGEST} characters.")
    shape = _SHAPE.match(text)
    if shape is None or shape["scheme"].lower() not in ("http", "https"):
        raise AddressRefused("An address begins with http:// or https://.")
    if "@" in shape["authority"]:
        raise AddressRefused("An address has no user and no password in it.")
    authority = _AUTHORITY.fullmatch(shape["authority"])
    # %: an escaped character, or the zone of an IPv6 address. Neither is in the name of a public host.
    if authority is None or len(shape["authority"]) > _LONGEST_AUTHORITY or "%" in shape["authority"]:
        raise _no_host()
    try:
        url = URL(text)
        host = _normal(url.raw_host or "")
        url = url.with_host(host).with_fragment(None)
    except ValueError:
        url = None
    if url is None:
        raise _no_host()
    port = url.port or 0
    given = authority["port"]
    literal = addresses.read(host)
    if url.raw_host != host or port == 0 or (given and int(given) != port):
        raise _no_host()
    if (authority["host"][0] == "[") != isinstance(literal, IPv6Address):
        raise _no_host()
    return Target(url, host, port, literal)


def serves_http(port: int) -> bool:
    """Whether a stranger's server may be asked on this port. HTTP's own two, and those that anybody may open, without
    the few where our request could be read as something else: what we send is not to be mail."""
    return port in (80, 443) or (port >= 1024 and port not in _NOT_FOR_HTTP)


def _normal(host: str) -> str:
    """The one way to write this host; `host` has been through IDNA, so full-width digits and dots are plain by now.
    Raises ValueError."""
    if ":" in host:
        address = addresses.read(host)
        if address is None:
            raise ValueError(host)
        return str(address)
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(host)
    if _NUMBER.fullmatch(labels[-1]):
        return str(IPv4Address(host))
    return host


def _no_host() -> AddressRefused:
    return AddressRefused("An address names a host, in full, and maybe a port from 1 to 65535.")
