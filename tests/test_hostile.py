"""Bodies from strangers: what does not fit is a 400 that names the field, and leaves nothing behind.

Driven by the schema: every field of every body is tried, those of endpoints still to come too.
"""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters.models import Character
from apps.conversations.models import Message
from tests.endpoints import Operation, operations, resolved
from tests.refusals import complaints, fields

WITH_BODY = [operation for operation in operations() if operation.reads_body]
FORM = "application/x-www-form-urlencoded"

# JSON as it is sent: Python could not write some of these.
NUL, HIGH, LOW = '"a\\u0000b"', '"\\ud800"', '"a\\udc00b"'
DEEP = "[" * 100_000
LONG_NUMBER = "9" * 5_000


def everything() -> Any:
    """Every row of ours, as it stands."""
    models = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
    return {model: sorted(model._default_manager.values_list(), key=str) for model in models}


def send(client: APIClient, operation: Operation, who: Any, raw: str | bytes, kind: str = "application/json") -> Any:
    cache.clear()  # nobody is throttled for the last body
    return client.generic(operation.method, operation.address(who), raw, content_type=kind)


def with_field(body: dict[str, Any], name: str, value: str) -> str:
    """The body as JSON, with `value`, which is JSON already, in the field."""
    others = {key: other for key, other in body.items() if key != name}
    return json.dumps(others)[:-1] + (", " if others else "") + f"{json.dumps(name)}: {value}}}"


def not_fitting(part: dict[str, Any]) -> Iterator[str]:
    """JSON of the wrong type for a property, or out of its bounds."""
    kind = part["type"]
    samples = {"array": "[]", "object": "{}", "integer": "12", "boolean": "true", "string": '"x"'}
    kinds = part.get("types", {kind}) | ({"integer"} if kind == "number" else set())
    yield from (sample for name, sample in samples.items() if name not in kinds)
    if not part.get("nullable"):
        yield "null"
    if len(part.get("types", ())) > 1:
        return
    if kind == "string":
        yield from (NUL, HIGH, LOW)
        if "enum" in part or "format" in part:
            yield from ('"x"', '""', '"0"')
        if part.get("maxLength"):
            yield json.dumps("x" * (part["maxLength"] + 1))
        if part.get("minLength"):
            yield '""'
    elif kind in {"integer", "number"}:
        yield from ("1e400", "-1e400", "1" + "0" * 30, "-1" + "0" * 30, "-2")
        if "enum" in part:
            yield from ("0", "12")
        if kind == "integer":
            yield from ("1.5", "9223372036854775808", "1e300")
    elif kind == "array":
        yield from (f"[{sample}]" for sample in not_fitting(resolved(part["items"])))
        if "maxItems" in part:
            yield json.dumps(["x"] * (part["maxItems"] + 1))
        yield '["ok", [[[]]]]'
    elif "properties" in part:
        for name, inner in part["properties"].items():
            yield from (f"{{{json.dumps(name)}: {value}}}" for value in not_fitting(resolved(inner)))
    elif kind == "object":
        yield from unstorable()


def unstorable() -> Iterator[str]:
    """JSON objects that JSONB cannot hold, or should not."""
    for text in (NUL, HIGH, LOW):
        yield f'{{"key": {text}}}'
        yield f"{{{text}: 1}}"
        yield f'{{"key": [{{"deeper": [{text}]}}]}}'
        yield f'{{"key": [{{{text}: 1}}]}}'
    yield from ('{"key": 1e400}', '{"key": [-1e400]}', '{"key": 1' + "0" * 30 + "}")
    yield '{"key": ' + "[" * 40 + "]" * 40 + "}"
    yield '{"key": ' + '{"key":' * 40 + "1" + "}" * 40 + "}"


def test_the_schema_has_bodies_to_try() -> None:
    assert sum(len(operation.fields) for operation in WITH_BODY) > 100


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_what_does_not_fit_a_field_is_refused_by_its_name(
    operation: Operation, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    body = operation.body(alices) or {}
    before = everything()
    wrong = []
    for name, part in operation.fields.items():
        for value in not_fitting(part):
            response = send(as_alice, operation, alices, with_field(body, name, value))
            named = fields(response) if response.status_code == 400 else set()
            if named != {name}:
                wrong.append((name, value[:60], response.status_code, named))
    assert wrong == []
    assert everything() == before


# Cards in other encodings, and with bytes that are no text, are mended: what a card's file may be is tested elsewhere.
READ_LENIENTLY = {"/api/characters/import/", "/api/characters/{id}/lorebook/"}


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_what_cannot_be_read_is_refused(operation: Operation, alices: SimpleNamespace, as_alice: APIClient) -> None:
    body = json.dumps(operation.body(alices))
    before = everything()
    name = next(iter(operation.fields), "name")
    unreadable = {
        "no JSON": "nonsense",
        "cut off": body[:-1],
        "more after the end": body + "}",
        "one quote": '"',
        "null": "null",
        "a list": "[]",
        "a list of bodies": f"[{body}]",
        "a string": '"x"',
        "a number": "12",
        "true": "true",
        "NaN": with_field({}, name, "NaN"),
        "Infinity": with_field({}, name, "-Infinity"),
        "a number of 5,000 digits": with_field({}, name, LONG_NUMBER),
        "100,000 lists": DEEP,
        "100,000 lists in a field": with_field({}, name, DEEP + "]" * len(DEEP)),
        "100,000 objects": '{"a":' * 100_000,
        "a NUL between": body.replace("{", "{\0", 1),
        "no UTF-8": b'{"name": "\xff\xfe"}',
        "a broken surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
        "UTF-16": body.encode("utf-16"),
        "UTF-32": body.encode("utf-32"),
    }
    if operation.path in READ_LENIENTLY:
        unreadable = {label: raw for label, raw in unreadable.items() if "UTF" not in label}
    for label, raw in unreadable.items():
        response = send(as_alice, operation, alices, raw)
        assert response.status_code == 400, (label, response.content)
        assert complaints(response), label
    assert everything() == before


# What is asked to write an answer needs nothing, but a server: see tests/test_regenerate.py.
NEEDS_NO_SERVER = [operation for operation in WITH_BODY if not operation.path.endswith(("/regenerate/", "/run/"))]


@pytest.mark.parametrize("operation", NEEDS_NO_SERVER, ids=str)
def test_nothing_as_a_body_is_an_empty_object(
    operation: Operation, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    for raw in ("", "{}"):
        response = send(as_alice, operation, alices, raw)
        if operation.path.endswith(("/fork/", "/start/")):
            expected = 201
        elif operation.method == "PATCH" or operation.path in ("/api/conversations/{id}/", "/v1/conversations"):
            expected = 200
        else:
            expected = 400
        assert response.status_code == expected, response.content


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_bodies_are_utf8_and_of_a_known_kind(
    operation: Operation, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    body = json.dumps(operation.body(alices))
    before = everything()
    for kind in ("text/plain", "application/xml", "application/jsonp", "nonsense"):
        response = send(as_alice, operation, alices, body, kind)
        assert response.status_code == 415, (kind, response.content)
        assert complaints(response)[0][0] == "unsupported_media_type"
    for kind in ("application/json; charset=klingon", f"{FORM}; charset=punycode"):
        response = send(as_alice, operation, alices, body, kind)
        assert response.status_code == 400, (kind, response.content)
        assert complaints(response)[0][0] == "parse_error"
    assert everything() == before


@pytest.mark.parametrize("path", ["/api/characters/", "/api/auth/login/", "/nowhere"])
@pytest.mark.parametrize("kind", ["application/json", FORM, "multipart/form-data; boundary=x"])
def test_what_is_no_utf8_by_its_own_word_is_refused_anywhere(
    path: str, kind: str, as_alice: APIClient, db: None
) -> None:
    """Some of these are codecs of Python's that are no text, or fail in ways of their own."""
    for charset in ("hex", "zlib", "rot13", "punycode", "idna", "undefined", "utf-16", "utf-7", "unicode_escape", ""):
        response = as_alice.generic("POST", path, b"name=1", content_type=f'{kind}; charset="{charset}"')
        assert response.status_code == 400, (charset, response.content)


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8", "us-ascii"])
def test_utf8_may_be_named(charset: str, as_alice: APIClient, db: None) -> None:
    raw = b'{"name": "Ada"}'
    response = as_alice.generic("POST", "/api/characters/", raw, content_type=f"application/json; charset={charset}")
    assert response.status_code == 201


PART = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        pytest.param("multipart/form-data", b"name=Ada", id="no boundary"),
        pytest.param("multipart/form-data; boundary=", b"name=Ada", id="an empty boundary"),
        pytest.param("multipart/form-data; boundary=\u00e4", b"name=Ada", id="a boundary beyond ASCII"),
        pytest.param("multipart/form-data; boundary=x", b"name=Ada", id="no parts"),
        pytest.param("multipart/form-data; boundary=x", b"--x\r\nname", id="a cut head"),
        pytest.param("multipart/form-data; boundary=x", PART % (b"name", b'; filename="a.txt"', b"Ada"), id="a file"),
        pytest.param("multipart/form-data; boundary=x", PART % (b"name", b"", b"A\0da") + b"--x--", id="NUL"),
        pytest.param("multipart/form-data; boundary=x", PART % (b"n", b"", b"1") * 2_000 + b"--x--", id="many parts"),
        pytest.param(
            "multipart/form-data; boundary=x", PART % (b"n", b'; filename="a"', b"1") * 200 + b"--x--", id="many files"
        ),
        pytest.param(FORM, b"&".join(b"a%d=1" % number for number in range(5_000)), id="many fields"),
        pytest.param(FORM, b"name=%00", id="NUL in a form"),
        pytest.param(FORM, b"name=", id="a blank form"),
        pytest.param(FORM, b"%ff=%fe&name[]=x", id="no name in a form"),
    ],
)
def test_broken_forms_are_refused(kind: str, raw: bytes, as_alice: APIClient, db: None) -> None:
    response = as_alice.generic("POST", "/api/characters/", raw, content_type=kind)
    assert response.status_code == 400, response.content
    assert response.json()["errors"]
    assert not Character.objects.exists()


def test_forms_work_where_they_are_sound(as_alice: APIClient, db: None) -> None:
    response = as_alice.post("/api/characters/", {"name": "Ada", "tags": ["one", "two"], "prompt_visible": "on"})
    assert response.status_code == 201, response.content
    assert (response.json()["tags"], response.json()["prompt_visible"]) == (["one", "two"], True)


# Without those whose answer is awaited, which the server alone can do.
AT_ONCE = [operation for operation in WITH_BODY if not operation.is_awaited and not operation.takes_file]


@pytest.mark.parametrize("operation", AT_ONCE, ids=str)
def test_what_a_body_should_not_hold_is_ignored(
    operation: Operation, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    odd = {"user": 12, "user_id": 12, "unknown": [], "is_staff": True, "id": "x", "mine": "x", "created_at": "never"}
    odd |= {"message_count": -1, "depth": 5, "status": "generating", "generating": "x", "siblings": {}, "": None}
    odd = {name: value for name, value in odd.items() if name not in operation.fields}
    body = {**odd, **(operation.body(alices) or {})}
    response = as_alice.generic(
        operation.method, operation.allowed(alices), json.dumps(body), content_type="application/json"
    )
    assert response.status_code < 300, response.content
    assert not User.objects.filter(is_staff=True).exists()
    assert not Message.objects.exclude(status="complete").exists()


def test_the_last_of_equal_keys_counts(as_alice: APIClient, db: None) -> None:
    raw = '{"name": "Ada", "name": "Basil"}'
    response = as_alice.generic("POST", "/api/characters/", raw, content_type="application/json")
    assert (response.status_code, response.json()["name"]) == (201, "Basil")


def test_what_can_be_kept_is_kept_as_it_was(as_alice: APIClient, db: None) -> None:
    kept = {
        "name": "Zoë 😀",
        "description": "  two\r\n\tlines \u202e\ufeff\uffff ",
        "tags": ["a,b", "ä"],
        "lorebook": {"entries": [{"keys": ["\x01"], "order": 10**17, "weight": 0.5, "on": None}], "": {}},
        "extensions": {"depth": json.loads("[" * 28 + "]" * 28), "long": "x" * 10_000},
    }
    made = as_alice.post("/api/characters/", kept, format="json")
    assert made.status_code == 201, made.content
    read = as_alice.get(f"/api/characters/{made.json()['id']}/").json()
    assert {name: read[name] for name in kept} == kept
