"""The one shape of every error."""

import re
from typing import Any


def complaints(response: Any) -> list[tuple[str, str | None]]:
    """What a refusal says is wrong: each code with the field, in either shape; OpenAI's has one."""
    found = response.json()
    errors = [found["error"]] if "error" in found else found["errors"]
    return [(each["code"], each["param"] if "param" in each else each["attr"]) for each in errors]


def fields(response: Any) -> set[str]:
    """The fields of the body, or the parameters, that are wrong."""
    return {re.split(r"[.\[]", str(name))[0] for _, name in complaints(response)}


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
