"""What the database's addresses mean, as providers show them to be pasted."""

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import make_conninfo

from config.database import read_address, read_databases

NEON = "ep-cool-darkness-a1b2c3d4{}.us-east-2.aws.neon.tech"
TLS = "?sslmode=require&channel_binding=require"
POOLED = f"postgresql://alex:AbC123dEf@{NEON.format('-pooler')}/dramatis{TLS}"
DIRECT = f"postgresql://alex:AbC123dEf@{NEON.format('')}/dramatis{TLS}"


def is_pooled(url: str, said: bool | None = None) -> bool:
    return read_address("DATABASE_URL", url, said)[1]


@pytest.mark.parametrize(
    ("url", "pooled"),
    [
        (POOLED, True),
        (POOLED.replace("ep-cool", "EP-Cool").replace("neon.tech", "Neon.Tech."), True),
        (DIRECT, False),
        ("postgres://u:p@ep-a-b-1-pooler.c-2.eu-central-1.aws.neon.tech:5432/db", True),
        ("postgres://u:p@ep-a-b-1-pooler.westus3.azure.neon.tech/db", True),
        ("postgres://u:p@a-pooler.neon.tech.example/db", False),
        ("postgres://u:p@a-pooler.notneon.tech/db", False),
        ("postgres://u:p@a-pooler.example/db", False),
        ("postgres://postgres.ref:p@aws-0-eu-west-1.pooler.supabase.com:6543/postgres", True),
        ("postgres://postgres.ref:p@aws-0-eu-west-1.pooler.supabase.com:5432/postgres", False),
        ("postgres://postgres:p@db.ref.supabase.co:6543/postgres", True),
        ("postgres://postgres:p@db.ref.supabase.co/postgres", False),
        ("postgres://u:p@10.0.0.7:6543/db", False),
        ("postgres://u:p@10.0.0.7:6432/db?pgbouncer=true", True),
        ("postgres://u:p@10.0.0.7:6432/db?pgbouncer=false", False),
        ("postgres://u:p@10.0.0.7:6432/db?pgbouncer=1&connection_limit=1", True),
        ("postgres://postgres@%2Frun%2Fpostgresql:5432/db", False),
    ],
)
def test_a_pooler_is_recognised(url: str, pooled: bool) -> None:
    assert is_pooled(url) is pooled
    assert is_pooled(url, True) is True
    assert is_pooled(url, False) is False


@pytest.mark.parametrize(
    "url",
    [
        POOLED,
        DIRECT,
        "postgres://u:p@h:6543/db?pgbouncer=true&connection_limit=1&pool_timeout=20&schema=public",
        "postgres://u:p@aws-0-us-east-1.pooler.supabase.com:6543/postgres?sslmode=require&supa=base-pooler.x",
        "postgres://u:p@h/db?sslmode=verify-full&sslrootcert=system&application_name=dramatis&hostaddr=127.0.0.1",
        "postgres://u:p@ep-a-pooler.eu.aws.neon.tech/db?options=endpoint%3Dep-a&sslmode=require",
    ],
)
def test_what_is_pasted_is_what_libpq_takes(url: str) -> None:
    database, _ = read_address("DATABASE_URL", url, None)
    make_conninfo(**database["OPTIONS"])


def test_neons_address_keeps_all_that_it_says() -> None:
    served, direct, pooled = read_databases(POOLED, DIRECT, None, 10)
    assert pooled
    for database, host in ((served, NEON.format("-pooler")), (direct, NEON.format(""))):
        assert database is not None
        assert (database["HOST"], database["NAME"], database["USER"]) == (host, "dramatis", "alex")
        assert database["OPTIONS"].items() >= {"sslmode": "require", "channel_binding": "require"}.items()


def test_no_connection_keeps_anything_for_the_next_transaction() -> None:
    served, _, _ = read_databases(POOLED + "&prepare_threshold=5", "", None, 10)
    assert (served["CONN_MAX_AGE"], served["DISABLE_SERVER_SIDE_CURSORS"]) == (0, True)
    assert served["CONN_HEALTH_CHECKS"] is True
    assert "prepare_threshold" not in served["OPTIONS"]
    assert served["OPTIONS"]["pool"]["max_size"] == 10


def test_migrations_take_no_pool_and_the_operator_says_how_long_to_wait() -> None:
    served, direct, _ = read_databases(POOLED + "&connect_timeout=7", DIRECT, None, 10)
    assert direct is not None
    assert "pool" not in direct["OPTIONS"]
    assert served["OPTIONS"]["connect_timeout"] == 7


def test_one_address_serves_for_both() -> None:
    assert read_databases(DIRECT, "", None, 10)[1:] == (None, False)


REFUSED = [
    ("mysql://u:hunter2@h/db", "is not an address that starts with postgresql://"),
    ("hunter2", "is not an address that starts with postgresql://"),
    ("postgres://u:hunter2/x@h/db", "percent-encode"),
    ("postgres://u:hunter2?x=y@h/db", "percent-encode"),
    ("postgres://u:1?hunter2=y@h/db", "names no database"),
    ("postgres://[hunter2/db", "percent-encode"),
    ("postgres://u:hunter2@h", "names no database"),
    ("postgres://u:hunter2@h/db?sslmod=require", "do not know: sslmod."),
    ("postgres://u:hunter2@h/db?schema=other", "do not know: schema."),
    ("postgres://u:hunter2@h/db?sslmode=require&sslmode=disable", "more than one parameter sslmode."),
    ("postgres://u:hunter2@h/db?pgbouncer=true&options=-c%20statement_timeout%3D5s", "`options`"),
    ("postgres://u:hunter2@h/db?pgbouncer=true&options=--search_path%3Dx", "`options`"),
    ("postgres://u:hunter2@h/db?pgbouncer=true&currentSchema=x", "`currentSchema`"),
    ("postgres://u:hunter2@h/db?pgbouncer=true&assume_role=x", "`assume_role`"),
]


@pytest.mark.parametrize(("url", "reason"), REFUSED)
def test_what_cannot_work_is_refused_by_name_and_not_repeated(url: str, reason: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read_address("DATABASE_URL", url, None)
    assert str(refused.value).startswith("DATABASE_URL ")
    assert reason in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("query", ["options=-c%20statement_timeout%3D5s", "currentSchema=x", "assume_role=x"])
def test_a_session_that_lasts_may_be_set_up(query: str) -> None:
    read_address("DATABASE_URL", f"postgres://u:p@h/db?{query}", None)
    read_address("DATABASE_URL", f"{POOLED}&{query}", False)


@pytest.mark.parametrize("url", [POOLED, "postgres://u:p@h/db?pgbouncer=true"])
def test_the_direct_address_is_no_poolers(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_DIRECT_URL is the address of a pooler"):
        read_databases(POOLED, url, None, 10)


def test_libpq_is_as_strict_as_we_say() -> None:
    with pytest.raises(psycopg.ProgrammingError):
        make_conninfo(pgbouncer="true")
