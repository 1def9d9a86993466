"""Whatever is fetched for users is fetched by the guarded way out: nothing else in `apps` can open a connection,
but for what speaks to the operator's own servers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Modules that open connections, or whole libraries for it.
OPENING = {
    *("aiohttp", "httpx", "httpx2", "requests", "urllib3", "websockets", "pycurl", "anyio", "aiodns", "mcp"),
    *(
        "socket",
        "ssl",
        "urllib.request",
        "http.client",
        "xmlrpc",
        "ftplib",
        "smtplib",
        "imaplib",
        "poplib",
        "telnetlib",
    ),
    *("subprocess", "asyncio.streams", "asyncio.subprocess", "multiprocessing"),
}
# And what needs no import of its own.
CALLS = {
    *("open_connection", "open_unix_connection", "create_connection", "create_unix_connection", "sock_connect"),
    *("create_datagram_endpoint", "create_subprocess_exec", "create_subprocess_shell", "subprocess_exec"),
    *("subprocess_shell", "popen", "system", "import_module", "__import__"),
}

# Who may, and what. Addresses of users are `outbound`'s alone; the others' are the operator's.
MAY = {
    "apps.api.outbound": {"aiohttp", "httpx2", "socket", "ssl"},
    "apps.chat.providers": {"aiohttp"},
    "apps.knowledge.embeddings": {"aiohttp"},
    "apps.compat.better_auth.key_set": {"aiohttp"},
    # Reads strangers' PDFs in a process of its own.
    "apps.knowledge.pdf": {"subprocess"},
    # Speaks over the way out, and is given no other.
    "apps.tools.mcp_tool": {"mcp"},
}


def imported(source: str) -> Iterator[str]:
    """Every module that is imported there, by its full name, and every call of `CALLS`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield module
                yield from (f"{module}.{each.name}" for each in names)
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in CALLS:
                yield f"{name}()"


def opening(source: str) -> set[str]:
    """Those that open connections, as they are called above."""
    found = set()
    for name in imported(source):
        parts = name.split(".")
        beginnings = {".".join(parts[:number]) for number in range(1, len(parts) + 1)}
        found |= beginnings & OPENING or ({name} if name.endswith("()") else set())
    return found


def modules() -> dict[str, str]:
    paths = sorted((ROOT / "apps").rglob("*.py"))
    named = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path for path in paths}
    return {name.removesuffix(".__init__"): path.read_text() for name, path in named.items()}


def allowed(module: str) -> set[str]:
    return {
        each for place, several in MAY.items() if module == place or module.startswith(f"{place}.") for each in several
    }


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import socket", {"socket"}),
        ("import urllib.request as x", {"urllib.request"}),
        ("from urllib import request", {"urllib.request"}),
        ("from urllib.request import urlopen", {"urllib.request"}),
        ("from http import HTTPStatus", set()),
        ("from urllib.parse import urlsplit", set()),
        ("from http.client import HTTPConnection", {"http.client"}),
        ("def f():\n    from aiohttp.client import ClientSession", {"aiohttp"}),
        ("await asyncio.open_connection(host, 80)", {"open_connection()"}),
        ("import_module('socket')", {"import_module()"}),
        ("os.system('curl')", {"system()"}),
    ],
)
def test_a_way_out_is_noticed_however_it_is_made(source: str, found: set[str]) -> None:
    assert opening(source) == found


def test_there_is_one_way_out() -> None:
    beyond = {name: opening(source) - allowed(name) for name, source in modules().items()}
    assert {name: ways for name, ways in beyond.items() if ways} == {}


def test_who_may_go_out_does() -> None:
    """What nobody needs any more is allowed to nobody."""
    used = {place: set[str]() for place in MAY}
    for name, source in modules().items():
        for place in MAY:
            if f"{name}.".startswith(f"{place}."):
                used[place] |= opening(source)
    assert used == MAY
