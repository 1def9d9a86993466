"""Pictures of every screen of the page, light and dark, on a desk and on a phone, to be looked at.

    make screenshots      # or: .venv/bin/python -m bench.screenshots [NAME …]

They are written to `web/screenshots/`, as `talk.desktop.dark.png`. Needs Node and Chromium.
"""

import argparse
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.browser import Stage, stage, visit
from config.local.page import WEB

if TYPE_CHECKING:
    from apps.conversations.models import Conversation
    from tests.page import Visitor

FOLDER = WEB / "screenshots"
Show = Callable[["Visitor", "Cast"], None]


class Cast:
    """What the demo user has here: conversations that are worth a look."""

    def __init__(self, stage: Stage) -> None:
        from apps.accounts.demo import EMAIL
        from apps.accounts.models import User
        from apps.characters.models import Character
        from apps.conversations import turns
        from tests.factories import make_character, make_user

        self.stage = stage
        self.ai = stage.ai
        self.played = False
        self.robin = User.objects.get(email=EMAIL)
        self.ada = Character.objects.get(name="Ada")
        self.bram = Character.objects.get(name="Captain Bram")
        self.newcomer = make_user("new@example.com", display_name="Nora")
        make_character(
            make_user("mina@example.com"),
            name="Mina Harrow",
            creator="Mina",
            visibility="public",
            tags=["night", "letters"],
            creator_notes="Writes to you from a train that never arrives.",
        )
        for age, (title, whom, said) in enumerate(reversed(OLDER)):
            talk = turns.begin(self.robin, whom(self), title=title)
            for role, text in said:
                put(talk, role, text)
            when(talk, days=(len(OLDER) - age - 1) * 2 + 1)
        self.dice = turns.begin(self.robin, self.bram, title="Dice at Widow’s Hat")
        self.fog = turns.begin(self.robin, self.ada, title="The clock under the cloth", pinned=True)
        for role, text in FOG:
            put(self.fog, role, text)
        self.broken = turns.begin(self.robin, self.ada, title="A storm warning")
        put(self.broken, "user", "Is the storm coming this way?")
        put(
            self.broken,
            "assistant",
            "*She taps the barometer twice.* The glass is falling, and the gulls",
            "interrupted",
        )
        when(self.broken, hours=3)


def put(conversation: "Conversation", role: str, text: str, status: str = "complete") -> None:
    from tests.factories import say

    say(conversation, text, role, status=status)


def when(conversation: "Conversation", **ago: float) -> None:
    from datetime import timedelta

    from django.utils import timezone

    rows = type(conversation).objects.filter(pk=conversation.pk)
    rows.update(last_message_at=timezone.now() - timedelta(**ago))


FOG = [
    ("user", "I heard the bell from the cliff path. Who rings it?"),
    (
        "assistant",
        "*She pours without asking.* I do. It has been cracked since the winter of the three wrecks, so it will not "
        "ring by itself any more.\n\nOnce for every ship that I can *hear*. Tonight that is two, and one that I am not "
        "sure of.",
    ),
    ("user", "And what is under the cloth over there?"),
    (
        "assistant",
        "The forty-first clock. *For the first time, she looks at it instead of at you.* It runs backwards. I have "
        "taken it apart twice:\n\n1. The movement is sound.\n2. The escapement is my grandfather’s own work.\n3. "
        "Nothing in it explains why.\n\n> It will reach midnight this winter. I should like to have company then.",
    ),
]
OLDER: list[tuple[str, Callable[[Cast], Any], list[tuple[str, str]]]] = [
    (
        "Tea that tastes of smoke",
        lambda cast: cast.ada,
        [("user", "What is in this tea?"), ("assistant", "Sea lavender. Where I pick it is my own affair.")],
    ),
    (
        "A berth for two",
        lambda cast: cast.bram,
        [
            ("user", "Is there room for my dog?"),
            ("assistant", "If Duchess allows it, passenger. *He lowers his voice.* Ask her nicely."),
        ],
    ),
    (
        "How the ear was lost",
        lambda cast: cast.bram,
        [
            ("user", "What happened to your ear?"),
            ("assistant", "A pike, passenger! As long as this barge, and twice as ugly."),
        ],
    ),
    (
        "A watch that came by post",
        lambda cast: cast.ada,
        [("user", "Whose watch is that?"), ("assistant", "It was wound, and running, when it came.")],
    ),
]

# ── The screens ──────────────────────────────────────────────────────────────────────────────


def place(path: str) -> Show:
    return lambda visitor, cast: visitor.goes_to(path.format(cast=cast))


def talk(visitor: "Visitor", cast: Cast) -> None:
    visitor.opens(cast.fog)


def dice(visitor: "Visitor", cast: Cast) -> None:
    """Played once: afterwards it is there."""
    visitor.opens(cast.dice)
    if not cast.played:
        cast.played = True
        cast.ai.calls_tool(
            "dice", {"dice": "2d6"}, text="*He spits on his palm and shakes the cup.* Your odds, passenger!"
        )
        cast.ai.says(
            "Ha! *The dice come to rest against the bread.* That is my throw. Beat it, and you ride for free; "
            "lose, and "
            "you peel for the stew until the sea.\n\n**Well?** Do you dare?",
            reasoning="The dice decide. He is to be a bad loser for one minute at most.",
        )
        visitor.says("I will throw you for my fare. Two dice, one throw each.")
        visitor.sees("Do you dare?")
        visitor.sees_the_end()
    visitor.last_turn.locator("summary").last.click()


def writing(visitor: "Visitor", cast: Cast) -> None:
    visitor.opens(cast.fog)
    call = cast.ai.waits("*She takes down a lantern.* Then come up, and mind the third stair: it ", pieces=6)
    visitor.says("May I see it?")
    visitor.sees("mind the third stair")
    cast.writes = call  # type: ignore[attr-defined]


def after_writing(visitor: "Visitor", cast: Cast) -> None:
    from apps.conversations import turns
    from apps.conversations.models import Message

    visitor.presses("Stop (Escape)")
    visitor.sees("Stopped here.")
    visitor.sees_the_end()
    cast.fog.refresh_from_db()
    said = Message.objects.get(conversation=cast.fog, content="May I see it?")
    cast.fog.active_leaf = said.parent
    turns.save_head(cast.fog)
    Message.objects.filter(parent=said).delete()
    said.delete()


def opened(name: str) -> Show:
    def show(visitor: "Visitor", cast: Cast) -> None:
        visitor.opens(cast.fog)
        visitor.chooses("This conversation", name)
        visitor.page.get_by_role("dialog").wait_for()

    return show


def scene(visitor: "Visitor", cast: Cast) -> None:
    visitor.opens(cast.fog)
    visitor.presses("The scene: who you are, what this is about")
    visitor.page.get_by_role("dialog").wait_for()


def menu(visitor: "Visitor", cast: Cast) -> None:
    visitor.opens(cast.fog)
    visitor.presses("This conversation")
    visitor.page.get_by_role("menu").wait_for()


def edit(visitor: "Visitor", cast: Cast) -> None:
    visitor.opens(cast.fog)
    visitor.presses("Say something else instead", visitor.turn("And what is under"))


def interrupted(visitor: "Visitor", cast: Cast) -> None:
    visitor.opens(cast.broken)


def offline(visitor: "Visitor", cast: Cast) -> None:
    visitor.opens(cast.fog)
    visitor.context.set_offline(True)
    visitor.says("Are you still there?")
    visitor.sees("No connection.")


def after_offline(visitor: "Visitor", cast: Cast) -> None:
    visitor.page.close()


def drawer(visitor: "Visitor", cast: Cast) -> None:
    visitor.opens(cast.fog)
    visitor.opens_the_bar()


def entry(visitor: "Visitor", cast: Cast) -> None:
    visitor.goes_to(f"/characters/{cast.ada.pk}/edit/lorebook")
    visitor.page.locator(".entry-open").first.click()


def try_tool(visitor: "Visitor", cast: Cast) -> None:
    visitor.goes_to(f"/characters/{cast.bram.pk}/edit/tools")
    visitor.chooses("More for dice", "Edit")
    visitor.page.get_by_role("dialog").wait_for()


def new_conversation(visitor: "Visitor", cast: Cast) -> None:
    visitor.goes_to("/search")
    visitor.opens_the_bar()
    visitor.presses("New conversation")
    visitor.page.get_by_role("option").first.wait_for()


SETTINGS = ("account", "appearance", "memory", "usage", "keys", "data")
SCREENS: dict[str, Show] = {
    "home": place("/"),
    "talk": talk,
    "dice": dice,
    "writing": writing,
    "interrupted": interrupted,
    "edit-turn": edit,
    "menu": menu,
    "scene": scene,
    "prompt": opened("What the model is told"),
    "keyboard": opened("Keyboard"),
    "drawer": drawer,
    "new-conversation": new_conversation,
    "characters": place("/characters"),
    "public": place("/characters?scope=public"),
    "character": place("/characters/{cast.ada.pk}"),
    "edit": place("/characters/{cast.ada.pk}/edit"),
    "edit-depth": place("/characters/{cast.ada.pk}/edit/depth"),
    "edit-lorebook": entry,
    "edit-tools": place("/characters/{cast.bram.pk}/edit/tools"),
    "tool": try_tool,
    "edit-knowledge": place("/characters/{cast.ada.pk}/edit/knowledge"),
    "edit-model": place("/characters/{cast.ada.pk}/edit/model"),
    "edit-sharing": place("/characters/{cast.ada.pk}/edit/sharing"),
    "new-character": place("/characters/new"),
    "search": place("/search?q=clock"),
    **{f"settings-{name}": place(f"/settings/{name}") for name in SETTINGS},
    "nowhere": place("/no/such/place"),
    "offline": offline,
}
STRANGERS: dict[str, Show] = {"sign-in": place("/sign-in"), "sign-up": place("/sign-up")}
NEWCOMERS: dict[str, Show] = {
    "empty-home": place("/"),
    "empty-characters": place("/characters"),
    "empty-memory": place("/settings/memory"),
}
AFTER: dict[str, Show] = {"writing": after_writing, "offline": after_offline}


@contextmanager
def at(stage: Stage, device: str, theme: str, who: Any) -> Iterator["Visitor"]:
    visitor = visit(stage, device, color_scheme=theme, reduced_motion="reduce")
    if who is None:
        visitor.context.clear_cookies()
    elif who != "robin":
        visitor.is_signed_in_as(who)
    yield visitor
    visitor.context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="some screens only")
    parser.add_argument("--to", type=Path, default=FOLDER)
    parser.add_argument("--device", choices=["desktop", "phone"], action="append")
    parser.add_argument("--theme", choices=["light", "dark"], action="append")
    options = parser.parse_args()
    if not options.names:
        shutil.rmtree(options.to, ignore_errors=True)
    options.to.mkdir(parents=True, exist_ok=True)
    with stage() as played:
        cast = Cast(played)
        for who, screens in (("robin", SCREENS), (None, STRANGERS), (cast.newcomer, NEWCOMERS)):
            for device in options.device or ("desktop", "phone"):
                for theme in options.theme or ("light", "dark"):
                    for name, show in screens.items():
                        if options.names and name not in options.names:
                            continue
                        if name == "drawer" and device == "desktop":
                            continue
                        with at(played, device, theme, who) as visitor:
                            show(visitor, cast)
                            if name not in AFTER:
                                visitor.page.wait_for_load_state("networkidle")
                            visitor.page.wait_for_timeout(150)
                            visitor.page.screenshot(path=options.to / f"{name}.{device}.{theme}.png")
                            if name in AFTER:
                                AFTER[name](visitor, cast)
    print(f"{len(list(options.to.iterdir()))} pictures are in {options.to}")


if __name__ == "__main__":
    main()
