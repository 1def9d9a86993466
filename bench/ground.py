"""What measurements stand on: a PostgreSQL of their own, and the application set up for it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.local.postgres import EmbeddedPostgres


@contextmanager
def application(**environ: str) -> Iterator[None]:
    """Django on an empty, migrated database, which is gone afterwards; no model stands behind it."""
    home = Path(tempfile.mkdtemp(prefix="dramatis-bench-"))
    home.chmod(0o711)
    postgres = EmbeddedPostgres(home)
    try:
        os.environ |= {
            "DATABASE_URL": postgres.start(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "a key for measurements alone, long enough for one",
            "ALLOWED_HOSTS": "testserver",
            "HTTPS": "off",
            "LOG_LEVEL": "ERROR",
            "AI_BASE_URL": "http://127.0.0.1:9/v1",
            "AI_MODEL": "none",
            **environ,
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield
    finally:
        postgres.remove()
