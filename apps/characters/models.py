"""Characters, with the fields of the character card specification V2."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from apps.accounts.models import User
from apps.accounts.ownership import OwnedQuerySet
from apps.api.rows import Row

MAX_TEXT = 200_000


class Visibility(models.TextChoices):
    PRIVATE = "private"
    PUBLIC = "public"


class ModelSettings(models.Model):
    """How the model is asked; what is null or blank is left to whoever stands behind."""

    model = models.CharField(max_length=200, blank=True)
    temperature = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(2)])
    top_p = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(1)])
    max_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(1_000_000)]
    )

    class Meta:
        abstract = True


class CharacterQuerySet(OwnedQuerySet["Character"]):
    def public(self) -> Self:
        return self.filter(visibility=Visibility.PUBLIC)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Their own, and what others made public."""
        if not user.pk:
            return self.none()
        return self.filter(models.Q(user=user.pk) | models.Q(visibility=Visibility.PUBLIC))

    def matching(self, words: str) -> Self:
        """Every word in the name, the notes for readers or the tags: never in fields that may be hidden."""
        found = self
        for word in words.split()[:8]:
            found = found.filter(
                models.Q(name__icontains=word)
                | models.Q(creator_notes__icontains=word)
                | models.Q(tags__icontains=word)
            )
        return found


class Character(ModelSettings, Row):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="characters", db_index=False
    )
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, max_length=MAX_TEXT)
    personality = models.TextField(blank=True, max_length=MAX_TEXT)
    scenario = models.TextField(blank=True, max_length=MAX_TEXT)
    system_prompt = models.TextField(blank=True, max_length=MAX_TEXT)
    first_message = models.TextField(blank=True, max_length=MAX_TEXT)
    alternate_greetings = ArrayField(models.TextField(max_length=MAX_TEXT), default=list, blank=True, size=100)
    example_dialogue = models.TextField(blank=True, max_length=MAX_TEXT)
    post_history_instructions = models.TextField(blank=True, max_length=MAX_TEXT)
    creator = models.CharField(max_length=200, blank=True)
    creator_notes = models.TextField(blank=True, max_length=MAX_TEXT)
    character_version = models.CharField(max_length=100, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True, size=100)
    lorebook = models.JSONField(default=dict, blank=True)
    extensions = models.JSONField(default=dict, blank=True)
    stop = ArrayField(models.CharField(max_length=200), default=list, blank=True, size=16)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE)
    prompt_visible = models.BooleanField(default=False)

    objects = CharacterQuerySet.as_manager()

    if TYPE_CHECKING:
        user_id: object

    class Meta:
        indexes = (
            models.Index(fields=["user", "-id"], name="character_owner_newest"),
            models.Index(fields=["-id"], name="character_public_newest", condition=models.Q(visibility="public")),
            GinIndex(fields=["tags"], name="character_tags"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def called(self) -> str:
        """What `{{char}}` stands for."""
        return self.name

    def greetings(self) -> dict[int, str]:
        """By their index, 0 being `first_message` and n its nth alternate; blank ones are left out."""
        texts = enumerate([self.first_message, *self.alternate_greetings])
        return {index: text for index, text in texts if text.strip()}

    def greeting_at(self, index: int) -> int | None:
        """The index of the greeting that is meant: a blank one falls to the next. None where there is none."""
        return next((found for found in self.greetings() if found >= index), None)

    def shows_prompt_to(self, user: User | AnonymousUser) -> bool:
        return self.prompt_visible or self.user_id == user.pk

    def visible_to(self, user: User) -> bool:
        return self.visibility == Visibility.PUBLIC or self.user_id == user.pk
