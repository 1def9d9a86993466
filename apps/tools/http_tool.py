"""Tools that are one HTTP request."""

from collections.abc import Mapping
from typing import Any

from apps.api.outbound.client import Answer, guarded
from apps.api.outbound.errors import OutboundError
from apps.api.outbound.limits import Limits
from apps.tools import templates
from apps.tools.results import MOST_TEXT, Result, ToolFailed, without


async def run(
    config: Mapping[str, Any], arguments: Mapping[str, Any], secrets: Mapping[str, str], seconds: float
) -> Result:
    """Raises ToolFailed. A status that tells of a failure is one."""
    try:
        outgoing = templates.fill(config, arguments, secrets)
    except templates.Missing as missing:
        code = "bad_secret" if str(missing).startswith("secrets.") else "bad_arguments"
        raise ToolFailed(code, f"It needs {str(missing)!r}.") from missing
    except templates.BadTemplate as bad:
        raise ToolFailed("refused", "Its address is none that is fetched from.") from bad
    limits = Limits(head=seconds, idle=seconds, whole=seconds)
    try:
        answer = await guarded().fetch(
            outgoing.method, outgoing.url, headers=outgoing.headers, body=outgoing.body, limits=limits
        )
    except OutboundError as error:
        raise ToolFailed.outside(error) from None
    return _result(answer, secrets)


def _result(answer: Answer, secrets: Mapping[str, str]) -> Result:
    body = without(secrets, answer.body.decode("utf-8", "replace"))
    cut = len(body) > MOST_TEXT
    text = f"{body[:MOST_TEXT]}\n[The rest is left out.]" if cut else body
    content_type = without(secrets, answer.headers.get("Content-Type", ""))[:200]
    raw = {"status": answer.status, "content_type": content_type, "body": body[:MOST_TEXT], "cut": cut}
    if not 200 <= answer.status <= 299:
        raise ToolFailed("bad_status", f"The server answered {answer.status}: {text[:1000]}", raw)
    return Result(text if text.strip() else "The server answered without a text.", raw)
