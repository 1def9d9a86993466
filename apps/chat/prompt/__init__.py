"""From a character and a conversation to what the model is sent. Pure: no rows, no clock, no network.

`cast` holds the texts, `head` puts them in their order, `fit` chooses what there is
room for, `build` makes messages of it; `summary` asks for one.
"""

from apps.chat.prompt.build import Built, Part, Prompt, build_prompt
from apps.chat.prompt.cast import Cast, Said, Summarised
from apps.chat.prompt.fit import Dropped
from apps.chat.prompt.scale import BYTES_PER_TOKEN, TOKENS_PER_MESSAGE, Scale

__all__ = [
    "BYTES_PER_TOKEN",
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
