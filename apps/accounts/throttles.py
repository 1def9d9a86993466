"""Slowing down those who guess: by the address that they come from, and by the account that they try."""

import hashlib
from typing import Any

from rest_framework.throttling import SimpleRateThrottle


class ByAddress(SimpleRateThrottle):
    def get_cache_key(self, request: Any, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class ByAccount(SimpleRateThrottle):
    def get_cache_key(self, request: Any, view: Any) -> str | None:
        # DRF's requests have `data`; the sign-in pages' have `POST`, and call the e-mail address a username.
        data = request.data if hasattr(request, "data") else request.POST
        account = (data.get("email") or data.get("username")) if hasattr(data, "get") else None
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


SIGN_IN = (SignInByAddress, SignInByAccount)
SIGN_UP = (SignUpByAddress, SignUpByAccount)
RESET = (ResetByAddress, ResetByAccount)
