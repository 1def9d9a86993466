"""From a character and a conversation to what the model is sent. Pure: no rows, no clock, no network.

`cast` holds the texts, `head` puts them in their order, `build` makes them fit.
"""

from apps.chat.prompt.build import Built, Dropped, Part, Prompt, build_prompt
from apps.chat.prompt.cast import Cast, Said, Summarised
from apps.chat.prompt.scale import TOKENS_PER_MESSAGE, Scale

__all__ = [
    "TOKENS_PER_MESSAGE",
    "Built",
    "Cast",
    "Dropped",
    "Part",
    "Prompt",
    "Said",
    "Scale",
    "Summarised",
    "build_prompt",
]
