from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.forms import AdminSignInForm
from apps.accounts.models import ApiKey, ExternalIdentity, User

admin.site.login_form = AdminSignInForm
admin.site.unregister(Group)


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]  # generic in the stubs alone
    class Meta:
        model = User
        fields = ("email",)
        field_classes: ClassVar[dict[str, Any]] = {}


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    add_form = NewUserForm
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


@admin.register(ExternalIdentity)
class IdentityAdmin(admin.ModelAdmin[ExternalIdentity]):
    """To be looked at, and to be taken away. Whoever could write here could sign in as anybody."""

    list_display = ("user", "issuer", "subject", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "subject")

    def has_add_permission(self, *_: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    """To see who has any, and to delete one; keys are made by those who use them."""

    list_display = ("name", "prefix", "user", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "prefix")
    fields = readonly_fields = ("user", "name", "prefix", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
