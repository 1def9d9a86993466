"""Texts of answers that are being written, many at once: what a process writes is saved in one statement."""

import json
from collections.abc import Iterable, Mapping
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from apps.api.statements import Statement
from apps.chat.asking import Job
from apps.chat.generations import Written
from apps.chat.models import Generation
from apps.conversations.models import Message, MessageStatus

# Unless a message was edited or gone on with since a sweep, or a stop, took this process for dead.
_OURS = f"""
WITH news AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(told)s::json) AS told(
        message uuid, generation uuid, edited_at timestamptz,
        content text, reasoning text, tool_calls jsonb, sources jsonb
    )
), ours AS MATERIALIZED (
    SELECT message.id, news.* FROM news
    JOIN {Message._meta.db_table} AS message ON message.id = news.message
    JOIN {Generation._meta.db_table} AS generation ON generation.id = news.generation
    WHERE generation.message_id = message.id AND NOT generation.superseded
    AND message.status IN ('{MessageStatus.GENERATING}', '{MessageStatus.INTERRUPTED}')
    AND message.edited_at IS NOT DISTINCT FROM news.edited_at
"""  # noqa: S608
# What somebody else has locked is not waited for: that would keep all the others waiting, and might be for each other.
_SAVE = Statement(f"""{_OURS} FOR NO KEY UPDATE OF message SKIP LOCKED)
UPDATE {Message._meta.db_table} AS message
SET content = ours.content, reasoning = ours.reasoning, updated_at = %(now)s,
    tool_calls = coalesce(ours.tool_calls, message.tool_calls), sources = coalesce(ours.sources, message.sources)
FROM ours WHERE message.id = ours.id RETURNING message.id
""")  # noqa: S608
_STILL_OURS = Statement(f"{_OURS}) SELECT id FROM ours")  # noqa: S608


def save(told: Mapping[UUID, tuple[Job, Written]]) -> tuple[set[UUID], set[UUID]]:
    """Save these texts, by their messages' ids: those that are saved, and those that are locked and to be tried again.
    Of the others the message is gone, or no longer ours, and with it the reason to go on."""
    with transaction.atomic():
        saved = {key for (key,) in _SAVE.rows(told=_rows(told.values()), now=timezone.now())}
        if len(saved) == len(told):
            return saved, set()
        others = [told[key] for key in told.keys() - saved]
        still = _STILL_OURS.rows(told=_rows((job, Written("")) for job, _ in others))
        return saved, {key for (key,) in still}


def _rows(told: Iterable[tuple[Job, Written]]) -> str:
    rows = [
        {
            "message": job.message,
            "generation": job.generation,
            "edited_at": job.edited_at,
            "content": written.text,
            "reasoning": written.reasoning,
            "tool_calls": _json(written.calls),
            "sources": _json(written.sources),
        }
        for job, written in told
    ]
    return orjson.dumps(rows).decode()


def _json(value: object) -> orjson.Fragment | None:
    # What was imported may hold numbers that orjson refuses.
    return None if value is None else orjson.Fragment(json.dumps(value))
