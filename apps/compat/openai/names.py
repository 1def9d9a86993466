"""Model ids: names of a user's own characters, and their ids.

A character goes by its name in small letters and without spaces. Of several with one name the oldest has it, and each
later one the end of its id with it; by that one and by its whole id a character can be asked for in any case.
"""

from collections.abc import Iterable

from django.utils.text import slugify
from rest_framework.exceptions import NotFound

from apps.accounts.models import User
from apps.characters.models import Character

NAMELESS = "character"
# Of the id, as much as makes it the only one.
END = 8
# Some letters become many.
LONGEST = 200
# Of what was asked for, as much as an error repeats.
SHOWN = 100


class NoSuchModel(NotFound):
    default_code = "model_not_found"

    def __init__(self, asked: str) -> None:
        super().__init__(
            f"There is no model '{asked[:SHOWN]}': a model is a character of yours, by its name or its id."
        )


def slug(name: str) -> str:
    return slugify(name, allow_unicode=True)[:LONGEST].strip("-_") or NAMELESS


def with_end(character: Character) -> str:
    return f"{slug(character.name)}-{character.pk.hex[-END:]}"


def named(characters: Iterable[Character]) -> dict[str, Character]:
    """Model id → character; `characters` are all of a user's, the oldest first."""
    characters = list(characters)
    # What means one character by its id is nobody else's name.
    taken = {name for each in characters for name in (with_end(each), str(each.pk))}
    found: dict[str, Character] = {}
    for character in characters:
        wishes = [slug(character.name), with_end(character)]
        free = (wish for at, wish in enumerate(wishes) if wish not in found and (at or wish not in taken))
        found[next(free, str(character.pk))] = character
    return found


def models_of(user: User) -> dict[str, Character]:
    """Those of a user, the oldest first, with no more of each than its name and its date."""
    rows = Character.objects.owned_by(user).order_by("pk")
    return named(rows.only("id", "name", "created_at"))


def find(user: User, asked: str) -> tuple[str, Character]:
    """The character that a model's id means, whole, and the id under which it is listed; `NoSuchModel`."""
    models = models_of(user)
    name = asked if asked in models else _by_id(models, asked)
    if name is None:
        raise NoSuchModel(asked)
    character = Character.objects.owned_by(user).filter(pk=models[name].pk).first()
    if character is None:  # deleted a moment ago
        raise NoSuchModel(asked)
    return name, character


def _by_id(models: dict[str, Character], asked: str) -> str | None:
    for name, character in models.items():
        if asked in (with_end(character), str(character.pk)):
            return name
    return None
