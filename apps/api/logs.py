"""Structured logs: one JSON object a line, the request's id in each, no content of messages and no token in any."""

import logging
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from django.db import Error as DatabaseError
from pythonjsonlogger.json import JsonFormatter

request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = request_id.get()
        return True


class JSONFormatter(JsonFormatter):
    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s %(request_id)s",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
        )

    def formatException(self, ei: Any) -> Any:  # noqa: N802  # the name is logging's
        """The traceback. A database's message quotes the row that it refused, so it is left out."""
        kind, error, trace = ei
        if isinstance(error, DatabaseError):
            return super().formatException((kind, _silent(error), trace))
        return super().formatException(ei)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        # Django attaches the request itself, whose repr holds the query string.
        for name in ("request", "server_time", "taskName", "color_message"):
            log_data.pop(name, None)
        return super().process_log_record(log_data)


def _silent(error: BaseException) -> BaseException:
    quiet = type(error)("(message left out)")
    trace: TracebackType | None = error.__traceback__
    return quiet.with_traceback(trace)


def settings(level: str) -> dict[str, Any]:
    """For Django's `LOGGING`: all of it goes to the standard error, in our form."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "apps.api.logs.RequestFilter"}},
        "formatters": {"json": {"()": "apps.api.logs.JSONFormatter"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request"]},
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Their own handlers would print a second, unstructured copy.
            **{
                name: {"handlers": [], "propagate": True}
                for name in ("django", "django.server", "uvicorn", "uvicorn.error")
            },
            # What a client did wrong is told by our own line, which has the status.
            "django.request": {"handlers": [], "level": "ERROR", "propagate": True},
            "django.security.DisallowedHost": {"handlers": [], "propagate": False},
            # Tells the whole address of every request that MCP's SDK makes, which may hold a key.
            "httpx2": {"handlers": [], "level": "WARNING", "propagate": True},
            # Prints query strings, which hold what people search for. Our own line a request takes its place.
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
    }
