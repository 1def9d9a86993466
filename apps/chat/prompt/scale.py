"""How long a text is to the model."""

from dataclasses import dataclass
from math import ceil

# Of English prose with common tokenizers: what a model is begun with.
BYTES_PER_TOKEN = 3.5
# What marks a message's beginning, its role and its end: three or four in the chat templates in use.
TOKENS_PER_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Scale:
    """Estimates tokens. In bytes, since scripts of three bytes a letter count about one token a letter."""

    bytes_per_token: float

    def tokens(self, text: str) -> int:
        """Of a text within a message; none for an empty one."""
        return ceil(len(text.encode()) / self.bytes_per_token)

    def message(self, text: str) -> int:
        """Of a message of its own."""
        return self.tokens(text) + TOKENS_PER_MESSAGE
