"""What firing a lorebook costs: 500 entries against 50 messages of about 300 characters.

    make bench        # or: .venv/bin/python -m bench.lore [--rounds 30]

The books are mixed: plain keys, whole words, patterns, secondary keys; some fire, some of those set off others. They
are read from their JSON each time, as each turn does. The last case, in which nearly every entry sets off others, has
no bar. No database, no settings.
"""

import argparse
import random
import statistics
import time
from typing import Any

from apps.characters.macros import Macros
from apps.chat import lorebook
from apps.chat.lorebook import Scene

BAR_MS = 20.0


def book(entries: int, draw: random.Random, words: list[str], *, depth: int, chained: int = 1) -> dict[str, Any]:
    def entry(number: int) -> dict[str, Any]:
        keys = draw.sample(words, 3)
        kind = number % 5
        if kind == 1:
            keys = [f"/\\b{keys[0]}(s|ing)?\\b/i"]
        return {
            "id": number,
            "keys": keys,
            "secondary_keys": draw.sample(words, 2),
            "selective": kind == 2,
            "content": " ".join([*draw.sample(words, chained), *(word[::-1].upper() for word in words[:30])]),
            "insertion_order": draw.randrange(200),
            "enabled": True,
            "extensions": {"match_whole_words": kind == 3, "selectiveLogic": number % 4, "probability": 100},
        }

    made = [entry(number) for number in range(entries)]
    return {"scan_depth": depth, "recursive_scanning": True, "token_budget": 1000, "entries": made}


def main(rounds: int) -> int:
    draw = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(draw.choices(letters, k=draw.randint(4, 9))) for _ in range(60_000)]
    texts = [("user", " ".join(draw.sample(words, 45))) for _ in range(50)]
    scene = Scene(texts, 50, seed="s")
    macros = Macros("Ada", "Robin")
    cases = {
        "500 entries, 50 messages": book(500, draw, words, depth=50),
        "500 entries, 2 messages": book(500, draw, words, depth=2),
        "20 entries, 4 messages": book(20, draw, words, depth=4),
        "500 entries in a chain": book(500, draw, words, depth=50, chained=30),
    }
    worst = 0.0
    for name, written in cases.items():
        took, reading = [], []
        for _ in range(rounds):
            began = time.perf_counter()
            read = lorebook.read(written)
            then = time.perf_counter()
            fired = lorebook.fire(read, scene, budget=1000, tokens=lambda text: len(text) // 4, macros=macros)
            took.append((time.perf_counter() - began) * 1000)
            reading.append((then - began) * 1000)
        median = statistics.median(took)
        if "chain" not in name:
            worst = max(worst, median)
        count = len(fired.lore) + len(fired.dropped)
        print(f"{name:26}{median:8.2f}ms, of it read {statistics.median(reading):.2f}ms; {count} set off", flush=True)
    print(f"the longest {worst:.2f}ms, the bar is {BAR_MS:.0f}ms")
    return int(worst > BAR_MS)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=30)
    raise SystemExit(main(arguments.parse_args().rounds))
