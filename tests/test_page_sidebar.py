"""The side bar, the search and the settings of the page: conversations kept in order, found, and taken along."""

import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, expect

from apps.accounts.models import ApiKey, User
from apps.conversations.models import Conversation
from apps.knowledge.models import Fact
from tests.ai_server import AIServer
from tests.factories import PASSWORD, make_character, make_conversation, say
from tests.online import until
from tests.page import Visitor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def talks(alice: User) -> list[Conversation]:
    """Three with Ada, of today, yesterday and long ago, and one with Bert."""
    ada, bert = make_character(alice), make_character(alice, name="Bert")
    talks = [make_conversation(alice, ada, title=title) for title in ("Clocks", "Gears", "Springs")]
    for age, talk in enumerate(talks):
        say(talk, f"The {talk.title.lower()} are oiled.")
        Conversation.objects.filter(pk=talk.pk).update(last_message_at=timezone.now() - timedelta(days=age * 40))
    return [*talks, make_conversation(alice, bert, title="Boats")]


def row(bar: Locator, title: str) -> Locator:
    return bar.locator(".row").filter(has_text=title)


def titles(bar: Locator, *expected: str) -> None:
    expect(bar.locator(".row-title")).to_have_text(list(expected))


def test_conversations_are_renamed_pinned_archived_and_deleted(at_home: Visitor, talks: list[Conversation]) -> None:
    clocks, _, springs, _ = talks
    at_home.goes_to("/settings/account")
    bar = at_home.opens_the_bar()
    titles(bar, "Boats", "Clocks", "Gears", "Springs")
    expect(bar.get_by_role("heading", level=3).first).to_have_text("Today")
    choose(at_home, row(bar, "Springs"), "Pin")
    titles(bar, "Springs", "Boats", "Clocks", "Gears")
    choose(at_home, row(bar, "Clocks"), "Rename")
    title = bar.get_by_role("textbox", name="Title of the conversation")
    title.fill("Old clocks")
    title.press("Enter")
    titles(bar, "Springs", "Boats", "Old clocks", "Gears")
    choose(at_home, row(bar, "Gears"), "Archive")
    titles(bar, "Springs", "Boats", "Old clocks")
    choose(at_home, row(bar, "Boats"), "Delete")
    titles(bar, "Springs", "Old clocks")
    at_home.page.get_by_role("button", name="Undo").last.click()
    titles(bar, "Springs", "Boats", "Old clocks")
    choose(at_home, row(bar, "Boats"), "Delete")
    titles(bar, "Springs", "Old clocks")
    clocks.refresh_from_db()
    springs.refresh_from_db()
    assert (clocks.title, springs.pinned) == ("Old clocks", True)
    at_home.reloads()
    bar = at_home.opens_the_bar()
    titles(bar, "Springs", "Old clocks")
    until(lambda: Conversation.objects.count() == 3)
    at_home.chooses("Which conversations are shown", "Archived ones", bar)
    titles(bar, "Gears")
    choose(at_home, row(bar, "Gears"), re.compile("Archive|Unarchive|Take"))
    expect(bar.locator(".row")).to_have_count(0)
    at_home.presses("Show all conversations", bar)
    titles(bar, "Springs", "Old clocks", "Gears")


def choose(visitor: Visitor, of: Locator, item: str | re.Pattern[str]) -> None:
    of.get_by_role("button").last.click()
    menu = visitor.page.get_by_role("menu")
    (menu.get_by_text(item, exact=True) if isinstance(item, str) else menu.get_by_text(item)).first.click()
    expect(menu).to_have_count(0)


def test_they_are_filtered_by_character_and_begun_with_one(at_home: Visitor, talks: list[Conversation]) -> None:
    at_home.goes_to("/settings/account")
    bar = at_home.opens_the_bar()
    at_home.chooses("Which conversations are shown", "Of one character…", bar)
    finding = at_home.page.get_by_role("combobox", name="Find a character")
    finding.fill("ber")
    expect(at_home.page.get_by_role("option")).to_have_count(1)
    finding.press("Enter")
    titles(bar, "Boats")
    at_home.presses("Show all conversations", bar)
    titles(bar, "Boats", "Clocks", "Gears", "Springs")
    at_home.presses("New conversation", bar)
    at_home.page.get_by_role("option", name="Ada").click()
    at_home.is_at("/c/.+")
    at_home.sees_turns("Hello, Alice.")
    assert Conversation.objects.count() == 5


def test_a_title_comes_and_the_list_is_true_while_things_happen(
    at_home: Visitor, alice: User, talks: list[Conversation], ai: AIServer
) -> None:
    fresh = make_conversation(alice, talks[0].character)
    ai.title = "A quiet evening"
    at_home.opens(fresh)
    at_home.says("Good evening.")
    at_home.sees("You said: Good evening.")
    expect(at_home.page.get_by_role("heading", level=1)).to_have_text("A quiet evening")
    bar = at_home.opens_the_bar()
    titles(bar, "A quiet evening", "Boats", "Clocks", "Gears", "Springs")


def test_what_was_said_is_found_and_gone_to(at_home: Visitor, talks: list[Conversation]) -> None:
    gears = talks[1]
    say(gears, "She *winds* the **mainspring**.")
    for number in range(120):
        say(gears, f"Line {number}.")
    at_home.goes_to("/settings/account")
    at_home.opens_the_bar()
    at_home.follows("Search")
    at_home.page.get_by_role("searchbox", name="Words that were said").fill("gears oiled")
    main = at_home.page.get_by_role("main")
    expect(main.locator("mark")).to_have_text(["gears", "oiled"])
    at_home.is_at(r"/search\?q=gears(\+|%20)oiled")
    main.get_by_role("link").filter(has_text="are oiled").click()
    at_home.is_at(f"/c/{gears.pk}.*")
    expect(at_home.page.get_by_text("The gears are oiled.").first).to_be_in_viewport()
    at_home.page.go_back()
    expect(main.locator("mark")).to_have_text(["gears", "oiled"])
    at_home.page.get_by_role("searchbox", name="Words that were said").fill("mainspring")
    expect(main.locator(".found-text")).to_have_text(["She winds the mainspring"])
    # A title is no Markdown, and not every mark is one.
    Conversation.objects.filter(pk=gears.pk).update(title="Gears in C# *and* C")
    say(gears, "Write snake_case, and 5 * 3.")
    at_home.page.get_by_role("searchbox", name="Words that were said").fill("snake_case or and")
    expect(main.locator(".found-text")).to_contain_text(["Write snake_case, and", "in C# *and* C"])
    at_home.page.get_by_role("searchbox", name="Words that were said").fill("nobody said that")
    at_home.sees("Nothing was said of that")


# ── Settings ─────────────────────────────────────────────────────────────────────────────────


def test_the_account_is_looked_after(at_home: Visitor, ada: Conversation, alice: User, ai: AIServer) -> None:
    Fact.objects.create(user=alice, character=ada.character, text="She winds the clocks.")
    at_home.goes_to("/settings")
    at_home.page.get_by_label("Name", exact=True).fill("Al")
    at_home.page.get_by_role("button", name="Save", exact=True).click()
    at_home.sees("Your name is saved.")
    at_home.page.get_by_label("Present password").fill(PASSWORD)
    at_home.page.get_by_label("New password").fill("a tidy clockwork")
    at_home.presses("Change the password")
    at_home.sees("Your password is changed.")
    alice.refresh_from_db()
    assert alice.display_name == "Al"
    assert alice.check_password("a tidy clockwork")
    at_home.goes_to("/settings/appearance")
    at_home.page.get_by_role("radio", name=re.compile("^Dark")).check()
    expect(at_home.page.locator("html")).to_have_css("color-scheme", "dark")
    at_home.reloads()
    expect(at_home.page.locator("html")).to_have_css("color-scheme", "dark")
    at_home.goes_to("/settings/memory")
    at_home.sees("She winds the clocks.")
    at_home.opens(ada)
    at_home.says("Hello.")
    at_home.sees("You said: Hello.")
    at_home.goes_to("/settings/usage")
    at_home.sees("test-model", at_home.page.get_by_role("main"))
    at_home.goes_to("/settings/keys")
    at_home.page.get_by_label("What is it for?").fill("A phone")
    at_home.presses("Make a key")
    at_home.sees("It is shown this once:")
    assert ApiKey.objects.get().name == "A phone"


def test_all_of_it_is_taken_along_and_deleted(at_home: Visitor, ada: Conversation, tmp_path: Path) -> None:
    say(ada, "Remember me.")
    at_home.opens(ada)
    with at_home.page.expect_download() as download:
        at_home.chooses("This conversation", "Export as JSON")
    download.value.save_as(tmp_path / "talk.json")
    at_home.goes_to("/settings/data")
    with at_home.page.expect_download() as download:
        at_home.follows("Export everything")
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert any("Remember me." in archive.read(name).decode(errors="ignore") for name in archive.namelist())
    at_home.page.get_by_label("File with a conversation").set_input_files(tmp_path / "talk.json")
    until(lambda: Conversation.objects.count() == 2)
    at_home.goes_to("/settings/data")
    at_home.presses("Delete the account…")
    dialog = at_home.page.get_by_role("dialog")
    at_home.bears("400")
    dialog.get_by_label("Your password").fill("guessed")
    dialog.get_by_label("Type alice@example.com").fill("alice@example.com")
    dialog.get_by_role("button", name="Delete it for good").click()
    expect(dialog.get_by_label("Your password")).to_have_attribute("aria-invalid", "true")
    assert User.objects.exists()
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Delete it for good").click()
    at_home.is_at("/sign-in.*")
    assert not User.objects.exists()
    assert at_home.page.evaluate("Object.keys(localStorage).filter((it) => /draft|sent/.test(it))") == []
