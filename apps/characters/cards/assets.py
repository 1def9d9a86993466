"""The assets that a card names: which of them are on other servers, and where those are kept once they are here.

What was fetched is found again by the card alone: its path follows from what the card says of it, address included. So
the card's JSON stays as it was found.
"""

import re
from hashlib import sha256
from typing import Any

from apps.characters.cards.card import JSON
from apps.characters.cards.fields import data_of

EMBEDDED = "embeded://"  # as the specification spells it

# Everything that is none of these is held to be a picture, as most of a card's assets are.
FOLDERS = {
    **dict.fromkeys(("mp3", "wav", "ogg", "oga", "opus", "flac", "m4a", "aac"), "audio"),
    **dict.fromkeys(("mp4", "webm", "mov", "mkv", "avi", "ogv"), "video"),
    **dict.fromkeys(("ttf", "otf", "woff", "woff2"), "fonts"),
    **dict.fromkeys(("safetensors", "ckpt", "onnx"), "ai"),
    **dict.fromkeys(("mmd", "obj", "glb", "gltf", "vrm"), "3d"),
    **dict.fromkeys(("js", "lua", "css", "html", "json", "txt"), "code"),
}


def named(root: JSON) -> list[JSON]:
    """A card's assets, as far as they say where they are."""
    assets = (data_of(root) or root).get("assets")
    listed = assets if isinstance(assets, list) else []
    return [asset for asset in listed if isinstance(asset, dict) and isinstance(asset.get("uri"), str)]


def icons(root: JSON) -> list[JSON]:
    """A card's assets of type icon, the main one first."""
    found = [asset for asset in named(root) if asset.get("type") == "icon"]
    return sorted(found, key=lambda asset: asset.get("name") != "main")


def is_elsewhere(asset: JSON) -> bool:
    return str(asset["uri"]).lower().startswith(("http://", "https://"))


def elsewhere(root: JSON) -> dict[str, str]:
    """Where those that are on other servers are kept → where they are; icons first, and the main one before all."""
    ordered = [*icons(root), *named(root)]
    return {path_of(asset): asset["uri"] for asset in ordered if is_elsewhere(asset)}


def path_of(asset: JSON) -> str:
    """Safe in any archive, and another one for every type, name and address."""
    kind, name, ending = _word(asset.get("type"), "other"), _word(asset.get("name"), "unnamed"), _ending(asset)
    folder = FOLDERS.get(ending, "images")
    said = "\0".join(str(asset.get(key)) for key in ("type", "name", "ext", "uri"))
    mark = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"assets/{kind}/{folder}/{name}-{mark}.{ending}"


def _word(said: Any, otherwise: str) -> str:
    """Letters and digits of any script."""
    return re.sub(r"[\W_]+", "-", said if isinstance(said, str) else "")[:60].strip("-") or otherwise


def _ending(asset: JSON) -> str:
    said = asset.get("ext")
    ending = said.lower().lstrip(".") if isinstance(said, str) else ""
    return ending if re.fullmatch(r"[a-z0-9]{1,12}", ending) else "png"
