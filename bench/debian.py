"""What stands around the servers in production, from Debian's packages: nginx, PgBouncer and Redis, on free ports."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import psycopg
import requests

from config.local.children import Account
from config.local.postgres import EmbeddedPostgres
from tests.processes import ServerProcess, free_port

PACKAGES = {"nginx": "nginx-light", "pgbouncer": "pgbouncer", "redis-server": "redis-server"}


def programs() -> dict[str, str]:
    """Where they are; ends with a sentence where some are missing."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = {name: shutil.which(name, path=path) for name in PACKAGES}
    if missing := [PACKAGES[name] for name, where in found.items() if where is None]:
        raise SystemExit(f"Not installed: {', '.join(missing)}. Try: apt-get install {' '.join(missing)}")
    return {name: where for name, where in found.items() if where}


class Program(ABC):
    """One process with a folder of its own; started by `with`, gone after it."""

    def __init__(self, name: str, account: Account | None = None) -> None:
        self.account = account
        self.home = Path(tempfile.mkdtemp(prefix=f"dramatis-{name}-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, name: str, text: str) -> Path:
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        if self.account:
            for each in (self.home, path):
                os.chown(each, self.account.uid, self.account.gid)
        return path

    def run(self, command: Sequence[str]) -> None:
        with (self.home / "output").open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            )
        deadline = time.monotonic() + 20
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[0]} did not start:\n{(self.home / 'output').read_text()}")
            time.sleep(0.05)

    @abstractmethod
    def answers(self) -> bool:
        """Whether it can be used."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
        shutil.rmtree(self.home)


class PgBouncer(Program):
    """In transaction mode, with few connections of its own to the database, whatever is asked of it."""

    CONNECTIONS = 5

    def __init__(self, program: str, postgres: EmbeddedPostgres) -> None:
        assert postgres.placement is not None
        assert postgres.sockets is not None
        # It refuses to run as root, and only the database's own user may enter the folder of its socket.
        super().__init__("pgbouncer", postgres.placement.account)
        self.program = program
        password = secrets.token_urlsafe(20)
        self.address = f"postgres://postgres:{password}@127.0.0.1:{self.port}"
        self.url = f"{self.address}/{postgres.database}"
        users = self.write("users", f'"postgres" "{password}"\n')
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "plain",
            "auth_file": users,
            "admin_users": "postgres",
            "pool_mode": "transaction",
            "default_pool_size": self.CONNECTIONS,
            "max_client_conn": 200,
        }
        lines = [f"{name} = {value}" for name, value in settings.items()]
        target = f"{postgres.database} = host={postgres.sockets.path} port=5432 user=postgres"
        self.settings = self.write("settings", "\n".join(["[databases]", target, "[pgbouncer]", *lines, ""]))

    def start(self) -> Self:
        self.run([self.program, str(self.settings)])
        return self

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def connections(self) -> tuple[int, str]:
        """How many it has to the database, and the mode of their pool."""
        with psycopg.connect(f"{self.address}/pgbouncer", autocommit=True) as console:
            cursor = psycopg.ClientCursor(console, row_factory=psycopg.rows.dict_row)
            pools: list[dict[str, Any]] = cursor.execute("SHOW POOLS").fetchall()
        pool = next(each for each in pools if each["database"] != "pgbouncer")
        return sum(pool[name] for name in ("sv_active", "sv_idle", "sv_used", "sv_tested")), pool["pool_mode"]


class Nginx(Program):
    """Round robin, without buffering, so that streams pass as they come."""

    def __init__(self, program: str, servers: Sequence[ServerProcess]) -> None:
        super().__init__("nginx")
        self.home.chmod(0o711)
        self.program = program
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.home / "upstreams"
        upstreams = "\n".join(f"    server 127.0.0.1:{each.port} max_fails=1 fail_timeout=1s;" for each in servers)
        folders = "\n".join(
            f"  {kind}_temp_path {self.home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self.settings = self.write(
            "settings",
            f"""daemon off;
pid {self.home}/pid;
error_log {self.home}/errors;
events {{ worker_connections 512; }}
http {{
  log_format upstream "$upstream_addr $status";
  access_log {self.log} upstream;
{folders}
  upstream dramatis {{
{upstreams}
    keepalive 16;
  }}
  server {{
    listen 127.0.0.1:{self.port};
    client_max_body_size 50m;
    location / {{
      proxy_pass http://dramatis;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_buffering off;
      proxy_read_timeout 11m;
    }}
  }}
}}
""",
        )

    def start(self) -> Self:
        self.run([self.program, "-e", f"{self.home}/errors", "-c", str(self.settings)])
        return self

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).ok
        except requests.ConnectionError:
            return False

    def served(self) -> dict[str, int]:
        """Requests by the port of the server that answered."""
        counts: dict[str, int] = {}
        for line in self.log.read_text().splitlines():
            port = line.split()[0].rpartition(":")[2]
            counts[port] = counts.get(port, 0) + 1
        return counts
