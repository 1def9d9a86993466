"""What would be done again for every test, done once or only as far as it is needed.

Nothing that is tested changes by it: the same files are served, and the same rows are gone.
"""

import gc
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase
from whitenoise.middleware import WhiteNoiseMiddleware

# What a migration writes, and no test changes.
KEPT = {"django_content_type", "auth_permission"}


def find_files_once() -> None:
    """Every test client makes a chain of middleware, and each would look at every static file there is."""
    find = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[Path, dict[str, Any]] = {}

    def add_files(self: WhiteNoiseMiddleware) -> None:
        if settings.WEB_DIST not in found:
            find(self)
            found[settings.WEB_DIST] = dict(self.files)
        self.files.update(found[settings.WEB_DIST])

    WhiteNoiseMiddleware.add_files_from_finders = add_files


def empty_by_deleting() -> None:
    """After a test that commits. TRUNCATE, which Django says, makes new files for every table and every index: for the
    few rows of a test that costs many times what deleting them does. Like it, this waits for whoever still writes."""
    truncate = TransactionTestCase._fixture_teardown

    def empty(self: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('is_superuser')")
            if cursor.fetchone() != ("on",):
                truncate(self)
                return
        tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} - KEPT)
        deletes = "; ".join(f"DELETE FROM {table}" for table in tables)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
            # All go: no foreign key need be looked at, row by row, and no trigger remember what is gone.
            cursor.execute(f"SET LOCAL session_replication_role = replica; {deletes}")

    TransactionTestCase._fixture_teardown = empty


def collect_less_garbage() -> None:
    """What was imported stays to the end: it need not be looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
