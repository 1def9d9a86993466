"""Full text over one user's messages and titles.

PostgreSQL keeps the words of each row (`apps.api.words`) in a column `search`, made by a migration (0003) and unknown
to the models.
"""

import re
from dataclasses import dataclass
from html import escape
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import BinaryField, BooleanField, F, Func, Q, QuerySet, TextField, UUIDField, Value
from django.db.models.expressions import Combinable

from apps.accounts.models import User
from apps.accounts.ownership import OwnedQuerySet
from apps.api.words import APART, apart
from apps.conversations.models import MAX_CONTENT, Conversation, Message

R = TypeVar("R", Message, Conversation)

# Where a word begins and ends in a text that is not set apart, for PostgreSQL. Without groups that capture: with them,
# it takes seconds.
LETTER = APART[1:-1]
BEGINS = rf"(?:(?<![[:alnum:]])|(?<={LETTER})|(?={LETTER}))"
ENDS = rf"(?:(?![[:alnum:]])|(?={LETTER})|(?<={LETTER}))"
term = re.compile(r'(-?)(?:"([^"]*)"?|([^\s"]+))')

# How many rows are looked at one by one, times the hits that are wanted; and times that where it seems worth it.
FEW, MORE = 3, 16

# The last of the rows is told although it is none: there may be more behind it.
WALK = """
    SELECT id, hit, nth = %s FROM (SELECT id, hit, row_number() OVER () AS nth FROM ({}) AS near (id, hit)) AS counted
    WHERE hit OR nth = %s LIMIT %s
"""

# Written around hits and letters by PostgreSQL, and taken out of the text before.
GAP, START, STOP = "\x01", "\x02", "\x03"
MARKED = 20  # words of a phrase
MARKS = f"MaxFragments=1, MaxWords=40, MinWords=20, ShortWord=0, StartSel={START}, StopSel={STOP}"


# What is told of a hit's conversation.
SHOWN = ("title", "character", "character_name")


@dataclass(frozen=True)
class Query:
    words: str  # for `websearch_to_tsquery`
    hits: str  # the same, of any one of what is to be marked; those asked for together may stand far apart
    pattern: str  # a regular expression of PostgreSQL's: what is found, in the text as it is


def read(text: str) -> Query:
    """What a person typed: their quotes, `or` and `-`, every other term a phrase of the parts that the indexed text is
    set apart into. Empty where nothing is searched for.

    What only says what must not be there finds nothing: no index knows where a word is missing, and everybody's
    messages would be read.
    """
    terms = term.findall(text)
    groups: list[list[str]] = [[]]
    wanted: dict[int, dict[str, str]] = {}  # of each group: the terms that must be there, and their patterns
    for number, (minus, phrase, word) in enumerate(terms):
        if word.lower() == "or" and not minus and 0 < number < len(terms) - 1:
            groups.append([])
            continue
        parts = apart.sub(r" \1 ", phrase or word)
        groups[-1].append(f'{minus}"{parts}"')
        pieces = parts.split()[:MARKED]
        # No mark of a regular expression is left in these.
        words = [piece for piece in pieces if any(letter.isalnum() for letter in piece)]
        if words and not minus:
            wanted.setdefault(len(groups), {})[" ".join(pieces)] = "[^[:alnum:]]*".join(words)
    searchable = [" ".join(group) for number, group in enumerate(groups, start=1) if number in wanted]
    patterns = {each: pattern for group in wanted.values() for each, pattern in group.items()}
    hits = " or ".join(f'"{words}"' for words in patterns)
    any_of_them = "|".join(patterns.values())
    return Query(" or ".join(searchable), hits, f"{BEGINS}(?:{any_of_them}){ENDS}")


def finds(model: type[Message] | type[Conversation], query: Query) -> Q:
    """Whether the query finds a row. Null where its words are not kept yet."""
    condition = f"{model._meta.db_table}.search @@ %(expressions)s"
    return Q(Func(as_tsquery(query.words), template=condition, output_field=BooleanField()))


def as_tsquery(words: str) -> Func:
    return Func(Value("simple"), Value(words), function="websearch_to_tsquery")


def place(row: Combinable | str) -> Func:
    """An id as what results are sorted by. It sorts as the id does, but only an index that begins with the user has it:
    by that of the ids alone PostgreSQL likes to walk through everybody's rows until it has met enough of one's own."""
    return Func(row if isinstance(row, Combinable) else F(row), function="uuid_send", output_field=BinaryField())


def newest(
    own: OwnedQuerySet[R], wanted: Q, size: int, edge: UUID | None = None, *, forward: bool = True
) -> list[UUID]:
    """The ids of the newest `size` rows of somebody's that are wanted: those older than `edge`; or, not `forward`, the
    oldest of those newer than it.

    Two ways lead there. Row by row from the edge, a page of a common word is full after a few, and one of a rare word
    only after all. By the index of words the rare ones are found at once, and the common ones only once all of them
    are. Which of these a word is, nobody knows beforehand: a few rows are looked at, more of them if that would fill
    the page at their rate, and else the index is asked.
    """
    rows = own.annotate(place=place("id"))
    if edge is not None:
        rows = rows.filter(**{"place__lt" if forward else "place__gt": place(Value(edge, UUIDField()))})
    walk = rows.order_by("-place" if forward else "place").annotate(hit=wanted).values_list("id", "hit")
    found, ended = _walk(walk, FEW * size, size)
    if not ended and len(found) * MORE >= size:
        found, ended = _walk(walk, FEW * MORE * size, size)
    if ended:
        return found
    # Sorted by what no index has, or PostgreSQL might think it better to walk on.
    unsorted = Func("place", Value(1), function="substr", output_field=BinaryField())
    hits = rows.filter(wanted).order_by(unsorted.desc() if forward else unsorted.asc())
    return list(hits.values_list("id", flat=True)[:size])


def _walk(rows: QuerySet[Any], length: int, size: int) -> tuple[list[UUID], bool]:
    """The ids of the first `size` hits among the first `length` rows, each an id and whether it is one; and whether
    there can be no more to find. No more rows are read than that takes: a LIMIT of Django's would count the others."""
    sql, values = rows[:length].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(WALK.format(sql), [length, *values, length, size])
        seen = cursor.fetchall()
    found = [key for key, hit, _ in seen if hit]
    return found, len(found) == size or not any(last for _, _, last in seen)


class Headline(Func):
    """Of a text, a pattern, a tsquery, options, and what is set apart how.

    `ts_headline` takes seconds for a long text, and a minute for one that repeats a long query. So it sees only what is
    around the first hit. OFFSET keeps PostgreSQL from computing the text twice.
    """

    template = """(
        SELECT ts_headline('simple', regexp_replace(
            substr(whole, greatest(1, regexp_instr(whole, pattern, 1, 1, 0, 'i') - 200), 1000), apart, parted, 'g'
        ), query, options)
        FROM (SELECT * FROM (VALUES (%(expressions)s)) AS given OFFSET 0)
        AS once (whole, pattern, query, options, apart, parted)
    )"""
    output_field = TextField()


def highlight(column: str, query: Query) -> Func:
    """About 40 words around hits, from word to word, the hits between START and STOP; see `as_html`."""
    text = Func(F(column), Value(MAX_CONTENT), function="left")
    bare = Func(text, Value(GAP + START + STOP), Value(""), function="translate")
    parted = Value(rf"{GAP}\1{GAP}")
    return Headline(bare, Value(query.pattern), as_tsquery(query.hits), Value(MARKS), Value(APART), parted)


def as_html(headline: str) -> str:
    """Safe HTML: text, and `<mark>` around hits. Hits that touch are one."""
    text = headline.replace(GAP, "").replace(STOP + START, "")
    return escape(text).replace(START, "<mark>").replace(STOP, "</mark>")


def pick(keys: list[UUID], user: User | AnonymousUser, query: Query) -> list[Message | Conversation]:
    """The rows of a page in its order, each with its `headline`. One that was deleted meanwhile is not there."""
    messages = Message.objects.owned_by(user).select_related("conversation").filter(pk__in=keys)
    messages = messages.only("role", "created_at", *(f"conversation__{name}" for name in SHOWN))
    conversations = Conversation.objects.owned_by(user).filter(pk__in=keys).only(*SHOWN)
    rows: dict[UUID, Message | Conversation] = {}
    rows.update({row.pk: row for row in messages.annotate(headline=highlight("content", query))})
    rows.update({row.pk: row for row in conversations.annotate(headline=highlight("title", query))})
    return [rows[key] for key in keys if key in rows]
