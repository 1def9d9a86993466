"""Words, as PostgreSQL's full text keeps them in columns and finds them there.

Configuration `simple`: words as they are written, in any language, none left out and none reduced to a stem. See
docs/decisions/0011-search.md.
"""

import re

# Set apart by spaces: letters of languages that write no spaces between words, so that such a word is found as a
# phrase of letters; and marks, with which PostgreSQL's parser would see an address, a path or a tag in place of words.
# Migrations made columns of it: whoever changes it makes those anew.
APART = (
    r"([!-/:-@\[-`{-~\u00a1\u00ab\u00b7\u00bb\u00bf\u2010-\u2027\u2030-\u205e"  # marks
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff01-\uffef\U00020000-\U000323af])"  # Chinese, Japanese, Korean
)
apart = re.compile(APART)


def words_of(text: str) -> str:
    """SQL: the tsvector of a text, an expression of SQL itself, for a generated column; of 200,000 characters."""
    # A tsvector holds 1 MB. Of text in which spaces stand between all words, a word of n letters takes n + 1
    # characters, and there at most 4n + 4 bytes: so 262,000 characters fit, whatever they are.
    parted = f"regexp_replace(left({text}, 200000), '{APART}', ' \\1 ', 'g')"
    return f"to_tsvector('pg_catalog.simple', left({parted}, 262000))"
