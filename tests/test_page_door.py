"""The page's ways in and out: signing up, in and out, the demo, and what a newcomer finds."""

import re

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from apps.accounts.models import Session, User
from apps.conversations.models import Conversation
from tests.ai_server import AIServer
from tests.factories import PASSWORD
from tests.page import Visitor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_one_signs_up_out_and_in_again(visitor: Visitor) -> None:
    visitor.bears("401")
    visitor.goes_to("/settings")
    visitor.is_at(r"/sign-in\?next=%2Fsettings")
    visitor.follows("Make an account")
    visitor.fills(What_shall_characters_call_you="Nora")
    visitor.page.get_by_label("E-mail").fill("nora@example.com")
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.presses("Make an account")
    # Where they wanted to go at first.
    visitor.is_at("/settings")
    assert User.objects.get().display_name == "Nora"
    sign_out(visitor)
    visitor.is_at("/sign-in.*")
    assert not Session.objects.exists()
    visitor.goes_to("/")
    visitor.is_at("/sign-in.*")
    visitor.page.get_by_label("E-mail").fill("nora@example.com")
    visitor.page.get_by_label("Password").fill("guessed wrongly")
    visitor.presses("Sign in")
    expect(visitor.page.get_by_role("alert")).to_have_text(re.compile("."))
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_label("Password").press("Enter")
    visitor.is_at("/")
    visitor.reloads()
    visitor.is_at("/")
    assert Session.objects.count() == 1
    # The cookie is not the scripts'.
    assert "sessionid" not in str(visitor.page.evaluate("document.cookie"))


def sign_out(visitor: Visitor) -> None:
    visitor.goes_to("/settings")
    visitor.presses("Sign out")


def test_what_is_wrong_with_a_sign_up_stands_at_its_field(visitor: Visitor, alice: User) -> None:
    visitor.bears("400")
    visitor.goes_to("/sign-up")
    visitor.page.get_by_label("E-mail").fill("nora@example.com")
    visitor.page.get_by_label("Password").fill("password")
    visitor.presses("Make an account")
    password = visitor.page.get_by_label("Password")
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_have_accessible_description(re.compile("common"))
    visitor.page.get_by_label("E-mail").fill(alice.email)
    password.fill(PASSWORD)
    visitor.presses("Make an account")
    expect(visitor.page.get_by_text(re.compile("already|taken|exists|in use", re.IGNORECASE)).first).to_be_visible()
    assert User.objects.get() == alice


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
@pytest.mark.parametrize("elsewhere", ["//elsewhere.example/", "https://elsewhere.example", "/\\elsewhere.example"])
def test_nobody_is_led_elsewhere_by_signing_in(visitor: Visitor, alice: User, elsewhere: str) -> None:
    visitor.goes_to(f"/sign-in?next={elsewhere}")
    visitor.page.get_by_label("E-mail").fill(alice.email)
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.presses("Sign in")
    visitor.is_at("/")


def test_a_session_that_ended_elsewhere_leads_to_the_door(at_home: Visitor, ada: Conversation) -> None:
    at_home.bears("401")
    at_home.opens(ada)
    at_home.composer.fill("Hello?")
    Session.objects.all().delete()
    at_home.composer.press("Control+Enter")
    at_home.is_at("/sign-in.*")
    at_home.page.get_by_label("E-mail").fill("alice@example.com")
    at_home.page.get_by_label("Password").fill(PASSWORD)
    at_home.presses("Sign in")
    at_home.is_at(f"/c/{ada.pk}")
    # What was not said yet waits.
    expect(at_home.composer).to_have_value("Hello?")


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_where_nobody_signs_up_it_says_so(visitor: Visitor, settings: object) -> None:
    settings.REGISTRATION = "closed"  # type: ignore[attr-defined]
    visitor.goes_to("/sign-in")
    expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Make an account")).to_have_count(0)
    visitor.goes_to("/sign-up")
    visitor.sees("Nobody can sign up here")


def test_a_newcomer_is_told_what_to_do(at_home: Visitor) -> None:
    at_home.goes_to("/")
    at_home.sees("Nobody yet")
    at_home.goes_to("/c/019a0000-0000-7000-8000-000000000000")
    at_home.bears("404")
    at_home.sees("There is no such conversation")
    at_home.goes_to("/no/such/place")
    expect(at_home.page.get_by_role("link", name=re.compile("beginning|home", re.IGNORECASE)).first).to_be_visible()


def test_the_demo_is_one_click_away_and_good_company(visitor: Visitor, ai: AIServer, settings: object) -> None:
    settings.DEMO = True  # type: ignore[attr-defined]
    call_command("demo", verbosity=0, stdout=None)
    visitor.goes_to("/")
    visitor.presses("Enter as the demo user")
    visitor.is_at("/")
    visitor.sees("Captain Bram")
    main = visitor.page.get_by_role("main")
    main.get_by_role("button", name=re.compile("Captain Bram")).first.click()
    visitor.is_at("/c/.+")
    visitor.sees("Ahoy, ")
    # There are other ways for it to begin, and dice to be rolled.
    visitor.sees("1/", visitor.last_turn)
    visitor.presses("The next version", visitor.last_turn)
    visitor.sees("2/", visitor.last_turn)
    [tool] = Conversation.objects.get().character.tools.all()  # type: ignore[union-attr]
    ai.calls_tool(tool.name, {"dice": "2d6"})
    ai.says("Beat that, passenger!")
    visitor.says("Roll!")
    visitor.sees("Beat that, passenger!")
    visitor.sees(tool.name, visitor.last_turn)


def test_another_person_finds_nothing_of_the_one_before(
    at_home: Visitor, ada: Conversation, alice: User, bob: User
) -> None:
    at_home.bears("40[14]")
    Conversation.objects.filter(pk=ada.pk).update(title="A secret of hers")
    at_home.opens(ada)
    at_home.composer.fill("Nobody knows this.")
    second = at_home.opens_another_tab()
    second.opens(ada)
    second.sees("A secret of hers")
    # Bob signs in over her in the first tab, and looks at the second one.
    at_home.goes_to("/sign-in")
    at_home.page.get_by_label("E-mail").fill(bob.email)
    at_home.page.get_by_label("Password").fill(PASSWORD)
    at_home.presses("Sign in")
    at_home.is_at("/")
    at_home.sees_no("A secret of hers")
    assert "Nobody knows this." not in at_home.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    second.page.bring_to_front()
    second.page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")
    second.sees_no("A secret of hers")


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_who_signs_out_has_deleted_what_they_deleted(at_home: Visitor, ada: Conversation) -> None:
    at_home.bears("40[14]")
    at_home.opens(ada)
    at_home.chooses("This conversation", "Delete")
    at_home.sees("Conversation deleted.")
    at_home.follows("Settings")
    at_home.presses("Sign out")
    at_home.is_at("/sign-in.*")
    assert not Conversation.objects.exists()
