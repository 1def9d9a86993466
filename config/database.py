"""Where PostgreSQL is, read from addresses as providers show them, to be pasted.

An address may lead to a pooler in transaction mode (PgBouncer, Neon's, Supabase's): there a connection may be another
session with every transaction. Nothing here keeps state in a session, so one set of settings serves both; what an
address itself asks for that a pooler cannot give is refused, by its name and without repeating the address.
"""

import re
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from psycopg import pq

SCHEMES = ("postgres", "postgresql", "pgsql")
LIBPQS = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
DJANGOS = {"assume_role", "isolation_level", "prepare_threshold", "server_side_binding"}
# Meant for other clients' own pools; libpq refuses what it does not know.
OTHERS = {"connection_limit", "pool_timeout", "supa"}


def read_databases(
    url: str, direct_url: str, pooled: bool | None, connections: int
) -> tuple[dict[str, Any], dict[str, Any] | None, bool]:
    """What DATABASE_URL, DATABASE_DIRECT_URL and DATABASE_POOLED mean: the database as it is served, with a pool of at
    most so many connections; as it is migrated, None where that is the same; whether the first leads to a pooler."""
    served, recognised = read_address("DATABASE_URL", url, pooled)
    # Short waits: when the database is away, everybody is told so soon, and soon finds it again.
    served["OPTIONS"] = {"connect_timeout": 3} | served["OPTIONS"]
    served["OPTIONS"]["pool"] = {"min_size": 1, "max_size": connections, "timeout": 3, "reconnect_timeout": 3}
    if not direct_url:
        return served, None, recognised
    direct, also_pooled = read_address("DATABASE_DIRECT_URL", direct_url, None)
    if also_pooled:
        raise ImproperlyConfigured("DATABASE_DIRECT_URL is the address of a pooler: give the direct one.")
    # Nobody waits at a page, and a database that sleeps may have to be woken.
    direct["OPTIONS"] = {"connect_timeout": 10} | direct["OPTIONS"]
    return served, direct, recognised


def read_address(name: str, url: str, pooled: bool | None) -> tuple[dict[str, Any], bool]:
    """The address as Django has it, without a pool of our own, and whether it leads to a pooler: as `pooled` says, or
    where that is None, as it looks."""
    address = parse(name, url)
    options: dict[str, Any] = address.pop("OPTIONS", {})
    # First: a password with a bare `?` looks like a parameter, and leaves no name.
    if not (address["NAME"] or options.get("dbname") or options.get("service")):
        raise ImproperlyConfigured(f"{name} names no database: postgresql://user:password@host:port/name.")
    if twice := sorted(key for key, value in options.items() if isinstance(value, list)):
        raise ImproperlyConfigured(f"{name} has more than one parameter {', '.join(twice)}.")
    # Prisma's word for it.
    said = options.pop("pgbouncer", False) in (True, "on")
    for other in OTHERS:
        options.pop(other, None)
    # Prisma's word for what is so anyway.
    if options.get("schema") == "public":
        del options["schema"]
    if unknown := sorted(set(options) - LIBPQS - DJANGOS):
        raise ImproperlyConfigured(
            f"{name} has a parameter that PostgreSQL's clients do not know: {', '.join(unknown)}."
        )
    if pooled is None:
        pooled = said or is_pooler(address["HOST"], address["PORT"])
    if pooled:
        without_a_session(name, options)
    address |= {
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        # No cursor outlives its transaction.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": options,
    }
    return address, pooled


def parse(name: str, url: str) -> dict[str, Any]:
    try:
        if urlsplit(url).scheme not in SCHEMES:
            raise ImproperlyConfigured(f"{name} is not an address that starts with postgresql://.")
        return {**dj_database_url.parse(url, engine="apps.api.postgres")}
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} is not an address: in its user and password, percent-encode what is no letter or digit."
        ) from None


def is_pooler(host: str, port: object) -> bool:
    """Whether a provider is known to pool in transaction mode there: Neon by the host's name, Supabase by the port."""
    label, _, domain = host.lower().rstrip(".").partition(".")
    if f".{domain}".endswith(".neon.tech"):
        return label.endswith("-pooler")
    return f".{domain}".endswith((".supabase.com", ".supabase.co")) and str(port) == "6543"


def without_a_session(name: str, options: dict[str, Any]) -> None:
    """Refuse what would be set for a session; statements are not kept prepared in one."""
    # Others are a word to the pooler itself: which endpoint, or which project.
    if re.search(r"(?:^|\s)-", str(options.get("options", ""))):
        raise ImproperlyConfigured(
            f"{name} leads to a pooler, where `options` and `currentSchema` set nothing: "
            "keep what they set in the role or the database (ALTER ROLE … SET …)."
        )
    if "assume_role" in options:
        raise ImproperlyConfigured(
            f"{name} leads to a pooler, where `assume_role` does not last: sign in as that role."
        )
    options.pop("prepare_threshold", None)
