"""What the operator asked for in the environment, checked before anything is started."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from config.local.terminal import Refused

ROOT = Path(__file__).resolve().parents[2]
WORDS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Options:
    host: str
    port: int  # 0: any free one
    data_dir: Path
    workers: int
    embeds_database: bool
    embeds_model: bool
    makes_demo: bool

    @property
    def is_private(self) -> bool:
        """Only this machine can reach the server."""
        return is_loopback(self.host)


def read_options(environ: Mapping[str, str]) -> Options:
    """An empty variable counts as unset. What Django reads by itself is checked by the settings."""
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    host = given.get("HOST", "127.0.0.1").strip("[]")
    check_url(given, "DATABASE_URL", {"postgres", "postgresql", "pgsql"})
    check_url(given, "DATABASE_DIRECT_URL", {"postgres", "postgresql", "pgsql"})
    if "DATABASE_DIRECT_URL" in given and "DATABASE_URL" not in given:
        raise wrong("DATABASE_DIRECT_URL is another way to the database of DATABASE_URL, which is unset: set it, too.")
    check_url(given, "AI_BASE_URL", {"http", "https"})
    check_url(given, "REDIS_URL", {"redis", "rediss", "unix"})
    options = Options(
        host=host,
        port=number(given, "PORT", 8000, largest=65535),
        data_dir=Path(given.get("DATA_DIR", ROOT / ".data")).expanduser().resolve(),
        workers=number(given, "WEB_CONCURRENCY", 1, smallest=1, largest=64),
        embeds_database="DATABASE_URL" not in given,
        embeds_model="AI_BASE_URL" not in given,
        makes_demo=word(given, "DEMO", is_loopback(host) and "DATABASE_URL" not in given),
    )
    if options.makes_demo and not options.is_private:
        raise wrong("DEMO=on is for a HOST that only this machine can reach: everybody knows the demo password.")
    if options.workers > 1 and "REDIS_URL" not in given:
        raise wrong(
            f"WEB_CONCURRENCY={options.workers} needs REDIS_URL: "
            "without it live streams, stop signals and throttles would be each process's own."
        )
    return options


def wrong(sentence: str) -> Refused:
    return Refused(sentence, status=2)


def number(given: Mapping[str, str], name: str, default: int, *, smallest: int = 0, largest: int = 1000) -> int:
    value = given.get(name, str(default))
    if not (value.isascii() and value.isdigit() and smallest <= int(value) <= largest):
        raise wrong(f"{name}={value} is not a number from {smallest} to {largest}.")
    return int(value)


def word(given: Mapping[str, str], name: str, default: bool) -> bool:
    value = given.get(name, "on" if default else "off")
    if value.lower() not in WORDS:
        raise wrong(f"{name}={value} is neither on nor off.")
    return WORDS[value.lower()]


def check_url(given: Mapping[str, str], name: str, schemes: set[str]) -> None:
    """The value is not repeated, nor what is wrong with it: either may hold a password."""
    try:
        address = urlsplit(given.get(name, f"{min(schemes)}://unset"))
        _ = address.port
    except ValueError:
        raise wrong(f"{name} is not an address: what stands in its brackets, or for its port, cannot be.") from None
    names_somewhere = address.hostname or address.query or (address.scheme == "unix" and address.path)
    if address.scheme not in schemes or not names_somewhere:
        raise wrong(
            f"{name} is not an address that starts with {' or '.join(f'{each}://' for each in sorted(schemes))}."
        )


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
