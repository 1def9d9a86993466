"""The sign-in pages of the browsable API and the admin: throttled as the tokens' sign-in is."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from apps.accounts.throttles import SIGN_IN


class SignInForm(AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        for throttle in (kind() for kind in SIGN_IN):
            # All are asked, so that each counts this try.
            if not throttle.allow_request(self.request, None):  # type: ignore[arg-type]  # no DRF view here
                raise ValidationError("Too many attempts. Please wait a little and try again.", code="throttled")
        return super().clean()


class AdminSignInForm(SignInForm, AdminAuthenticationForm):
    pass
