"""Requests of HTTP tools, as they are made of what an owner wrote and what a model said."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.outbound import request, urls
from apps.api.outbound.errors import RequestRefused
from apps.tools import templates
from apps.tools.templates import BadTemplate, Missing, Outgoing

HOST = "https://api.example"


def fill(arguments: dict[str, Any] | None = None, secrets: dict[str, str] | None = None, **config: Any) -> Outgoing:
    whole = {"method": "GET", "url": f"{HOST}/", "headers": {}, "query": {}, "body": None, **config}
    return templates.fill(whole, arguments or {}, secrets or {})


def url(template: str, **arguments: Any) -> str:
    return fill(arguments, url=template).url


@pytest.mark.parametrize(
    ("template", "arguments", "expected"),
    [
        ("https://api.example", {}, "https://api.example"),
        ("HTTPS://Api.Example:8443/a", {}, "HTTPS://Api.Example:8443/a"),
        ("https://[2001:db8::1]:8443/a", {}, "https://[2001:db8::1]:8443/a"),
        (f"{HOST}/users/{{id}}", {"id": "ada"}, f"{HOST}/users/ada"),
        (f"{HOST}/users/{{id}}.json", {"id": 7}, f"{HOST}/users/7.json"),
        (f"{HOST}/{{a}}/{{b}}-{{a}}", {"a": "x", "b": "y"}, f"{HOST}/x/y-x"),
        (f"{HOST}/{{a}}", {"a": "Zoë & co"}, f"{HOST}/Zo%C3%AB%20%26%20co"),
        (f"{HOST}/{{a}}", {"a": True}, f"{HOST}/true"),
        (f"{HOST}/{{a}}", {"a": 1.5}, f"{HOST}/1.5"),
        (f"{HOST}/{{a}}", {"a": ["x"]}, f"{HOST}/%5B%22x%22%5D"),
        (f"{HOST}/{{{{a}}}}", {}, f"{HOST}/{{a}}"),
        (f"{HOST}/{{{{{{a}}}}}}", {"a": "x"}, f"{HOST}/{{x}}"),
        # What an argument holds is no template.
        (f"{HOST}/{{a}}/{{b}}", {"a": "{b}", "b": "{secrets.KEY}"}, f"{HOST}/%7Bb%7D/%7Bsecrets.KEY%7D"),
        # In the path it stays one step.
        (f"{HOST}/{{a}}/end", {"a": "x/y"}, f"{HOST}/x%2Fy/end"),
        (f"{HOST}/{{a}}/end", {"a": "../.."}, f"{HOST}/..%2F../end"),
        (f"{HOST}/{{a}}/end", {"a": "%2e%2e"}, f"{HOST}/%252e%252e/end"),
        (f"{HOST}/{{a}}/end", {"a": "..%2f"}, f"{HOST}/..%252f/end"),
        (f"{HOST}/{{a}}/end", {"a": "..\\.."}, f"{HOST}/..%5C../end"),
        (f"{HOST}/{{a}}/end", {"a": "?x=1#y"}, f"{HOST}/%3Fx%3D1%23y/end"),
        (f"{HOST}/{{a}}/end", {"a": "//evil.example"}, f"{HOST}/%2F%2Fevil.example/end"),
        (f"{HOST}/{{a}}", {"a": "@evil.example"}, f"{HOST}/%40evil.example"),
        (f"{HOST}/{{a}}", {"a": "a\r\nHost: evil"}, f"{HOST}/a%0D%0AHost%3A%20evil"),
        (f"{HOST}/{{a}}", {"a": ";x=1"}, f"{HOST}/%3Bx%3D1"),
        # A query within the address.
        (f"{HOST}/?q={{q}}&n=5", {"q": "a&n=6#"}, f"{HOST}/?q=a%26n%3D6%23&n=5"),
        (f"{HOST}?q={{q}}", {"q": "x y"}, f"{HOST}?q=x%20y"),
        (f"{HOST}/?q={{q}}&lang={{lang}}", {"q": "x"}, f"{HOST}/?q=x"),
        (f"{HOST}/?lang={{lang}}", {}, f"{HOST}/"),
        # Arguments that are named nowhere.
        (f"{HOST}/a", {"q": "x y", "n": 5}, f"{HOST}/a?q=x+y&n=5"),
        (f"{HOST}/a?b=c", {"q": ["x", "y"]}, f"{HOST}/a?b=c&q=x&q=y"),
        (f"{HOST}/a", {"q": None, "n": 0, "e": "", "l": []}, f"{HOST}/a?n=0&e="),
        (f"{HOST}/a", {"a&b=c": "d"}, f"{HOST}/a?a%26b%3Dc=d"),
        # What the owner says stands alone.
        (f"{HOST}/a?user=me", {"user": "you", "USER": "x"}, f"{HOST}/a?user=me&USER=x"),
        (f"{HOST}/a?us%65r=me&flag", {"user": "you", "flag": "1"}, f"{HOST}/a?us%65r=me&flag"),
    ],
)
def test_addresses(template: str, arguments: dict[str, Any], expected: str) -> None:
    templates.check_url(template)
    assert url(template, **arguments) == expected


@pytest.mark.parametrize(
    ("query", "arguments", "expected"),
    [
        ({"q": "{q}"}, {"q": "a b&c"}, "q=a+b%26c"),
        ({"q": "is:{state} {q}"}, {"q": "x", "state": "open"}, "q=is%3Aopen+x"),
        ({"q": "{q}"}, {"q": [1, 2]}, "q=1&q=2"),
        ({"q": "{q}"}, {"q": False}, "q=false"),
        ({"q": "{q}", "n": "{n}"}, {"n": 1}, "n=1"),
        ({"q": "{q}", "n": "{n}"}, {"q": None, "n": 1}, "n=1"),
        ({"q": "a {q}"}, {}, ""),
        ({"key": "{secrets.KEY}"}, {}, "key=s%26cret"),
        ({"user": "me"}, {"user": "you"}, "user=me"),
        ({"{q}": "x"}, {}, "%7Bq%7D=x"),
    ],
)
def test_queries(query: dict[str, str], arguments: dict[str, Any], expected: str) -> None:
    found = fill(arguments, {"KEY": "s&cret"}, query=query).url
    assert found == (f"{HOST}/?{expected}" if expected else f"{HOST}/")


@pytest.mark.parametrize(
    ("body", "arguments", "expected"),
    [
        (None, {"a": 1, "b": [None, {"c": "ü"}]}, {"a": 1, "b": [None, {"c": "ü"}]}),
        (None, {}, {}),
        ({}, {"a": 1}, {}),
        ({"n": "{n}"}, {"n": 5}, {"n": 5}),
        ({"n": "{n}"}, {"n": {"deep": [True]}}, {"n": {"deep": [True]}}),
        ({"n": "no. {n}"}, {"n": 5}, {"n": "no. 5"}),
        ({"n": "{{n}}"}, {"n": 5}, {"n": "{n}"}),
        ({"n": "{n}", "m": 1}, {}, {"m": 1}),
        ({"list": [{"n": "{n}"}, "{m}"]}, {"m": "x"}, {"list": [{}, "x"]}),
        ({"list": ["{n}", "x"], "m": 1}, {}, {"m": 1}),
        ({"key": "{secrets.KEY}", "many": "Bearer {secrets.KEY}"}, {}, {"key": 's"e', "many": 'Bearer s"e'}),
        ({"a": "{a}"}, {"a": '", "admin": true, "b": "'}, {"a": '", "admin": true, "b": "'}),
        ({"a": "{a}"}, {"a": "{secrets.KEY}"}, {"a": "{secrets.KEY}"}),
        ({"a": 1, "b": None, "c": True, "d": 1.5}, {}, {"a": 1, "b": None, "c": True, "d": 1.5}),
    ],
)
def test_bodies(body: Any, arguments: dict[str, Any], expected: Any) -> None:
    sent = fill(arguments, {"KEY": 's"e'}, method="POST", body=body)
    assert json.loads(sent.body) == expected
    assert sent.headers == [("Content-Type", "application/json")]
    assert sent.url == f"{HOST}/"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_some_methods_have_no_body(method: str) -> None:
    sent = fill({"a": 1}, method=method, body={"b": "x"})
    assert (sent.body, sent.headers, sent.url) == (b"", [], f"{HOST}/?a=1")


@pytest.mark.parametrize(
    ("headers", "arguments", "expected"),
    [
        ({"X-A": "{a}"}, {"a": "x"}, [("X-A", "x")]),
        ({"X-A": "{a}"}, {"a": 5}, [("X-A", "5")]),
        ({"X-A": "{a}", "X-B": "b"}, {}, [("X-B", "b")]),
        ({"Authorization": "Bearer {secrets.KEY}"}, {}, [("Authorization", "Bearer sesame")]),
        ({"Authorization": "{secrets.KEY}"}, {"KEY": "other"}, [("Authorization", "sesame")]),
    ],
)
def test_headers(headers: dict[str, str], arguments: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert fill(arguments, {"KEY": "sesame"}, headers=headers).headers == expected


def test_the_owners_content_type_stays() -> None:
    sent = fill({"a": 1}, method="POST", headers={"content-type": "application/vnd.a+json"})
    assert sent.headers == [("content-type", "application/vnd.a+json")]


@pytest.mark.parametrize("value", ["a\r\nX-B: c", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\x85b"])
def test_no_argument_makes_a_second_header(value: str) -> None:
    sent = fill({"a": value}, headers={"X-A": "{a}"})
    assert len(sent.headers) == 1
    # The way out sends none of it.
    with pytest.raises(RequestRefused):
        request.check(sent.method, sent.headers)


@pytest.mark.parametrize("step", ["", ".", "..", "...", None])
def test_a_step_of_the_path_is_something(step: str | None) -> None:
    for template in ("/{a}", "/{a}/end", "/x/{a}", "/.{a}"):
        with pytest.raises(Missing, match="a"):
            url(HOST + template, a=step)


def test_dots_do_not_add_up() -> None:
    for a, b in ((".", "."), ("", ".."), (".", "")):
        with pytest.raises(Missing):
            url(f"{HOST}/x/{{a}}{{b}}/y", a=a, b=b)


def test_what_cannot_be_left_out_is_missing() -> None:
    with pytest.raises(Missing, match=r"^a$"):
        url(f"{HOST}/{{a}}")
    for part in ({"headers": {"X": "{secrets.K}"}}, {"query": {"x": "{secrets.K}"}}):
        with pytest.raises(Missing, match=r"^secrets\.K$"):
            fill({"K": "no secret"}, **part)
    with pytest.raises(Missing, match=r"^secrets\.K$"):
        fill(method="POST", body={"a": [{"b": "{secrets.K}"}]})


@pytest.mark.parametrize(
    "template",
    [
        *("", "x", "/a", "//api.example/", "ftp://api.example/", "https:/api.example", "https://", "https:///a"),
        *("{a}", "{a}://api.example/", "https://{a}", "https://{a}/", "https://{a}.example/", "https://api.{a}/"),
        *("https://api.example{a}", "https://api.example{a}/", "https://api.example:{a}/", "https://{a}@api.example/"),
        *("https://api.example\\{a}", "https://api.example\\@{a}/", "https://api.example {a}/", "https://{{a}}/"),
        *("https://{secrets.HOST}/", "https://api.example/{secrets.KEY}", "https://api.example/?k={secrets.KEY}"),
        *("https://api.example/#{a}", "https://api.example/a#", "https://api.example/{", "https://api.example/}"),
        *(
            "https://api.example/{a b}",
            "https://api.example/{}",
            "https://api.example/{1}",
            "https://api.example/{a.b}",
        ),
        *("https://api.example/{{a}", "https://api.example/{a}}", "https://api.example/{secrets.}", "https://a\n/{a}"),
        "https://api.example/{" + "a" * 65 + "}",
    ],
)
def test_bad_addresses_are_refused(template: str) -> None:
    with pytest.raises(BadTemplate):
        templates.check_url(template)


@pytest.mark.parametrize("template", ["{", "}", "{a", "a}", "{ a }", "{a}}", ["{"], {"x": ["}"]}, {"x": {"y": "{}"}}])
def test_lone_braces_are_refused(template: Any) -> None:
    with pytest.raises(BadTemplate):
        templates.check(template)


def test_templates_are_not_endless() -> None:
    deep: Any = "{a}"
    for _ in range(templates.MOST_DEPTH):
        deep = [deep]
    templates.check(deep)
    with pytest.raises(BadTemplate):
        templates.check([deep])


TEMPLATES = [
    f"{HOST}/a/{{x}}",
    f"{HOST}/{{x}}/{{y}}",
    f"{HOST}/{{x}}{{y}}/z",
    f"{HOST}/a/{{x}}?q={{y}}",
    f"{HOST}:8443/a/./{{x}}.json",
    "http://127.0.0.1:80/{x}/..{y}/",
    f"{HOST}?q={{x}}&r={{y}}",
]
NASTY = st.text(alphabet="./\\?#@:%&=;{}[]\r\n\t 2eEfF5cCxé\u2025\uff0e\uff0f\u202e😀", max_size=12)
VALUES = st.one_of(NASTY, st.text(max_size=12), st.integers(), st.booleans(), st.lists(NASTY, max_size=3), st.none())


def steps_of(path: str) -> int:
    return len(path.split("/"))


@given(
    template=st.sampled_from(TEMPLATES),
    arguments=st.fixed_dictionaries({"x": VALUES, "y": VALUES}, optional={"z": VALUES, "q": VALUES, "X": VALUES}),
)
def test_arguments_say_nothing_of_where_it_goes(template: str, arguments: dict[str, Any]) -> None:
    try:
        sent = fill(arguments, url=template, query={"fixed": "yes"}, headers={})
    except Missing:
        return
    # As it is read by the way out, which normalizes, and by anybody else.
    target, plain = urls.read(sent.url), urls.read(templates.MARK.sub("x", template))
    assert (target.url.scheme, target.host, target.port) == (plain.url.scheme, plain.host, plain.port)
    assert target.url.user is target.url.password is None
    assert steps_of(target.url.raw_path) == steps_of(plain.url.raw_path)
    found, wanted = urlsplit(sent.url), urlsplit(templates.MARK.sub("x", template))
    assert (found.scheme, found.netloc, found.fragment) == (wanted.scheme, wanted.netloc, "")
    assert steps_of(found.path) == steps_of(wanted.path)
    assert not {".", ".."} & {unquote(step) for step in found.path.split("/") if step not in wanted.path.split("/")}
    assert re.fullmatch(r"[\x21-\x7e]+", sent.url)
    pairs = parse_qsl(target.url.raw_query_string, keep_blank_values=True)
    assert [value for name, value in pairs if name == "fixed"] == ["yes"]
    for name, value in arguments.items():
        if name in ("z", "X") and isinstance(value, str):
            assert (name, value) in pairs


@given(value=VALUES, other=VALUES)
def test_bodies_and_headers_keep_their_form(value: Any, other: Any) -> None:
    sent = fill(
        {"x": value, "y": other},
        {"K": "sesame"},
        method="POST",
        headers={"X-A": "{x}", "X-K": "{secrets.K}"},
        body={"a": "{x}", "b": ["<{y}>"], "k": "{secrets.K}"},
    )
    told = json.loads(sent.body)
    assert told["k"] == "sesame"
    assert set(told) <= {"a", "b", "k"}
    assert told.get("a") == value
    assert ("X-K", "sesame") in sent.headers
    assert {name for name, _ in sent.headers} <= {"X-A", "X-K", "Content-Type"}
