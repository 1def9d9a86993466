"""The page's document and its files: to whom they are given, and with what they may do."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.refusals import refused

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
INDEX = '<!doctype html><title>Dramatis</title><script type="module" src="/static/web/assets/index-Bq1.js"></script>'
SCRIPT = "console.log('Good evening.');" * 100


@pytest.fixture
def dist(tmp_path: Path, settings: Any) -> Path:
    """A page as the build leaves it."""
    settings.WEB_DIST = tmp_path
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "index.html.gz").write_bytes(gzip.compress(INDEX.encode()))
    (tmp_path / ".built").write_text("of these sources")
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "assets" / "index-Bq1.js").write_text(SCRIPT)
    (tmp_path / "assets" / "index-Bq1.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (tmp_path / "assets" / "index-Bq1.js.br").write_bytes(b"as brotli")
    return tmp_path


@pytest.fixture
def visitor(dist: Path) -> Client:
    return Client(headers={"Accept": HTML})


def body(response: Any) -> bytes:
    """Of a file, which is closed at its end."""
    return b"".join(response.streaming_content)


# ── The document ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/",
            "/sign-in",
            "/sign-up/",
            "/c/019a0000-0000-7000-8000-000000000000",
            "/characters/new",
            "/settings/usage",
        ),
        *("/apiary", "/v1x", "/administration", "/statically", "/ünïcödé", "/a%00b", "/x" * 2000),
        *("/index.html", "/c/%2e%2e/%2e%2e/etc/passwd", "/.env", "//api/characters/"),
    ],
)
def test_every_address_of_the_page_is_the_page(visitor: Client, path: str) -> None:
    response = visitor.get(path)
    assert (response.status_code, response.content.decode()) == (200, INDEX)
    assert response["Content-Type"] == "text/html; charset=utf-8"
    head = visitor.head(path)
    assert (head.status_code, head.content) == (200, b"")


def test_it_may_run_and_fetch_what_is_ours_alone(visitor: Client) -> None:
    response = visitor.get("/")
    policy = dict(each.split(" ", 1) for each in response["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        **{f"{kind}-src": "'self'" for kind in ("script", "style", "connect", "font", "manifest")},
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert (response["X-Frame-Options"], response["X-Content-Type-Options"]) == ("DENY", "nosniff")


def test_it_is_asked_for_anew_and_sent_where_it_is_another(visitor: Client) -> None:
    first = visitor.get("/")
    assert first["Cache-Control"] == "no-cache"
    assert "Accept" in first["Vary"]
    again = visitor.get("/c/1", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], "no-cache")
    assert visitor.get("/", headers={"If-None-Match": '"another"'}).status_code == 200


def test_nobody_gets_a_cookie_by_looking_at_it(visitor: Client) -> None:
    assert not visitor.get("/").cookies


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/sign-in", "*/*"),
        ("/sign-in", "application/json"),
        ("/sign-in", "text/html;q=0"),
        ("/sign-in", "image/avif,image/webp,*/*;q=0.8"),
        ("/sign-in", ""),
        ("/", "application/json"),
        ("/", "text/html;q=0, application/json"),
    ],
)
def test_a_program_is_told_that_there_is_nothing(visitor: Client, path: str, accept: str) -> None:
    refused(visitor.get(path, headers={"Accept": accept}), 404, "not_found")


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_the_root_is_the_page_for_who_takes_anything(visitor: Client, accept: str) -> None:
    assert visitor.get("/", headers={"Accept": accept}).content.decode() == INDEX


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/sign-in"])
def test_it_is_only_looked_at(dist: Path, method: str, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    refused(client.generic(method, path, headers={"Accept": HTML}), 404, "not_found")


# ── What is not the page's ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    [
        *("/api/nowhere", "/api/nowhere/", "/api/characters/1", "/v1", "/v1/nowhere", "/static/nowhere.js", "/static"),
        *("/static/web/assets/gone.js", "/static/", "/healthz//", "/readyz/now", "/sign-in%0A"),
    ],
)
def test_unknown_paths_of_others_are_what_they_were(visitor: Client, path: str) -> None:
    response = visitor.get(path)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/json"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/api/characters", 401), ("/api", 401), ("/api/docs", 200), ("/v1/models", 401), ("/v1/models/", 401)),
        *(("/healthz", 200), ("/healthz/", 200), ("/readyz/", 200), ("/metrics", 200), ("/admin", 302)),
        ("/api/auth/login", 200),
    ],
)
def test_what_others_have_is_theirs(visitor: Client, path: str, status: int) -> None:
    response = visitor.get(path)
    assert response.status_code == status
    assert response.content.decode() != INDEX


# ── Its files ────────────────────────────────────────────────────────────────────────────────


def test_what_is_named_by_its_content_is_kept_for_good(visitor: Client) -> None:
    response = visitor.get("/static/web/assets/index-Bq1.js")
    assert (response.status_code, body(response).decode()) == (200, SCRIPT)
    assert response["Content-Type"].startswith("text/javascript")
    assert set(response["Cache-Control"].split(", ")) == {"public", "immutable", "max-age=315360000"}
    icon = visitor.get("/static/web/icon.svg")
    assert (body(icon), "immutable" in icon["Cache-Control"]) == (b"<svg/>", False)


@pytest.mark.parametrize(("encoding", "ending"), [("gzip", "gz"), ("br", "br")])
def test_they_are_sent_as_the_build_compressed_them(visitor: Client, dist: Path, encoding: str, ending: str) -> None:
    response = visitor.get("/static/web/assets/index-Bq1.js", headers={"Accept-Encoding": encoding})
    compressed = dist / "assets" / f"index-Bq1.js.{ending}"
    assert (response["Content-Encoding"], body(response)) == (encoding, compressed.read_bytes())
    assert "Accept-Encoding" in response["Vary"]


@pytest.mark.parametrize("name", ["index.html", "index.html.gz", ".built", "", "assets/", "assets/../index.html"])
def test_the_document_is_not_among_them(visitor: Client, name: str) -> None:
    """There it would come without its policy."""
    assert visitor.get(f"/static/web/{name}").status_code == 404


def test_the_files_of_others_are_where_they_were(visitor: Client) -> None:
    assert body(visitor.get("/static/admin/css/base.css"))


# ── Without it ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("accept", [HTML, "*/*", "application/json"])
def test_without_the_page_the_root_leads_to_the_documentation(tmp_path: Path, settings: Any, accept: str) -> None:
    settings.WEB_DIST = tmp_path / "nowhere"
    client = Client(headers={"Accept": accept})
    response = client.get("/")
    assert (response.status_code, response["Location"]) == (302, "/api/docs/")
    refused(client.get("/sign-in"), 404, "not_found")
    assert client.get("/static/web/assets/index-Bq1.js").status_code == 404
    assert body(client.get("/static/admin/css/base.css"))
