"""A character that is deleted while it is being changed."""

import threading

import requests
from django.db import transaction

from apps.accounts.models import User
from apps.characters.models import Character
from tests.factories import make_character
from tests.online import Person, until, waiting_for_a_lock


def test_a_change_does_not_bring_it_back(alice_online: Person, alice: User) -> None:
    character = make_character(alice)
    answers: list[requests.Response] = []
    changing = threading.Thread(
        target=lambda: answers.append(
            alice_online.request("PATCH", f"/api/characters/{character.pk}/", json={"name": "Basil"})
        )
    )
    with transaction.atomic():
        Character.objects.filter(pk=character.pk).delete()
        changing.start()
        until(waiting_for_a_lock)
    changing.join(20)
    assert answers[0].status_code == 404
    assert not Character.objects.exists()
