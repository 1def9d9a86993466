from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.characters.macros import Macros


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the active path, as the model is told of it. `depth` is its place on the path, 0 the first."""

    role: str
    content: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Summarised:
    """What was said down to `depth`, in short."""

    text: str
    depth: int


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything but history and lore. Texts are as the card has them, macros not yet filled."""

    char: str
    user: str
    default_system_prompt: str
    system_prompt: str = ""
    persona: str = ""
    description: str = ""
    personality: str = ""
    scenario: str = ""
    topic: str = ""
    example_dialogue: str = ""
    post_history_instructions: str = ""

    def macros(self, seed: str = "", now: datetime | None = None) -> Macros:
        """Other texts of the card may be named in any of them."""
        texts: Mapping[str, str] = {
            "persona": self.persona,
            "description": self.description,
            "personality": self.personality,
            "scenario": self.scenario,
        }
        return Macros(self.char, self.user, texts, seed, now)
