"""Summaries of what prompts have no room for: made by the model after a turn, and never in its way."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

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
from apps.conversations.tree import Step

# What a summary may have of its model's window, and in tokens.
SHARE = 8
LEAST, MOST = 128, 1024
# Models count badly, and some are deaf to limits: what is longer than this many times what was asked for is no summary.
PATIENCE = 1.5
# A turn's: a long conversation that came in by an import takes several turns.
CALLS = 4
# As many messages are read for one call.
STEPS = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """A summary to be made of what was said so far: of `before`, the last one with the depth that it reaches down to,
    and of `told`, what follows it on the path. `longest` is in bytes."""

    conversation: UUID
    before: tuple[str, int] | None
    told: list[Step]
    request: Request
    longest: int


async def sum_up(job: Job, provider: Provider) -> None:
    """Cover what the prompt of this turn had to leave out. What a model does not do well is not kept, and is tried
    again after the next turn."""
    for _ in range(CALLS):
        plan = await with_rows(next_plan, job)
        if plan is None:
            return
        completed = await call(job, Purpose.SUMMARY, provider, plan.request)
        # One that was cut off lacks its end, which is what happened last.
        if completed is None or completed.finish.reason not in ("stop", "other"):
            return
        text, model = completed.text.strip(), completed.finish.model or plan.request.model
        if not 0 < len(text.encode()) <= plan.longest or not await with_rows(keep, plan, text, model):
            return


def next_plan(job: Job) -> Plan | None:
    """What is to be summed up next on the path to the answer that `job` gave; None where nothing is."""
    rows = Message.objects.select_related("conversation__user", "conversation__character")
    leaf = rows.filter(pk=job.message).first()
    if leaf is None:
        return None
    conversation = leaf.conversation
    of_model = known.model(job.source, job.request.model)
    scale = Scale(of_model.bytes_per_token)
    length = min(max(of_model.window // SHARE, LEAST), MOST)
    room = of_model.window - length - AROUND
    if room < LEAST:
        return None
    recent, _ = tree.history(leaf.pk, conversation, characters=int(of_model.window * scale.bytes_per_token))
    left_out = newest_that_fit([Said(*row) for row in recent], job.sum_up_but or 0, scale)
    before = tree.summary(leaf.pk, conversation)
    steps = tree.stretch(
        leaf.pk,
        conversation,
        above=before[1] if before else -1,
        below=left_out[0].depth if left_out else leaf.depth,
        limit=STEPS,
        characters=int(room * scale.bytes_per_token),
    )
    if not steps:
        return None
    char = conversation.character.called if conversation.character else conversation.character_name
    names = {Role.ASSISTANT: char, Role.USER: conversation.persona}
    lines = [f"{names.get(Role(step.role), step.role)}: {step.content}" for step in steps]
    # Another model's, with a larger window, may have left a long one.
    so_far = lines_that_fit([before[0]] if before else [], room // 2, scale)
    told = lines_that_fit(lines, room - sum(map(scale.message, so_far)), scale)
    return Plan(
        conversation=conversation.pk,
        before=before,
        told=steps[: len(told)],
        request=Request(
            model=job.request.model,
            messages=ask_for_summary(char, conversation.persona, "".join(so_far), told, length),
            temperature=0.3,
            max_tokens=length,
            stream=False,
        ),
        longest=int(length * PATIENCE * scale.bytes_per_token),
    )


@transaction.atomic
def keep(plan: Plan, text: str, model: str) -> bool:
    """Save it, unless what it tells of was changed or deleted meanwhile, or another process was faster."""
    try:
        conversation = turns.locked(plan.conversation)
    except Conversation.DoesNotExist:
        return False
    above, last = plan.before[1] if plan.before else -1, plan.told[-1]
    now = tree.stretch(
        last.id,
        conversation,
        above=above,
        below=last.depth + 1,
        limit=len(plan.told),
        characters=tree.MOST_CHARACTERS,
    )
    if now != plan.told or tree.summary(last.id, conversation) != plan.before:
        return False
    Summary.objects.create(conversation=conversation, message_id=last.id, depth=last.depth, text=text, model=model)
    return True
