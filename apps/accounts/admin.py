from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.forms import AdminSignInForm
from apps.accounts.models import ExternalIdentity, User

admin.site.login_form = AdminSignInForm
admin.site.unregister(Group)


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]  # generic in the stubs alone
    class Meta:
        model = User
        fields = ("email",)
        field_classes: ClassVar[dict[str, Any]] = {}


class IdentityInline(admin.TabularInline[ExternalIdentity, User]):
    """To be looked at, and to be taken away: whoever may write here may sign in as anybody."""

    model = ExternalIdentity
    extra = 0
    fields = readonly_fields = ("issuer", "subject", "created_at")

    def has_add_permission(self, *_: Any) -> bool:
        return False


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    add_form = NewUserForm
    inlines = (IdentityInline,)
    ordering = ("-created_at",)
    list_display = ("email", "display_name", "is_active", "is_staff", "created_at", "last_login")
    search_fields = ("email", "display_name")
    readonly_fields = ("created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "password", "display_name")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:  # each with the locks that its deletion takes
            user.delete()
