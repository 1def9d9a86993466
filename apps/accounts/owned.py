"""Rows that belong to somebody."""

from typing import TYPE_CHECKING, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

if TYPE_CHECKING:
    from apps.accounts.models import User

M = TypeVar("M", bound=models.Model, covariant=True)


class OwnedQuerySet(models.QuerySet[M]):
    """Rows that belong to someone, directly or through `owner`, the path to the user."""

    owner = "user"

    def owned_by(self, user: "User | AnonymousUser") -> Self:
        return self.filter(**{self.owner: user.pk}) if user.pk else self.none()
