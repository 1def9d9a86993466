"""Running a function, on behalf of its tool's owner, with what a model or a person said."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from apps.api.threads import in_pool
from apps.tools import http_tool, mcp_tool, parameters, vault
from apps.tools.builtins import BUILTINS
from apps.tools.functions import Function
from apps.tools.models import Kind, Tool
from apps.tools.results import Result, Scene, ToolFailed

log = logging.getLogger("dramatis.tools")


@dataclass(frozen=True, slots=True)
class Ran:
    """Either `result` or `failure` is there."""

    result: Result | None
    failure: ToolFailed | None
    milliseconds: int


async def run(function: Function, arguments: Any, scene: Scene, *, seconds: float) -> Ran:
    """Whatever comes of it: nothing is raised, and nothing takes longer than `seconds`."""
    began = time.monotonic()
    result, failure = None, None
    try:
        async with asyncio.timeout(seconds):
            # Not here, where everybody waits: a schema and arguments may take their time.
            fitting = await in_pool(parameters.validate, function.parameters, arguments)
            result = await _run(function, fitting, scene, seconds)
    except parameters.BadArguments as error:
        failure = ToolFailed("bad_arguments", str(error))
    except ToolFailed as error:
        failure = error
    except TimeoutError:
        failure = ToolFailed("timeout", "The tool took too long.")
    except Exception as error:  # a database that is away, for one: the turn goes on, and the model is told
        log.exception("a tool failed", extra={"kind": function.tool.kind, "reason": type(error).__name__})
        failure = ToolFailed("failed", "The tool failed.")
    return Ran(result, failure, round((time.monotonic() - began) * 1000))


async def _run(function: Function, arguments: dict[str, Any], scene: Scene, seconds: float) -> Result:
    tool = function.tool
    if tool.kind == Kind.BUILTIN:
        return await BUILTINS[function.own].run(arguments, scene)
    secrets = secrets_of(tool)
    if tool.kind == Kind.HTTP:
        return await http_tool.run(tool.config, arguments, secrets, seconds)
    return await mcp_tool.run(tool.config, function.own, arguments, secrets, seconds)


def secrets_of(tool: Tool) -> dict[str, str]:
    """Raises ToolFailed."""
    try:
        return vault.unseal(tool.secrets)
    except vault.Unreadable as error:
        raise ToolFailed("bad_secret", "Its secrets cannot be read any more: they are to be set again.") from error
