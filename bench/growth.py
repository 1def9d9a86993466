"""What a turn and the newest page cost at 10, 1,000, 10,000 and 100,000 messages, in time, WAL and disk, beside the
design that keeps a conversation's history in one JSON field.

    make bench        # or: .venv-bench/bin/python -m bench.growth [--rounds 40]

Starts a PostgreSQL of its own, as it is set by default (its data checksums are on, what is committed is on the disk).
A turn is all of its rows: begin, one checkpoint, end, with the prompt built and no model behind; a page of 50 messages
goes through the whole application. The lengths are asked by turns, and ratios are medians of each round's own. The JSON
field is spared the request, the prompt and everybody else's rows: it is read and written, and nothing more.

WAL is the difference of `pg_current_wal_insert_lsn()`. The first change of a page after a checkpoint writes the page
as a whole; how often that is depends on how often there are checkpoints more than on the turn, so those images are told
apart, too (`pg_walinspect`). The table is vacuumed, then there is a checkpoint, then some rounds that do not count; no
other checkpoint comes until the end: `after a checkpoint` is a turn that follows one at once, where nearly each page is
a first one.
"""

import argparse
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.ground import application, branch

LENGTHS = (10, 1_000, 10_000, 100_000)
PAGE = 50
# Of the JSON field, by its length: one round at 100,000 writes a gigabyte.
JSON_ROUNDS = {10: 20, 1_000: 20, 10_000: 8, 100_000: 3}
CHECKPOINTS = 3

MOST_GROWTH = 1.2
MOST_WAL = 8 * 1024
# The middle half of the rounds lies within this part of their median, or the machine had other things to do.
QUIET = 0.25


AFTER = "turn after a checkpoint"
# What is done with the JSON field: `thrice` keeps what our turn keeps, `once` loses what a process had not finished.
THEIRS = ("page, ORM", "page, SQL", "turn, ORM, thrice", "turn, ORM, once", "turn, `||`, thrice", "turn, `||`, once")


class Took(NamedTuple):
    seconds: float
    wal: int  # all of it, page images too
    images: int


Samples = dict[tuple[str, int], list[Took]]


def said(number: int) -> str:
    """As people and characters talk: mostly about 12 words and about 50, some of one word, some of hundreds; no two
    texts alike, so that they are not compressed to nothing."""
    chance = random.Random(number)
    words = 1 + int(chance.lognormvariate(4.0 if number % 2 else 2.5, 0.8))
    return " ".join(chance.choices(VOCABULARY, k=min(words, 600)))


def _words() -> list[str]:
    chance = random.Random(7)
    syllables = [a + b for a in "bdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "ea", "ou", "an", "er")]
    return ["".join(chance.choices(syllables, k=chance.choice((1, 1, 2, 2, 3)))) for _ in range(3_000)]


VOCABULARY = _words()


def lsn() -> int:
    return int(_one("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


def images(begin: int, end: int) -> int:
    """Bytes of whole pages in that stretch of the WAL."""
    # A commit of something, so that all of it is on the disk, where it is read.
    _one("SELECT pg_logical_emit_message(true, 'bench', '')")
    statement = "SELECT sum(fpi_size) FROM pg_get_wal_stats('0/0'::pg_lsn + %s, '0/0'::pg_lsn + %s)"
    return int(_one(statement, begin, end) or 0)


def _one(statement: str, *values: Any) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0] if cursor.description else None


def measured(work: Callable[[], Any]) -> Took:
    before, began = lsn(), time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    wal = lsn() - before
    return Took(seconds, wal, images(before, before + wal) if wal else 0)


class Ours:
    """Rows, through the application."""

    def __init__(self) -> None:
        from rest_framework.test import APIClient

        from apps.accounts import tokens
        from apps.accounts.models import User
        from apps.characters.models import Character

        self.user = User.objects.create_user("ada@example.com", "analytical engine")
        self.character = Character.objects.create(user=self.user, name="Ada", description="Repairs clocks.")
        self.client = APIClient()
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.sign_in(self.user)['access']}")
        self.keys: dict[int, Any] = {}

    def make(self) -> None:
        from apps.conversations import turns

        for length in LENGTHS:
            conversation = turns.begin(self.user, self.character)
            branch(conversation, length, said)
            self.keys[length] = conversation.pk

    def talk_little(self, length: int) -> None:
        """Messages of a word, as there are between the others: they fill the gaps in pages that longer rows left, where
        our short turns would otherwise begin to write in one old page after the other."""
        from apps.conversations import turns

        branch(turns.begin(self.user, self.character), length, lambda number: "Hm.")

    def turn(self, length: int) -> None:
        from apps.chat import asking, checkpoints, generations
        from apps.conversations.models import MessageStatus

        job = asking.say(self.user, self.keys[length], None, {"content": "And then?"})
        assert isinstance(job, asking.Job)
        assert checkpoints.save({job.message: (job, generations.Written("Then"))})[0]
        outcome = generations.end(job, generations.Written("Then it rang.", status=MessageStatus.COMPLETE))
        assert outcome.turn is not None
        assert outcome.turn["assistant_message"]["content"] == "Then it rang."

    def page(self, length: int) -> None:
        response = self.client.get(f"/api/conversations/{self.keys[length]}/messages/?page_size={PAGE}")
        assert response.status_code == 200, response.content
        found = response.json()["results"]
        # A turn or two came to the short one.
        assert len(found) == PAGE or length < PAGE <= len(found) + PAGE, len(found)

    def statements(self, work: Callable[[int], None], length: int) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as queries:
            work(length)
        return len(queries)


def main(rounds: int) -> int:
    from bench import one_field  # Its table is a model of Django's, which is set up by now.

    for setting in ("max_wal_size = '16GB'", "checkpoint_timeout = '1d'"):
        _one(f"ALTER SYSTEM SET {setting}")
    _one("SELECT pg_reload_conf()")
    _one("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
    print(f"making conversations of {', '.join(f'{length:,}' for length in LENGTHS)} messages, both ways", flush=True)
    ours = Ours()
    ours.make()
    theirs = one_field.make(list(LENGTHS), said)
    written = one_field.bytes_of_table()
    table, count = "conversations_message", sum(LENGTHS)
    sizes = {
        "its row": _one("SELECT pg_table_size(%s)", table) / count,
        "its entries in indexes": _one("SELECT pg_indexes_size(%s)", table) / count,
        "the JSON field": one_field.bytes_a_message(theirs[LENGTHS[-1]]),
    }
    ours.talk_little(count * 3 // 4)
    _one("VACUUM (FREEZE, ANALYZE)")
    _one("CHECKPOINT")

    samples: Samples = defaultdict(list)
    statements = {"page": ours.statements(ours.page, 1_000), "turn": ours.statements(ours.turn, 1_000)}
    for number in range(-5, rounds):
        for length in LENGTHS:
            for name, work in (("page", ours.page), ("turn", ours.turn)):
                took = measured(lambda work=work, length=length: work(length))
                # The first ones make the pages, the plans and the caches warm.
                if number >= 0:
                    samples[name, length].append(took)
    for _ in range(CHECKPOINTS):
        for length in LENGTHS:
            _one("CHECKPOINT")
            samples[AFTER, length].append(measured(lambda length=length: ours.turn(length)))

    works: list[Callable[[int], Any]] = [
        one_field.page,
        one_field.page_in_sql,
        one_field.save_thrice,
        one_field.save_once,
        one_field.append_thrice,
        one_field.append_once,
    ]
    designs = dict(zip(THEIRS, works, strict=True))
    for length in LENGTHS:
        assert len(one_field.page(theirs[length])) == len(one_field.page_in_sql(theirs[length])) == min(PAGE, length)
    for number in range(max(JSON_ROUNDS.values())):
        for length in LENGTHS:
            for name, work in designs.items() if number < JSON_ROUNDS[length] else ():
                samples[name, length].append(measured(lambda work=work, length=length: work(theirs[length])))
    grown = one_field.bytes_of_table()

    tell(samples, statements)
    words = statistics.fmean(len(said(number).split()) for number in range(1_000))
    listed = ", ".join(f"{name} {size:,.0f}" for name, size in sizes.items())
    print(f"\nDisk, bytes a message of {words:.0f} words on average: {listed}.")
    print(f"The table of the JSON fields went from {written / 1e6:,.0f} MB to {grown / 1e6:,.0f} MB in these rounds.")
    return check(samples)


def tell(samples: Samples, statements: dict[str, int]) -> None:
    print(f"\nStatements: {statements['page']} a page, {statements['turn']} a turn, BEGIN and COMMIT among them.\n")
    print(f"| messages |{'|'.join(f' {length:,} ' for length in LENGTHS)}|")
    print(f"|---|{'---:|' * len(LENGTHS)}")
    for design, name in (("rows", "page"), ("rows", "turn"), *(("JSON field", name) for name in THEIRS)):
        row(
            f"{design}: {name}, ms", lambda length, name=name: f"{middle(samples[name, length], 'seconds') * 1000:,.1f}"
        )
    for design, name in (("rows", "turn"), *(("JSON field", name) for name in THEIRS if name.startswith("turn"))):
        row(f"{design}: {name}, KB of WAL", lambda length, name=name: kilobytes(middle(samples[name, length], "wal")))
    row("rows: turn, KB of WAL without page images", lambda length: kilobytes(records(samples["turn", length])))
    row(
        "rows: turn, KB of WAL, mean of all rounds",
        lambda length: kilobytes(statistics.fmean(one.wal for one in samples["turn", length])),
    )
    row(f"rows: {AFTER}, KB of WAL", lambda length: kilobytes(middle(samples[AFTER, length], "wal")))


def row(label: str, cell: Callable[[int], str]) -> None:
    print(f"| {label} |{'|'.join(f' {cell(length)} ' for length in LENGTHS)}|")


def middle(took: list[Took], what: str) -> float:
    return statistics.median(getattr(one, what) for one in took)


def records(took: list[Took]) -> float:
    return statistics.median(one.wal - one.images for one in took)


def kilobytes(size: float) -> str:
    return f"{size / 1024:,.1f}"


def check(samples: Samples) -> int:
    """Bars beside what was measured; 1 where one is missed."""
    missed = 0
    short, long = 1_000, 100_000
    print("\n| at 100,000 messages | measured | bar | |\n|---|---:|---:|---|")

    def tell_one(what: str, value: float, bar: float, shown: str, shown_bar: str) -> None:
        nonlocal missed
        missed += value > bar
        print(f"| {what} | {shown} | ≤ {shown_bar} | {'ok' if value <= bar else 'MISSED'} |")

    for name, what in (("page", "newest page"), ("turn", "turn")):
        pairs = zip(samples[name, short], samples[name, long], strict=True)
        ratio = statistics.median(more.seconds / less.seconds for less, more in pairs)
        tell_one(f"a {what}, by its time at 1,000", ratio, MOST_GROWTH, f"{ratio:.2f}", f"{MOST_GROWTH}")
    wal = middle(samples["turn", long], "wal")
    tell_one("WAL of a turn, the middle one", wal, MOST_WAL, f"{kilobytes(wal)} KB", "8 KB")
    spreads = [spread(samples[name, length]) for name in ("page", "turn") for length in (short, long)]
    print(f"\nThe middle half of the rounds spreads over {max(spreads):.0%} of its median", end="")
    print(": quiet enough." if max(spreads) <= QUIET else ". THE MACHINE WAS TOO NOISY TO TELL: run it again.")
    return int(missed > 0)


def spread(took: list[Took]) -> float:
    quarters = statistics.quantiles((one.seconds for one in took), n=4)
    return (quarters[2] - quarters[0]) / quarters[1]


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=40)
    with application():
        raise SystemExit(main(arguments.parse_args().rounds))
