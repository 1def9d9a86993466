"""Requests of HTTP tools: from what the owner wrote, with `{names}` in it, and what a model said, to what is sent.

Pure. `{name}` is an argument, `{secrets.NAME}` a secret of the tool's, `{{` and `}}` are braces. Arguments that no
template names go along all the same: in the query of a GET or DELETE, else in the body, unless that has a template of
its own. Where the request goes is the owner's alone to say: scheme, host and port take no argument, and what an
argument brings into the path stays one step of it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

MARK = re.compile(r"\{\{|\}\}|\{(secrets\.)?([A-Za-z_][A-Za-z0-9_-]{0,63})\}")
ORIGIN = re.compile(r"https?://[^/?#{}\\\s]+(?=[/?#]|\Z)", re.IGNORECASE)
MOST_DEPTH = 16
WITHOUT_BODY = ("GET", "DELETE")


class BadTemplate(ValueError):
    """Says what is wrong with what the owner wrote."""


class Missing(ValueError):
    """An argument or a secret that the request cannot do without; its text is the name."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Values:
    arguments: Mapping[str, Any]
    secrets: Mapping[str, str]

    def value(self, secret: str | None, name: str) -> Any:
        found = self.secrets.get(name) if secret else self.arguments.get(name)
        if found is None:
            raise Missing(f"{secret or ''}{name}")
        return found


def check_url(url: str) -> None:
    """Raises BadTemplate."""
    if not ORIGIN.match(url):
        raise BadTemplate("It must begin with http:// or https:// and a host, in which there are no {names}.")
    check(url)
    if "#" in url:
        raise BadTemplate("It has a fragment, which is never sent.")
    for secret, _ in names(url):
        if secret:
            raise BadTemplate("Secrets belong in headers, query or body: an address is written down in many places.")


def check(template: Any, depth: int = 0) -> None:
    """Raises BadTemplate for braces that are no name, and for what is nested too deeply."""
    if depth > MOST_DEPTH:
        raise BadTemplate(f"It is nested deeper than {MOST_DEPTH} levels.")
    match template:
        case str():
            rest = MARK.sub("", template)
            if "{" in rest or "}" in rest:
                raise BadTemplate("A brace is written twice where it is no {name}.")
        case list():
            for item in template:
                check(item, depth + 1)
        case dict():
            for item in template.values():
                check(item, depth + 1)


def names(template: Any) -> Iterator[tuple[bool, str]]:
    """Whether it is a secret's, and the name, of all that stand in it."""
    match template:
        case str():
            for mark in MARK.finditer(template):
                if mark[2]:
                    yield bool(mark[1]), mark[2]
        case list():
            for item in template:
                yield from names(item)
        case dict():
            for item in template.values():
                yield from names(item)


def fill(config: Mapping[str, Any], arguments: Mapping[str, Any], secrets: Mapping[str, str]) -> Outgoing:
    """Raises Missing. What is optional and not given is left out, but in the path."""
    values = Values(arguments, secrets)
    named = {
        name for secret, name in names([config[part] for part in ("url", "headers", "query", "body")]) if not secret
    }
    rest = {name: value for name, value in arguments.items() if name not in named}
    in_query = config["method"] in WITHOUT_BODY
    origin = ORIGIN.match(config["url"])
    if not origin:
        raise BadTemplate(config["url"])
    path, _, inline = config["url"][origin.end() :].partition("?")
    url = f"{origin[0]}{_path(path, values)}"
    pairs = list(_given(config["query"], values))
    if in_query:
        # Beside what the owner wrote, never in its place: of two of a name, servers take either.
        written = {*config["query"], *(name for name, _ in parse_qsl(inline, keep_blank_values=True))}
        pairs += [(name, value) for name, value in rest.items() if name not in written and value is not None]
    query = "&".join(part for part in (*_inline_query(inline, values), _encoded(pairs)) if part)
    headers = [(name, _text(found)) for name, found in _given(config["headers"], values)]
    told = rest if config["body"] is None else filled(config["body"], values)
    body = b"" if in_query else json.dumps(told, ensure_ascii=False).encode()
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return Outgoing(config["method"], f"{url}?{query}" if query else url, headers, body)


def _path(template: str, values: Values) -> str:
    def one_step(mark: re.Match[str]) -> str:
        if not mark[2]:
            return mark[0][0]
        step = _text(values.value(mark[1], mark[2]))
        # Dots are steps of their own, and cannot be written otherwise.
        if step.strip(".") == "":
            raise Missing(mark[2])
        return quote(step, safe="")

    return MARK.sub(one_step, template)


def _inline_query(template: str, values: Values) -> Iterator[str]:
    for pair in template.split("&"):
        try:
            yield MARK.sub(
                lambda mark: quote(_text(values.value(mark[1], mark[2])), safe="") if mark[2] else mark[0][0], pair
            )
        except Missing:
            continue


def _encoded(pairs: Iterable[tuple[str, Any]]) -> str:
    """A list becomes as many pairs as it has items."""
    return urlencode(
        [(name, _text(item)) for name, found in pairs for item in (found if isinstance(found, list) else [found])]
    )


def _given(templates: Mapping[str, str], values: Values) -> Iterator[tuple[str, Any]]:
    for name, template in templates.items():
        try:
            yield name, filled(template, values)
        except Missing as missing:
            # A request without its key would be another request.
            if str(missing).startswith("secrets."):
                raise


def filled(template: Any, values: Values) -> Any:
    """A string that is one name alone becomes the argument as it is, of any type."""
    match template:
        case str():
            alone = MARK.fullmatch(template)
            if alone and alone[2]:
                return values.value(alone[1], alone[2])
            return MARK.sub(lambda mark: _text(values.value(mark[1], mark[2])) if mark[2] else mark[0][0], template)
        case list():
            return [filled(item, values) for item in template]
        case dict():
            return dict(_given(template, values))
    return template


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
