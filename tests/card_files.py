"""Files of cards, made as other programs make them."""

import base64
import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from PIL import Image
from PIL.PngImagePlugin import PngInfo

ENTRY = {
    "keys": ["clock"],
    "content": "It runs backwards.",
    "extensions": {"odd": {"depth": 4}},
    "enabled": True,
    "insertion_order": 3,
    "use_regex": False,
    "constant": False,
}

DATA: dict[str, Any] = {
    "name": "Ada",
    "description": "{{char}} keeps a lighthouse.",
    "personality": "patient",
    "scenario": "A foggy evening.",
    "first_mes": "Good evening, {{user}}.",
    "mes_example": "<START>\n{{char}}: Mind the stair.",
    "creator_notes": "For foggy days.",
    "system_prompt": "{{original}} Be brief.",
    "post_history_instructions": "Stay calm.",
    "alternate_greetings": ["You are late."],
    "tags": ["lighthouse", "calm"],
    "creator": "Robin",
    "character_version": "1.2",
    "extensions": {"depth_prompt": {"depth": 2, "prompt": "Clocks."}, "of_nobody": [1, None, "x"]},
    "character_book": {"name": "Cape", "entries": [ENTRY], "extensions": {}},
    "a_field_of_nobody": {"kept": True},
}

# The character's name of a field → the card's.
SAID_AS = {"first_message": "first_mes", "example_dialogue": "mes_example"}
FIELDS = (
    *("name", "description", "personality", "scenario", "first_message", "example_dialogue", "creator_notes"),
    *("system_prompt", "post_history_instructions", "alternate_greetings", "tags", "creator", "character_version"),
    "extensions",
)


def v1() -> dict[str, Any]:
    return {name: DATA[name] for name in ("name", "description", "personality", "scenario", "first_mes", "mes_example")}


def v2(**data: Any) -> dict[str, Any]:
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": {**DATA, **data}}


def v3(**data: Any) -> dict[str, Any]:
    more = {"nickname": "Keeper", "group_only_greetings": ["Hello, all."], "creation_date": 1_700_000_000}
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": {**DATA, **more, **data}}


def as_json(card: Any) -> bytes:
    return json.dumps(card, ensure_ascii=False).encode()


def as_png(card: Any, keyword: str = "chara", colour: str = "red", frames: int = 1) -> bytes:
    said = PngInfo()
    said.add_text(keyword, base64.b64encode(as_json(card)).decode())
    file = BytesIO()
    first, *others = [Image.new("RGB", (8, 12), colour if not number else (0, 0, number)) for number in range(frames)]
    more: dict[str, Any] = {"save_all": True, "append_images": others, "duration": 100} if others else {}
    first.save(file, "PNG", pnginfo=said, **more)
    return file.getvalue()


def as_charx(card: Any, files: dict[str, bytes] | None = None) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("card.json", as_json(card))
        for path, content in (files or {}).items():
            archive.writestr(path, content)
    return file.getvalue()


def world_info() -> dict[str, Any]:
    return {
        "entries": {
            "0": {
                "uid": 0,
                "key": ["bell"],
                "keysecondary": [],
                "comment": "The bell",
                "content": "It is cracked.",
                "order": 50,
                "disable": False,
            }
        }
    }
