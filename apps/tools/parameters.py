"""JSON Schema 2020-12 of a tool's arguments: checked itself, and used on what models say.

Pure. Schemas and arguments come from strangers: nothing is fetched, and no pattern, reference or combination takes
longer than a bound.
"""

import json
import time
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable
from rest_framework import serializers

from apps.api import javascript
from apps.api.fields import JSONObject

if TYPE_CHECKING:
    import regex

JSON = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Characters of the schema, as JSON.
MOST_SCHEMA = 20_000
# Keywords that are looked at for one set of arguments, items that are gone through, and what is said of all that.
MOST_STEPS = 20_000
ITEMS_A_STEP = 4
CHARACTERS_A_STEP = 100
# That all patterns may take together.
SECONDS_TOGETHER = 0.25
# Of what is said to people and models.
LONGEST_MESSAGE = 300
LONGEST_PLACE = 200

# What would lead to other schemas than this one, or to another validator.
NOT_WITHIN = ("$schema", "$id", "$anchor", "$dynamicAnchor", "$dynamicRef")
# These go through all items, whatever is asked of them.
GOING_THROUGH = ("items", "contains", "propertyNames", "patternProperties", "additionalProperties")
NO_FORMATS = FormatChecker([])

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
    _check_form(schema)
    for keyword, value in _keywords(_without_names(schema)):
        if keyword in NOT_WITHIN and isinstance(value, str):
            raise BadSchema(f"There can be no {keyword} in it.")
        if keyword == "pattern" and isinstance(value, str):
            _compiled(value)
        if keyword == "patternProperties" and isinstance(value, dict):
            for pattern in value:
                _compiled(pattern)
    for reference in {value for keyword, value in _keywords(schema) if keyword == "$ref" and isinstance(value, str)}:
        # It may stand anywhere, where nobody has looked at it as a schema so far.
        _check_form(_named_by(reference, schema))


def _check_form(schema: Any) -> None:
    try:
        Draft202012Validator.check_schema(schema, format_checker=NO_FORMATS)
    except SchemaError as error:
        raise BadSchema(f"{_place(error)}{error.message[:LONGEST_MESSAGE]}") from error
    except RecursionError as error:
        raise BadSchema("It is nested too deeply.") from error


def _named_by(reference: str, schema: JSON) -> Any:
    found: Any = schema
    root, *steps = unquote(reference).split("/")
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isascii() and name.isdigit() and int(name[:6]) < len(found):
            found = found[int(name)]
        else:
            root = ""
    if root != "#":
        raise BadSchema("A reference may only name a part of the schema itself, as #/$defs/….")
    return found


def validate(schema: JSON, arguments: Any) -> JSON:
    """The arguments, as they are. Raises BadArguments where they do not suit a schema that `check` has passed, or are
    nothing that the database can hold."""
    if not isinstance(arguments, dict):
        raise BadArguments("The arguments must be a JSON object.")
    try:
        JSONObject().run_validation(arguments)
    except serializers.ValidationError as refused:
        raise BadArguments(" ".join(map(str, refused.detail))) from refused
    steps = _Steps()
    validator = extend(  # type: ignore[no-untyped-call]
        Draft202012Validator,
        {name: partial(steps.counted, name, function) for name, function in Draft202012Validator.VALIDATORS.items()},
    )(_without_names(schema), registry=Registry())
    try:
        error = best_match(validator.iter_errors(arguments))
    except _TooMuch as much:
        raise BadArguments("They take too long to check against the schema.") from much
    except (RecursionError, Unresolvable) as endless:
        raise BadArguments("The schema's references lead nowhere.") from endless
    if error is not None:
        raise BadArguments(f"{_place(error)}{error.message[:LONGEST_MESSAGE]}")
    return arguments


def _without_names(schema: JSON) -> JSON:
    """A schema that names its dialect is given to another validator, which counts nothing."""
    return {keyword: value for keyword, value in schema.items() if keyword not in ("$schema", "$id")}


class _Steps:
    """Of one validation: counts what is looked at, and the time that patterns take."""

    def __init__(self) -> None:
        self.left = MOST_STEPS
        self.seconds = SECONDS_TOGETHER

    def counted(
        self, name: str, function: Any, validator: Any, value: Any, instance: Any, schema: Any
    ) -> Iterator[ValidationError]:
        going_through = name in GOING_THROUGH and isinstance(instance, list | dict)
        self.step(1 + (len(instance) // ITEMS_A_STEP if going_through else 0))
        for error in self._errors(name, function, validator, value, instance, schema):
            # It repeats what it is about, as long as that may be.
            self.step(1 + len(error.message) // CHARACTERS_A_STEP)
            error.message = error.message[:LONGEST_MESSAGE]
            yield error

    def _errors(
        self, name: str, function: Any, validator: Any, value: Any, instance: Any, schema: Any
    ) -> Iterator[ValidationError]:
        match name:
            case "pattern":
                if isinstance(instance, str) and not self.found(value, instance):
                    yield ValidationError(f"{instance[:50]!r} does not match {value!r}")
            case "patternProperties" | "additionalProperties":
                yield from self._named(name, validator, value, instance, schema)
            case "uniqueItems":
                yield from self._unique(value, instance)
            case "unevaluatedProperties" | "unevaluatedItems":
                # What they depend on cannot be counted, and no tool needs them.
                return
            case _:
                yield from function(validator, value, instance, schema) or ()

    def step(self, count: int = 1) -> None:
        self.left -= count
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

    def _unique(self, value: Any, instance: Any) -> Iterator[ValidationError]:
        if value and isinstance(instance, list):
            # 1 and true differ in JSON, 1 and 1.0 do not; the order of keys says nothing.
            items = [json.dumps(_plain(item), sort_keys=True) for item in instance]
            self.step(sum(map(len, items)) // CHARACTERS_A_STEP)
            if len(set(items)) < len(items):
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
    # As JSON Schema has it; what is none with `u` is written that way all the same, as `\-` is.
    compiled = javascript.compiled(pattern, "u") or javascript.compiled(pattern, "")
    if compiled is None:
        raise BadSchema(f"{pattern[:50]!r} is no regular expression, or one that takes too much.")
    return compiled


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
    place = ".".join(str(step) for step in error.absolute_path)[:LONGEST_PLACE]
    return f"{place}: " if place else ""
