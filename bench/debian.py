"""What stands around the servers in production, from Debian's packages: nginx, PgBouncer and Redis, on free ports."""

import os
import shutil
from collections.abc import Sequence
from typing import Self

import requests

from tests.processes import ServerProcess
from tests.programs import Program

PACKAGES = {"nginx": "nginx-light", "pgbouncer": "pgbouncer", "redis-server": "redis-server"}


def programs() -> dict[str, str]:
    """Where they are; ends with a sentence where some are missing."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = {name: shutil.which(name, path=path) for name in PACKAGES}
    if missing := [PACKAGES[name] for name, where in found.items() if where is None]:
        raise SystemExit(f"Not installed: {', '.join(missing)}. Try: apt-get install {' '.join(missing)}")
    return {name: where for name, where in found.items() if where}


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
