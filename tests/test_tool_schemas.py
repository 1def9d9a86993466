"""Schemas of arguments, from strangers: which are taken, what they say of arguments, and that none takes all day."""

from typing import Any

import pytest

from apps.tools import parameters
from apps.tools.parameters import DIALECT, BadArguments, BadSchema

JSON = dict[str, Any]


def schema(**properties: Any) -> JSON:
    return {"type": "object", "properties": properties}


def fits(found: JSON, arguments: Any) -> bool:
    parameters.check(found)
    try:
        return parameters.validate(found, arguments) is arguments
    except BadArguments as bad:
        return len(str(bad)) > 600  # what is that long is no help


# ── Which are taken ──────────────────────────────────────────────────────────────────────────

TREE = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}},
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["name"]}},
}


@pytest.mark.parametrize(
    "good",
    [
        {"type": "object"},
        parameters.NOTHING,
        {"type": "object", "$schema": DIALECT, "$id": "https://tools.example/a", "title": "A", "x-order": 1},
        schema(a={"type": "string", "minLength": 1, "enum": ["x"], "format": "date", "default": 5}),
        schema(a={"type": ["string", "null"]}, b=True, c=False, d={}),
        schema(a={"pattern": r"^\d{3}-[a-z]+$"}, b={"pattern": r"^[\w\-]+$"}, c={"pattern": r"^\p{Lu}"}),
        schema(pattern={"type": "string"}, required={"type": "array"}, **{"$ref": {}, "$id": {"type": "string"}}),
        {"type": "object", "patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False},
        {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "unevaluatedProperties": False},
        TREE,
        {"type": "object", "properties": {"again": {"$ref": "#"}}},
        schema(a={"type": "array", "items": {"type": "string"}}, b={"$ref": "#/properties/a/items"}),
        {"type": "object", "definitions": {"a~/b": {"type": "string"}}, "$ref": "#/definitions/a~0~1b"},
    ],
)
def test_good_schemas(good: JSON) -> None:
    parameters.check(good)


@pytest.mark.parametrize(
    "bad",
    [
        # For no object.
        *({}, {"type": "string"}, {"type": ["object"]}, {"properties": {}}, {"type": None}),
        # Of another dialect.
        *({"type": "object", "$schema": other} for other in ("", "x", 5, None, [], "http://json-schema.org/schema#")),
        {"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"},
        # No schema.
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": 5}},
        {"type": "object", "required": "a"},
        {"type": "object", "required": ["a", "a"]},
        schema(a={"type": "text"}),
        schema(a={"minimum": "5"}),
        schema(a={"multipleOf": 0}),
        schema(a={"items": [{"type": "string"}]}),
        schema(a={"minLength": -1}),
        # What leads elsewhere.
        *(
            schema(a={"$ref": other})
            for other in (
                *("http://127.0.0.1/", "https://api.example/a#/b", "file:///etc/passwd", "other", "", "/a", "a#/b"),
                *("#/nowhere", "#/properties/b", "#/type/x", "#anchor", "#/$defs", "urn:x:y", "#/type/0"),
            )
        ),
        schema(a={"$id": "https://api.example/", "$ref": "#/b"}),
        schema(a={"$dynamicRef": "#a"}, b={"$dynamicAnchor": "a"}),
        schema(a={"$anchor": "a"}),
        # What is no schema where a reference takes it for one.
        {**schema(a={"$ref": "#/default"}), "default": {"type": 5}},
        {**schema(a={"$ref": "#/default"}), "default": {"multipleOf": 0}},
        {**schema(a={"$ref": "#/default"}), "default": "text"},
        {**schema(a={"$ref": "#/examples/0"}), "examples": [{"minimum": "x"}]},
        {**schema(a={"$ref": "#/required"}), "required": ["a"]},
        # What would be given to another validator, that counts nothing.
        schema(a={"$schema": DIALECT}),
        {"type": "object", "$defs": {"a": {"$schema": "http://json-schema.org/draft-04/schema#"}}},
        # Patterns that are none, or too much.
        *(
            schema(a={"pattern": pattern})
            for pattern in (
                *("(", "[", "*", "a**", "(?<x", "(?P<x>a)", "(?R)", "(?:a){e<=3}(", "a{2,1}", "\\"),
                *("(?:a{999}){999}", "((((a{99}){99}){99}){99}){99}", "a{99999999}", "(" * 60 + ")" * 60, "a" * 5_000),
                "(?:" * 20 + "a" + "){9}" * 20,
            )
        ),
        {"type": "object", "patternProperties": {"(": {}}},
        {"type": "object", "propertyNames": {"pattern": "("}},
        # Too long.
        {"type": "object", "description": "x" * parameters.MOST_SCHEMA},
    ],
)
def test_bad_schemas(bad: JSON) -> None:
    with pytest.raises(BadSchema) as refused:
        parameters.check(bad)
    assert len(str(refused.value)) < 600


def test_depth_is_no_error_of_ours() -> None:
    for keyword in ("not", "items", "contains"):
        deep: JSON = {"type": "string"}
        for _ in range(900):
            deep = {keyword: deep}
        with pytest.raises(BadSchema):
            parameters.check(schema(a=deep))


# ── What they say ────────────────────────────────────────────────────────────────────────────

A, B = {"a": 1}, {"b": 1}


@pytest.mark.parametrize(
    ("found", "good", "bad"),
    [
        (schema(a={"type": "integer"}), [{}, A, {"a": 1.0}, {"x": "y"}], [{"a": "1"}, {"a": 1.5}, {"a": True}]),
        ({**schema(a={}), "required": ["a"]}, [A, {"a": None}], [{}, B]),
        ({**schema(a={}), "additionalProperties": False}, [{}, A], [B, {**A, **B}]),
        ({**schema(a={}), "additionalProperties": {"type": "string"}}, [A, {"b": "x"}], [B]),
        (
            {"type": "object", "patternProperties": {"^n_": {"type": "number"}}, "additionalProperties": False},
            [{}, {"n_a": 1}],
            [{"n_a": "x"}, {"m": 1}, {"xn_": 1}],
        ),
        (schema(a={"pattern": "^[a-c]+$"}), [{"a": "abc"}, {"a": 5}], [{"a": ""}, {"a": "abcd"}, {"a": "abc\n"}]),
        (schema(a={"pattern": "b"}), [{"a": "abc"}], [{"a": "ac"}]),
        (schema(a={"pattern": r"^\d$"}), [{"a": "5"}], [{"a": "٥"}]),
        (schema(a={"enum": ["x", 1, None]}), [{"a": "x"}, {"a": 1.0}, {"a": None}], [{"a": "y"}, {"a": True}]),
        (schema(a={"const": {"x": [1]}}), [{"a": {"x": [1]}}], [{"a": {"x": [True]}}]),
        (schema(a={"anyOf": [{"type": "string"}, {"minimum": 5}]}), [{"a": "x"}, {"a": 5}], [{"a": 4}]),
        (schema(a={"oneOf": [{"minimum": 1}, {"maximum": 5}]}), [{"a": 0}, {"a": 6}], [{"a": 3}]),
        (schema(a={"not": {"type": "null"}}), [{"a": 1}], [{"a": None}]),
        (schema(a={"multipleOf": 0.5}), [{"a": 1.5}], [{"a": 1.4}]),
        (schema(a={"uniqueItems": True}), [{"a": [1, True, "1", [1]]}], [{"a": [1, 1.0]}, {"a": [A, {"a": 1.0}]}]),
        (schema(a={"items": {"type": "string"}, "maxItems": 2}), [{"a": ["x"]}], [{"a": [1]}, {"a": ["x"] * 3}]),
        (TREE, [{"root": {"name": 1, "next": {"name": 2}}}], [{"root": {"name": 1, "next": {}}}]),
        ({"type": "object", "properties": {"again": {"$ref": "#"}}, "maxProperties": 1}, [{"again": {}}], [{**A, **B}]),
        ({**schema(a={"$ref": "#"}), "$schema": DIALECT, "$id": "https://a.example/"}, [{"a": {}}], [{"a": 1}]),
        ({"type": "object", "if": {"required": ["a"]}, "then": {"required": ["b"]}}, [{}, B, {**A, **B}], [A]),
        ({"type": "object", "dependentRequired": {"a": ["b"]}}, [B, {**A, **B}], [A]),
        ({"type": "object", "propertyNames": {"maxLength": 1}}, [A], [{"ab": 1}]),
    ],
)
def test_arguments(found: JSON, good: list[JSON], bad: list[JSON]) -> None:
    assert [each for each in good if not fits(found, each)] == []
    assert [each for each in bad if fits(found, each)] == []


def test_what_is_wrong_is_named() -> None:
    found = schema(people={"type": "array", "items": schema(age={"type": "integer"})})
    with pytest.raises(BadArguments, match=r"^people\.0\.age: 'x' is not of type 'integer'$"):
        parameters.validate(found, {"people": [{"age": "x"}]})


@pytest.mark.parametrize("arguments", [None, [], "x", 5, True, [{}]])
def test_arguments_are_an_object(arguments: Any) -> None:
    with pytest.raises(BadArguments):
        parameters.validate({"type": "object"}, arguments)


def deep(levels: int) -> JSON:
    found: JSON = {}
    for _ in range(levels):
        found = {"a": found}
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        *({"a": "\ud800"}, {"\udfff": 1}, {"a": ["x\0y"]}, {"a": float("nan")}, {"a": float("inf")}, {"a": 10**400}),
        *({"a": -(10**5_000)}, {"a": 1e300}, deep(40), deep(100_000)),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("found", [{"type": "object"}, schema(a={"multipleOf": 0.5, "maximum": 5, "type": "string"})])
def test_arguments_are_what_can_be_kept(arguments: JSON, found: JSON) -> None:
    with pytest.raises(BadArguments) as refused:
        parameters.validate(found, arguments)
    str(refused.value).encode()


# ── That none takes all day ──────────────────────────────────────────────────────────────────

BOMB: JSON = {
    "type": "object",
    "$defs": {
        **{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 9} for n in range(20)},
        "d20": {"type": "string"},
    },
    "properties": {"a": {"$ref": "#/$defs/d0"}},
}
# The same, said by a schema that names its dialect; and with alternatives, whose errors are all kept.
WITH_DIALECT = {**BOMB, "$schema": DIALECT, "$id": "https://a.example/"}
ALTERNATIVES: JSON = {
    **BOMB,
    "$defs": {
        name: {("anyOf" if key == "allOf" else key): value for key, value in each.items()}
        for name, each in BOMB["$defs"].items()
    },
}
MANY = [{"type": "number"}] * 900


def both(part: JSON) -> JSON:
    return schema(a={"allOf": [part] * 400})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("found", "arguments"),
    [
        pytest.param(BOMB, {"a": "x"}, id="references of references"),
        pytest.param(WITH_DIALECT, {"a": "x"}, id="with its dialect"),
        pytest.param(ALTERNATIVES, {"a": 1}, id="alternatives of alternatives"),
        pytest.param(
            {**schema(a={"$ref": "#"}), "allOf": [{"$ref": "#/properties/a"}] * 2}, {"a": {}}, id="endless reference"
        ),
        pytest.param(
            {"type": "object", "$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, {}, id="of itself"
        ),
        pytest.param({"type": "object", "$ref": "#"}, {}, id="of the root"),
        pytest.param(schema(a={"anyOf": MANY}), {"a": "x" * 1_000_000}, id="errors that repeat a text"),
        pytest.param(schema(a={"anyOf": MANY}), {"a": [["x"] * 9] * 9_999}, id="errors that repeat a list"),
        pytest.param(schema(a={"items": {}}), {"a": [1] * 500_000}, id="items that may be anything"),
        pytest.param(both({"items": {}}), {"a": [1] * 50_000}, id="items, again and again"),
        pytest.param(both({"contains": {}}), {"a": [1] * 50_000}, id="one of the items"),
        pytest.param(both({"propertyNames": {}}), {"a": {f"{n}": n for n in range(50_000)}}, id="names"),
        pytest.param(both({"additionalProperties": {}}), {"a": {f"{n}": n for n in range(50_000)}}, id="others"),
        pytest.param(both({"uniqueItems": True}), {"a": list(range(50_000))}, id="items that are unique"),
        pytest.param(
            {"type": "object", "additionalProperties": False}, {f"k{n}": n for n in range(100_000)}, id="no others"
        ),
        pytest.param(
            {"type": "object", "patternProperties": {f"^{n}": {} for n in range(900)}},
            {f"k{n}": n for n in range(1_000)},
            id="names times patterns",
        ),
    ],
)
def test_the_work_is_counted(found: JSON, arguments: JSON) -> None:
    assert not fits(found, arguments)


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern",
    [
        r"^(a+)+$",
        r"^(a|a)*$",
        r"^(a|aa)+$",
        r"^(.*a){12}$",
        r"(x+x+)+y",
        r"^(([a-z])+.)+[A-Z]([a-z])+$",
        r"(?=(a+))\1*b",
    ],
)
def test_patterns_end(pattern: str) -> None:
    for text in ("a" * 30 + "!", "a" * 100_000 + "!", "x" * 50_000):
        found = schema(a={"pattern": pattern}, b={"patternProperties": {pattern: False}})
        # Whatever comes of it.
        fits(found, {"a": text, "b": {text[:1_000]: 1}})


def test_many_patterns_have_no_more_time_than_one() -> None:
    # 300 × the time of one would be longer than a test may take.
    slow = {f"p{n}": {"pattern": "^(a|a)*$" + "b?" * (n % 7)} for n in range(300)}
    assert not fits(schema(**slow), dict.fromkeys(slow, "a" * 40 + "!"))


def test_many_items_are_unique() -> None:
    found = schema(a={"type": "array", "uniqueItems": True})
    assert fits(found, {"a": list(range(20_000))})
    assert not fits(found, {"a": [*range(20_000), 5]})
    assert not fits(found, {"a": [{"n": [n]} for n in range(20_000)] + [{"n": [5]}]})


def test_large_arguments_are_read() -> None:
    text = schema(a={"type": "string", "minLength": 1, "maxLength": 2_000_000})
    assert fits(text, {"a": "x" * 1_000_000})
    assert not fits(text, {"a": ["x" * 1_000_000]})
    assert fits(schema(a={"items": {"type": "integer"}}), {"a": list(range(5_000))})
    assert fits({"type": "object"}, {f"k{n}": n for n in range(50_000)})
