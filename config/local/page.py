"""The page in `web/`, built by Node where it is there: `python -m config.local.page` does it by itself.

Nothing else needs Node, so nothing else fails where a build does.
"""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from config.local.options import ROOT
from config.local.signals import held
from config.local.terminal import Refused, say

WEB = ROOT / "web"
NEEDED = (20, 19)
NODE = "install Node 20.19 or later, which brings npm"
PATIENCE_SECONDS = 600
# What is made here, and so is no source.
MADE = {"node_modules", "dist", "screenshots"}
GENERATED = Path("src/api/schema.d.ts")
NPM = ["npm", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
# Somebody waits at the terminal, maybe without a network.
INSTALL = [*NPM, "ci", "--ignore-scripts", "--include=dev", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]


class PageBuild:
    """A build beside the rest of a start. Whatever becomes of it, the start goes on."""

    def __init__(self, log: Path, web: Path = WEB) -> None:
        self.log, self.web = log, web
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self, say: Callable[[str], None] = say) -> None:
        if not has_sources(self.web) or is_built(self.web):
            return
        if trouble := trouble_with_node():
            kept = "it stays as it was built before" if has_page(self.web) else "the API is there without it"
            say(f"page: {trouble}; {kept}")
            return
        say("page: building; this takes a minute or so")
        with held(), open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.local.page", str(self.web)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, say: Callable[[str], None] = say, seconds: float = PATIENCE_SECONDS) -> None:
        if self.process is None:
            return
        try:
            failed = self.process.wait(seconds) != 0
        except subprocess.TimeoutExpired:
            failed = True
        self.stop()
        if failed:
            say(f"page: it could not be built (its log: {self.log}); the API is there without it")

    def stop(self) -> None:
        """At once: there is nothing to lose, and what is half done is done anew. Stopping twice is fine."""
        if self.process is not None and self.process.poll() is None:
            # With all that npm has started, which is in its session.
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None


def build(web: Path) -> None:
    """Nothing where it was built of these sources. One at a time: another waits for the first."""
    if trouble := trouble_with_node():
        raise Refused(f"The page cannot be built: {trouble}.")
    guard = os.open(web, os.O_RDONLY)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if is_built(web):
            return
        stamp(web).unlink(missing_ok=True)
        sources = sum_of_sources(web)
        install(web, guard)
        run([*NPM, "run", "build"], web, guard)
        if not has_page(web):
            raise Refused("The build made no page.")
        stamp(web).write_text(sources)
    finally:
        os.close(guard)


def install(web: Path, guard: int) -> None:
    """What package-lock.json pins; quick where that is done."""
    pinned = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    installed = web / "node_modules" / ".installed"
    if not installed.is_file() or installed.read_text() != pinned:
        run(INSTALL, web, guard)
        installed.parent.mkdir(exist_ok=True)
        installed.write_text(pinned)


def run(command: list[str], web: Path, guard: int) -> None:
    # They hold the guard, too: what goes on when this process is killed is waited for.
    if subprocess.run(command, cwd=web, stdin=subprocess.DEVNULL, pass_fds=[guard], check=False).returncode:
        raise Refused(f"The page could not be built: `{' '.join(command)}` failed.")


def trouble_with_node() -> str | None:
    if not (shutil.which("node") and shutil.which("npm")):
        return f"to have it, {NODE}"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    version = re.match(r"v(\d+)\.(\d+)\.", said)
    if version is None or tuple(map(int, version.groups())) < NEEDED:
        return f"Node here is {said or 'broken'}: {NODE}"
    return None


def has_sources(web: Path) -> bool:
    return (web / "package.json").is_file()


def has_page(web: Path) -> bool:
    return (web / "dist" / "index.html").is_file()


def is_built(web: Path) -> bool:
    return has_page(web) and stamp(web).is_file() and stamp(web).read_text() == sum_of_sources(web)


def stamp(web: Path) -> Path:
    """Tells what was built; each build takes it away first, so that an unfinished one has none."""
    return web / "dist" / ".built"


def sum_of_sources(web: Path) -> str:
    total = hashlib.sha256()
    for path in [*sources_in(web), web.parent / "openapi.yaml"]:
        content = path.read_bytes() if path.is_file() else b""
        total.update(f"{path.relative_to(web.parent)}\0{len(content)}\0".encode(errors="surrogateescape"))
        total.update(content)
    return total.hexdigest()


def sources_in(web: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(web):
        folders[:] = sorted(name for name in folders if name not in MADE)
        for name in sorted(files):
            path = Path(folder, name)
            if path.relative_to(web) != GENERATED:
                yield path


def main(arguments: list[str]) -> int:
    web = Path(arguments[0]) if arguments else WEB
    try:
        if not has_sources(web):
            raise Refused(f"There is no page in {web}.")
        build(web)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return refusal.status
    except KeyboardInterrupt:
        return 130
    say(f"page: built in {web / 'dist'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
