from typing import Any, cast
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts.models import User
from apps.accounts.ownership import Mine
from apps.api.queries import query_of
from apps.characters.access import PromptHidden
from apps.chat.asking import CharacterUnavailable
from apps.chat.assembly import Assembled, assemble
from apps.chat.past import Moment
from apps.conversations.access import held
from apps.conversations.models import Conversation, MessageStatus, Role
from apps.conversations.serializers import Content
from apps.tools.serializers import SourceSerializer

# Characters that an address has room for.
MAX_PREVIEWED = 20_000


class PreviewQuery(serializers.Serializer[None]):
    content = Content(
        required=False,
        max_length=MAX_PREVIEWED,
        help_text="What you would say next. Left out: the prompt after the last message, as it stands.",
    )


class PromptMessageSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)
    content = serializers.CharField()


class PartSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="A field of the character's, `history`, `examples`, `summary`, `lore_…`.")
    tokens = serializers.IntegerField()
    message = serializers.IntegerField(
        allow_null=True, help_text="The first message that it is in, by its place in `messages`; null: in none."
    )


class LoreSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    fired_by = serializers.CharField(help_text="The key that was found, or why none was needed.")
    through = serializers.CharField(help_text="The entry in whose text the key was found; blank: a message.")
    position = serializers.CharField()
    depth = serializers.IntegerField(
        allow_null=True, help_text="Where `position` is `at_depth`: how many messages stand after it."
    )
    tokens = serializers.IntegerField()


class DroppedSerializer(serializers.Serializer[Any]):
    what = serializers.ChoiceField(choices=["lore", "examples", "history", "summary", "tool"])
    name = serializers.CharField(help_text="Which of them.")
    why = serializers.CharField()


class PromptSerializer(serializers.Serializer[Any]):
    """What the model would be sent. `tokens` are estimates, and those of the parts add up to the whole."""

    messages = PromptMessageSerializer(many=True)
    model = serializers.CharField(help_text="By its provider's own name.")
    provider = serializers.CharField()
    tokens = serializers.IntegerField()
    budget = serializers.IntegerField(help_text="How many tokens it may have: what the answer needs is taken off.")
    fits = serializers.BooleanField(
        help_text="False where what is never left out, the character's texts and the newest turn, is too long as it is."
    )
    parts = PartSerializer(many=True)
    lore = LoreSerializer(many=True)
    tools = serializers.ListField(child=serializers.CharField(), help_text="The functions that it may call.")
    sources = SourceSerializer(many=True, help_text="Passages of what the character knows that are in it.")
    dropped = DroppedSerializer(many=True)


class PromptViewSet(Mine[Conversation], GenericViewSet[Conversation]):
    """The prompt, open to inspection."""

    queryset = Conversation.objects.all()
    lookup_value_converter = "id"

    @extend_schema(parameters=[PreviewQuery], responses=PromptSerializer)
    @action(detail=True, methods=["get"], serializer_class=PromptSerializer)
    @transaction.atomic
    def prompt(self, request: Request, pk: UUID) -> Response:
        """Exactly what the model would be sent now: with token estimates of each part, the lore that fires and what
        fired it, what is left out and why. Nothing is saved and no model is asked.

        403 `prompt_hidden`: the character is somebody else's who does not show its prompt. 409
        `character_unavailable`: the character is gone, or no longer shown to you.
        """
        # Held, so that nothing that it is made of goes meanwhile.
        conversation = held(self.get_object().pk, "user", "character")
        content = query_of(request, PreviewQuery).get("content")
        user = cast(User, request.user)
        character = conversation.character
        if character is None or not character.visible_to(user):
            raise CharacterUnavailable()
        if not character.shows_prompt_to(user):
            raise PromptHidden()
        moment = Moment(conversation, self._last(conversation), content)
        return Response(shown(assemble(conversation, character, moment)))

    def _last(self, conversation: Conversation) -> Any:
        """The message that the prompt ends with. An answer that is still being written is none yet."""
        leaf = conversation.active_leaf
        return leaf.parent if leaf and leaf.status == MessageStatus.GENERATING else leaf


def shown(assembled: Assembled) -> dict[str, Any]:
    built = assembled.built
    return {
        "messages": built.messages,
        "model": assembled.request.model,
        "provider": assembled.source,
        "tokens": assembled.tokens,
        "budget": assembled.budget,
        "fits": assembled.tokens <= assembled.budget,
        "parts": [
            *({"name": part.name, "tokens": part.tokens, "message": part.message} for part in built.parts),
            *([{"name": "tools", "tokens": assembled.tool_tokens, "message": None}] if assembled.functions else []),
        ],
        "tools": list(assembled.functions),
        "sources": assembled.sources,
        "lore": [
            {
                "name": lore.name,
                "fired_by": lore.fired_by,
                "through": lore.through,
                "position": lore.position,
                "depth": lore.depth if lore.position == "at_depth" else None,
                "tokens": lore.tokens,
            }
            for lore in built.lore
        ],
        "dropped": [
            *({"what": "lore", "name": name, "why": why} for name, why in assembled.fired.dropped),
            *(
                {"what": "tool", "name": name, "why": "tools would take too much room"}
                for name in assembled.dropped_tools
            ),
            *({"what": each.what, "name": each.name, "why": each.why} for each in built.dropped),
        ],
    }
