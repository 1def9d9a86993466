"""The one path to a user's rows. Nobody writes `filter(user=…)` in a view."""

from typing import Any, TypeVar

from django.db import models
from rest_framework.generics import GenericAPIView

from apps.accounts.models import User
from apps.accounts.owned import OwnedQuerySet

__all__ = ["Mine", "OwnedQuerySet", "hold"]

M = TypeVar("M", bound=models.Model, covariant=True)


class Mine(GenericAPIView[M]):
    """For a viewset: the rows of whoever asks. Another user's row does not exist."""

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.owned_by(self.request.user)


def hold(user: User) -> bool:
    """Before rows are made that refer to a user and to others of theirs: the database looks at those keys at the end
    and in its own order, while an account's deletion takes the user first. False where the account is gone."""
    return bool(User.objects.select_for_update(no_key=True).filter(pk=user.pk).values_list("pk"))
