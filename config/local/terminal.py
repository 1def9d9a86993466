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
