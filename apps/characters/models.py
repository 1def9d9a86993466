"""Characters, with the fields of the character card specification V3, the files that came with them, and reports.

Files and reports refer to their character by keys that are DO_NOTHING for Django, and that a migration gives ON DELETE
CASCADE: they go along without being read first.
"""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower

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

    def tagged(self, tags: list[str]) -> Self:
        """With all of these tags, in small letters or large."""
        if not tags:
            return self
        given = models.Value(tags, output_field=ArrayField(models.CharField(max_length=100)))
        return self.filter(
            models.Func(
                models.F("tags"),
                given,
                template="character_folded(%(expressions)s)",
                arg_joiner=") @> character_folded(",
                output_field=models.BooleanField(),
            )
        )

    def matching(self, text: str) -> Self:
        """Every word of the text in names, creator, tags or the notes for readers, or as a part of a word there: never
        in fields that may be hidden. Small letters are as good as large ones."""
        found = self.alias(
            shown=models.Func(
                *("name", "nickname", "creator", "creator_notes", "tags"),
                function="character_shown",
                output_field=models.TextField(),
            )
        )
        for word in text.split()[:8]:
            found = found.filter(shown__contains=Lower(models.Value(word)))
        return found


class Character(ModelSettings, Row):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="characters", db_index=False
    )
    name = models.CharField(max_length=200)
    # Takes the name's place in prompts and greetings, where it is not blank.
    nickname = models.CharField(max_length=200, blank=True)
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
    # Of its picture's bytes, so that lists can name the picture without a look at it. Blank where there is none.
    avatar_sha256 = models.CharField(max_length=64, blank=True, editable=False)

    objects = CharacterQuerySet.as_manager()

    if TYPE_CHECKING:
        user_id: object

    # Two indexes more, of what is searched, are in migration 0002.
    class Meta:
        indexes = (
            models.Index(fields=["user", "-id"], name="character_owner_newest"),
            models.Index(fields=["-id"], name="character_public_newest", condition=models.Q(visibility="public")),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def called(self) -> str:
        """What `{{char}}` stands for."""
        return self.nickname or self.name

    def greetings(self) -> dict[int, str]:
        """By their index, 0 being `first_message` and n its nth alternate; blank ones are left out."""
        texts = enumerate([self.first_message, *self.alternate_greetings])
        return {index: text for index, text in texts if text.strip()}

    def greeting_at(self, index: int) -> int | None:
        """The index of the greeting that is meant: a blank one falls to the next. None where there is none."""
        return next((found for found in self.greetings() if found >= index), None)

    def named_texts(self) -> dict[str, str]:
        """Those that its other texts may name in macros."""
        return {"description": self.description, "personality": self.personality, "scenario": self.scenario}

    def shows_prompt_to(self, user: User | AnonymousUser) -> bool:
        return self.prompt_visible or self.user_id == user.pk

    def visible_to(self, user: User) -> bool:
        return self.visibility == Visibility.PUBLIC or self.user_id == user.pk


class FileKind(models.TextChoices):
    # The picture. Its path tells whether it came with the card or was chosen since.
    AVATAR = "avatar"
    # The card's JSON, as it was found.
    ORIGINAL = "original"
    # What else was in the card's file, by its path there.
    ASSET = "asset"


IMPORTED, CHOSEN = "imported", "chosen"


class CharacterFiles(OwnedQuerySet["CharacterFile"]):
    owner = "character__user"


class WithoutContent(models.Manager.from_queryset(CharacterFiles)):  # type: ignore[misc]
    """Bytes are read where they are asked for, one file at a time, and not because a row is."""

    def get_queryset(self) -> CharacterFiles:
        found: CharacterFiles = super().get_queryset().defer("content")
        return found


class CharacterFile(Row):
    character = models.ForeignKey(
        Character, on_delete=models.DO_NOTHING, related_name="files", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=10, choices=FileKind.choices)
    path = models.CharField(max_length=255)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()

    objects = WithoutContent()

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=["character", "kind", "path"], name="character_file_path"),
            models.UniqueConstraint(
                fields=["character"], condition=models.Q(kind="avatar"), name="character_one_avatar"
            ),
            models.UniqueConstraint(
                fields=["character"], condition=models.Q(kind="original"), name="character_one_original"
            ),
        )

    def __str__(self) -> str:
        return self.path


class Reason(models.TextChoices):
    ILLEGAL = "illegal"
    MINORS = "minors"
    REAL_PERSON = "real_person"
    HATE = "hate"
    COPYRIGHT = "copyright"
    SPAM = "spam"
    OTHER = "other"


class Report(Row):
    """What somebody thinks that the staff should know of another's public character."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reports")
    character = models.ForeignKey(
        Character, on_delete=models.DO_NOTHING, related_name="reports", db_index=False, db_constraint=False
    )
    reason = models.CharField(max_length=20, choices=Reason.choices)
    details = models.TextField(blank=True, max_length=2_000)
    # When the staff was done with it.
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = OwnedQuerySet["Report"].as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["character", "user"], name="report_once"),)

    def __str__(self) -> str:
        return f"{self.reason}, {self.created_at:%Y-%m-%d}"
