from typing import Any

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers

from apps.api.fields import Line, List, ModelSerializer, OwnReference, Text
from apps.characters.models import MAX_TEXT, Character, Visibility
from apps.tools.models import Tool

# What makes the prompt; others see none of it unless the owner says so (`prompt_visible`).
PROMPT_FIELDS = (
    "description",
    "personality",
    "scenario",
    "system_prompt",
    "example_dialogue",
    "post_history_instructions",
    "lorebook",
    "extensions",
)

# What others never see.
OWNERS_FIELDS = ("tools",)

MOST_TOOLS = 32

MODEL_SETTINGS = ("model", "temperature", "top_p", "max_tokens", "stop")


class OfferedModel(Line):
    """One of the models on offer, or blank for the default."""

    default_error_messages = {"not_offered": "This model is not on offer; see /api/models/."}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_blank": True, "required": False, "max_length": 200, **options})

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        # What is there already may stay, though the operator offers it no longer: so that an edit form can be saved.
        kept = getattr(self.parent.instance, "model", None)
        if value and value != kept and value not in settings.AI_OFFER.models:
            self.fail("not_offered")
        return value


def stop_sequences(**options: Any) -> List:
    return List(child=Text(max_length=200), required=False, max_length=16, **options)


class VisibleCharacter(OwnReference):
    def get_queryset(self) -> Any:
        return Character.objects.visible_to(self.context["request"].user)


class OwnTools(List):
    """Tools of whoever asks, by their ids."""

    default_error_messages = {"does_not_exist": "There is no tool {pk} of yours."}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"child": serializers.UUIDField(), "max_length": MOST_TOOLS, **options})

    def to_internal_value(self, data: Any) -> list[Tool]:
        ids = super().to_internal_value(data)
        found = Tool.objects.owned_by(self.context["request"].user).in_bulk(ids)
        for pk in ids:
            if pk not in found:
                self.fail("does_not_exist", pk=pk)
        return list(found.values())

    def get_attribute(self, instance: Character) -> Any:
        return sorted(tool.pk for tool in instance.tools.all())


class CharacterSerializer(ModelSerializer):
    """A character. Its owner gets it whole. Others get it without `tools`, and without `description`, `personality`,
    `scenario`, `system_prompt`, `example_dialogue`, `post_history_instructions`, `lorebook` and `extensions`, unless
    its owner set `prompt_visible`. A new one is private, and its prompt is not visible."""

    may_be_absent = (*PROMPT_FIELDS, *OWNERS_FIELDS)

    mine = serializers.SerializerMethodField(help_text="Whether it is yours.")
    avatar = serializers.SerializerMethodField(help_text="The address of its picture; null where it has none.")
    model = OfferedModel()
    stop = stop_sequences()
    alternate_greetings = List(child=Text(max_length=MAX_TEXT), required=False, max_length=100)
    tags = List(child=Line(max_length=100), required=False, max_length=100)
    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False)
    tools = OwnTools(required=False, help_text="What it can do beside talking: tools of yours, by their ids.")

    class Meta:
        model = Character
        fields = (
            "id",
            "mine",
            "name",
            "nickname",
            "avatar",
            "description",
            "personality",
            "scenario",
            "system_prompt",
            "first_message",
            "alternate_greetings",
            "example_dialogue",
            "post_history_instructions",
            "creator",
            "creator_notes",
            "character_version",
            "tags",
            "lorebook",
            "extensions",
            *MODEL_SETTINGS,
            "tools",
            "visibility",
            "prompt_visible",
            "created_at",
            "updated_at",
        )

    def get_mine(self, character: Character) -> bool:
        return bool(character.user_id == self.context["request"].user.pk)

    def get_avatar(self, character: Character) -> str | None:
        if not character.avatar_sha256:
            return None
        return f"{reverse('asset-avatar', args=[character.pk])}?v={character.avatar_sha256[:12]}"

    def to_representation(self, instance: Character) -> dict[str, Any]:
        fields = super().to_representation(instance)
        user = self.context["request"].user
        hidden = () if instance.shows_prompt_to(user) else PROMPT_FIELDS
        for name in (*hidden, *(() if instance.user_id == user.pk else OWNERS_FIELDS)):
            del fields[name]
        return fields


class Tags(List):
    """A parameter that may be given several times, or without a value."""

    allow_blank = True

    def __init__(self, **options: Any) -> None:
        child = Line(allow_blank=True, max_length=100)
        super().__init__(**{"child": child, "required": False, "max_length": 10, **options})


class CharacterListQuery(serializers.Serializer[None]):
    scope = serializers.ChoiceField(
        choices=["mine", "public", "all"], default="mine", help_text="Yours, those made public by anyone, or both."
    )
    tag = Tags(help_text="Only with this tag, in small letters or large. Several: only with all of them.")
    search = Line(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="Words, or parts of them, that are all in name, nickname, creator, creator notes or tags.",
    )
