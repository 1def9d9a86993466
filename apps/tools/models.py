from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.accounts.ownership import OwnedQuerySet
from apps.api.rows import Row

# What providers take as the name of a function.
NAME = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"
MAX_DESCRIPTION = 4_000


class Kind(models.TextChoices):
    BUILTIN = "builtin"
    HTTP = "http"
    MCP = "mcp"


class Tool(Row):
    """What a character may do, where its owner gave it to the character.

    `config` is what its kind needs, without secrets. `parameters` is the schema of an `http` tool's arguments; `listed`
    what an `mcp` server offered when it was last asked, as `{"name", "description", "parameters"}`.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tools", db_index=False)
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, max_length=MAX_DESCRIPTION)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    parameters = models.JSONField(default=dict, blank=True)
    config = models.JSONField(default=dict, blank=True)
    listed = models.JSONField(default=list, blank=True, editable=False)
    # Encrypted, see `vault`; and what they are called.
    secrets = models.TextField(blank=True, editable=False)
    secret_names = ArrayField(models.CharField(max_length=64), default=list, blank=True, editable=False)
    # By people who talk to a public character that has it. What it does, it does in its owner's name.
    usable_by_others = models.BooleanField(default=False)

    objects = OwnedQuerySet["Tool"].as_manager()

    if TYPE_CHECKING:
        user_id: object

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "name"], name="tool_name_once_a_user"),)
        indexes = (models.Index(fields=["user", "-id"], name="tool_owner_newest"),)

    def __str__(self) -> str:
        return self.name

    @property
    def builtin(self) -> str | None:
        return self.config["builtin"] if self.kind == Kind.BUILTIN else None

    @property
    def http(self) -> dict[str, Any] | None:
        return self.config if self.kind == Kind.HTTP else None

    @property
    def mcp(self) -> dict[str, Any] | None:
        return self.config if self.kind == Kind.MCP else None
