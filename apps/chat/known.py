"""What is known of each model: its context window, and how many bytes its tokenizer makes into one token.

Bytes of UTF-8, not characters: a script of three bytes a letter costs about a token a letter, one of a single byte a
quarter of that, so that one ratio serves both far better in bytes than in characters.

The ratio is learned from what providers count. Their counts vary from prompt to prompt, and a prompt thought too small
is refused while one thought too big merely leaves something out; so mean and mean deviation are kept, as TCP does for
its round trips (RFC 6298), and the mean less the deviation is what is reckoned with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from apps.api.lookups import Lookup
from apps.chat.models import KnownModel, WindowFrom
from apps.chat.prompt import BYTES_PER_TOKEN, TOKENS_PER_MESSAGE

# Tokens, where neither settings nor the provider tell.
DEFAULT_WINDOW = 8192
# How long the window that an error named outweighs the provider's list, which may tell what a model was trained for.
ERROR_STANDS = timedelta(days=1)

# Beyond these no tokenizer goes on text that people write: such counts leave something out, or count something else.
LEAST_RATIO = BYTES_PER_TOKEN / 4
MOST_RATIO = BYTES_PER_TOKEN * 2
# A prompt of so many tokens counts in full, a shorter one in part: what the model's template adds weighs more in it.
WHOLE_PROMPT = 256
# From so many samples on only what moves the ratio is written.
SETTLED = 12
WORTH_WRITING = 0.01
BETWEEN_WRITES = timedelta(minutes=1)

_ROW = Lookup(lambda source, model: KnownModel.objects.filter(source=source, model=model))


@dataclass(frozen=True, slots=True)
class Model:
    """`window`: tokens that a prompt and its answer may hold together."""

    window: int
    bytes_per_token: float


def model(source: str, model: str) -> Model:
    """What to reckon with for a model, by its source and the source's own name for it. One query."""
    return _model(source, model, _ROW.first(source=source, model=model))


def on_offer() -> dict[str, Model]:
    """All of them by the names under which they are on offer. One query."""
    rows = {(row.source, row.model): row for row in KnownModel.objects.all()}
    return {
        name: _model(source.name, model, rows.get((source.name, model)))
        for name, (source, model) in settings.AI_OFFER.models.items()
    }


def _model(source: str, model: str, row: KnownModel | None) -> Model:
    return Model(_window(source, model, row), _ratio(row))


def _window(source: str, model: str, row: KnownModel | None) -> int:
    """The operator's word on this model; else what the provider told, up to the operator's word on all of them."""
    if said := settings.AI_OFFER.context(source, model):
        return said
    most: int | None = settings.AI_CONTEXT_TOKENS
    told = row.window if row and not _is_old_error(row, timezone.now()) else None
    if told is None:
        return most or DEFAULT_WINDOW
    return min(told, most or told)


def _is_old_error(row: KnownModel, now: datetime) -> bool:
    return row.window_from == WindowFrom.ERROR and (row.window_at is None or row.window_at < now - ERROR_STANDS)


def _ratio(row: KnownModel | None) -> float:
    if row is None or row.mean is None or row.deviation is None:
        return BYTES_PER_TOKEN
    return max(row.mean - row.deviation, LEAST_RATIO)


def learn(source: str, model: str, *, size: int, messages: int, tokens: int) -> None:
    """After an answer: its prompt was `size` bytes of text in so many messages, and counted as `tokens`.

    The first answers move the ratio much, later ones by an eighth of the distance. Once it has settled nothing is
    written while it stays within a hundredth, and nothing more than once a minute: no row that every answer of a big
    server updates.
    """
    counted = tokens - messages * TOKENS_PER_MESSAGE
    if counted <= 0 or not LEAST_RATIO <= size / counted <= MOST_RATIO:
        return
    row = _ROW.first(source=source, model=model)
    if row is None:
        KnownModel.objects.bulk_create([KnownModel(source=source, model=model)], ignore_conflicts=True)
        row = KnownModel.objects.get(source=source, model=model)
    now = timezone.now()
    settled = row.samples >= SETTLED
    if settled and row.updated_at > now - BETWEEN_WRITES:
        return
    mean = row.mean if row.mean is not None else BYTES_PER_TOKEN
    deviation = row.deviation or 0.0
    weight = min(1.0, counted / WHOLE_PROMPT)
    error = size / counted - mean
    deviation += weight * max(1 / (row.samples + 2), 1 / 4) * (abs(error) - deviation)
    mean += weight * max(1 / (row.samples + 2), 1 / 8) * error
    if settled and abs(max(mean - deviation, LEAST_RATIO) / _ratio(row) - 1) <= WORTH_WRITING:
        return
    # Of two at the same time the second is dropped: there will be others.
    KnownModel.objects.filter(pk=row.pk, samples=row.samples).update(
        samples=F("samples") + 1, mean=mean, deviation=deviation, updated_at=now
    )


def told(source: str, windows: Mapping[str, int]) -> None:
    """From the provider's list of models. Only what is on offer is kept; what has not changed is not written."""
    [offered] = [one.models for one in settings.AI_OFFER.sources if one.name == source]
    told = {model: windows[model] for model in offered if model in windows}
    if not told:
        return
    known = {row.model: row for row in KnownModel.objects.filter(source=source, model__in=told)}
    now = timezone.now()
    for model, window in told.items():
        row = known.get(model)
        if row is None or row.window is None or row.window_from == WindowFrom.ERROR or row.window != window:
            # Asked again by the database, as an error may come in between.
            weaker = Q(window__isnull=True) | ~Q(window_from=WindowFrom.ERROR)
            weaker |= Q(window_at__lt=now - ERROR_STANDS) | Q(window__gt=window)
            _save_window(source, model, window, WindowFrom.PROVIDER, weaker)


def refused(source: str, model: str, *, window: int | None) -> None:
    """From an error that a prompt was too long. Without a number nothing is learned from it: one user's prompt, which
    may be beyond measure, is no ground to give everybody else less."""
    if window is not None:
        _save_window(source, model, window, WindowFrom.ERROR, Q())


def _save_window(source: str, model: str, window: int, window_from: WindowFrom, where: Q) -> None:
    now = timezone.now()
    values = {"window": window, "window_from": window_from, "window_at": now}
    rows = KnownModel.objects.filter(source=source, model=model)
    # `updated_at` is the ratio's.
    if not rows.filter(where).update(**values) and not rows.exists():
        KnownModel.objects.bulk_create([KnownModel(source=source, model=model, **values)], ignore_conflicts=True)
