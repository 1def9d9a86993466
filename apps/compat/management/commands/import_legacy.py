"""Characters, conversations and messages of an older application. See docs/import-legacy.md."""

import sqlite3
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.accounts.models import User
from apps.compat.legacy_data import tables
from apps.compat.legacy_data.databases import NothingKnown, PostgreSQL, SQLite, SqlTables
from apps.compat.legacy_data.files import JsonFile
from apps.compat.legacy_data.names import FIELDS, TABLES, Names
from apps.compat.legacy_data.reading import Reader
from apps.compat.legacy_data.report import Report
from apps.compat.legacy_data.shapes import Bad, Chunk
from apps.compat.legacy_data.writing import Writer

POSTGRESQL = ("postgres://", "postgresql://")
SQLITE = b"SQLite format 3\0"


class Command(BaseCommand):
    help = "Reads what an older chat application kept: a JSON, JSONL or SQLite file, or a PostgreSQL database."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("origin", metavar="FILE-OR-URL")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="whose everything becomes")
        parser.add_argument("--dry-run", action="store_true", help="write nothing, and say what would happen")
        parser.add_argument(
            "--source",
            metavar="NAME",
            help="what this origin is called, by which a further run knows it (default: the name of the file or"
            " database)",
        )
        parser.add_argument(
            "--character",
            metavar="NAME",
            default="Assistant",
            help="who conversations are with that name nobody (default: %(default)s)",
        )
        parser.add_argument(
            "--table", action="append", default=[], metavar="KIND=NAME", help=f"KIND: {', '.join(TABLES)}; repeatable"
        )
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="KIND.FIELD=NAME",
            help="; ".join(f"{kind}: {', '.join(fields)}" for kind, fields in FIELDS.items()) + "; repeatable",
        )

    def handle(self, *args: Any, origin: str, user: str, dry_run: bool, **options: Any) -> None:
        owner = _account(user)
        if owner is None:
            raise CommandError(f"There is no account {user}.")
        names = Names(_assigned(options["table"], set(TABLES)), _assigned(options["column"], _fields()))
        report = Report(self.stderr.write, bar=sys.stderr)

        @lru_cache(maxsize=10_000)
        def account(email: str) -> User | None:
            return _account(email)

        def whose(value: Any) -> User:
            if value is None:
                return owner
            found = account(value) if isinstance(value, str) else None
            if found is None:
                raise Bad(f"there is no account {str(value)[:100]}")
            return found

        now = timezone.now()
        name = options["source"] or _name_of(origin)
        reader = Reader(name, names, report, whose, now, options["character"].strip()[:200] or "Assistant")
        try:
            Writer(report, now, dry=dry_run).write(_read(origin, reader))
        except KeyboardInterrupt:
            raise CommandError("Interrupted. What was written is whole; run it again to go on.") from None
        finally:
            report.end()
        self._sum_up(report, dry_run)

    def _sum_up(self, report: Report, dry_run: bool) -> None:
        counts = report.counts
        self.stdout.write("Nothing was written. A run would add:" if dry_run else "Added:")
        for kind in ("characters", "conversations", "messages"):
            self.stdout.write(f"  {counts[kind]:,} {kind} ({counts[f'{kind} there already']:,} there already)")
        if counts["mended"]:
            self.stdout.write(f"Mended: {counts['mended']:,}.")
        if counts["left out"]:
            raise CommandError(f"Left out: {counts['left out']:,}; each is named above.")


def _read(origin: str, reader: Reader) -> Iterable[Chunk]:
    """Raises CommandError where there is nothing to be read."""
    if origin.startswith(POSTGRESQL):
        try:
            database: PostgreSQL | SQLite = PostgreSQL(origin)
        except (psycopg.Error, ValueError) as error:
            # What psycopg says of a URL may quote its password.
            raise CommandError(f"The database cannot be reached ({type(error).__name__}).") from None
    else:
        path = Path(origin)
        try:
            with path.open("rb") as file:
                begins = file.read(len(SQLITE))
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from None
        if begins != SQLITE:
            yield from JsonFile(path, reader).chunks()
            return
        try:
            database = SQLite(path)
        except sqlite3.Error as error:
            raise CommandError(f"The file cannot be read: {error}.") from None
    try:
        found = SqlTables(database, reader.names)
        reader.report.how_far = found.how_far
        yield from tables.chunks(found, reader)
    except NothingKnown as error:
        raise CommandError(f"{error} Name yours by --table and --column.") from None
    except (sqlite3.Error, psycopg.Error) as error:
        raise CommandError(f"Reading failed: {error}. What was written is whole; run it again to go on.") from None
    finally:
        database.close()


def _name_of(origin: str) -> str:
    """Without where it is: a dump is moved, a database has several addresses."""
    if origin.startswith(POSTGRESQL):
        return urlsplit(origin).path.strip("/") or "postgresql"
    return Path(origin).name


def _account(email: str) -> User | None:
    return User.objects.filter(email=email.strip().lower()).first()


def _fields() -> set[str]:
    return {f"{kind}.{field}" for kind, fields in FIELDS.items() for field in fields}


def _assigned(arguments: list[str], known: set[str]) -> dict[str, str]:
    found = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name not in known or not equals or not value:
            raise CommandError(f"{argument} is not understood; before = stands one of {', '.join(sorted(known))}.")
        found[name] = value
    return found
