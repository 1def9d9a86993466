"""`python -m config.local.worker SOCKET PIPE SECONDS`: one of several processes that serve the launcher's socket.

SOCKET and PIPE are descriptors that the launcher gave. Nothing is ever written to the pipe: it ends when the launcher
does, however that came about, and then this process has SECONDS to drain.
"""

import os
import signal
import socket
import sys
import threading
import time

from config.local.signals import stops_call


def end_with(launcher: int, seconds: float) -> None:
    os.read(launcher, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(seconds)
    os._exit(1)


def serve(bound: socket.socket) -> bool:
    """Until a stop signal comes; whether it ever served."""
    from config.local import serving

    server = serving.make_server()
    stops_call(server.handle_exit)
    server.run(sockets=[bound])
    return server.started


if __name__ == "__main__":
    # Until it serves, it has nothing to drain.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    descriptor, pipe, longest = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    threading.Thread(target=end_with, args=(pipe, longest), daemon=True).start()
    status = 0 if serve(socket.socket(fileno=descriptor)) else 1
    sys.stderr.flush()
    os._exit(status)  # as the launcher does: no thread may hold this up
