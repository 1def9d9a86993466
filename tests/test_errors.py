"""One shape of every error, whoever answers it, and what the protocol promises with each status."""

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from rest_framework.test import APIClient

from apps.accounts.models import User
from tests.endpoints import OPENAI, Operation, operations, schema
from tests.factories import PASSWORD
from tests.online import Person

OPERATIONS = operations()
PATHS = sorted({operation.path for operation in OPERATIONS})
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
NOWHERE = "01890000-0000-7000-8000-000000000000"


def path_of(response: Any) -> str:
    """That it answers, whichever client asked."""
    return str(response.request["PATH_INFO"] if isinstance(response.request, dict) else response.request.path_url)


def is_refusal(response: Any, status: int, code: str | None = None) -> None:
    """The one shape, or OpenAI's where that is spoken, with the status, and the request's id."""
    assert response.status_code == status, response.content[:300]
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Request-ID"]
    found = json.loads(response.content)
    if path_of(response).startswith(OPENAI):
        assert set(found) == {"error"}
        assert set(found["error"]) == {"message", "type", "param", "code"}
        assert found["error"]["message"]
        assert code is None or found["error"]["code"] in (code, f"model_{code}")
        return
    assert set(found) == {"type", "errors"}
    assert found["type"] in {"validation_error", "client_error"}
    assert found["errors"]
    for error in found["errors"]:
        assert set(error) == {"code", "detail", "attr"}
        assert error["detail"]
    if code:
        assert [error["code"] for error in found["errors"]] == [code]


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        pytest.param("POST", "/api/characters/", {"data": {}, "format": "json"}, 400, "required", id="field"),
        pytest.param("POST", "/api/characters/", {"data": "{", "content_type": "application/json"}, 400, "parse_error"),
        pytest.param("GET", "/api/characters/?page_size=0", {}, 400, "invalid"),
        pytest.param("GET", f"/api/characters/{NOWHERE}/", {}, 404, "not_found"),
        pytest.param("GET", "/api/characters/12/", {}, 404, "not_found"),
        pytest.param("GET", "/api/nowhere/", {}, 404, "not_found"),
        pytest.param("POST", "/api/nowhere", {}, 404, "not_found"),
        pytest.param("GET", "/nowhere", {}, 404, "not_found"),
        pytest.param("GET", "/api/characters/%00/", {}, 404, "not_found"),
        pytest.param("GET", "/api/%FF%FE/", {}, 404, "not_found"),
        pytest.param("GET", "/api/characters/" + "a" * 60_000, {}, 404, "not_found", id="long path"),
        pytest.param("DELETE", "/api/characters/", {}, 405, "method_not_allowed"),
        pytest.param("PROPFIND", "/api/characters/", {}, 405, "method_not_allowed"),
        pytest.param("TRACE", "/api/characters/", {}, 405, "method_not_allowed"),
        pytest.param("GET", "/api/characters/", {"HTTP_ACCEPT": "application/xml"}, 406, "not_acceptable"),
        pytest.param("GET", "/api/characters/", {"HTTP_ACCEPT": "nonsense"}, 406, "not_acceptable"),
        pytest.param("GET", "/api/characters/", {"HTTP_ACCEPT": "text/event-stream"}, 406, "not_acceptable"),
        pytest.param("GET", "/api/characters/", {"HTTP_ACCEPT": "application/json; version=9"}, 406, "not_acceptable"),
        pytest.param(
            "POST", "/api/characters/", {"data": "x", "content_type": "text/plain"}, 415, "unsupported_media_type"
        ),
        pytest.param("GET", "/api/characters/", {"HTTP_HOST": "evil.example"}, 400, "unknown_host"),
        pytest.param("GET", "/nowhere", {"HTTP_HOST": "a b"}, 400, "unknown_host"),
    ],
)
def test_every_refusal_has_the_one_shape(
    method: str, path: str, options: dict[str, Any], status: int, code: str, as_alice: APIClient
) -> None:
    call = getattr(as_alice, method.lower(), None) or (lambda path, **extra: as_alice.generic(method, path, **extra))
    is_refusal(call(path, **options), status, code)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer a b", "Bearer not.a.token", "Basic YTpi", "Bearer \xff\xfe", "Bearer " + "x" * 20_000],
)
def test_a_broken_authorization_is_a_401(header: str, anonymous: APIClient, db: None) -> None:
    response = anonymous.get("/api/characters/", HTTP_AUTHORIZATION=header)
    is_refusal(response, 401)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_session_without_its_csrf_token_is_a_403(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    is_refusal(client.post("/api/characters/", {"name": "Ada"}, format="json"), 403, "permission_denied")
    assert client.get("/api/characters/").status_code == 200


def test_too_many_tries_are_a_429_that_says_when_to_come_back(alice: User, anonymous: APIClient) -> None:
    tries = [
        anonymous.post("/api/auth/jwt/create/", {"email": alice.email, "password": "wrong"}, format="json")
        for _ in range(21)
    ]
    is_refusal(tries[0], 401)
    is_refusal(tries[-1], 429, "throttled")
    assert int(tries[-1].headers["Retry-After"]) > 0
    refused = anonymous.post("/api/auth/jwt/create/", {"email": alice.email, "password": PASSWORD}, format="json")
    is_refusal(refused, 429, "throttled")


def numbers() -> Any:
    for _ in range(50):
        yield b" " * 65_536


@pytest.mark.parametrize(
    "path", ["/api/characters/", "/api/conversations/{}/chat/", "/api/auth/jwt/create/", "/nowhere"], ids=str
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_a_413(
    path: str, chunked: bool, alices: SimpleNamespace, alice_online: Person
) -> None:
    body = numbers() if chunked else b" " * 3_000_000
    response = alice_online.request(
        "POST", path.format(alices.conversation.pk), data=body, headers={"Content-Type": "application/json"}
    )
    is_refusal(response, 413, "body_too_large")


def test_a_body_within_the_limit_is_read(alice_online: Person) -> None:
    body = json.dumps({"name": "Ada", "unknown": "x" * 2_000_000}).encode()
    response = alice_online.request("POST", "/api/characters/", data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 201
    text = dict.fromkeys(("description", "personality", "scenario", "system_prompt"), "x" * 150000)
    assert alice_online.post("/api/characters/", {"name": "Ada", **text}).status_code == 201


def test_refusals_over_http_have_the_shape_too(alice_online: Person) -> None:
    is_refusal(alice_online.get("/api/nowhere/"), 404, "not_found")
    is_refusal(alice_online.get("/api/characters/", headers={"Host": "evil.example"}), 400, "unknown_host")
    is_refusal(requests.get(alice_online.url + "/api/characters/", timeout=10), 401, "not_authenticated")


def test_probes_may_come_by_any_name(anonymous: APIClient, db: None) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert anonymous.get(path, HTTP_HOST="10.0.0.7").status_code == 200


def has(path: str, method: str) -> bool:
    return method.lower() in schema()["paths"][path]


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_a_405_that_names_the_right_ones(
    path: str, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    [operation, *_] = [each for each in OPERATIONS if each.path == path]
    for method in METHODS:
        if not has(path, method):
            response = as_alice.generic(method, operation.address(alices))
            is_refusal(response, 405, "method_not_allowed")
            allowed = {each for each in METHODS if has(path, each)}
            assert allowed == set(response.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"}


WITH_ID = [operation for operation in OPERATIONS if operation.has_id]


@pytest.mark.parametrize("operation", WITH_ID, ids=str)
def test_an_id_that_is_none_or_nobodys_is_a_404(
    operation: Operation, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    found = operation.address(alices)
    ids = [each for each in found.split("/") if re.fullmatch(r"[0-9a-f-]{36}", each)]
    body = json.dumps(operation.body(alices) or {})
    for each in ids:
        for wrong in (NOWHERE, "12", "null", each[:-1], each + "0", each.replace("-", ""), "%00", "..%2F", "ä"):
            response = as_alice.generic(
                operation.method, found.replace(each, wrong), body, content_type="application/json"
            )
            is_refusal(response, 404, "not_found")


def the_other_form(address: str) -> str:
    return address.removesuffix("/") if address.endswith("/") else f"{address}/"


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if not each.is_awaited], ids=str)
def test_a_trailing_slash_is_optional(operation: Operation, alices: SimpleNamespace, as_alice: APIClient) -> None:
    body, kind = operation.sent(alices)
    address = the_other_form(operation.allowed(alices))
    response = as_alice.generic(operation.method, address, body, content_type=kind, query_params=operation.asking())
    assert response.status_code in {200, 201, 204}
    response.getvalue()  # or a file would stay open


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.is_awaited], ids=str)
def test_a_trailing_slash_is_optional_where_an_answer_is_awaited(
    operation: Operation, alices: SimpleNamespace, alice_online: Person
) -> None:
    address = the_other_form(operation.address(alices))
    response = alice_online.request(operation.method, address, json=operation.body(alices), allow_redirects=False)
    assert response.status_code in {200, 201, 204}, response.text


def test_the_root_is_found_with_and_without_a_slash(as_alice: APIClient) -> None:
    assert as_alice.get("/api").json() == as_alice.get("/api/").json()


READS = [
    operation
    for operation in OPERATIONS
    if operation.method == "GET" and operation.path.startswith("/api/") and not operation.streams
]


@pytest.mark.parametrize("operation", READS, ids=str)
def test_the_form_of_an_answer_is_what_was_asked_for(
    operation: Operation, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    for accept, kind in {
        None: "application/json",
        "*/*": "application/json",
        "application/json": "application/json",
        "application/json; version=1": "application/json",
        "application/*": "application/json",
        "text/html": "text/html",
        "text/html,application/xhtml+xml,*/*;q=0.8": "text/html",
    }.items():
        headers = {"HTTP_ACCEPT": accept} if accept else {}
        response = as_alice.get(operation.address(alices), operation.asking(), **headers)
        assert response.status_code == 200
        assert response.headers["Content-Type"].split(";")[0] == (operation.file or kind)
        response.getvalue()  # or a file would stay open


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.path.startswith("/api/")], ids=str)
def test_a_form_that_there_is_not_is_a_406(operation: Operation, alices: SimpleNamespace, as_alice: APIClient) -> None:
    body = json.dumps(operation.body(alices))
    for accept in ("application/xml", "application/json; version=9", "audio/ogg"):
        response = as_alice.generic(
            operation.method, operation.address(alices), body, content_type="application/json", HTTP_ACCEPT=accept
        )
        is_refusal(response, 406, "not_acceptable")


READERS = [each for each in OPERATIONS if each.reads_body and not each.path.startswith(OPENAI)]


@pytest.mark.parametrize("operation", READERS, ids=str)
def test_a_refusal_can_be_a_page(operation: Operation, alices: SimpleNamespace, as_alice: APIClient) -> None:
    response = as_alice.generic(
        operation.method, operation.address(alices), "[]", content_type="application/json", HTTP_ACCEPT="text/html"
    )
    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("accept", ["*/*", "text/plain", "text/plain;version=0.0.4", "application/json"])
def test_metrics_are_text_however_they_are_asked_for(accept: str, anonymous: APIClient) -> None:
    response = anonymous.get("/metrics", HTTP_ACCEPT=accept)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
