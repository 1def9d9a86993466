"""Summaries of what prompts have no room for: made by the model after a turn, and never in its way."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.api.threads import with_rows
from apps.chat import known
from apps.chat.asking import Job
from apps.chat.calls import call
from apps.chat.models import Purpose
from apps.chat.prompt import Said, Scale
from apps.chat.prompt.fit import newest_that_fit
from apps.chat.prompt.summary import AROUND, ask_for_summary, lines_that_fit
from apps.chat.providers import Provider, Request
from apps.conversations import tree, turns
from apps.conversations.models import Conversation, Message, Role, Summary

# What a summary may have of its model's window, and in tokens.
SHARE = 8
LEAST, MOST = 128, 1024
# A turn's: a long conversation that came in by an import takes several turns.
CALLS = 4
# As many messages are read for one call.
STEPS = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """A summary to be made of the path down to the message `upto`, as it was at `read_at`."""

    conversation: UUID
    upto: UUID
    depth: int
    request: Request
    read_at: datetime


async def sum_up(job: Job, provider: Provider) -> None:
    """Cover what the prompt of this turn had to leave out. What a model does not do well is not kept, and is tried
    again after the next turn."""
    for _ in range(CALLS):
        plan = await with_rows(next_plan, job)
        if plan is None:
            return
        completed = await call(job, Purpose.SUMMARY, provider, plan.request)
        # One that was cut off lacks its end, which is what happened last.
        if completed is None or completed.finish.reason not in ("stop", "other") or not completed.text.strip():
            return
        model = completed.finish.model or plan.request.model
        if not await with_rows(keep, plan, completed.text.strip(), model):
            return


def next_plan(job: Job) -> Plan | None:
    """What is to be summed up next on the path to the answer that `job` gave; None where nothing is."""
    read_at = timezone.now()
    rows = Message.objects.select_related("conversation__user", "conversation__character")
    leaf = rows.filter(pk=job.message).first()
    if leaf is None:
        return None
    conversation = leaf.conversation
    of_model = known.model(job.source, job.request.model)
    scale = Scale(of_model.bytes_per_token)
    length = min(max(of_model.window // SHARE, LEAST), MOST)
    room = of_model.window - length - AROUND
    recent, _ = tree.history(leaf.pk, conversation, characters=int(of_model.window * scale.bytes_per_token))
    left_out = newest_that_fit([Said(*row) for row in recent], job.sum_up_but or 0, scale)
    before, covered = tree.summary(leaf.pk, conversation) or ("", -1)
    below = left_out[0].depth if left_out else leaf.depth
    steps = tree.stretch(leaf.pk, conversation, above=covered, below=below, limit=STEPS)
    if not steps:
        return None
    char = conversation.character.called if conversation.character else conversation.character_name
    names = {Role.ASSISTANT: char, Role.USER: conversation.persona}
    lines = [f"{names.get(Role(step.role), step.role)}: {step.content}" for step in steps]
    told = lines_that_fit(lines, room - scale.tokens(before), scale)
    last = steps[len(told) - 1]
    return Plan(
        conversation=conversation.pk,
        upto=last.id,
        depth=last.depth,
        request=Request(
            model=job.request.model,
            messages=ask_for_summary(char, conversation.persona, before, told, length),
            temperature=0.3,
            max_tokens=length,
            stream=False,
        ),
        read_at=read_at,
    )


@transaction.atomic
def keep(plan: Plan, text: str, model: str) -> bool:
    """Save it, unless what it tells of was changed or deleted meanwhile, or another process was faster."""
    try:
        conversation = turns.locked(plan.conversation)
    except Conversation.DoesNotExist:
        return False
    messages = Message.objects.filter(conversation=conversation)
    changed = messages.filter(depth__lte=plan.depth, edited_at__gte=plan.read_at)
    if not messages.filter(pk=plan.upto).exists() or changed.exists():
        return False
    _, made = Summary.objects.get_or_create(
        message_id=plan.upto,
        defaults={"conversation": conversation, "depth": plan.depth, "text": text, "model": model},
    )
    return made
