"""Everything that is measured, one part after another, as `docs/performance.md` has it.

    make bench        # or: .venv-bench/bin/python -m bench [PART …]

Each part can be run by itself, as `python -m bench.PART`, and says what its options are with --help. The exit status is
1 where a part missed a bar. Takes about forty minutes on two cores; nothing else should be going on meanwhile.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PARTS = {
    "reads": "Reading, and adding a message",
    "searching": "Searching",
    "streams": "Streaming",
    "growth": "As a conversation grows",
    "depth": "Far down in a conversation",
    "prompts": "Making a prompt",
    "lore": "A lorebook",
}
NAMED = ("django", "djangorestframework", "psycopg", "uvicorn", "fastapi", "sqlalchemy", "asyncpg", "aiohttp", "openai")


def main(names: list[str]) -> int:
    if unknown := sorted(set(names) - PARTS.keys()):
        raise SystemExit(f"No such part: {', '.join(unknown)}. There are: {', '.join(PARTS)}")
    say(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    say(", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in NAMED)]))
    # What takes long to make is made once.
    made = Path(tempfile.mkdtemp(prefix="dramatis-bench-data-"))
    os.environ.setdefault("BENCH_DATA", str(made / "data"))
    made.chmod(0o711)
    missed = []
    try:
        for name in names or PARTS:
            say(f"\n## {PARTS[name]}\n\n`python -m bench.{name}`\n")
            if subprocess.run([sys.executable, "-m", f"bench.{name}"]).returncode:
                missed.append(name)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    say(f"\nBars were missed, or something failed, in: {', '.join(missed)}." if missed else "\nEvery bar is met.")
    return int(bool(missed))


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
