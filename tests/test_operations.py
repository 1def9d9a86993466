"""What operators rely on: health, metrics, logs, headers."""

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DataError
from rest_framework.test import APIClient

from apps.api.logs import JSONFormatter, RequestFilter
from tests.ai_server import AIServer
from tests.factories import make_conversation
from tests.online import Person


def test_health_needs_no_sign_in_and_readiness_looks_at_the_database(db: None, anonymous: APIClient) -> None:
    assert anonymous.get("/healthz").json() == {"status": "ok"}
    assert anonymous.get("/readyz").json() == {"database": True, "provider": True}


def test_metrics_count_requests_by_route_not_by_address(as_alice: APIClient, alices: SimpleNamespace) -> None:
    as_alice.get(f"/api/characters/{alices.character.pk}/")
    text = as_alice.get("/metrics").content.decode()
    assert 'dramatis_http_requests_total{method="GET",route="api/characters/<id:pk>/",status="200"}' in text
    assert str(alices.character.pk) not in text


def test_metrics_can_be_closed(anonymous: APIClient, settings: Any) -> None:
    settings.METRICS_TOKEN = "only for prometheus"
    assert anonymous.get("/metrics").status_code == 401
    assert anonymous.get("/metrics", HTTP_AUTHORIZATION="Bearer no").status_code == 401
    assert anonymous.get("/metrics", HTTP_AUTHORIZATION="Bearer only for prometheus").status_code == 200


def test_a_request_id_is_taken_or_made_and_returned(anonymous: APIClient) -> None:
    assert anonymous.get("/healthz", HTTP_X_REQUEST_ID="abc-123")["X-Request-ID"] == "abc-123"
    made = [anonymous.get("/healthz", HTTP_X_REQUEST_ID=odd)["X-Request-ID"] for odd in ("", "a b", "x" * 200)]
    assert all(len(identity) == 36 for identity in made)


def test_responses_carry_the_headers_that_keep_browsers_safe(as_alice: APIClient) -> None:
    response = as_alice.get("/api/characters/")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


def test_cors_answers_the_origins_that_were_named_alone(anonymous: APIClient, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    asked = {
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST",
        "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "authorization,content-type,idempotency-key,if-none-match",
    }
    allowed = anonymous.options("/api/characters/", HTTP_ORIGIN="https://app.example", **asked)
    assert allowed["Access-Control-Allow-Origin"] == "https://app.example"
    for name in ("authorization", "content-type", "idempotency-key", "if-none-match"):
        assert name in allowed["Access-Control-Allow-Headers"]
    exposed = anonymous.get("/healthz", HTTP_ORIGIN="https://app.example")["Access-Control-Expose-Headers"]
    assert {"X-Request-ID", "Retry-After", "ETag", "x-vercel-ai-ui-message-stream"} <= set(exposed.split(", "))
    assert "Access-Control-Allow-Origin" not in anonymous.get("/healthz", HTTP_ORIGIN="https://evil.example")


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What would be written to stderr, as it would be written."""
    written: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: written.append(handler.format(record))  # type: ignore[method-assign]
    handler.addFilter(RequestFilter())
    handler.setFormatter(JSONFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def test_logs_are_json_with_the_requests_id_and_hold_no_content_and_no_token(
    alice_online: Person, alice: Any, ai: AIServer, lines: list[str]
) -> None:
    ai.says("The answer of the model.")
    conversation = make_conversation(alice)
    response = alice_online.post(
        f"/api/conversations/{conversation.pk}/chat/",
        {"content": "The words of a person."},
        headers={"X-Request-ID": "this-one"},
    )
    ai.fails(401)
    alice_online.chat(conversation.pk, "The words of a person.")
    alice_online.get("/api/conversations/?search=secretword")
    records = [json.loads(line) for line in lines]
    assert all({"time", "level", "logger", "message", "request_id"} <= record.keys() for record in records)
    [own] = [record for record in records if record["request_id"] == "this-one" and record["message"] == "request"]
    assert (own["method"], own["route"], own["status"]) == ("POST", "api/conversations/<id:pk>/chat/", 201)
    text = "\n".join(lines)
    token = alice_online.session.headers["Authorization"].split()[1]
    for secret in (
        "The words",
        "The answer",
        "secretword",
        token,
        "sk-secret",
        str(response.json()["user_message"]["id"]),
    ):
        assert secret not in text


def test_a_databases_complaint_is_logged_without_the_row_it_quotes(lines: list[str]) -> None:
    complaint = " ".join(["invalid:", "the", "words", "of", "a", "person"])
    try:
        raise DataError(complaint)
    except DataError:
        logging.getLogger("dramatis.tests").exception("failed")
    assert "the words" not in lines[-1]
    assert "DataError" in lines[-1]


def test_the_documentation_works_offline(anonymous: APIClient) -> None:
    page = anonymous.get("/api/docs/", HTTP_ACCEPT="text/html").content.decode()
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
    assert "https://" not in page
    script = anonymous.get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
    assert script.status_code == 200
    script.close()
    assert anonymous.get("/api/schema/").json()["openapi"].startswith("3.1")


def test_models_on_offer_default_first(as_alice: APIClient) -> None:
    results = as_alice.get("/api/models/").json()["results"]
    assert [(model["id"], model["provider"], model["default"]) for model in results] == [
        ("test-model", "default", True),
        ("second-model", "default", False),
        ("nowhere/lost", "nowhere", False),
    ]
