"""What Django's settings read, filled in where the operator left it open."""

import os
import secrets
import shlex
from pathlib import Path

from config.local.options import Options


def fill_in(options: Options, *, database_url: str | None, model: tuple[str, str, str, int] | None) -> None:
    """Write to `os.environ`. `model` is base URL, API key, name and context in tokens."""
    # What is empty counts as unset here, and should for the settings too.
    for name in [name for name, value in os.environ.items() if not value.strip()]:
        del os.environ[name]
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["DATA_DIR"] = str(options.data_dir)
    os.environ["DEMO"] = "on" if options.makes_demo else "off"
    os.environ.setdefault("ALLOWED_HOSTS", ",".join(allowed_hosts(options.host)))
    os.environ.setdefault("HTTPS", "off")
    os.environ.setdefault("DRAIN_SECONDS", "2")  # Somebody waits at the terminal.
    if "SECRET_KEY" not in os.environ:
        os.environ["SECRET_KEY"] = kept_secret(options.data_dir / "secret-key")
    if database_url:
        os.environ["DATABASE_URL"] = database_url
    if model:
        os.environ["AI_BASE_URL"], os.environ["AI_API_KEY"], os.environ["AI_MODEL"], context_tokens = model
        os.environ.setdefault("AI_CONTEXT_TOKENS", str(context_tokens))
    keep_for_commands(options.data_dir / "environment")


def keep_for_commands(path: Path) -> None:
    """For `manage.py` beside a running server: a file for a shell to read. It holds the key, so nobody else may."""
    names = ["SECRET_KEY", "DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_POOLED", "REDIS_URL"]
    names += ["ALLOWED_HOSTS", "HTTPS", "AI_BASE_URL", "AI_API_KEY", "AI_MODEL"]
    lines = [f"export {name}={shlex.quote(os.environ[name])}\n" for name in names if name in os.environ]
    path.unlink(missing_ok=True)
    with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.writelines(lines)


def allowed_hosts(host: str) -> list[str]:
    """The names of this machine to itself, and the address that is listened on unless that is every address."""
    hosts = ["localhost", "127.0.0.1", "[::1]"]
    named = f"[{host}]" if ":" in host else host
    return hosts if named in {*hosts, "0.0.0.0", "[::]"} else [*hosts, named]


def kept_secret(path: Path) -> str:
    """Made once: what it signed stays valid over a restart."""
    if not path.exists():
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        with open(unfinished, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    return path.read_text().strip()
