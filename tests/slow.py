"""SLOW=1, as CI has it: whether there is time for all."""

import os

SLOW = os.environ.get("SLOW") == "1"


def examples(many: int) -> int:
    """How many of them hypothesis tries: all where there is time, and a third otherwise."""
    return many if SLOW else many // 3
