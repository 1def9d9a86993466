"""What one entry of a history says, in whatever spelling: who, what, when, and what it is called there."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from apps.compat.legacy_data.names import Names, plain
from apps.compat.legacy_data.shapes import Bad
from apps.conversations.models import Role

SPEAKERS = {
    Role.USER: ("user", "human", "you", "me", "player", "customer", "visitor", "client", "prompter", "outgoing"),
    Role.ASSISTANT: (
        *("assistant", "ai", "bot", "char", "character", "model", "gpt", "chatgpt", "chatbot", "agent", "npc"),
        *("companion", "persona", "incoming"),
    ),
    Role.SYSTEM: ("system", "narrator", "developer"),
    Role.TOOL: ("tool", "function"),
}
ROLES = {name: role for role, names in SPEAKERS.items() for name in names}

YES, NO = {"1", "true", "yes", "t", "y"}, {"0", "false", "no", "f", "n"}

# A question and its answer in one entry.
ASKED = ("user", "human", "you", "user_message", "question", "query", "prompt", "input")
ANSWERED = (
    *("assistant", "bot", "ai", "character", "char", "model", "bot_message", "ai_message", "bot_response"),
    *("answer", "response", "reply", "completion", "output"),
)


class Said(NamedTuple):
    role: Role
    content: str
    when: Any  # as it stood there
    id: Any
    rest: dict[str, Any]  # what has no place of its own here


class Listener:
    """Understands the entries of conversations with one character."""

    def __init__(self, names: Names, character: str) -> None:
        self._names = names
        self._character = plain(character)

    def hear(self, entry: Any) -> list[Said]:
        """Raises Bad where it cannot be told who said what."""
        match entry:
            case Mapping():
                return self._hear_object(entry)
            case [str() as who, str() as text] if self._role(who):
                return [Said(self._role(who) or Role.USER, text, None, None, {})]
            case [str() | None as asked, str() | None as answered]:
                return self._pair(asked, answered, None, None, {})
            case str():
                who, colon, text = entry.partition(":")
                role = self._role(who.strip()) if colon else None
                if role is None:
                    raise Bad("it does not say who spoke")
                return [Said(role, text.strip(), None, None, {})]
        raise Bad("it is no message")

    def _hear_object(self, entry: Mapping[str, Any]) -> list[Said]:
        names = self._names
        if isinstance(entry.get("data"), dict) and "content" in entry["data"]:  # LangChain's
            entry = {**entry, **entry["data"], "sender": entry.get("type"), "data": None}
        if isinstance(entry.get("message"), dict) and "content" in entry["message"]:  # ChatGPT's
            entry = {**entry, **entry["message"], "message": None}
        places = names.places("message", entry)
        when, own = names.value("message", "created_at", entry), names.value("message", "id", entry)
        told = {key for keys in places.values() for key in keys}
        spare = {key: value for key, value in entry.items() if key not in told and value not in (None, "", [], {})}
        if not any(field in places for field in ("role", "is_user", "is_bot", "sender")):
            pair = {plain(key): key for key in entry}
            asked, answered = _first(pair, ASKED), _first(pair, (*ANSWERED, self._character))
            if asked and answered:
                rest = {key: value for key, value in spare.items() if key not in (asked, answered)}
                return self._pair(entry[asked], entry[answered], when, own, rest)
        content = next((text for key in places.get("content", ()) if (text := _text(entry[key])) is not None), None)
        if content is None:
            raise Bad("it has no text")
        role = self._who(entry, places)
        for key in places.get("sender", ()):
            # A name says more than the role that was made of it.
            if isinstance(entry[key], str) and plain(entry[key]) not in (*ROLES, self._character, ""):
                spare[key] = entry[key]
        return [Said(role, content, when, own, spare)]

    def _pair(self, asked: Any, answered: Any, when: Any, own: Any, rest: dict[str, Any]) -> list[Said]:
        texts = ((Role.USER, _text(asked)), (Role.ASSISTANT, _text(answered)))
        said = [Said(role, text, when, own, rest) for role, text in texts if text is not None]
        if not said:
            raise Bad("it has no text")
        return said

    def _who(self, entry: Mapping[str, Any], places: dict[str, list[str]]) -> Role:
        for key in places.get("role", ()):
            if role := self._role(entry[key]):
                return role
        for field, if_true, if_false in (("is_user", Role.USER, Role.ASSISTANT), ("is_bot", Role.ASSISTANT, Role.USER)):
            for key in places.get(field, ()):
                if (flag := _flag(entry[key])) is not None:
                    return if_true if flag else if_false
        for key in places.get("sender", ()):
            if role := self._role(entry[key]):
                return role
        # Somebody with a name who is not the character is who talks to it; but not where a role is unknown.
        named = any(_name(entry[key]) for key in places.get("sender", ()) if not plain(key).endswith("type"))
        if named and not any(entry[key] for key in places.get("role", ())):
            return Role.USER
        raise Bad("it does not say who spoke")

    def _role(self, who: Any) -> Role | None:
        match who:
            case {"role": inner} | {"type": inner} | {"name": inner} | {"username": inner}:
                return self._role(inner)
            case str():
                name = plain(who.strip())
                return Role.ASSISTANT if name and name == self._character else ROLES.get(name)
        return None


def _name(sender: Any) -> bool:
    match sender:
        case {"name": inner} | {"username": inner}:
            return _name(inner)
    return isinstance(sender, str) and bool(sender.strip())


def _flag(value: Any) -> bool | None:
    text = str(value).strip().lower()
    return True if text in YES else False if text in NO else None


def _first(keys: dict[str, str], wanted: tuple[str, ...]) -> str | None:
    return next((keys[plain(name)] for name in wanted if plain(name) in keys), None)


def _text(value: Any) -> str | None:
    """Also of a list of parts, as providers take them."""
    match value:
        case str():
            return value
        case bool() | None:
            return None
        case int() | float():
            return str(value)
        case {"text": inner} | {"content": inner} | {"parts": inner} | {"message": inner} | {"mes": inner}:
            return _text(inner)
        case list():
            texts = [text for part in value if (text := _text(part)) is not None]
            return "\n\n".join(texts) if texts else None
    return None
