"""What assembling a prompt costs as a conversation grows, for a model with a window of 4,096 tokens.

    make bench        # or: .venv/bin/python -m bench.prompts [--rounds 60]

Starts a PostgreSQL of its own. Conversations of 50, 500 and 5,000 messages of about 60 words, the longer ones with a
summary, a character with a book of 100 entries; each is asked for its prompt by turns, from the rows to the messages.
Checked on the way: every prompt fits, and begins with the system prompt, and ends with the newest turns.
"""

import argparse
import statistics
import time
from typing import Any

from bench.ground import WORDS, application, branch

BAR_MS = 15.0
WINDOW = 4096
LENGTHS = (50, 500, 5_000)
ENTRIES = 100


def main(rounds: int) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from apps.accounts.models import User
    from apps.characters.models import Character
    from apps.chat.assembly import Assembled, assemble
    from apps.chat.past import Moment
    from apps.conversations import turns
    from apps.conversations.models import Conversation, Summary

    user = User.objects.create_user("ada@example.com", "analytical engine")
    keys = ["clock", "stairs", "lamp", "harbour", "fog"]
    entries: list[dict[str, Any]] = [
        {
            "keys": [f"{keys[n % 5]}{n // 5 or ''}"],
            "content": f"Fact {n}. {WORDS}",
            "insertion_order": n,
            "enabled": True,
        }
        for n in range(ENTRIES)
    ]
    character = Character.objects.create(
        user=user,
        name="Ada",
        description="{{char}} repairs clocks. " * 20,
        example_dialogue="<START>\n{{user}}: Hm?\n{{char}}: Hm.\n" * 10,
        lorebook={"scan_depth": 10, "recursive_scanning": True, "entries": entries},
    )

    def conversation(length: int) -> Conversation:
        made = turns.begin(user, character)
        messages = branch(made, length)
        if length > LENGTHS[0]:
            covered = messages[-30]
            Summary.objects.create(conversation=made, message=covered, depth=covered.depth, text=WORDS * 5, model="m")
        return made

    def prompt(of: Conversation) -> Assembled:
        rows = Conversation.objects.select_related("user", "character", "active_leaf").get(pk=of.pk)
        assert rows.character is not None
        return assemble(rows, rows.character, Moment(rows, rows.active_leaf, "And what of the clock?"))

    conversations = {length: conversation(length) for length in LENGTHS}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    took: dict[int, list[float]] = {length: [] for length in LENGTHS}
    counts = {}
    for length, each in conversations.items():
        prompt(each)
        with CaptureQueriesContext(connection) as queries:
            assembled = prompt(each)
        counts[length] = len(queries)
        messages = assembled.request.messages
        assert assembled.built.tokens <= assembled.budget < WINDOW
        assert messages[0]["content"].startswith("Write Ada's next reply")
        assert [said["content"][:8] for said in messages[-2:]] == [f"{length - 1}. The clock"[:8], "And what"]
        assert assembled.built.lore
    for _ in range(rounds):
        for length, each in conversations.items():
            began = time.perf_counter()
            prompt(each)
            took[length].append((time.perf_counter() - began) * 1000)
    print(f"{'messages':>10}{'median':>12}{'nine of ten':>14}{'statements':>13}")
    for length, times in took.items():
        ninth = statistics.quantiles(times, n=10)[-1]
        print(f"{length:>10,}{statistics.median(times):>10.2f}ms{ninth:>12.2f}ms{counts[length]:>13}", flush=True)
    worst = max(statistics.median(times) for times in took.values())
    print(f"the longest median {worst:.2f}ms, the bar is {BAR_MS:.0f}ms")
    return int(worst > BAR_MS or len(set(counts.values())) > 1)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=60)
    with application(AI_CONTEXT_TOKENS=str(WINDOW)):
        raise SystemExit(main(arguments.parse_args().rounds))
