"""Query parameters as serializers read them."""

from itertools import count
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from apps.api.queries import query_of


class Fixed(serializers.Serializer[None]):
    size = serializers.IntegerField(default=3)


class AsOfNow(Fixed):
    moments = count()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {**attrs, "moment": next(self.moments)}


def asked(query: str = "") -> Request:
    return Request(APIRequestFactory().get(f"/{query}"))


def test_what_nothing_means_may_be_another_thing_each_time() -> None:
    assert [query_of(asked(), AsOfNow)["moment"] for _ in range(3)] == [0, 1, 2]


def test_what_was_read_for_one_request_is_not_the_next_ones() -> None:
    query_of(asked(), Fixed)["size"] = 4
    assert query_of(asked(), Fixed) == {"size": 3}
    assert query_of(asked("?size=5"), Fixed) == {"size": 5}


class Many(serializers.Serializer[None]):
    tag = serializers.ListField(child=serializers.CharField(), default=list)


def test_lists_are_read_in_every_way_that_clients_write_them() -> None:
    for query in ("?tag=sea&tag=night", "?tag[0]=sea&tag[1]=night", "?cursor=x&page_size=2&tag=sea&tag=night"):
        assert query_of(asked(query), Many) == {"tag": ["sea", "night"]}
    assert query_of(asked("?cursor=x&page_size=2"), Many) == {"tag": []}
