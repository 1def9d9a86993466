"""The one path to a user's rows. Nobody writes `filter(user=…)` in a view."""

from typing import Any, TypeVar

from django.db import Error as DatabaseError
from django.db import models
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import InvalidToken

from apps.accounts.claims import Claim
from apps.accounts.models import User
from apps.accounts.owned import OwnedQuerySet

__all__ = ["Mine", "OwnedQuerySet", "Proves", "hold"]

M = TypeVar("M", bound=models.Model, covariant=True)


class Mine(GenericAPIView[M]):
    """For a viewset: the rows of whoever asks. Another user's row does not exist."""

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.owned_by(self.request.user)


class Proves(APIView):
    """A view that proves claims itself. What it answers while it has not, whatever that be, is looked into here."""

    def proves(self, request: Request) -> bool:
        """Whether it will, for this request; `request.user` is a claim then, where it came with a token."""
        return False

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        claim = getattr(request, "_user", None)
        # A refusal is known, and where the database is away nothing is told.
        if isinstance(claim, Claim) and not (claim.is_proven or claim.is_refused or response.status_code >= 500):
            try:
                claim.look_up()
            except (InvalidToken, DatabaseError) as error:
                response = self.handle_exception(error)
        return super().finalize_response(request, response, *args, **kwargs)


def hold(user: User) -> bool:
    """Before rows are made that refer to a user and to others of theirs: the database looks at those keys at the end
    and in its own order, while an account's deletion takes the user first. False where the account is gone."""
    return bool(User.objects.select_for_update(no_key=True).filter(pk=user.pk).values_list("pk"))
