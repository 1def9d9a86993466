"""JSON Schema 2020-12 of a tool's arguments: checked itself, and used on what models say.

Pure. Schemas and arguments come from strangers: nothing is fetched, and no pattern, reference or combination takes
longer than a bound.
"""

import json
import math
import time
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

JSON = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Characters of the schema, as JSON.
MOST_SCHEMA = 20_000
# Keywords that are looked at for one set of arguments.
MOST_STEPS = 20_000
# That all patterns may take together.
SECONDS_TOGETHER = 0.25
LONGEST_PATTERN = 1_000
MOST_REPEATS = 10_000

NOTHING: JSON = {"type": "object", "properties": {}, "additionalProperties": False}


class BadSchema(ValueError):
    """Says what is wrong with a schema."""


class BadArguments(ValueError):
    """Says, to the model, what is wrong with its arguments."""


class _TooMuch(Exception):
    pass


def check(schema: JSON) -> None:
    """Raises BadSchema unless it is a schema for objects that can be used here."""
    if len(json.dumps(schema)) > MOST_SCHEMA:
        raise BadSchema(f"It is longer than {MOST_SCHEMA:,} characters.")
    if schema.get("type") != "object":
        raise BadSchema('Its "type" must be "object": arguments have names.')
    if (dialect := schema.get("$schema", DIALECT)) != DIALECT:
        raise BadSchema(f"Only JSON Schema 2020-12 is known here, not {str(dialect)[:100]}.")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise BadSchema(f"{_place(error)}{error.message[:300]}") from error
    except RecursionError as error:
        raise BadSchema("It is nested too deeply.") from error
    for keyword, value in _keywords(schema):
        if keyword in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#"):
            raise BadSchema("A reference may only name a part of the schema itself, as #/$defs/….")
        if keyword == "pattern" and isinstance(value, str):
            _compiled(value)
        if keyword == "patternProperties" and isinstance(value, dict):
            for pattern in value:
                _compiled(pattern)


def validate(schema: JSON, arguments: Any) -> JSON:
    """The arguments, as they are. Raises BadArguments where they do not suit a schema that `check` has passed."""
    if not isinstance(arguments, dict):
        raise BadArguments("The arguments must be a JSON object.")
    steps = _Steps()
    validator = extend(  # type: ignore[no-untyped-call]
        Draft202012Validator,
        {name: partial(steps.counted, name, function) for name, function in Draft202012Validator.VALIDATORS.items()},
    )(schema, registry=Registry())
    try:
        error = best_match(validator.iter_errors(arguments))
    except _TooMuch as much:
        raise BadArguments("They take too long to check against the schema.") from much
    except (RecursionError, Unresolvable) as endless:
        raise BadArguments("The schema's references lead nowhere.") from endless
    if error is not None:
        raise BadArguments(f"{_place(error)}{error.message[:300]}")
    return arguments


class _Steps:
    """Of one validation: counts what is looked at, and the time that patterns take."""

    def __init__(self) -> None:
        self.left = MOST_STEPS
        self.seconds = SECONDS_TOGETHER

    def counted(
        self, name: str, function: Any, validator: Any, value: Any, instance: Any, schema: Any
    ) -> Iterator[ValidationError]:
        self.step()
        match name:
            case "pattern":
                if isinstance(instance, str) and not self.found(value, instance):
                    yield ValidationError(f"{instance[:50]!r} does not match {value!r}")
            case "patternProperties" | "additionalProperties":
                yield from self._named(name, validator, value, instance, schema)
            case "uniqueItems":
                yield from _unique(value, instance)
            case "unevaluatedProperties" | "unevaluatedItems":
                # What they depend on cannot be counted, and no tool needs them.
                return
            case _:
                yield from function(validator, value, instance, schema) or ()

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _TooMuch

    def found(self, pattern: str, text: str) -> bool:
        """As the specification has it, a pattern may match anywhere in the text."""
        self.step()
        began = time.monotonic()
        try:
            return _compiled(pattern).search(text, timeout=max(self.seconds, 0.001), concurrent=True) is not None
        except TimeoutError as late:
            raise _TooMuch from late
        finally:
            self.seconds -= time.monotonic() - began

    def _named(self, name: str, validator: Any, value: Any, instance: Any, schema: JSON) -> Iterator[ValidationError]:
        patterns = schema.get("patternProperties", {})
        for key, item in instance.items() if isinstance(instance, dict) else ():
            fitting = [pattern for pattern in patterns if self.found(pattern, key)]
            if name == "patternProperties":
                for pattern in fitting:
                    yield from validator.descend(item, value[pattern], path=key, schema_path=pattern)
            elif not fitting and key not in schema.get("properties", {}):
                if value is False:
                    yield ValidationError(f"{key[:50]!r} is not expected")
                else:
                    yield from validator.descend(item, value, path=key)


def _unique(value: Any, instance: Any) -> Iterator[ValidationError]:
    if value and isinstance(instance, list):
        # 1 and true differ in JSON, 1 and 1.0 do not; the order of keys says nothing.
        seen = {json.dumps(_plain(item), sort_keys=True) for item in instance}
        if len(seen) < len(instance):
            yield ValidationError("it has the same item twice")


def _plain(item: Any) -> Any:
    match item:
        case float() if item.is_integer():
            return int(item)
        case list():
            return [_plain(each) for each in item]
        case dict():
            return {name: _plain(each) for name, each in item.items()}
    return item


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> "regex.Pattern[str]":
    # Repeats of repeats are built by the compiler.
    counts = [max(int(count[:7]), 1) for count in regex.findall(r"\{\s*\d*\s*,?\s*(\d+)\s*,?\s*\}", pattern)]
    if len(pattern) > LONGEST_PATTERN or math.prod(counts) > MOST_REPEATS:
        raise BadSchema("A pattern is too long, or repeats too often.")
    try:
        return regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise BadSchema(f"{pattern[:50]!r} is no regular expression.") from error


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every name with its value, wherever it stands; also what only looks like a keyword."""
    waiting = [schema]
    while waiting:
        match waiting.pop():
            case dict() as found:
                yield from found.items()
                waiting += found.values()
            case list() as found:
                waiting += found


def _place(error: ValidationError | SchemaError) -> str:
    place = ".".join(str(step) for step in error.absolute_path)
    return f"{place}: " if place else ""
