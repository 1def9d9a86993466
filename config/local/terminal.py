"""What a start says to the person who typed it: progress on stdout, and refusals in one sentence."""

import os
import sys


class Refused(Exception):
    """A start cannot go on. The text is one sentence for the operator; `status` is the exit code."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


def say(line: str = "") -> None:
    try:
        print(line, flush=True)
    except OSError:
        # The terminal or the pipe has gone. What was started must still be stopped, so this is no reason to fail.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


class Terminal:
    """The terminal that this process runs in the foreground of, if any.

    Its closing is a signal to the session's first process alone, and `make` as such (`ssh -t host make run`) does not
    pass it on.
    """

    def __init__(self) -> None:
        self.is_ours = False
        self.has_closed()

    def has_closed(self) -> bool:
        """Ask now and then: a process that was put in the background meanwhile is left alone."""
        try:
            self.is_ours = os.tcgetpgrp(0) == os.getpgrp()
        except OSError:
            was_ours, self.is_ours = self.is_ours, False
            return was_ours
        return False
