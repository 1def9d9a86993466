"""PgBouncer, from the package of that name, in transaction mode before the embedded PostgreSQL."""

import os
import secrets
import shutil
from typing import Any, Self

import psycopg

from config.local.postgres import EmbeddedPostgres
from tests import certificates
from tests.programs import Program

# Found at `hostaddr`; the name is one that is taken for a pooler's by itself.
HOST = "ep-tests-pooler.local.aws.neon.tech"


def find() -> str | None:
    return shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))


class PgBouncer(Program):
    """With so many connections of its own to each database, whatever is asked of it. Reached by TLS alone and with a
    password, as a provider's is. Transactions take the connections in turn: a client's hardly ever get the same one."""

    def __init__(self, program: str, postgres: EmbeddedPostgres, connections: int) -> None:
        assert postgres.placement is not None
        assert postgres.sockets is not None
        # It refuses to run as root, and only the database's own user may enter the folder of its socket.
        super().__init__("pgbouncer", postgres.placement.account)
        self.program = program
        self.password = secrets.token_urlsafe(20)
        self.url = self.url_of(postgres.database)
        certificates.contexts(HOST, self.home)
        certificate = self.write("certificate", (self.home / "server.pem").read_text())
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": self.write("users", f'"postgres" "{self.password}"\n'),
            "admin_users": "postgres",
            "client_tls_sslmode": "require",
            "client_tls_key_file": certificate,
            "client_tls_cert_file": certificate,
            "pool_mode": "transaction",
            "min_pool_size": min(connections, 5),
            "default_pool_size": connections,
            "server_round_robin": 1,
            "max_client_conn": 200,
        }
        lines = [f"{name} = {value}" for name, value in settings.items()]
        target = f"* = host={postgres.sockets.path} port=5432 user=postgres"
        self.settings = self.write("settings", "\n".join(["[databases]", target, "[pgbouncer]", *lines, ""]))

    def url_of(self, database: str) -> str:
        return f"postgresql://postgres:{self.password}@{HOST}:{self.port}/{database}?sslmode=require&hostaddr=127.0.0.1"

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
        """How many it has to its busiest database, and the mode of that pool."""
        with psycopg.connect(self.url_of("pgbouncer"), autocommit=True) as console:
            cursor = psycopg.ClientCursor(console, row_factory=psycopg.rows.dict_row)
            pools: list[dict[str, Any]] = cursor.execute("SHOW POOLS").fetchall()
        counts = {
            sum(pool[name] for name in ("sv_active", "sv_idle", "sv_used", "sv_tested")): pool["pool_mode"]
            for pool in pools
            if pool["database"] != "pgbouncer"
        }
        return max(counts.items())
