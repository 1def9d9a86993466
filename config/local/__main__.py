import os
import sys

from config.local.signals import held, interrupt, stops_call


def main() -> int:
    """The exit status: 0 after a stop that was asked for while serving, 130 after one during the start."""
    try:
        stops_call(interrupt)
        # Importing takes long enough for a Ctrl-C.
        with held():
            from config.local import launcher

        return launcher.launch()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # At once: everything is stopped, no thread may hold this up, and Python remembers an interrupt in an `exec` of some
    # library for long enough to end with another status.
    os._exit(status)
