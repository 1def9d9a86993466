"""A demo account and two characters, for a first look on one's own machine. Running it twice changes nothing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from apps.accounts import tokens
from apps.accounts.demo import EMAIL, PASSWORD
from apps.accounts.models import User
from apps.characters import demo_pictures, pictures, shelf
from apps.characters.demo import CHARACTERS, MODEL
from apps.characters.models import Character
from apps.tools.models import Kind, Tool


class Command(BaseCommand):
    help = "Makes the demo account and two characters, if they are not there; --close lets nobody sign in to it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--close", action="store_true")

    def handle(self, *args: Any, close: bool, **options: Any) -> None:
        with transaction.atomic():
            user = User.objects.select_for_update().filter(email=EMAIL).first()
            if close:
                self._close(user)
            else:
                self._open(user)

    def _open(self, user: User | None) -> None:
        if user is None:
            user = User.objects.create_user(EMAIL, PASSWORD, display_name="Robin")
            self._make_characters(user)
        elif not user.has_usable_password():
            tokens.set_password(user, PASSWORD)
        self.stdout.write(f"demo sign-in: {EMAIL} / {PASSWORD}")

    def _make_characters(self, user: User) -> None:
        bram, ada = (Character.objects.create(user=user, **MODEL, **fields) for fields in CHARACTERS)
        shelf.hang(bram, pictures.clean(demo_pictures.bram()))
        shelf.hang(ada, pictures.clean(demo_pictures.ada()))
        about = "Rolls dice, as 2d6, whenever dice are rolled in the story: never make up how they fell."
        dice = Tool.objects.create(
            user=user, name="dice", kind=Kind.BUILTIN, config={"builtin": "dice"}, description=about
        )
        bram.tools.add(dice)

    def _close(self, user: User | None) -> None:
        # A password that its user chose since is nobody else's.
        if user is not None and user.check_password(PASSWORD):
            tokens.set_password(user, None)
            self.stdout.write("the demo account is closed")
