"""How much time and how many bytes one request may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes. What is read is counted as it is after decompression."""

    connect: float = 5.0  # to look the name up; and again to connect, TLS included
    head: float = 15.0  # until status and headers are there, connecting included
    idle: float = 15.0  # between two pieces of the body
    whole: float = 30.0
    request_bytes: int = 1_000_000  # aiohttp sends a body in one piece, and warns of more than this
    answer_bytes: int = 2_000_000
