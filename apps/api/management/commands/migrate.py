"""Django's own `migrate`, past a pooler where DATABASE_DIRECT_URL says how."""

from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.commands import migrate

from apps.api.direct import directly, is_the_served_one

ANOTHER = (
    "DATABASE_DIRECT_URL leads to another database than DATABASE_URL. Nothing was migrated: correct one of them, or "
    "unset DATABASE_DIRECT_URL."
)
SILENT = "DATABASE_URL does not answer: whether DATABASE_DIRECT_URL leads to the same database is not known."
POOLED = "Migrating through the pooler that DATABASE_URL leads to: DATABASE_DIRECT_URL is unset."


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> str | None:
        with directly():
            if settings.DIRECT_DATABASE:
                same = is_the_served_one()
                if same is False:
                    raise CommandError(ANOTHER)
                if same is None:
                    self.stderr.write(SILENT)
            elif settings.DATABASE_IS_POOLED and options["verbosity"] > 0:
                self.stderr.write(POOLED)
            return super().execute(*args, **options)
