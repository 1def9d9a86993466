from dataclasses import dataclass


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

    default_system_prompt: str
    system_prompt: str = ""
    persona: str = ""
    description: str = ""
    personality: str = ""
    scenario: str = ""
    topic: str = ""
    example_dialogue: str = ""
    post_history_instructions: str = ""
