"""All chance in prompts: the same for the same words, on every machine."""

import hashlib

LIMIT = 2**64


def drawn(*told: str) -> int:
    """From 0 to below `LIMIT`."""
    digest = hashlib.blake2b("\0".join(told).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
