"""What is brought along may be larger than other bodies, and not endless."""

import json
from typing import Any

import pytest
from django.conf import settings

from apps.api.long_work import AT_ONCE
from apps.conversations.document_views import importing
from apps.conversations.models import Conversation
from tests.online import Person
from tests.refusals import refused

IMPORTS = ["/api/conversations/import/", "/api/conversations/import", "/api/characters/import/"]
MEGABYTE = 1024 * 1024

DOCUMENT = {
    "format": "dramatis.conversation",
    "version": 1,
    "messages": [{"id": 0, "parent": None, "role": "user", "content": "x" * 3 * MEGABYTE}],
}


def sent(body: bytes, chunked: bool) -> Any:
    return (body[place : place + MEGABYTE] for place in range(0, len(body), MEGABYTE)) if chunked else body


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", IMPORTS)
def test_over_fifty_megabytes_is_413_however_it_is_sent(path: str, chunked: bool, alice_online: Person) -> None:
    body = sent(b"x" * (settings.IMPORT_MAX_SIZE + 1), chunked)
    response = alice_online.request("POST", path, data=body, headers={"Content-Type": "application/json"})
    refused(response, 413, "body_too_large")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_document_is_taken(chunked: bool, alice_online: Person) -> None:
    body = sent(json.dumps(DOCUMENT).encode(), chunked)
    for path in IMPORTS[:2]:
        response = alice_online.request("POST", path, data=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 201, response.text[:300]
        body = sent(json.dumps(DOCUMENT).encode(), chunked)


def test_a_large_file_is_taken(alice_online: Person) -> None:
    for data in (json.dumps(DOCUMENT), json.dumps({"name": "Mira", "mes": "x" * 3 * MEGABYTE})):
        response = alice_online.request("POST", IMPORTS[0], files={"file": data.encode()})
        assert response.status_code == 201, response.text[:300]
    assert Conversation.objects.count() == 2


@pytest.mark.parametrize(
    "path", ["/api/conversations/", "/api/conversations/import/x/", "/x/api/conversations/import/"]
)
def test_elsewhere_two_megabytes_stay_the_limit(path: str, alice_online: Person) -> None:
    body = json.dumps({"title": "x" * 3 * MEGABYTE}).encode()
    response = alice_online.request("POST", path, data=body, headers={"Content-Type": "application/json"})
    refused(response, 413, "body_too_large")


def test_few_bring_theirs_at_once(alice_online: Person) -> None:
    for _ in range(AT_ONCE):
        importing.acquire()
    try:
        response = alice_online.post(IMPORTS[0], {**DOCUMENT, "messages": []})
        assert response.status_code == 429
        assert response.headers["Retry-After"]
    finally:
        importing.release(AT_ONCE)
    # A refusal gives its place back, too.
    for _ in range(AT_ONCE + 1):
        refused(alice_online.post(IMPORTS[0], {**DOCUMENT, "version": 2}), 400, "max_value", "version")
    assert alice_online.post(IMPORTS[0], {**DOCUMENT, "messages": []}).status_code == 201
