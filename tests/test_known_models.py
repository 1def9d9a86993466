"""What is known of each model: whose word counts for its window, and how the bytes of a token are learned."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.chat import known, runtime
from apps.chat.models import KnownModel
from apps.chat.prompt import BYTES_PER_TOKEN
from config.offer import Offer, read_offer
from tests.ai_server import AIServer
from tests.factories import make_character, make_conversation
from tests.online import Person, until

pytestmark = pytest.mark.django_db

HERE = ("default", "test-model")


@pytest.fixture(autouse=True)
def _the_operator_said_nothing(settings: Any) -> None:
    settings.AI_CONTEXT_TOKENS = None


def window() -> int:
    return known.model(*HERE).window


def ratio() -> float:
    return known.model(*HERE).bytes_per_token


def learn(*ratios: float, tokens: int = 1000) -> None:
    """Answers a long while apart."""
    for each in ratios:
        known.learn(*HERE, size=round(tokens * each), messages=2, tokens=tokens + 8)
        KnownModel.objects.update(updated_at=timezone.now() - timedelta(hours=1))


def test_nothing_is_known_of_a_model_at_first() -> None:
    assert known.model(*HERE) == known.Model(8192, BYTES_PER_TOKEN)


def test_the_providers_word_is_used_whole_and_that_of_others_is_not_kept() -> None:
    known.told("default", {"test-model": 1_000_000, "another": 5})
    assert window() == 1_000_000
    assert KnownModel.objects.count() == 1


def test_the_operators_word_is_the_most_of_any_and_that_on_one_model_wins(settings: Any) -> None:
    settings.AI_CONTEXT_TOKENS = 4096
    assert window() == 4096
    known.told("default", {"test-model": 100_000})
    assert window() == 4096
    known.told("default", {"test-model": 2048})
    assert window() == 2048
    settings.AI_OFFER = Offer(settings.AI_OFFER.sources, {"test-model": 30_000})
    assert window() == 30_000


def test_what_an_error_named_outweighs_the_list_for_a_day() -> None:
    known.told("default", {"test-model": 8000})
    known.refused(*HERE, window=4000)
    known.told("default", {"test-model": 8000})
    assert window() == 4000
    known.told("default", {"test-model": 3000})
    assert window() == 3000
    known.refused(*HERE, window=2000)
    KnownModel.objects.update(window_at=timezone.now() - timedelta(hours=25))
    assert window() == known.DEFAULT_WINDOW
    known.told("default", {"test-model": 8000})
    assert window() == 8000


def test_an_error_without_a_number_teaches_nothing() -> None:
    known.refused(*HERE, window=None)
    assert not KnownModel.objects.exists()


def test_a_list_that_has_not_changed_is_not_written(django_assert_num_queries: Any) -> None:
    known.told("default", {"test-model": 8000})
    with django_assert_num_queries(1):
        known.told("default", {"test-model": 8000})
    with django_assert_num_queries(0):
        known.told("default", {})


@pytest.mark.parametrize("true", [1.2, 2.0, 2.9, 4.4, 5.5])
def test_a_ratio_is_learned_within_a_few_turns_from_below(true: float) -> None:
    learn(*[true] * 8)
    assert true * 0.7 <= ratio() <= true
    learn(*[true] * 12)
    assert true * 0.9 <= ratio() <= true


def test_a_ratio_that_falls_is_believed_at_once() -> None:
    learn(2.0)
    assert ratio() == pytest.approx(2.0, abs=0.05)


def test_prompts_that_differ_make_it_careful() -> None:
    learn(*[3.0, 5.0] * 10)
    assert 2.5 < ratio() < 3.5


def test_a_short_prompt_says_less() -> None:
    learn(2.0, tokens=16)
    assert 3.3 < ratio() < BYTES_PER_TOKEN


@pytest.mark.parametrize(("size", "tokens"), [(3500, 0), (3500, 8), (3500, 200), (3500, 10_000), (0, 100), (0, 0)])
def test_absurd_counts_are_passed_over(django_assert_num_queries: Any, size: int, tokens: int) -> None:
    with django_assert_num_queries(0):
        known.learn(*HERE, size=size, messages=2, tokens=tokens)


def test_writing_ceases() -> None:
    learn(*[4.4] * 40)
    before = KnownModel.objects.get().samples
    learn(4.4, 4.35, 4.45)
    assert KnownModel.objects.get().samples == before < 20
    learn(2.0)
    assert KnownModel.objects.get().samples == before + 1
    # Within the minute even a surprise has to wait.
    KnownModel.objects.update(updated_at=timezone.now())
    known.learn(*HERE, size=2000, messages=2, tokens=1008)
    assert KnownModel.objects.get().samples == before + 1


@hypothesis_settings(max_examples=20, deadline=None)
@given(ratios=st.lists(st.floats(known.LEAST_RATIO, known.MOST_RATIO), max_size=15))
def test_it_stays_within_what_was_seen(ratios: list[float]) -> None:
    KnownModel.objects.all().delete()
    learn(*ratios)
    assert known.LEAST_RATIO <= ratio() <= max([BYTES_PER_TOKEN, *ratios]) + 0.01


@pytest.mark.parametrize(
    "contexts", [[], "4096", {"unheard-of": 4096}, {"a": "4096"}, {"a": True}, {"a": 100}, {"a": 10**9}, {"a": None}]
)
def test_contexts_that_make_no_sense_are_refused_by_name(contexts: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="AI_CONTEXTS"):
        read_offer("http://localhost/v1", "", ["a"], [], contexts)


def test_contexts_are_named_as_models_are() -> None:
    more = [{"name": "far", "base_url": "http://localhost/v1", "models": ["b"]}]
    offer = read_offer("http://localhost/v1", "", ["a", "b"], more, {"a": 1000, "far/b": 2000})
    pairs = [("default", "a"), ("default", "b"), ("far", "b"), ("far", "c")]
    assert [offer.context(*pair) for pair in pairs] == [1000, None, 2000, None]


def test_models_are_listed_with_their_windows(as_alice: APIClient, django_assert_num_queries: Any) -> None:
    known.told("default", {"test-model": 32_000})
    with django_assert_num_queries(2):
        listed = as_alice.get("/api/models/").json()["results"]
    assert {model["id"]: model["context_tokens"] for model in listed} == {
        "test-model": 32_000,
        "second-model": 8192,
        "nowhere/lost": 8192,
    }


@pytest.mark.parametrize("streamed", [True, False])
def test_an_answer_teaches(alice: User, alice_online: Person, ai: AIServer, streamed: bool) -> None:
    conversation = make_conversation(alice, make_character(alice))
    ai.has_window(4096, bytes_per_token=2.0)
    words = "What time is it by the clock in the hall? " * 40
    if streamed:
        alice_online.stream(conversation.pk, words).content  # noqa: B018  # read to its end
    else:
        alice_online.chat(conversation.pk, words)
    until(lambda: KnownModel.objects.filter(samples=1).exists())
    assert ratio() == pytest.approx(2.0, abs=0.1)


def test_a_process_asks_what_models_hold(ai: AIServer, server: Any) -> None:
    ai.has_window(4096)
    loop = runtime._loop
    assert loop is not None
    asking: list[Any] = []
    loop.call_soon_threadsafe(lambda: asking.append(runtime._go(runtime._mirroring, runtime._keep_asking("default"))))
    until(lambda: KnownModel.objects.filter(model="test-model", window=4096).exists())
    loop.call_soon_threadsafe(asking[0].cancel)
