"""A character and the files that came with it, put on the shelf and taken from it."""

from hashlib import sha256
from mimetypes import guess_type
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.api.rows import columns, new_id
from apps.characters import cards, pictures
from apps.characters.cards.card import MAX_FILES, MAX_WHOLE, MB
from apps.characters.models import CHOSEN, FETCHED, IMPORTED, Character, CharacterFile, FileKind, Visibility
from apps.characters.pictures import NotAPicture, Picture

# A duplicate's own. The rest is as it was.
PLACE = {"id", "character_id", "created_at", "updated_at"}

COPY = """
INSERT INTO characters_characterfile ({said}, id, character_id, created_at, updated_at)
SELECT {said}, copy.id, %(character)s, now(), now()
FROM unnest(%(originals)s::uuid[], %(copies)s::uuid[]) AS copy (original, id)
JOIN (SELECT id AS original, {said} FROM characters_characterfile) AS file USING (original)
"""


def keep(user: User, card: cards.Card) -> tuple[Character, list[str]]:
    """A new private character of theirs with all that the card's file held, and what people should know of it."""
    picture, warnings = None, list(card.warnings)
    if card.picture:
        try:
            picture = pictures.clean(card.picture)
        except NotAPicture as error:
            warnings.append(f"The picture was left out. {error.detail}")
        else:
            warnings += told_of(picture)
    with transaction.atomic():
        character = Character(user=user, **card.fields)
        if picture:
            character.avatar_sha256 = sha256(picture.content).hexdigest()
        character.save(force_insert=True)
        if picture:
            _store(character, FileKind.AVATAR, IMPORTED, picture.content, picture.media_type)
        _store(character, FileKind.ORIGINAL, "card.json", card.original.encode(), "application/json")
        for path, content in card.files.items():
            _store_asset(character, path, content)
    return character, warnings


def told_of(picture: Picture) -> list[str]:
    return ["The picture has too many frames; only the first one was kept."] if picture.stilled else []


def hang(character: Character, picture: Picture | None, came: str = CHOSEN) -> None:
    """Give a character, whose row is locked, this picture in place of the one that it has; None for none."""
    CharacterFile.objects.filter(character=character, kind=FileKind.AVATAR).delete()
    character.avatar_sha256 = ""
    if picture:
        _store(character, FileKind.AVATAR, came, picture.content, picture.media_type)
        character.avatar_sha256 = sha256(picture.content).hexdigest()
    character.save(update_fields=["avatar_sha256", "updated_at"])


def original_of(character: Character) -> str | None:
    """The JSON of its card, as it was found."""
    files = CharacterFile.objects.filter(character=character, kind=FileKind.ORIGINAL)
    content = files.values_list("content", flat=True).first()
    return None if content is None else bytes(content).decode()


def missing(character: Character) -> dict[str, str]:
    """What its card names on other servers and is not here yet: where it is to be kept → where it is."""
    text = original_of(character)
    if text is None:
        return {}
    here = set(_assets_of(character).values_list("path", flat=True))
    return {path: uri for path, uri in cards.elsewhere(cards.parse(text)).items() if path not in here}


def room(character: Character) -> tuple[int, int]:
    """How many bytes, and how many files, may be added to its files: an export of more could not be brought in."""
    sizes = list(CharacterFile.objects.filter(character=character).values_list("size", flat=True))
    return max(0, MAX_WHOLE - MB - sum(sizes)), max(0, MAX_FILES - len(sizes))


def add(character: Character, files: dict[str, bytes]) -> list[str]:
    """Keep what was fetched for a character, whose row is locked; what is there by now stays. Gives the paths of those
    for which there is no room any more."""
    here = set(_assets_of(character).values_list("path", flat=True))
    left, number = room(character)
    refused = []
    for path, content in files.items():
        if path in here:
            continue
        if len(content) > left or number == 0:
            refused.append(path)
            continue
        _store_asset(character, path, content)
        left, number = left - len(content), number - 1
    character.save(update_fields=["updated_at"])
    return refused


def main_icon(character: Character) -> str | None:
    """Where the icon that its card would be shown by is kept, where the card names it on another server."""
    text = original_of(character)
    icons = cards.icons(cards.parse(text)) if text else []
    return cards.path_of(icons[0]) if icons and cards.is_elsewhere(icons[0]) else None


def duplicate(character: Character, user: User) -> Character:
    """A private copy of it for this user. `character` is locked; the bytes of its files do not leave the database."""
    same = {
        field.attname: getattr(character, field.attname)
        for field in Character._meta.concrete_fields
        if field.attname not in {"id", "user_id", "created_at", "updated_at"}
    }
    made = Character(**{**same, "user_id": user.pk, "visibility": Visibility.PRIVATE, "prompt_visible": False})
    made.save(force_insert=True)
    if character.user_id == user.pk:
        made.tools.set(character.tools.all())
    originals = list(CharacterFile.objects.filter(character=character).values_list("pk", flat=True))
    said = columns(CharacterFile, but=PLACE)
    with connection.cursor() as cursor:
        cursor.execute(
            COPY.format(said=said),
            {"originals": originals, "copies": [new_id() for _ in originals], "character": made.pk},
        )
    return made


def written(character: Character, form: str, now: int) -> tuple[bytes, str, str]:
    """The card's file in this form, one of `FORMS`, its media type and the ending of its name. `now` is in seconds
    since 1970 (UTC). It holds all of the character's files in memory where it needs them."""
    media_type, ending = FORMS[form]
    fields = {name: getattr(character, name) for name in cards.FIELDS}
    files = CharacterFile.objects.filter(character=character)
    text = original_of(character)
    if form in ("json-v2", "json-v3"):
        card = cards.write_json(text, fields, int(form[-1]), now=now)
        return cards.dumps(card).encode(), media_type, ending
    avatar = files.filter(kind=FileKind.AVATAR).values_list("content", "media_type", "path").first()
    picture = pictures.as_png(bytes(avatar[0]), avatar[1]) if avatar else pictures.plain(character.name)
    if form == "png":
        return cards.write_png(picture, text, fields, now=now), media_type, ending
    held = {path: bytes(content) for path, content in _assets_of(character).values_list("path", "content")}
    came = avatar[2] if avatar else CHOSEN
    charx = cards.write_charx(
        text, fields, held, picture, now=now, new_icon=came == CHOSEN, fetched_icon=came == FETCHED
    )
    return charx, media_type, ending


FORMS = {
    "png": ("image/png", "png"),
    "json-v2": ("application/json", "json"),
    "json-v3": ("application/json", "json"),
    "charx": ("application/zip", "charx"),
}


def _assets_of(character: Character) -> QuerySet[CharacterFile]:
    found: QuerySet[CharacterFile] = CharacterFile.objects.filter(character=character, kind=FileKind.ASSET)
    return found


def _store_asset(character: Character, path: str, content: bytes) -> None:
    kind = guess_type(path, strict=False)[0] or "application/octet-stream"
    _store(character, FileKind.ASSET, path, content, kind)


def _store(character: Character, kind: str, path: str, content: bytes, media_type: str) -> None:
    mark: dict[str, Any] = {"size": len(content), "sha256": sha256(content).hexdigest()}
    CharacterFile.objects.create(
        character=character, kind=kind, path=path, content=content, media_type=media_type, **mark
    )
