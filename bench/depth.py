"""What a conversation costs as it grows: the newest page, a page far down, one more turn, a switch of branch.

    make bench        # or: .venv/bin/python -m bench.depth [--rounds 40]

Starts a PostgreSQL of its own. Two conversations, of 10 and of 10,000 messages a branch, are asked the same by turns;
the table shows medians, their ratio, and the number of statements. Pages and the switch go through the whole
application, the turn through all of its rows (begin, one checkpoint, end) with the prompt built and no model behind.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from bench.ground import application, branch

BAR = 1.5
SHORT, LONG = 10, 10_000
PAGE = 5


def main(rounds: int) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from rest_framework.test import APIClient

    from apps.accounts import tokens
    from apps.accounts.models import User
    from apps.characters.models import Character
    from apps.chat import asking, checkpoints, generations
    from apps.conversations import turns
    from apps.conversations.models import MessageStatus

    user = User.objects.create_user("ada@example.com", "analytical engine")
    character = Character.objects.create(user=user, name="Ada", description="Repairs clocks.")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.sign_in(user)['access']}")

    def paths(length: int) -> dict[str, Callable[[], Any]]:
        conversation = turns.begin(user, character)
        heads = [branch(conversation, length)[0] for _ in range(2)]
        address = f"/api/conversations/{conversation.pk}/"

        def get(path: str) -> Any:
            response = client.get(path)
            assert response.status_code == 200, response.content
            return response.json()

        def deep() -> str:
            """The link to the page that begins where nine tenths of the conversation are newer."""
            page = get(
                f"{address}messages/?page_size={PAGE}" if length == SHORT else f"{address}messages/?page_size=100"
            )
            for _ in range(length * 9 // 10 // 100 - 1):
                page = get(page["next"])
            link: str = page["next"]
            return link.replace("page_size=100", f"page_size={PAGE}")

        far_down = deep()

        def turn() -> None:
            job = asking.say(user, conversation.pk, None, {"content": "And then?"})
            assert isinstance(job, asking.Job)
            checkpoints.save({job.message: (job, generations.Written("Then"))})
            generations.end(job, generations.Written("Then it rang.", status=MessageStatus.COMPLETE))

        def switch() -> None:
            heads.reverse()
            response = client.patch(address, {"active_leaf": str(heads[0].pk)}, format="json")
            assert response.status_code == 200, response.content

        return {
            "newest page": lambda: get(f"{address}messages/?page_size={PAGE}"),
            "page at nine tenths": lambda: get(far_down),
            "one more turn": turn,
            "switch of branch": switch,
        }

    print(f"making conversations of {SHORT} and {LONG:,} messages a branch", flush=True)
    short, long = paths(SHORT), paths(LONG)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    worst = 0.0
    print(f"{'':22}{'at 10':>10}{'at 10,000':>12}{'ratio':>8}{'statements':>13}")
    for name in short:
        took: dict[str, list[float]] = {"short": [], "long": []}
        counts = []
        for work in (short[name], long[name]):
            work()
            with CaptureQueriesContext(connection) as queries:
                work()
            counts.append(len(queries))
        for _ in range(rounds):
            for which, work in (("short", short[name]), ("long", long[name])):
                began = time.perf_counter()
                work()
                took[which].append(time.perf_counter() - began)
        small, large = (statistics.median(took[which]) * 1000 for which in ("short", "long"))
        worst = max(worst, large / small)
        statements = f"{counts[0]}" if counts[0] == counts[1] else f"{counts[0]} / {counts[1]}"
        print(f"{name:22}{small:>8.2f}ms{large:>10.2f}ms{large / small:>8.2f}{statements:>13}", flush=True)
    print(f"worst ratio {worst:.2f}, the bar is {BAR}")
    return int(worst > BAR)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=40)
    with application():
        raise SystemExit(main(arguments.parse_args().rounds))
