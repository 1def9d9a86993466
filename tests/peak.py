"""`python -m tests.peak …`: `manage.py …`, and at the end of its output the most memory that it had, in kilobytes."""

import os
import resource
import sys
from pathlib import Path

from django.core.management import execute_from_command_line


def peak() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        # Linux hands the other figure on from the process that started this one.
        return int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(["manage.py", *sys.argv[1:]])
    print("peak", peak())
