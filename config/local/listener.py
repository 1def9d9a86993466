"""The socket that the server will answer on: taken first, since without it nothing else is worth starting."""

import errno
import socket

from config.local.terminal import Refused

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def open_listener(host: str, port: int) -> socket.socket:
    """Bound, but not listening yet: until the server does, a client is told at once that nobody is there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise Refused(f"HOST={host} is not an address of this machine.", status=2) from None
    listener = socket.socket(family, kind, protocol)
    # A port that the last run has just left may be taken again; one that somebody listens on may not.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise taken(port) from None
        raise Refused(f"HOST={host} PORT={port} cannot be listened on: {error.strerror}.") from None
    return listener


def taken(port: int) -> Refused:
    return Refused(f"Port {port} is in use by another program: stop it, or choose another PORT.")


def reached_at(listener: socket.socket) -> tuple[str, int]:
    """The address for clients on this machine."""
    host, port, *_ = listener.getsockname()
    return WILDCARDS.get(host, host), port


def url_of(address: tuple[str, int]) -> str:
    host, port = address
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True
