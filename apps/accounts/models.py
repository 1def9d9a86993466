"""People, and what they are let in by: families of tokens, sessions, and keys."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import models, transaction
from django.db.models.functions import Cast
from django.utils import timezone

from apps.accounts import departures
from apps.accounts.owned import OwnedQuerySet
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

    def clean(self) -> None:
        # Before the admin's forms look whether the address is taken.
        self.email = self.email.lower()

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.lower()
        if not self._state.adding:
            # Django would make the row anew where it was deleted since it was read.
            kwargs["force_update"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            # Nobody signs in or takes a turn between the search for what goes along and its deletion: who is about to
            # holds one of these rows, and is waited for.
            User.objects.select_for_update().filter(pk=self.pk).first()
            departures.note(self.identities.values_list("issuer", "subject"))
            for relation in self._meta.related_objects:
                rows = relation.related_model._base_manager.filter(**{relation.field.name: self.pk})
                list(rows.select_for_update().order_by("pk").values_list("pk"))
            deleted = super().delete(*args, **kwargs)
            forget_what_is_gone()
            return deleted

    @property
    def name(self) -> str:
        """What characters call this person unless a conversation says otherwise."""
        return self.display_name or "User"

    @property
    def signs_in_elsewhere_alone(self) -> bool:
        """Another system vouches for this person, and there is no password here to sign in with."""
        return not self.has_usable_password() and self.identities.exists()

    def token_mark(self) -> str:
        """What every token of this person carries; another password, another mark."""
        return self.get_session_auth_hash()[:32]


def forget_what_is_gone() -> None:
    """Take out of the admin's log what it says of rows that are no more: it holds their names, and whose they were
    cannot be told from it."""
    for kind in ContentType.objects.filter(logentry__isnull=False).distinct():
        model = kind.model_class()
        if model is not None:
            rows = model._base_manager.filter(pk=Cast(models.OuterRef("object_id"), model._meta.pk))
            LogEntry.objects.filter(~models.Exists(rows), content_type=kind).delete()


class ExternalIdentity(Row):
    """Who this person is to another system: `subject` is its own name for them, which it never gives to another."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = "external identities"
        constraints = (models.UniqueConstraint(fields=["issuer", "subject"], name="identity_of_one_user"),)

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class TokenFamilies(models.QuerySet["TokenFamily"]):
    def end(self) -> None:
        """Delete these, each only when no exchange is under way in it, which would leave a rotated token behind."""
        with transaction.atomic():
            held = list(self.select_for_update().values_list("pk", flat=True))
            self.model.objects.filter(pk__in=held).delete()


class TokenFamily(models.Model):
    """One sign-in: the refresh tokens that followed from it by rotation. Its end is the end of all of them.

    Only the newest token, `current`, can be exchanged. The row is the lock under which that happens.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    current = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    objects = TokenFamilies.as_manager()

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


class Session(AbstractBaseSession):
    """A browser's sign-in; see `apps.accounts.sessions`. `user` is null while nobody has signed in."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")

    if TYPE_CHECKING:
        user_id: object

    def __str__(self) -> str:
        # Not the key, which is all that one needs to be let in.
        return f"until {self.expire_date:%Y-%m-%d}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            # Holds the row: the account cannot be deleted before its session is there to be deleted with it. Left to
            # the foreign key, Django would take it for a session's key that is in use, and try another for ever.
            people = User.objects.select_for_update(no_key=True)
            if self.user_id and not people.filter(pk=self.user_id).values_list("pk"):
                raise SessionInterrupted("The account of this session was deleted meanwhile.")
            super().save(*args, **kwargs)

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        from apps.accounts.sessions import SessionStore

        return SessionStore


class ApiKey(Row):
    """Lets a program in at the OpenAI-compatible face, and nowhere else; see `apps.accounts.keys`. Of the key itself
    there is no more than its beginning, for people to know it by, and a hash."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16)
    sha256 = models.CharField(max_length=64, unique=True)
    last_used_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet["ApiKey"].as_manager()

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
