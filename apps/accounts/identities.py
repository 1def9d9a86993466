"""People whom another system signed in: found by its name for them, and made when they first come."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied

from apps.accounts import departures, tokens
from apps.accounts.models import ExternalIdentity, User
from apps.accounts.serializers import registration_open

MAX_SUBJECT = 255


@dataclass(frozen=True)
class Newcomer:
    """What the other system says of somebody, checked for its form. `signed_in_at` is in seconds since the epoch."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str
    signed_in_at: float | None


class NotLetIn(AuthenticationFailed):
    """Whoever this is has no account that may be used: it is closed, or was deleted after this sign-in."""

    default_detail = "There is no active account for this sign-in."
    default_code = "no_active_account"


class NoEmail(PermissionDenied):
    default_detail = "An account needs an e-mail address, and this sign-in names none that can be used."
    default_code = "no_email"


class EmailTaken(PermissionDenied):
    default_detail = "There is another account with this e-mail address already."
    default_code = "email_taken"


class EmailUnverified(EmailTaken):
    default_detail = "There is an account with this e-mail address. Verify the address where you sign in to use it."
    default_code = "email_not_verified"


class RegistrationClosed(PermissionDenied):
    default_detail = "Registration is closed here."
    default_code = "registration_closed"


def identity_of(newcomer: Newcomer) -> ExternalIdentity:
    """Theirs, with an active user; raises what they are to be answered."""
    identity = known(newcomer) or welcome(newcomer)
    if not identity.user.is_active:
        raise NotLetIn()
    return identity


def known(newcomer: Newcomer) -> ExternalIdentity | None:
    identities = ExternalIdentity.objects.select_related("user")
    return identities.filter(issuer=newcomer.issuer, subject=newcomer.subject).first()


def welcome(newcomer: Newcomer) -> ExternalIdentity:
    """An account for who comes for the first time: a new one, or that of their verified address."""
    if departures.is_past(newcomer.issuer, newcomer.subject, newcomer.signed_in_at):
        raise NotLetIn()
    try:
        with transaction.atomic():
            user = locked_holder(newcomer.email)
            if user is None:
                user = new_user(newcomer)
            elif identity := known(newcomer):  # made a moment ago, by another request of theirs
                return identity
            else:
                take_over(user, newcomer)
            return ExternalIdentity.objects.create(user=user, issuer=newcomer.issuer, subject=newcomer.subject)
    except IntegrityError as error:
        # Somebody was faster: they themselves by another request, or another with the same address.
        if identity := known(newcomer):
            return identity
        raise EmailTaken() from error


def locked_holder(email: str | None) -> User | None:
    return User.objects.select_for_update(no_key=True).filter(email=email).first() if email else None


def take_over(user: User, newcomer: Newcomer) -> None:
    """The account with their address is theirs from now on, or a refusal is raised.

    Nobody proves an address when they sign up here. So whoever had signed in to it until now, and may be somebody
    else, is signed out for good: as by a password that is reset with what a mail to that address says.
    """
    if refusal := why_not(newcomer, user):
        raise refusal
    tokens.set_password(user, None, by_address=True)


def why_not(newcomer: Newcomer, user: User) -> APIException | None:
    if not newcomer.email_verified:
        return EmailUnverified()
    # The staff's rights are not to be had by an address, and who is known there by another name is another person.
    if user.is_staff or user.is_superuser or user.identities.filter(issuer=newcomer.issuer).exists():
        return EmailTaken()
    return None if user.is_active else NotLetIn()


def new_user(newcomer: Newcomer) -> User:
    if not registration_open():
        raise RegistrationClosed()
    if newcomer.email is None:
        raise NoEmail()
    # Without a password: nobody signs in by one.
    return User.objects.create_user(newcomer.email, display_name=newcomer.name)
