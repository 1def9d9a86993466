"""Tools of servers that speak MCP over Streamable HTTP. Needs the extra `mcp`, which is imported only where it is used.

Nothing but tools is asked of a server: it gets no sampling, no elicitation, no roots, and no command is ever started.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from rest_framework.exceptions import ValidationError

from apps.api.fields import JSONObject
from apps.api.outbound.client import guarded
from apps.api.outbound.limits import Limits
from apps.tools import parameters, templates
from apps.tools.models import MAX_DESCRIPTION
from apps.tools.results import MOST_TEXT, Result, ToolFailed, without

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import CallToolResult

T = TypeVar("T")

# Of one server.
MOST_LISTED = 100
LIST_SECONDS = 20.0
MOST_BYTES = 2_000_000
# Characters of what is kept of its list, as JSON.
MOST_KEPT = 300_000
BROKEN = "The server does not speak MCP as it should, or refused the call."
OLDER = (
    "http://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-07/schema",
    "https://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft-07/schema",
    "https://json-schema.org/draft/2019-09/schema",
)
NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")


async def listed(config: Mapping[str, Any], secrets: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the server offers and can be used here, as `{"name", "description", "parameters"}`. Raises ToolFailed."""

    async def work(session: "ClientSession") -> list[dict[str, Any]]:
        from mcp.types import PaginatedRequestParams

        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            found += [
                {"name": tool.name, "description": (tool.description or "").strip(), "parameters": tool.input_schema}
                for tool in page.tools
            ]
            cursor = page.next_cursor
            if not cursor or len(found) >= MOST_LISTED:
                return found[:MOST_LISTED]

    usable: dict[str, dict[str, Any]] = {}
    size = 0
    for each in await _with_session(config, secrets, LIST_SECONDS, work):
        kept = _usable(each, secrets)
        size += len(json.dumps(kept))
        if kept and size <= MOST_KEPT:
            usable.setdefault(kept["name"], kept)
    return list(usable.values())


def _usable(offered: dict[str, Any], secrets: Mapping[str, str]) -> dict[str, Any] | None:
    schema = offered["parameters"]
    if schema.get("$schema") in OLDER:
        # What most servers still say; what is common in it means the same today.
        schema = {**schema, "$schema": parameters.DIALECT}
    try:
        JSONObject().run_validation(schema)
        parameters.check(schema)
    except (parameters.BadSchema, ValidationError):
        return None
    name, told = offered["name"], json.dumps(schema, ensure_ascii=False)
    if not NAME.fullmatch(name) or without(secrets, name + told) != name + told:
        return None
    description = without(secrets, offered["description"])[:MAX_DESCRIPTION]
    return {"name": name, "description": description, "parameters": schema}


async def run(
    config: Mapping[str, Any], name: str, arguments: Mapping[str, Any], secrets: Mapping[str, str], seconds: float
) -> Result:
    """Raises ToolFailed."""

    async def work(session: "ClientSession") -> Any:
        return await session.call_tool(name, dict(arguments))

    answer: CallToolResult = await _with_session(config, secrets, seconds, work)
    text = without(secrets, "\n".join(_texts(answer)))
    cut = len(text) > MOST_TEXT
    raw = {"is_error": answer.is_error, "text": text[:MOST_TEXT], "cut": cut}
    if answer.is_error:
        raise ToolFailed("tool_error", text[:1000] or "The tool failed without a word.", raw)
    told = f"{text[:MOST_TEXT]}\n[The rest is left out.]" if cut else text
    return Result(told if told.strip() else "The tool answered without a text.", raw)


def _texts(answer: "CallToolResult") -> Iterator[str]:
    for block in answer.content:
        match block.type:
            case "text":
                yield block.text
            case "resource" if hasattr(block.resource, "text"):
                yield block.resource.text
            case "resource_link":
                yield f"[{block.name}: {block.uri}]"
            case kind:
                yield f"[{kind}, which cannot be shown here]"


async def _with_session(
    config: Mapping[str, Any],
    secrets: Mapping[str, str],
    seconds: float,
    work: Callable[["ClientSession"], Awaitable[T]],
) -> T:
    try:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        from apps.api.outbound.httpx_transport import client, reason
    except ImportError as error:
        detail = "This server cannot speak MCP: its operator can install the extra `mcp`."
        raise ToolFailed("unavailable", detail) from error
    values = templates.Values({}, secrets)
    try:
        headers = {name: str(templates.filled(text, values)) for name, text in (config.get("headers") or {}).items()}
    except templates.Missing as missing:
        raise ToolFailed("bad_secret", f"It needs {str(missing)!r}.") from missing
    # Longer than there is: the library does not tell a request that took too long from one that broke off.
    longer = seconds + 5
    limits = Limits(head=longer, idle=longer, whole=longer, answer_bytes=MOST_BYTES)
    deadline = asyncio.timeout(seconds)
    try:
        async with (
            deadline,
            client(guarded(), limits, headers) as http,
            streamable_http_client(config["url"], http_client=http) as (read, write),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await work(session)
    except Exception as error:  # whatever the library makes of what a stranger's server says, and of being interrupted
        task = asyncio.current_task()
        if task and task.cancelling():
            raise asyncio.CancelledError from None
        if deadline.expired():
            raise ToolFailed("timeout", "The server took too long.") from None
        why = reason(error)
    raise ToolFailed.outside(why) if why else ToolFailed("broken", BROKEN)
