"""The application as one of several workers serves it: `config.asgi`, in a process that ends with its launcher."""

import fcntl
import os
import signal
import threading
import time

from config.asgi import application

__all__ = ["LAUNCHER_VARIABLE", "LOCK_VARIABLE", "application"]

LAUNCHER_VARIABLE = "DRAMATIS_LAUNCHER"
LOCK_VARIABLE = "DRAMATIS_WORKERS_LOCK"
DRAIN_SECONDS = 12.0


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(DRAIN_SECONDS)
    os._exit(1)


# Shared by all workers and never let go: free when the last one has gone.
fcntl.flock(os.open(os.environ[LOCK_VARIABLE], os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_SH)
threading.Thread(target=end_with, args=(int(os.environ[LAUNCHER_VARIABLE]),), daemon=True).start()
