"""Addresses that lead inside, for everything that fetches what users name.

    @pytest.mark.parametrize("hostile", HOSTILE, ids=str)
    def test_…(hostile, sentinel, monkeypatch):
        hostile.names().answer(monkeypatch)
        ...                                     # let a user set hostile.url(sentinel.port), and have it fetched
        assert sentinel.connections() == 0

`reaches` marks those by which Python's own urllib gets there: the control.
"""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

# Public by its form, and nobody's: IANA has not given it out.
NOWHERE = "2d00::1"

# What a name is answered with, each time that it is asked for; the last answer stays.
Answers = Mapping[str, Sequence[Sequence[str]]]


class Names:
    """A resolver. It knows these names, IP addresses however they are written, and `localhost`."""

    def __init__(self, answers: Answers) -> None:
        self._answers = {name: list(each) for name, each in answers.items()}
        self.asked: list[str] = []
        self._real = socket.getaddrinfo

    def answer(self, monkeypatch: pytest.MonkeyPatch) -> "Names":
        monkeypatch.setattr(socket, "getaddrinfo", self.getaddrinfo)
        return self

    async def look_up(self, name: str) -> list[str]:
        return [str(place[0]) for *_, place in self.getaddrinfo(name, None, type=socket.SOCK_STREAM)]

    def getaddrinfo(self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:  # noqa: A002
        name = host.decode() if isinstance(host, bytes) else host
        known = self._answers.get((name or "").lower().removesuffix("."))
        if known is None:
            if name in ("localhost", "localhost."):
                known = [["127.0.0.1", "::1"]]
            else:
                return self._real(name, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        self.asked.append(name)
        addresses = known.pop(0) if len(known) > 1 else known[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = []
        for address in addresses:
            found += self._real(address, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        return found


@dataclass(frozen=True)
class Hostile:
    name: str
    # PORT is where the sentinel listens.
    template: str
    answers: Answers = field(default_factory=dict)
    reaches: bool = False

    @property
    def needs_ipv6(self) -> bool:
        """To reach anything: else what is inside is reached by IPv4."""
        answers = [address for each in self.answers.values() for answer in each for address in answer]
        return "[" in self.template.replace("[::ffff", "") or ("::1" in answers and "127.0.0.1" not in answers)

    def url(self, port: int) -> str:
        return self.template.replace("PORT", str(port))

    def names(self) -> Names:
        return Names(self.answers)

    def __str__(self) -> str:
        return self.name


def led(name: str, *answers: Sequence[str], reaches: bool = False, host: str = "door.example") -> Hostile:
    return Hostile(name, f"http://{host}:PORT/", {"door.example": answers}, reaches)


def plain(name: str, host: str, *, reaches: bool = False) -> Hostile:
    return Hostile(name, f"http://{host}:PORT/", {}, reaches)


_PUBLIC = {"public.example": [[NOWHERE]]}

HOSTILE = [
    # IPv4, written in every way that inet_aton takes.
    plain("loopback", "127.0.0.1", reaches=True),
    plain("another loopback", "127.8.8.8", reaches=True),
    plain("two parts", "127.1", reaches=True),
    plain("three parts", "127.0.1", reaches=True),
    plain("decimal", "2130706433", reaches=True),
    plain("hexadecimal", "0x7f000001", reaches=True),
    plain("hexadecimal upper case", "0X7F000001", reaches=True),
    plain("hexadecimal parts", "0x7f.0x0.0x0.0x1", reaches=True),
    plain("hexadecimal and short", "0x7f.1", reaches=True),
    plain("octal", "017700000001", reaches=True),
    plain("octal part", "0177.0.0.1", reaches=True),
    plain("octal with many zeros", "0000000177.0.0.1", reaches=True),
    plain("mixed bases", "0x7f.0.01", reaches=True),
    plain("decimal that overflows", "6425673729"),
    plain("zero padded", "127.000.000.001", reaches=True),
    plain("dot at the end", "127.0.0.1."),
    plain("dots at the end", "127.0.0.1.."),
    plain("unspecified", "0.0.0.0", reaches=True),
    plain("zero", "0", reaches=True),
    plain("hexadecimal zero", "0x0", reaches=True),
    plain("full-width digits", "１２７.０.０.１"),
    plain("full-width dots", "127．0．0．1"),
    plain("ideographic dots", "127。0。0。1"),
    plain("circled digits", "①②⑦.⓪.⓪.①"),
    plain("mathematical digits", "𝟙𝟚𝟟.𝟘.𝟘.𝟙"),
    plain("arabic digits", "١٢٧.٠.٠.١"),
    plain("escaped digits", "%31%32%37.0.0.1", reaches=True),
    plain("escaped dots", "127%2e0%2e0%2e1", reaches=True),
    plain("escaped twice", "%2531%2532%2537.0.0.1"),
    # IPv6, and what it carries.
    plain("v6 loopback", "[::1]", reaches=True),
    plain("v6 loopback in full", "[0000:0000:0000:0000:0000:0000:0000:0001]", reaches=True),
    plain("v6 unspecified", "[::]", reaches=True),
    plain("v6 mapped", "[::ffff:127.0.0.1]", reaches=True),
    plain("v6 mapped in hexadecimal", "[::FFFF:7F00:1]", reaches=True),
    plain("v6 mapped unspecified", "[::ffff:0.0.0.0]", reaches=True),
    plain("v6 translated", "[::ffff:0:127.0.0.1]"),
    plain("v6 compatible", "[::127.0.0.1]"),
    plain("NAT64", "[64:ff9b::127.0.0.1]"),
    plain("NAT64 in hexadecimal", "[64:ff9b::7f00:1]"),
    plain("NAT64 for local use", "[64:ff9b:1::7f00:1]"),
    plain("6to4", "[2002:7f00:1::]"),
    plain("Teredo", "[2001:0:7f00:1::80ff:fffe]"),
    plain("ISATAP", "[2a00:1450::5efe:7f00:1]"),
    plain("ORCHID", "[2001:20::1]"),
    plain("link-local", "[fe80::1]"),
    plain("link-local with a zone", "[fe80::1%25lo]"),
    plain("zone", "[::1%25lo]"),
    plain("bare zone", "[::1%lo]"),
    plain("site-local", "[fec0::1]"),
    plain("unique local", "[fd12:3456::1]"),
    plain("v6 multicast", "[ff02::1]"),
    plain("discard", "[100::1]"),
    plain("segment routing", "[5f00::1]"),
    plain("IPv4 in brackets", "[127.0.0.1]"),
    plain("name in brackets", "[localhost]"),
    plain("more behind brackets", "[::1].public.example"),
    # What is not on this machine, but inside all the same.
    *[
        plain(f"inside {host}", host)
        for host in (
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "[fd00:ec2::254]",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "255.255.255.255",
        )
    ],
    # Names.
    plain("localhost", "localhost", reaches=True),
    plain("localhost upper case", "LOCALHOST"),
    plain("localhost with a dot", "localhost.", reaches=True),
    plain("below localhost", "a.localhost"),
    plain("localhost in circles", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"),
    plain("localhost with a soft hyphen", "local\u00adhost"),
    plain("localhost with a zero-width space", "local\u200bhost"),
    plain("localhost escaped", "%6c%6f%63%61%6c%68%6f%73%74", reaches=True),
    plain("endless name", "a" * 5_000),
    plain("many labels", "a." * 200 + "example"),
    led("name that leads inside", ["127.0.0.1"], reaches=True),
    led("name with a dot", ["127.0.0.1"], reaches=True, host="door.example."),
    led("name in upper case", ["127.0.0.1"], reaches=True, host="DOOR.EXAMPLE"),
    led("name that leads to v6", ["::1"], reaches=True),
    led("name that leads to mapped", ["::ffff:127.0.0.1"], reaches=True),
    led("name that leads to NAT64", ["64:ff9b::7f00:1"]),
    led("name that leads to zero", ["0.0.0.0"], reaches=True),
    led("mixed answers", [NOWHERE, "127.0.0.1"], reaches=True),
    led("mixed answers, inside first", ["127.0.0.1", NOWHERE], reaches=True),
    led("mixed families", ["::1", "93.184.215.14"], reaches=True),
    led("rebinding", [NOWHERE], ["127.0.0.1"]),
    led("rebinding to v6", [NOWHERE], ["::1"]),
    # Who is the host of these is what parsers disagree about.
    Hostile("user", "http://public.example@127.0.0.1:PORT/", _PUBLIC),
    Hostile("user and password", "http://public.example:80@127.0.0.1:PORT/", _PUBLIC),
    Hostile("empty user", "http://@127.0.0.1:PORT/", {}),
    Hostile("host for a user", "http://127.0.0.1:PORT@public.example/", _PUBLIC),
    Hostile("two users", "http://public.example@public.example@127.0.0.1:PORT/", _PUBLIC),
    Hostile("backslash", "http://public.example\\@127.0.0.1:PORT/", _PUBLIC),
    Hostile("backslash behind", "http://127.0.0.1:PORT\\@public.example/", _PUBLIC),
    Hostile("fragment", "http://127.0.0.1:PORT#@public.example/", _PUBLIC, reaches=True),
    Hostile("query", "http://127.0.0.1:PORT?@public.example/", _PUBLIC, reaches=True),
    Hostile("host in a fragment", "http://public.example#@127.0.0.1:PORT/", _PUBLIC),
    Hostile("space and hash", "http://public.example &@127.0.0.1:PORT# @public.example/", _PUBLIC),
    Hostile("escaped at", "http://public.example%40127.0.0.1:PORT/", _PUBLIC),
    Hostile("full-width at", "http://public.example＠127.0.0.1:PORT/", _PUBLIC),
    Hostile("full-width slash", "http://127.0.0.1:PORT／.public.example/", _PUBLIC),
    Hostile("two ports", "http://127.0.0.1:PORT:80/", {}),
    Hostile("port with a sign", "http://127.0.0.1:+PORT/", {}),
    Hostile("port too large", "http://127.0.0.1:1PORT/", {}),
    Hostile("port zero", "http://127.0.0.1:0/", {}),
    Hostile("space before", " http://127.0.0.1:PORT/", {}, reaches=True),
    Hostile("tab inside", "http://127.0.\t0.1:PORT/", {}),
    Hostile("line feed inside", "http://127.0.\n0.1:PORT/", {}),
    Hostile("NUL inside", "http://127.0.0.1\x00.public.example:PORT/", _PUBLIC),
    Hostile("lone surrogate", "http://127.0.0.1:PORT/\ud800", {}),
    Hostile("second request in the path", "http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: a\r\n\r\nGET /", {}),
    Hostile("escaped second request", "http://127.0.0.1:PORT/%20HTTP/1.1%0d%0aHost:%20a", {}, reaches=True),
    # Schemes.
    Hostile("upper case scheme", "HTTP://127.0.0.1:PORT/", {}, reaches=True),
    Hostile("https", "https://127.0.0.1:PORT/", {}, reaches=True),
    Hostile("no scheme", "127.0.0.1:PORT/", {}),
    Hostile("scheme of the page", "//127.0.0.1:PORT/", {}),
    Hostile("one slash", "http:/127.0.0.1:PORT/", {}),
    Hostile("no slash", "http:127.0.0.1:PORT/", {}),
    Hostile("three slashes", "http:///127.0.0.1:PORT/", {}),
    *[
        Hostile(scheme, f"{scheme}://127.0.0.1:PORT/", {})
        for scheme in ("ftp", "gopher", "dict", "ws", "tcp", "ldap", "file", "unix", "http+unix")
    ],
    Hostile("nothing", "", {}),
]

# Where a server that may be reached could send its callers.
LOCATIONS = [
    "http://127.0.0.1:PORT/",
    "http://localhost:PORT/",
    "http://[::1]:PORT/",
    "http://2130706433:PORT/",
    "//127.0.0.1:PORT/",
    "https://127.0.0.1:PORT/",
    "ftp://127.0.0.1:PORT/",
]
