"""Mails to people."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from apps.accounts.models import User

log = logging.getLogger("dramatis.accounts")

# Not the requests' threads: a mail server that is slow to answer must not slow them.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def send_reset(user: User) -> None:
    """Mail a link by which the password can be set.

    Sent on the side, so that how long the answer takes tells nobody who has an account.
    """
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    if settings.PASSWORD_RESET_URL:
        how = settings.PASSWORD_RESET_URL.replace("{uid}", uid).replace("{token}", token)
    else:
        how = f"uid: {uid}\ntoken: {token}"
    body = (
        f"Somebody asked to set a new password for {user.email}. If it was you:\n\n{how}\n\nIf not, ignore this mail."
    )
    _thread.submit(copy_context().run, _send, EmailMessage("Set a new password", body, to=[user.email]))


def _send(message: EmailMessage) -> None:
    try:
        message.send()
    except Exception as error:  # nobody waits for it: whatever it is, this line is all that will tell
        log.error("mail not sent", extra={"reason": type(error).__name__})
