"""A character and the files that came with it, put on the shelf and taken from it."""

from hashlib import sha256
from mimetypes import guess_type
from typing import Any

from django.db import connection, transaction

from apps.accounts.models import User
from apps.api.rows import columns, new_id
from apps.characters import cards, pictures
from apps.characters.models import CHOSEN, IMPORTED, Character, CharacterFile, FileKind, Visibility
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
            kind = guess_type(path, strict=False)[0] or "application/octet-stream"
            _store(character, FileKind.ASSET, path, content, kind)
    return character, warnings


def told_of(picture: Picture) -> list[str]:
    return ["The picture has too many frames; only the first one was kept."] if picture.stilled else []


def hang(character: Character, picture: Picture | None) -> None:
    """Give a character, whose row is locked, this picture in place of the one that it has; None for none."""
    CharacterFile.objects.filter(character=character, kind=FileKind.AVATAR).delete()
    character.avatar_sha256 = ""
    if picture:
        _store(character, FileKind.AVATAR, CHOSEN, picture.content, picture.media_type)
        character.avatar_sha256 = sha256(picture.content).hexdigest()
    character.save(update_fields=["avatar_sha256", "updated_at"])


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
    original = files.filter(kind=FileKind.ORIGINAL).values_list("content", flat=True).first()
    text = None if original is None else bytes(original).decode()
    if form in ("json-v2", "json-v3"):
        card = cards.write_json(text, fields, int(form[-1]), now=now)
        return cards.dumps(card).encode(), media_type, ending
    avatar = files.filter(kind=FileKind.AVATAR).values_list("content", "media_type", "path").first()
    picture = pictures.as_png(bytes(avatar[0]), avatar[1]) if avatar else pictures.plain(character.name)
    if form == "png":
        return cards.write_png(picture, text, fields, now=now), media_type, ending
    assets = files.filter(kind=FileKind.ASSET).values_list("path", "content")
    held = {path: bytes(content) for path, content in assets}
    imported = avatar is not None and avatar[2] == IMPORTED
    charx = cards.write_charx(text, fields, held, picture, now=now, new_icon=not imported)
    return charx, media_type, ending


FORMS = {
    "png": ("image/png", "png"),
    "json-v2": ("application/json", "json"),
    "json-v3": ("application/json", "json"),
    "charx": ("application/zip", "charx"),
}


def _store(character: Character, kind: str, path: str, content: bytes, media_type: str) -> None:
    mark: dict[str, Any] = {"size": len(content), "sha256": sha256(content).hexdigest()}
    CharacterFile.objects.create(
        character=character, kind=kind, path=path, content=content, media_type=media_type, **mark
    )
