"""Conversations' documents of any shape and any text, for hypothesis."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.slow import examples

Document = dict[str, Any]

# The same ones every time, and none made smaller, which takes longer than a test may.
some = settings(
    max_examples=examples(40),
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
few = settings(some, max_examples=examples(10))

# Everything that PostgreSQL can hold: all scripts, emoji, control characters.
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.text(LETTERS, max_size=40)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(-1e15, 1e15),  # beyond, PostgreSQL gives back whole numbers
    TEXT,
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
COUNT = st.none() | st.integers(0, 2**31 - 1)
WHEN = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23), timezones=st.just(UTC)).map(
    lambda when: when.isoformat().replace("+00:00", "Z")
)


def short(length: int) -> st.SearchStrategy[str]:
    return st.text(LETTERS, max_size=min(length, 20)) | st.just("ß" * length)


MESSAGE = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["system", "user", "assistant", "tool"]),
        "content": TEXT,
        "reasoning": TEXT,
        "tool_calls": st.lists(OBJECT, max_size=2),
        "sources": st.lists(OBJECT, max_size=2),
        "extra": OBJECT,
        "status": st.sampled_from(["complete", "stopped", "interrupted", "failed"]),
        "error": st.none() | st.fixed_dictionaries({"code": TEXT, "detail": TEXT}),
        "model": short(200),
        "finish_reason": short(20),
        "prompt_tokens": COUNT,
        "completion_tokens": COUNT,
        "rating": st.sampled_from([-1, None, 1]),
        "created_at": WHEN,
        "edited_at": st.none() | WHEN,
    }
)

CONVERSATION = st.fixed_dictionaries(
    {
        "character_name": short(200),
        "title": short(200),
        "topic": TEXT,
        "persona_name": short(100),
        "persona_description": TEXT,
        "model": short(200),
        "temperature": st.none() | st.floats(0, 2),
        "top_p": st.none() | st.floats(0, 1),
        "max_tokens": st.none() | st.integers(1, 1_000_000),
        "stop": st.none() | st.lists(st.text(LETTERS, min_size=1, max_size=5), max_size=3),
        "pinned": st.booleans(),
        "archived": st.booleans(),
        "extra": OBJECT,
        "created_at": WHEN,
    }
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """As an export writes them."""
    count = draw(st.integers(0, 12))
    parents = [draw(st.none() | st.integers(0, place - 1)) if place else None for place in range(count)]
    leaves = sorted(set(range(len(parents))) - set(parents))
    client_ids = draw(st.lists(st.none() | short(128).filter(bool), min_size=len(parents), max_size=len(parents)))
    messages = [
        {
            "id": place,
            "parent": parent,
            **draw(MESSAGE),
            "client_id": None if client_ids[place] in client_ids[:place] else client_ids[place],
        }
        for place, parent in enumerate(parents)
    ]
    return {
        "format": "dramatis.conversation",
        "version": 1,
        **draw(CONVERSATION),
        "active_leaf": draw(st.sampled_from(leaves)) if leaves else None,
        "messages": messages,
    }


@st.composite
def shuffled(draw: st.DrawFn) -> list[int]:
    """Numbers of a document's own choice."""
    return draw(st.lists(st.integers(0, 2**31 - 1), min_size=13, max_size=13, unique=True))
