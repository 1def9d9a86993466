"""Characters on the page: found, made, changed in every field, brought in from files and taken along."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from apps.accounts.models import User
from apps.characters.models import Character, Report
from apps.conversations.models import Conversation
from apps.knowledge.models import Document
from tests.ai_server import AIServer
from tests.endpoints import CARD
from tests.factories import make_character, make_picture, make_tool, make_user
from tests.online import until
from tests.page import Visitor, dropped

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def write(visitor: Visitor, **texts: str) -> None:
    """By labels, `_` for blanks."""
    for label, text in texts.items():
        visitor.page.get_by_label(label.replace("_", " "), exact=True).fill(text)


def add_words(visitor: Visitor, label: str, *words: str) -> None:
    field = visitor.page.get_by_role("textbox", name=label, exact=True)
    for word in words:
        field.fill(word)
        field.press("Enter")


def part(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("navigation", name="Parts of the card").get_by_role("link", name=name).click()
    expect(visitor.page.get_by_role("group", name=name, exact=True)).to_be_visible()


def switch(visitor: Visitor, name: str, within: Locator | None = None) -> None:
    (within or visitor.page).get_by_role("switch", name=name).click()


def test_one_is_made_with_every_field_and_talked_to(at_home: Visitor, ai: AIServer, tmp_path: Path) -> None:
    (tmp_path / "greta.png").write_bytes(make_picture("blue", size=(60, 80)))
    at_home.goes_to("/characters")
    at_home.follows("Make one")
    at_home.page.get_by_label("Picture", exact=True).last.set_input_files(tmp_path / "greta.png")
    write(at_home, Name="Greta", Description="{{char}} keeps the lighthouse.", Greeting="You are late, {{user}}.")
    for number, text in ((1, "Who is there?"), (2, "Come in.")):
        at_home.presses("Another greeting")
        at_home.page.get_by_label(f"Another greeting ({number})").fill(text)
    at_home.presses("Move greeting 2 up")
    add_words(at_home, "Tags", "sea", "night")
    part(at_home, "In depth")
    write(
        at_home,
        Nickname="The keeper",
        Personality="dry",
        Scenario="A storm.",
        Example_dialogue="<START>\n{{user}}: Hm.",
    )
    write(at_home, System_prompt="{{original}} Be brief.", Instructions_at_the_end="Stay inside.")
    part(at_home, "Lorebook")
    at_home.page.get_by_role("button", name=re.compile("entry", re.IGNORECASE)).first.click()
    inside = at_home.page.locator(".entry-inside:visible")
    inside.get_by_label("Name").fill("The lamp")
    inside.get_by_role("textbox", name="Keys", exact=True).fill("lamp, light")
    inside.get_by_role("textbox", name="Keys", exact=True).press("Enter")
    inside.get_by_label("What is told").fill("The lamp burns whale oil.")
    part(at_home, "Tools")
    at_home.page.get_by_role("button", name=re.compile("^Dice", re.IGNORECASE)).click()
    expect(at_home.page.get_by_role("switch", name="dice")).to_be_checked()
    part(at_home, "Model")
    at_home.page.get_by_role("combobox", name="Model", exact=True).select_option("second-model")
    at_home.page.get_by_label("Temperature").fill("0.5")
    at_home.page.get_by_label("Top p").fill("0.9")
    at_home.page.get_by_label("Longest answer").fill("200")
    add_words(at_home, "Stop at", "\\nEND")
    part(at_home, "Sharing")
    switch(at_home, "Public")
    switch(at_home, "Show how they are described")
    write(at_home, Notes="For *stormy* nights.", Creator="Alice", Version="2")
    at_home.sees("Not saved yet.")
    at_home.presses("Save")
    at_home.is_at(r"/characters/[0-9a-f-]+(/edit.*)?")
    until(Character.objects.exists)
    greta = Character.objects.get()
    assert greta.avatar_sha256
    assert (greta.name, greta.nickname, greta.description) == ("Greta", "The keeper", "{{char}} keeps the lighthouse.")
    assert (greta.first_message, greta.alternate_greetings) == (
        "You are late, {{user}}.",
        ["Come in.", "Who is there?"],
    )
    assert (greta.personality, greta.scenario, greta.example_dialogue) == ("dry", "A storm.", "<START>\n{{user}}: Hm.")
    assert (greta.system_prompt, greta.post_history_instructions) == ("{{original}} Be brief.", "Stay inside.")
    assert (greta.tags, greta.stop) == (["sea", "night"], ["\nEND"])
    [entry] = greta.lorebook["entries"]
    assert (entry["name"], entry["keys"], entry["content"]) == (
        "The lamp",
        ["lamp", "light"],
        "The lamp burns whale oil.",
    )
    assert [tool.name for tool in greta.tools.all()] == ["dice"]
    assert (greta.temperature, greta.top_p, greta.max_tokens) == (0.5, 0.9, 200)
    assert greta.model.endswith("second-model")
    assert (greta.visibility, greta.prompt_visible) == ("public", True)
    assert (greta.creator_notes, greta.creator, greta.character_version) == ("For *stormy* nights.", "Alice", "2")
    # One looks at her, leafs through her greetings, and talks from one of them.
    at_home.goes_to(f"/characters/{greta.pk}")
    expect(at_home.page.locator(".person img")).to_have_js_property("complete", True)
    at_home.sees("For stormy nights.")
    at_home.sees("You are late, Alice.")
    at_home.presses("Next greeting")
    at_home.sees("Come in.")
    at_home.presses("Talk from here")
    at_home.is_at("/c/.+")
    at_home.sees_turns("Come in.")
    ai.says("It is lit.")
    at_home.says("Is the lamp lit?")
    at_home.sees("It is lit.")
    assert "whale oil" in str(ai.heard[-1]["messages"])
    assert (ai.heard[-1]["model"], ai.heard[-1]["temperature"]) == ("second-model", 0.5)


def test_changes_are_kept_until_they_are_saved(at_home: Visitor, alice: User) -> None:
    character = make_character(alice, tags=["clocks"])
    make_tool(alice, "roll", "dice")
    at_home.goes_to(f"/characters/{character.pk}/edit")
    write(at_home, Name="Ada Lovelace", Description="Counts.")
    at_home.sees("Not saved yet.")
    at_home.page.wait_for_timeout(700)
    at_home.reloads()
    expect(at_home.page.get_by_label("Name", exact=True)).to_have_value("Ada Lovelace")
    # Whoever goes elsewhere is asked.
    if at_home.on_phone:
        at_home.presses("Open the side bar")
    at_home.follows("Settings")
    dialog = at_home.page.get_by_role("dialog", name="Leave without saving?")
    expect(dialog).to_be_visible()
    at_home.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    if at_home.on_phone:  # the drawer
        at_home.page.keyboard.press("Escape")
    part(at_home, "Tools")
    switch(at_home, "roll")
    at_home.page.keyboard.press("Control+s")
    at_home.is_at(f"/characters/{character.pk}.*")
    until(lambda: Character.objects.get().name == "Ada Lovelace")
    assert Character.objects.get().tools.count() == 1
    at_home.goes_to(f"/characters/{character.pk}/edit")
    at_home.bears("400")
    write(at_home, Name="", Description="x" * 200_001)
    at_home.presses("Save")
    expect(at_home.page.locator("[aria-invalid=true]").first).to_be_focused()
    assert Character.objects.get().name == "Ada Lovelace"


def test_what_is_taken_back_after_it_was_saved_is_there_once(at_home: Visitor, alice: User) -> None:
    entries = [{"name": name, "keys": [name], "content": f"About {name}."} for name in ("lamp", "sea")]
    character = make_character(alice, lorebook={"extensions": {}, "entries": entries})
    at_home.goes_to(f"/characters/{character.pk}/edit/lorebook")

    def names() -> list[str]:
        return [entry["name"] for entry in Character.objects.get().lorebook["entries"]]

    at_home.presses("Remove lamp")
    at_home.presses("Save")
    at_home.sees("All is saved.")
    until(lambda: names() == ["sea"])
    at_home.presses("Undo")
    at_home.sees("Not saved yet.")
    at_home.presses("Save")
    at_home.sees("All is saved.")
    until(lambda: names() == ["lamp", "sea"])


def test_texts_are_given_to_somebody_to_know(at_home: Visitor, ada: Conversation, tmp_path: Path) -> None:
    (tmp_path / "harbour.md").write_text(
        "# The harbour\n\nShips come in at high tide.\n\n# The mill\n\nIt stands still."
    )
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    at_home.bears("400|415|422")
    at_home.goes_to(f"/characters/{ada.character_id}/edit/knowledge")
    texts = at_home.page.get_by_role("group", name="Texts")
    at_home.page.get_by_label("Files to know").set_input_files([tmp_path / "harbour.md", tmp_path / "broken.pdf"])
    at_home.sees("broken.pdf", texts.get_by_role("status"))
    expect(texts.locator(".document")).to_have_count(1)
    at_home.presses("Read", texts, exact=False)
    passages = at_home.page.get_by_role("dialog")
    at_home.sees("Ships come in at high tide.", passages)
    at_home.page.keyboard.press("Escape")
    at_home.fills(texts, Ask_what_they_know="When do ships come in?")
    at_home.page.keyboard.press("Enter")
    at_home.sees("Ships come in at high tide.", at_home.page.get_by_role("region", name="What is found"))
    at_home.presses("Write a text")
    written = at_home.page.get_by_role("dialog", name="A text to know")
    at_home.fills(written, Title="The lamp", Text="It burns whale oil.")
    at_home.presses("Add", written)
    expect(texts.locator(".document")).to_have_count(2)
    at_home.presses("Rename", texts, exact=False)
    renamed = at_home.page.get_by_role("dialog", name="Rename the text")
    at_home.fills(renamed, Title="Of lamps")
    at_home.presses("Save", renamed)
    at_home.sees("Of lamps", texts)
    at_home.presses("Delete", texts, exact=False)
    expect(texts.locator(".document")).to_have_count(1)
    at_home.presses("Undo")
    expect(texts.locator(".document")).to_have_count(2)
    assert Document.objects.filter(character=ada.character_id).count() == 2


def test_card_files_are_dropped_anywhere_and_exported(at_home: Visitor, ada: Conversation, tmp_path: Path) -> None:
    card = {**CARD, "data": {**CARD["data"], "name": "Grace", "first_mes": "Good morning."}}
    at_home.opens(ada)
    dropped(at_home, json.dumps(card).encode())
    at_home.sees("One character came in")
    # Whoever talks is not taken away.
    at_home.is_at(f"/c/{ada.pk}")
    at_home.follows("Grace", at_home.page.get_by_role("region", name="Cards that are brought in"))
    at_home.sees("Good morning.")
    menu = "More for Grace"
    for form, name in (("Export as a picture (PNG)", ".png"), ("Export as JSON, version 3", ".json")):
        with at_home.page.expect_download() as download:
            at_home.chooses(menu, form)
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.suffix == name
    assert json.loads(path.read_text())["data"]["first_mes"] == "Good morning."
    at_home.goes_to("/characters")
    with at_home.page.expect_file_chooser() as chooser:
        at_home.presses("Import")
    chooser.value.set_files([next(tmp_path.glob("*.png")), path])
    at_home.sees("2 characters came in")
    assert Character.objects.filter(name="Grace").count() == 3


def test_one_is_deleted_and_taken_back(at_home: Visitor, ada: Conversation) -> None:
    place = f"/characters/{ada.character_id}"
    at_home.goes_to(place)
    at_home.chooses("More for Ada", "Delete")
    at_home.is_at("/characters")
    at_home.presses("Undo")
    at_home.sees("Ada", at_home.page.get_by_role("main"))
    at_home.goes_to(place)
    at_home.chooses("More for Ada", "Delete")
    at_home.is_at("/characters")
    at_home.goes_to("/settings")
    until(lambda: not Character.objects.exists())
    # What was said stays to be read.
    at_home.bears("404")
    at_home.opens(ada)
    at_home.sees("Hello, Alice.")
    at_home.sees("is no longer here")


def test_public_ones_are_found_and_reported(at_home: Visitor) -> None:
    bob = make_user("bob@example.com")
    for name, tags in (("Gustav", ["sea"]), ("Mina", ["night"]), ("Otto", ["sea"])):
        make_character(bob, name=name, tags=tags, visibility="public")
    at_home.goes_to("/characters")
    at_home.follows("Public")
    main = at_home.page.get_by_role("main")
    at_home.sees("Mina", main)
    main.get_by_role("searchbox", name="Find").fill("gust")
    at_home.sees_no("Mina", main)
    at_home.sees("Gustav", main)
    at_home.reloads()
    at_home.sees("Gustav", main)
    at_home.follows("Gustav", main)
    at_home.sees("keeps to themselves")
    at_home.chooses("More for Gustav", "Report")
    expect(at_home.page.get_by_role("dialog")).to_be_visible()
    at_home.page.get_by_role("dialog").get_by_role("button", name="Report").click()
    expect(at_home.page.get_by_role("dialog")).to_have_count(0)
    assert Report.objects.count() == 1
