"""A title for a conversation that has none: one call after its first exchange, the first words where that fails."""

from apps.api.threads import with_rows
from apps.chat import generations
from apps.chat.asking import Job
from apps.chat.calls import call
from apps.chat.models import Purpose
from apps.chat.providers import Provider, Request

MAX_TITLE = 80
MAX_WORDS = 8

INSTRUCTION = "Write a short title, at most six words, for the conversation below. Answer with the title alone."


async def give_title(job: Job, provider: Provider, answer: str, *, ask: bool) -> None:
    """`ask`: whether the model is asked at all."""
    words = first_words(job.first_words)
    if not ask:
        await with_rows(generations.save_title, job.conversation, words)
        return
    excerpt = f"User: {job.first_words[:2000]}\n\nReply: {answer[:2000]}"
    messages = [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": excerpt}]
    request = Request(model=job.request.model, messages=messages, temperature=0.3, max_tokens=32, stream=False)
    completed = await call(job, Purpose.TITLE, provider, request)
    await with_rows(generations.save_title, job.conversation, tidy(completed.text if completed else "") or words)


def tidy(text: str) -> str:
    """One line without quotes or marks of a heading; blank where a model rambled on instead of naming."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    title = lines[0].removeprefix("Title:").strip().strip("#*\"'“”«»` ").rstrip(".")
    return title if len(title) <= MAX_TITLE else ""


def first_words(text: str) -> str:
    words = text.split()
    title = " ".join(words[:MAX_WORDS])
    return title if len(title) <= MAX_TITLE and len(words) <= MAX_WORDS else title[: MAX_TITLE - 1].rstrip() + "…"
