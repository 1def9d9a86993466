"""People and the families of tokens that they are signed in with."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone

from apps.api.rows import Row, new_id


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(Row, AbstractBaseUser, PermissionsMixin):
    """Signs in with an e-mail address, which is kept in lower case and so unique whatever its case."""

    email = models.EmailField(unique=True)
    display_name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.lower()
        super().save(*args, **kwargs)

    @property
    def name(self) -> str:
        """What characters call this person unless a conversation says otherwise."""
        return self.display_name or self.email.partition("@")[0]

    def token_mark(self) -> str:
        """What every token of this person carries; another password, another mark."""
        return self.get_session_auth_hash()[:32]


class TokenFamily(models.Model):
    """One sign-in: the refresh tokens that followed from it by rotation. Its end is the end of all of them.

    Only the newest token, `current`, can be exchanged. The row is the lock under which that happens.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    current = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.id)


class RotatedToken(models.Model):
    """A token that was exchanged a moment ago. One that is neither here nor current was exchanged long ago."""

    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="rotated")
    jti = models.CharField(max_length=64)
    rotated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["family", "jti"], name="rotated_token_once"),)

    def __str__(self) -> str:
        return self.jti
