"""What models are offered: the functions of a user's tools, under names that are unique and that providers take."""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from apps.tools.builtins import BUILTINS
from apps.tools.models import Kind, Tool

MOST_OFFERED = 64
LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Function:
    """`name` is what the model calls, `own` what its tool calls it."""

    name: str
    description: str
    parameters: dict[str, Any]
    tool: Tool
    own: str


def functions_of(tool: Tool) -> list[Function]:
    match tool.kind:
        case Kind.BUILTIN:
            builtin = BUILTINS[tool.config["builtin"]]
            description = tool.description or builtin.description
            return [Function(tool.name, description, builtin.parameters, tool, tool.config["builtin"])]
        case Kind.HTTP:
            return [Function(tool.name, tool.description, tool.parameters, tool, tool.name)]
    chosen = tool.config.get("functions")
    found: dict[str, Function] = {}
    for each in tool.listed:
        if chosen is None or each["name"] in chosen:
            name = _name(tool.name, each["name"], taken=found)
            found[name] = Function(name, each["description"], each["parameters"], tool, each["name"])
    return list(found.values())


def offered(tools: Iterable[Tool]) -> dict[str, Function]:
    """By their names; of two that have the same one the first."""
    found: dict[str, Function] = {}
    for tool in tools:
        for function in functions_of(tool):
            if len(found) < MOST_OFFERED:
                found.setdefault(function.name, function)
    return found


def _name(tool: str, function: str, *, taken: Container[str]) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{tool}__{function}")
    if len(name) <= LONGEST_NAME and name not in taken:
        return name
    # Told apart by what does not go into a name.
    told_apart = sha256(function.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}_{told_apart}"
