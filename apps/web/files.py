"""What the page is made of, as WhiteNoise finds it: the build's files, under `/static/web/`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import get_files
from django.core.files.storage import FileSystemStorage, Storage


class PageFiles(BaseFinder):
    """All but the page itself, which would come without its Content-Security-Policy, and the build's own notes."""

    LEFT_OUT = ("index.html*", ".*")

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        folder: Path = settings.WEB_DIST
        if not (folder / "index.html").is_file():
            return
        storage = FileSystemStorage(folder)
        storage.prefix = "web"  # type: ignore[attr-defined]  # as Django's own finders say it
        for path in get_files(storage, [*(ignore_patterns or ()), *self.LEFT_OUT]):
            yield path, storage

    def find(self, path: str, find_all: Any = False, **_: Any) -> Any:
        found = [storage.path(each) for each, storage in self.list(None) if path == f"web/{each}"]
        return found if find_all else next(iter(found), None)
