"""Lists that look up who asks by their own statement: nobody is let in whom another view would not let in."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from apps.accounts import tokens
from apps.accounts.models import User
from apps.accounts.ownership import Proves
from apps.api.rows import new_id
from tests.factories import make_conversation, say

ENDS: dict[str, Callable[[User], Any]] = {
    "another password": lambda user: tokens.set_password(user, "another pass phrase"),
    "disabled": lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
    "deleted": lambda user: user.delete(),
    "signed out": lambda user: user.token_families.all().end(),
}
ADDRESSES = {
    "the newest page": "messages/",
    "a small page": "messages/?page_size=1",
    "a broken cursor": "messages/?cursor=broken",
    "no number": "messages/?page_size=many",
    "the tree": "messages/?path=all",
    "changes": "messages/?since=broken",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_token_that_ended_finds_nothing(alice: User, as_alice: APIClient, end: str, address: str) -> None:
    talk = make_conversation(alice)
    say(talk, "a secret")
    path = f"/api/conversations/{talk.pk}/{ADDRESSES[address]}"
    before = as_alice.get(path)
    assert before.status_code in (200, 400)
    ENDS[end](alice)
    for at in (path, path.replace(str(talk.pk), str(new_id()))):
        refused = as_alice.get(at)
        assert refused.status_code == 401, refused.content
        assert refused.json()["errors"][0]["code"] == "token_not_valid"
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert b"secret" not in refused.content


def test_nor_does_it_page_on(alice: User, as_alice: APIClient) -> None:
    talk = make_conversation(alice)
    for number in range(6):
        say(talk, f"secret {number}")
    page = as_alice.get(f"/api/conversations/{talk.pk}/messages/?page_size=2").json()
    back = as_alice.get(page["next"]).json()["previous"]
    tokens.set_password(alice, "another pass phrase")
    for link in (page["next"], back):
        assert as_alice.get(link).status_code == 401


def test_a_tag_of_before_is_of_no_use(alice: User, as_alice: APIClient) -> None:
    talk = make_conversation(alice)
    path = f"/api/conversations/{talk.pk}/messages/"
    tag = as_alice.get(path).headers["ETag"]
    assert as_alice.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 304
    tokens.set_password(alice, "another pass phrase")
    assert as_alice.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 401


def test_it_is_one_statement(alice: User, as_alice: APIClient) -> None:
    path = f"/api/conversations/{make_conversation(alice).pk}/messages/"
    as_alice.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert as_alice.get(path).status_code == 200
    assert len(queries) == 1


class Forgetful(Proves, APIView):
    """Never proves the claim that it asked for."""

    def proves(self, request: Request) -> bool:
        return True

    def get(self, request: Request) -> Response:
        return Response({"secret": str(request.user)})


def test_a_view_that_forgets_to_prove_it_lets_nobody_in_either(alice: User) -> None:
    view, token = Forgetful.as_view(), tokens.sign_in(alice)["access"]
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert view(request).data == {"secret": str(alice.pk)}
    tokens.set_password(alice, "another pass phrase")
    refused = view(request)
    assert refused.status_code == 401
    assert "secret" not in refused.data
