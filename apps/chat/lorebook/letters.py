"""Letters, and where words end."""

import re
import unicodedata

# Scripts that put no spaces between words, or join endings to them: there a word may stand anywhere.
UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
    r"\U00020000-\U0003ffff"
)
WORD = re.compile(rf"[^\W{UNSPACED}]*")
# Marks, and the Korean letters that are joined to the one before them, stay with what they follow.
STRETCH = re.compile(r".{1,256}[\u0300-\u036f\u1160-\u11ff]{0,32}", re.DOTALL)
SHORT = 256


def composed(text: str) -> str:
    """In NFC: a letter and its mark are the letter that has the mark. By stretches, for sorting a thousand marks on one
    letter takes a million steps."""
    if text.isascii():
        return text
    stretches = [text] if len(text) <= SHORT else STRETCH.findall(text)
    return "".join(unicodedata.normalize("NFC", stretch) for stretch in stretches)


def joined(left: str, right: str) -> bool:
    """Whether the two letters are of one word."""
    return WORD.fullmatch(left + right) is not None


def word_end(text: str, at: int) -> int:
    """Where the word ends that the letter at `at` is of; `at` where it is of none."""
    found = WORD.match(text, at)
    return found.end() if found else at
