"""Calls of the model beside the turns: for titles and for summaries."""

import time

from apps.api.threads import with_rows
from apps.chat import generations
from apps.chat.asking import Job
from apps.chat.models import Purpose
from apps.chat.providers import Completed, Provider, ProviderError, Request, complete


async def call(job: Job, purpose: Purpose, provider: Provider, request: Request) -> Completed | None:
    """The answer, None where the provider failed; either way it is put to the account of what was used."""
    began = time.monotonic()
    model, usage, failure, completed = request.model, None, "", None
    try:
        completed = await complete(provider, request)
        model, usage = completed.finish.model or model, completed.finish.usage
    except ProviderError as error:
        failure = error.code
    latency_ms = round((time.monotonic() - began) * 1000)
    await with_rows(generations.record_call, job, purpose, model, usage, failure, latency_ms)
    return completed
