"""Which tools a model is offered."""

import json

from apps.api.lookups import Lookup
from apps.characters.models import Character
from apps.chat.providers import ToolOffer
from apps.conversations.models import Conversation
from apps.tools.functions import Function, offered
from apps.tools.models import Tool

_TOOLS = Lookup(lambda character, owner: Tool.objects.filter(characters=character, user=owner).order_by("pk"))
_FOR_OTHERS = Lookup(
    lambda character, owner: Tool.objects.filter(characters=character, user=owner, usable_by_others=True).order_by("pk")
)


def of(conversation: Conversation, character: Character) -> dict[str, Function]:
    """The functions of the character's tools that may be used here, by name: its owner's alone, and in conversations
    of others those alone that its owner lets them use. One query."""
    others = conversation.user_id != character.user_id
    return offered((_FOR_OTHERS if others else _TOOLS).all(character=character.pk, owner=character.user_id))


def offer(function: Function) -> ToolOffer:
    return ToolOffer(function.name, function.description, function.parameters)


def size(function: Function) -> str:
    """What a model is told of it, as far as its length goes."""
    return json.dumps([function.name, function.description, function.parameters], ensure_ascii=False)
