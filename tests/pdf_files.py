"""PDFs made by hand: as small as they can be, and as wrong as a test wants them."""

import zlib
from collections.abc import Sequence
from io import BytesIO

from pypdf import PdfReader, PdfWriter


def make_pdf(*pages: str, more: Sequence[bytes] = ()) -> bytes:
    """A PDF with these pages, their lines under each other; what Latin-1 has no letters for is left out. `more`:
    further objects, as they are, from number 4 on."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    objects += more
    kids = []
    for page in pages:
        kids.append(len(objects) + 1)
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R" % (len(objects) + 2)
            + b" /Resources << /Font << /F1 3 0 R >> >> >>",
            stream(content_of(page)),
        ]
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % kid for kid in kids), len(kids))
    return written(objects)


def content_of(page: str) -> bytes:
    """What draws a page's lines."""
    lines = [line.encode("latin-1", "ignore") for line in page.split("\n")]
    shown = [line.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") for line in lines]
    return b"BT /F1 12 Tf 14 TL 50 800 Td " + b" T* ".join(b"(%s) Tj" % line for line in shown) + b" ET"


def stream(content: bytes, *, times: int = 1) -> bytes:
    """A compressed stream: packed as often as this."""
    for _ in range(times):
        content = zlib.compress(content, 9)
    filters = b" ".join([b"/FlateDecode"] * times)
    return b"<< /Length %d /Filter [%s] >>\nstream\n%s\nendstream" % (len(content), filters, content)


def written(objects: Sequence[bytes], trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A file of these objects, numbered from 1."""
    file = BytesIO()
    file.write(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(file.tell())
        file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    begins = file.tell()
    file.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1))
    file.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    file.write(b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, trailer, begins))
    return file.getvalue()


def encrypted(pdf: bytes, password: str, algorithm: str = "RC4-128") -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf)))
    writer.encrypt(user_password=password, owner_password="the owner's own", algorithm=algorithm)
    file = BytesIO()
    writer.write(file)
    return file.getvalue()
