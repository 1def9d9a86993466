"""The design that many services of this kind have, for comparison: a conversation's history is one JSON field."""

import json
from collections.abc import Callable
from typing import Any

from django.db import connection, models

TABLE = "bench_diary"
PAGE = 50


class Diary(models.Model):
    """A conversation with all that was ever said in it."""

    history = models.JSONField(default=list)

    class Meta:
        app_label = "bench"
        db_table = TABLE

    def __str__(self) -> str:
        return str(self.pk)


def make(lengths: list[int], said: Callable[[int], str]) -> dict[int, int]:
    """A row a length; its key by its length."""
    with connection.schema_editor() as editor:
        editor.create_model(Diary)
    return {
        length: Diary.objects.create(history=[_message(n, said(n)) for n in range(length)]).pk for length in lengths
    }


def _message(number: int, content: str, status: str = "complete") -> dict[str, Any]:
    return {
        "id": number,
        "role": "assistant" if number % 2 else "user",
        "content": content,
        "status": status,
        "created_at": "2026-11-26T10:00:00.000000Z",
    }


def save_thrice(key: int) -> None:
    """A turn that keeps what ours keeps: what the user says before the model is asked, a checkpoint, and the end."""
    diary = Diary.objects.get(pk=key)
    number = len(diary.history)
    diary.history += [_message(number, "And then?"), _message(number + 1, "", "generating")]
    diary.save(update_fields=["history"])
    for text, status in (("Then", "generating"), ("Then it rang.", "complete")):
        diary.history[-1] |= {"content": text, "status": status}
        diary.save(update_fields=["history"])


def save_once(key: int) -> None:
    """A turn as it is mostly written: all of it is lost that the process had not finished."""
    diary = Diary.objects.get(pk=key)
    number = len(diary.history)
    diary.history += [_message(number, "And then?"), _message(number + 1, "Then it rang.")]
    diary.save(update_fields=["history"])


def append_thrice(key: int) -> None:
    """As `save_thrice`, without the history ever leaving the database."""
    asked = [_message(0, "And then?"), _message(1, "", "generating")]
    _run("history || %s::jsonb", key, json.dumps(asked))
    for text, status in (("Then", "generating"), ("Then it rang.", "complete")):
        _run(
            "jsonb_set(history, '{-1}', history -> -1 || %s::jsonb)",
            key,
            json.dumps({"content": text, "status": status}),
        )


def append_once(key: int) -> None:
    _run("history || %s::jsonb", key, json.dumps([_message(0, "And then?"), _message(1, "Then it rang.")]))


def _run(value: str, key: int, given: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET history = {value} WHERE id = %s", [given, key])
        assert cursor.rowcount == 1


def page(key: int) -> list[Any]:
    """The newest messages, newest first. The row alone: no request, and nobody is asked who is."""
    return list(reversed(Diary.objects.get(pk=key).history[-PAGE:]))


def page_in_sql(key: int) -> list[Any]:
    with connection.cursor() as cursor:
        where = f"$[last - {PAGE - 1} to last]"
        cursor.execute(f"SELECT jsonb_path_query_array(history, %s) FROM {TABLE} WHERE id = %s", [where, key])
        return list(reversed(json.loads(cursor.fetchone()[0])))


def bytes_a_message(key: int) -> float:
    """Of the one row, compressed as PostgreSQL keeps it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_column_size(history)::float / jsonb_array_length(history) FROM {TABLE} WHERE id = %s",
            [key],
        )
        return float(cursor.fetchone()[0])


def bytes_of_table() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s)", [TABLE])
        return int(cursor.fetchone()[0])
