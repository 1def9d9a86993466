"""Names of files for people to save."""

import re
import unicodedata

MAX_NAME = 60


def file_name(title: str, *, otherwise: str) -> str:
    """What any system takes. Titles are strangers' text: of them only Latin letters and digits stay; `otherwise` where
    that leaves nothing."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub("[^A-Za-z0-9]+", "-", plain)[:MAX_NAME].strip("-") or otherwise
