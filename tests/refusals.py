"""The one shape of every error."""

from typing import Any


def refused(response: Any, status: int, code: str, attr: str | None = None) -> None:
    """Answered with this one error, with all that its status promises."""
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body) == {"type", "errors"}, body
    assert body["type"] == ("validation_error" if attr else "client_error")
    [error] = body["errors"]
    assert set(error) == {"code", "detail", "attr"}
    assert (error["code"], error["attr"]) == (code, attr), error
    assert error["detail"]
    if status == 401:
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    if status == 429:
        assert int(response.headers["Retry-After"]) >= 1
