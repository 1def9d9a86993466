"""Slowing down those who guess: by the address that they come from, and by the account that they try."""

import hashlib
import ipaddress
from typing import Any

from django.forms import Form
from rest_framework.throttling import SimpleRateThrottle

from apps.accounts.tries import TRIES


class Throttle(SimpleRateThrottle):
    """DRF's own reads a list of times, then writes it: of tries that come at once, it counts one."""

    num_requests: int
    duration: int

    def allow_request(self, request: Any, view: Any) -> bool:
        key = self.get_cache_key(request, view)
        if key is None:
            return True
        count, self._seconds_left = TRIES.count(key, self.duration)
        return count <= self.num_requests

    def wait(self) -> float:
        """Seconds until another try may be let through."""
        return max(self._seconds_left, 1.0)


class ByAddress(Throttle):
    def get_cache_key(self, request: Any, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": network_of(self.get_ident(request))}


def network_of(address: str) -> str:
    """An IPv6 address by its /64: whoever has one has all of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


class ByAccount(Throttle):
    def get_cache_key(self, request: Any, view: Any) -> str | None:
        # The sign-in pages give their form for a view. It is the very field that is then signed in with, as it was
        # cleaned: any other could name somebody else.
        if isinstance(view, Form):
            account = view.cleaned_data.get("username")
        else:
            account = request.data.get("email") if isinstance(request.data, dict) else None
        if not isinstance(account, str):
            return None
        ident = hashlib.sha256(account.strip().lower().encode(errors="replace")).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": ident}


class SignInByAddress(ByAddress):
    scope = "sign-in-address"


class SignInByAccount(ByAccount):
    scope = "sign-in-account"


class SignUpByAddress(ByAddress):
    scope = "sign-up-address"


class SignUpByAccount(ByAccount):
    scope = "sign-up-account"


class ResetByAddress(ByAddress):
    scope = "reset-address"


class ResetByAccount(ByAccount):
    scope = "reset-account"


class ApiKeysByUser(Throttle):
    """Of who is signed in: a token that was stolen for a while makes no more than a few."""

    scope = "api-keys"

    def get_cache_key(self, request: Any, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}


SIGN_IN = (SignInByAddress, SignInByAccount)
SIGN_UP = (SignUpByAddress, SignUpByAccount)
RESET = (ResetByAddress, ResetByAccount)
