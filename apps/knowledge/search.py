"""Finding the passages that answer a question: by its words, and by its vector where there is one.

A question's words need not all be there. Each counts by how rare it is in what the character knows, so that nobody has
to list the words of any language that say nothing; and more where it stands next to the same word as in the question.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.accounts.models import User
from apps.api.statements import Statement
from apps.api.words import apart
from apps.characters.models import Character
from apps.knowledge.models import Document, Passage
from apps.knowledge.passages import SPACELESS
from apps.knowledge.reading import clean

# Of a question: characters that are looked at, and different words.
MAX_QUESTION = 2_000
MAX_WORDS = 40
MAX_WORD = 50
# A word in more passages than this tells nothing, and costs much, where there are others.
COMMON = 2_000
# Passages whose neighbouring words are looked at; and those that come out of each way of searching.
CLOSER = 200
RANKED = 50
# What counts less: a short word, and one that only begins alike.
LITTLE = 0.3
ALIKE = 0.4
# A passage that has less than this of the best one's weight is left out.
OF_BEST = 1 / 3
# And where there is a better way than words: what has less than this of the question's weight, or of a long question
# not even half a word that is nowhere else. Few passages do not tell how rare a word is: as if there were so many more.
OF_ASKED = 1 / 10
# And where nobody asked to search: small talk is not to bring up whatever shares its small words.
OF_SAID = 1 / 4
OF_WORD = 1 / 2
MORE = 20
# Reciprocal rank fusion, with the constant of those who described it (Cormack, Clarke, Büttcher 2009).
FUSION = 60


@dataclass(frozen=True, slots=True)
class Found:
    """`score` is for comparing what was found together; it is no measure of its own."""

    id: UUID
    document: UUID
    title: str
    heading: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    beginning: str  # what other forms of it begin with; blank where there are none
    weight: float
    # Also where it begins a sentence; no abbreviation.
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    words: list[Word]  # each once
    pairs: list[tuple[str, str]]  # those that stand side by side


_ANY = Statement(
    "SELECT EXISTS ({documents})",
    documents=lambda user, character: Document.objects.owned_by(User(pk=user)).filter(character=character).values("pk"),
)


def find(
    character: Character,
    question: str,
    *,
    user: User,
    limit: int,
    vector: Sequence[float] | None = None,
    in_passing: bool = False,
) -> list[Found]:
    """The best passages of what this user's character knows, the best first.

    Nothing where the character is somebody else's: whoever talks to a public one is not told what its owner gave it.
    `vector` is the question's, made by the model that is configured. `in_passing`: it may be no question at all, and
    only what has much of it is worth telling.
    """
    if character.user_id != user.pk or not _ANY.rows(user=user.pk, character=character.pk)[0][0]:
        return []
    whose = {"user": user.pk, "character": character.pk}
    endpoint = settings.EMBEDDINGS
    with connection.cursor() as cursor:
        rankings = []
        needed = OF_SAID if in_passing else 0.0
        if vector and endpoint and has_vectors(cursor):
            rankings.append(by_vector(cursor, whose, vector, endpoint.models[0]))
            needed = max(needed, OF_ASKED if any(rankings) else 0)
        asked = read(question)
        if in_passing:
            asked = Asked([word for word in asked.words if not word.is_small], asked.pairs)
        rankings.append(by_words(cursor, whose, asked, of_asked=needed))
    scores = fused(rankings)
    best = sorted(scores, key=lambda key: (-scores[key], key))[:limit]
    passages = Passage.objects.owned_by(user).filter(character=character).select_related("document")
    rows = passages.only("heading", "text", "document__title").in_bulk(best)
    # One that was deleted meanwhile is not there.
    return [_found(rows[key], scores[key]) for key in best if key in rows]


def _found(passage: Passage, score: float) -> Found:
    document = passage.document
    return Found(passage.pk, document.pk, document.title, passage.heading, passage.text.strip(), score)


def fused(rankings: Iterable[Sequence[UUID]]) -> dict[UUID, float]:
    """Scores of all that is ranked anywhere: high for what stands high, higher for what does so twice."""
    scores: dict[UUID, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1 / (FUSION + rank)
    return scores


def read(question: str) -> Asked:
    """The words of a question, as the indexed text is set apart into them."""
    parts = apart.sub(r" \1 ", clean(question[:MAX_QUESTION])).split()
    words = [part for part in parts if len(part) <= MAX_WORD and any(letter.isalnum() for letter in part)]
    distinct = {word.text: word for word in map(_word, words)}
    # Of too many the long ones say most.
    kept = sorted(distinct, key=len, reverse=True)[:MAX_WORDS]
    pairs = dict.fromkeys((one.lower(), other.lower()) for one, other in pairwise(words))
    return Asked([distinct[text] for text in kept], [pair for pair in pairs if {*pair} <= {*kept}])


def _word(text: str) -> Word:
    if SPACELESS.match(text):
        return Word(text.lower(), "", 1.0)
    length = len(text)
    ending = 0 if length < 5 else 1 if length == 5 else 2
    beginning = text[: length - ending] if text.isalpha() and length > 2 else ""
    weight = LITTLE if length <= 3 and text.islower() else 1.0
    return Word(text.lower(), beginning.lower(), weight, length <= 3 and (length == 1 or not text.isupper()))


# Two ways for each word: as it is, and (`alike`) what begins like it.
# LIMIT keeps a word that is everywhere from being looked up everywhere.
BY_WORDS = """
WITH asked AS MATERIALIZED (
    SELECT word, beginning, weight, phraseto_tsquery('pg_catalog.simple', word) AS query
    FROM unnest(%(words)s::text[], %(beginnings)s::text[], %(weights)s::float8[]) AS given (word, beginning, weight)
), way AS MATERIALIZED (
    SELECT word, false AS alike, weight, query FROM asked WHERE numnode(query) > 0
    UNION ALL
    SELECT word, true, weight * %(alike)s, (quote_literal(beginning) || ':*')::tsquery FROM asked WHERE beginning <> ''
), hit AS MATERIALIZED (
    SELECT word, alike, passage.id FROM way CROSS JOIN LATERAL (
        SELECT id FROM knowledge_passage
        WHERE character_id = %(character)s AND user_id = %(user)s AND search @@ way.query
        LIMIT %(common)s + 1
    ) AS passage
), known AS (
    SELECT count(*) AS passages FROM knowledge_passage WHERE character_id = %(character)s AND user_id = %(user)s
), counted AS (
    SELECT word, alike, count(*) AS hits, count(*) > %(common)s AS common,
        bool_and(count(*) > %(common)s) OVER () AS all_common
    FROM hit GROUP BY word, alike
), worth AS MATERIALIZED (
    SELECT word, alike, weight * ln(1 + (greatest(passages - hits, 0) + 0.5) / (hits + 0.5)) AS worth,
        weight * ln(1 + (greatest(passages - hits, 0) + %(more)s + 0.5) / (hits + 0.5)) AS steady
    FROM counted JOIN way USING (word, alike), known WHERE all_common OR NOT common
), needed AS (
    SELECT least(rarest * %(of_word)s, %(of_asked)s * sum(
        CASE WHEN hits IS NULL THEN asked.weight * rarest ELSE coalesce(steady, 0) END
    )) AS steady
    FROM asked
    LEFT JOIN counted ON counted.word = asked.word AND NOT counted.alike
    LEFT JOIN worth ON worth.word = asked.word AND NOT worth.alike,
    LATERAL (SELECT ln(1 + (passages + %(more)s + 0.5) / 0.5) AS rarest FROM known) AS rare
    GROUP BY rarest
), ranked AS MATERIALIZED (
    SELECT id, sum(worth) AS score FROM (
        SELECT id, word, max(worth) AS worth, max(steady) AS steady FROM hit JOIN worth USING (word, alike)
        GROUP BY id, word
    ) AS each GROUP BY id HAVING sum(steady) >= (SELECT steady FROM needed) ORDER BY score DESC, id LIMIT %(closer)s
), pair AS MATERIALIZED (
    SELECT one.query <-> other.query AS query, (one.worth + other.worth) / 2 AS worth
    FROM unnest(%(firsts)s::text[], %(seconds)s::text[]) AS given (first, second)
    JOIN (way NATURAL JOIN worth) AS one ON one.word = first AND NOT one.alike
    JOIN (way NATURAL JOIN worth) AS other ON other.word = second AND NOT other.alike
), scored AS (
    SELECT ranked.id, score + coalesce(sum(pair.worth), 0) AS score
    FROM ranked JOIN knowledge_passage USING (id) LEFT JOIN pair ON search @@ pair.query
    GROUP BY ranked.id, score
)
SELECT id FROM (SELECT id, score, max(score) OVER () AS best FROM scored) AS each
WHERE score >= best * %(of_best)s ORDER BY score DESC, id LIMIT %(ranked)s
"""

LIMITS = {"common": COMMON, "closer": CLOSER, "ranked": RANKED, "alike": ALIKE, "more": MORE, "of_word": OF_WORD}


def by_words(cursor: Any, whose: dict[str, Any], asked: Asked, *, of_asked: float) -> list[UUID]:
    if not asked.words:
        return []
    given = {
        "words": [word.text for word in asked.words],
        "beginnings": [word.beginning for word in asked.words],
        "weights": [word.weight for word in asked.words],
        "firsts": [first for first, _ in asked.pairs],
        "seconds": [second for _, second in asked.pairs],
    }
    cursor.execute(BY_WORDS, {**whose, **given, **LIMITS, "of_best": OF_BEST, "of_asked": of_asked})
    return [key for (key,) in cursor.fetchall()]


# Vectors of another length are another model's, whatever its name. CASE, since conditions have no order.
BY_VECTOR = """
SELECT id FROM (
    SELECT id, CASE WHEN cardinality(embedding) = %(length)s
                    THEN embedding::vector <=> %(vector)s::real[]::vector END AS distance
    FROM knowledge_passage
    WHERE character_id = %(character)s AND user_id = %(user)s AND embedding_model = %(model)s
) AS each
WHERE distance < 2.5 ORDER BY distance, id LIMIT %(ranked)s
"""


def by_vector(cursor: Any, whose: dict[str, Any], vector: Sequence[float], model: str) -> list[UUID]:
    asked = {"vector": list(vector), "length": len(vector), "model": model, "ranked": RANKED}
    cursor.execute(BY_VECTOR, {**whose, **asked})
    return [key for (key,) in cursor.fetchall()]


def has_vectors(cursor: Any) -> bool:
    """Whether this database can compare vectors: pgvector is there, and has been created."""
    cursor.execute("SELECT to_regtype('vector') IS NOT NULL")
    return bool(cursor.fetchone()[0])
