"""CHARX: a zip with `card.json` at its root and everything else beside it; also behind a JPEG or a PNG.

`zipfile` reads it, but not before the size of its directory is known to be small, and nothing is unpacked beyond what
the directory declares and the limits allow.
"""

import io
import stat
import struct
import zipfile
import zlib

from apps.characters.cards.card import MAX_CARD, MAX_FILE, MAX_FILES, MAX_PATH, MAX_WHOLE, MB, NotACard, Warnings

CARD = "card.json"
LOCAL, END, END_64 = b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x07"
END_SIZE = 22
LONGEST_COMMENT = 65_535
# Of a directory: 46 bytes and a name for each member, and some room for what programs add.
MAX_DIRECTORY = MAX_FILES * 600
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
UTF_8 = 0x800
ENCRYPTED = 0x1


def has_zip(data: bytes) -> bool:
    return _end(data) >= 0


def members(data: bytes, warnings: Warnings) -> tuple[dict[str, bytes], int]:
    """Every file in it by its path, and where in `data` the zip begins."""
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
            _check(infos)
            begin = min((info.header_offset for info in infos), default=0)
            return _read(archive, infos, warnings), begin
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError) as error:
        if isinstance(error, NotACard):
            raise
        raise NotACard("damaged", "The archive is damaged.") from None
    except (NotImplementedError, RuntimeError):
        raise NotACard("damaged", "The archive is packed in a way that cannot be read here.") from None


def write(card: bytes, files: dict[str, bytes]) -> bytes:
    """The same bytes for the same content, whenever it is written."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in [(CARD, card), *files.items()]:
            info = zipfile.ZipInfo(path, FIXED_DATE)
            info.external_attr = 0o644 << 16
            # Pictures and sounds are packed already.
            packed = content.startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"OggS", b"ID3", b"PK"))
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return target.getvalue()


def check_path(path: str) -> None:
    parts = path.split("/")
    if (
        any(part in ("", ".", "..") for part in parts)
        or "\\" in path
        or ":" in parts[0]
        or any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in path)
    ):
        raise NotACard("unsafe_path", f"A file in it has a path that is not allowed: {ascii(path)[:80]}.")
    if len(path) > MAX_PATH:
        raise NotACard("unsafe_path", f"A file in it has a path longer than {MAX_PATH} characters.")


def _end(data: bytes) -> int:
    """Where the end of the directory is told, found as `zipfile` finds it; -1 where there is none."""
    last = len(data) - END_SIZE
    if last >= 0 and data.startswith(END, last) and data.endswith(b"\0\0"):
        return last
    return data.rfind(END, max(0, last - LONGEST_COMMENT))


def _check_directory(data: bytes) -> None:
    """The number that a zip declares is not the number that is read: the size of the directory decides."""
    end = _end(data)
    if end < 0 or end + END_SIZE > len(data):
        raise NotACard("truncated", "The archive ends too early.")
    if data.startswith(END_64, max(0, end - 20)):
        raise NotACard("damaged", "The archive is packed in a way that cannot be read here (ZIP64).")
    _, _, _, _, count, size, _, _ = struct.unpack_from("<4s4H2LH", data, end)
    if count > MAX_FILES or size > MAX_DIRECTORY:
        raise NotACard("too_many", f"The archive holds more than {MAX_FILES:,} files.")


def _check(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MAX_FILES:
        raise NotACard("too_many", f"The archive holds more than {MAX_FILES:,} files.")
    reached = 0
    for info in sorted(infos, key=lambda each: each.header_offset):
        check_path(info.orig_filename)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise NotACard("unsafe_path", "The archive holds a symbolic link.")
        if info.flag_bits & ENCRYPTED:
            raise NotACard("encrypted", "The archive is encrypted.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NotACard("damaged", "The archive is packed in a way that cannot be read here.")
        if info.header_offset < reached:
            raise NotACard("bomb", "Files in the archive overlap.")
        reached = info.header_offset + 30 + info.compress_size
        most = MAX_CARD if info.filename == CARD else MAX_FILE
        if info.file_size > most:
            raise NotACard("too_big", f"{ascii(info.filename)[1:-1]} in it is larger than {most // MB} MB.")
    if sum(info.file_size for info in infos) > MAX_WHOLE:
        raise NotACard("bomb", f"The archive unpacks to more than {MAX_WHOLE // MB} MB.")


def _read(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], warnings: Warnings) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for info in infos:
        path = _path(info)
        check_path(path)
        if path in files:
            warnings.add(f"The archive holds {path} more than once; the first was taken.")
            continue
        # `zipfile` unpacks no more than is declared, and compares the checksum at the end.
        with archive.open(info) as member:
            content = member.read(info.file_size + 1)
        if len(content) != info.file_size:
            raise NotACard("damaged", "The archive is damaged.")
        files[path] = content
    return files


def _path(info: zipfile.ZipInfo) -> str:
    """Without the flag that says UTF-8, names are held to be CP437; some programs write UTF-8 and do not say so."""
    if info.flag_bits & UTF_8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename
