"""Django's side of a start: the schema brought up to date, the demo. Importing Django is this module's cost."""

import io
from collections.abc import Callable

import django
import environs
import psycopg
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from config.local.terminal import Refused


def load_django() -> None:
    try:
        django.setup()
    except (ImproperlyConfigured, environs.EnvError) as error:
        raise Refused(f"The settings are wrong: {error}", status=2) from None


def bring_up_to_date(say: Callable[[str], None]) -> None:
    try:
        # Once without the pool, which would try for long and complain meanwhile.
        params = {name: value for name, value in connection.get_connection_params().items() if name != "pool"}
        psycopg.connect(**params).close()
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        # Also where nothing is left to apply: an interrupted run may lack what follows the last migration.
        call_command("migrate", interactive=False, verbosity=0)
    except (OperationalError, psycopg.OperationalError) as error:
        raise Refused(f"The database does not answer: {str(error).splitlines()[0]}") from None
    except CommandError as error:
        raise Refused(str(error)) from None
    say(f"database: {len(plan)} migrations applied" if plan else "database: up to date")


def look_for_redis(say: Callable[[str], None]) -> None:
    """It may come later, so its being away is no refusal. What it says is not repeated: the address may be in it."""
    if not settings.REDIS_URL:
        return
    try:
        cache.get("anything")
    except RedisError as error:
        say(f"redis: it does not answer ({type(error).__name__}); until it does, each process is on its own")
    else:
        say("redis: it answers")


def open_demo() -> None:
    call_command("demo", stdout=io.StringIO())


def close_demo() -> bool:
    """Let nobody sign in with the published password. Whether somebody could."""
    said = io.StringIO()
    call_command("demo", "--close", stdout=said)
    return bool(said.getvalue())


def let_go() -> None:
    """Close every connection of this process, those in a pool too."""
    for each in connections.all(initialized_only=True):
        each.close()
        if hasattr(each, "close_pool"):
            each.close_pool()
