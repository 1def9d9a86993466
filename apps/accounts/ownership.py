"""The one path to a user's rows. Nobody writes `filter(user=…)` in a view."""

from typing import Any, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from rest_framework.generics import GenericAPIView

from apps.accounts.models import User

M = TypeVar("M", bound=models.Model, covariant=True)


class OwnedQuerySet(models.QuerySet[M]):
    """Rows that belong to someone, directly or through `owner`, the path to the user."""

    owner = "user"

    def owned_by(self, user: User | AnonymousUser) -> Self:
        return self.filter(**{self.owner: user.pk}) if user.pk else self.none()


class Mine(GenericAPIView[M]):
    """For a viewset: the rows of whoever asks. Another user's row does not exist."""

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.owned_by(self.request.user)


def hold(user: User) -> None:
    """Before rows are made that refer to a user and to others of theirs: the database looks at those keys at the end
    and in its own order, while an account's deletion takes the user first."""
    User.objects.select_for_update(no_key=True).filter(pk=user.pk).values_list("pk").first()
