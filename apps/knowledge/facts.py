"""What characters keep about users."""

from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.ownership import hold
from apps.characters.models import Character
from apps.knowledge.models import Fact

# That one character keeps about one user.
MOST_FACTS = 200
RECALLED = 50
WORDS = 8


class TooMany(Exception):
    pass


def remember(user: User, character: Character, text: str) -> bool:
    """Keep a fact, once. Whether it is new. Raises TooMany. In a transaction."""
    hold(user)
    facts = Fact.objects.owned_by(user).filter(character=character)
    if facts.filter(text=text).exists():
        return False
    if facts.count() >= MOST_FACTS:
        raise TooMany
    Fact.objects.create(user=user, character=character, text=text)
    return True


def recall(user: User, character: Character, query: str) -> list[str]:
    """The newest facts, with any of the query's words where it has some."""
    facts = Fact.objects.owned_by(user).filter(character=character)
    asked = Q()
    for word in query.split()[:WORDS]:
        asked |= Q(text__icontains=word)
    return list(facts.filter(asked).order_by("-id").values_list("text", flat=True)[:RECALLED])
