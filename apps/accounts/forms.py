"""The sign-in pages of the browsable API and the admin: throttled as the tokens' sign-in is."""

from typing import Any, cast

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from apps.accounts.throttles import SIGN_IN


class SignInForm(AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        # All are asked, so that each counts this try.
        request, view = cast(Any, self.request), cast(Any, self)  # the throttles are DRF's, this page is not
        allowed = [throttle().allow_request(request, view) for throttle in SIGN_IN]
        if not all(allowed):
            raise ValidationError("Too many attempts. Please wait a little and try again.", code="throttled")
        return super().clean()


class AdminSignInForm(SignInForm, AdminAuthenticationForm):
    pass
