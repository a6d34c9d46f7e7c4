"""Structured logs: a constant sentence as event, the variable parts as keys. Console lines on a terminal, JSON elsewhere.

Secrets disappear by the name of the key and by known value (secret.py). Logs go to standard error: standard output is the answer.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from reconciler.base.printable import escape
from reconciler.base.secret import REDACTED, looks_secret, redact

Logger = structlog.typing.FilteringBoundLogger


def configure(
    *, level: str = "info", stream: TextIO | None = None, json: bool | None = None, without: frozenset[str] = frozenset()
) -> None:
    """Set up logging once per process. ``json``: None means JSON unless ``stream`` (default: standard error) is a terminal.

    ``without``: rooms that stay silent, because whoever configures this tells the same in another way.
    """
    stream = stream if stream is not None else sys.stderr
    as_json = json if json is not None else not stream.isatty()
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=_traceback)
    )
    structlog.configure(
        processors=[
            *([_leave_out(without)] if without else []),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))] if as_json else []),
            _redact,
            *([] if as_json else [_escape]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def get(room: str) -> Logger:
    """The logger of a room."""
    logger: Logger = structlog.get_logger(room=room)
    return logger


def _leave_out(rooms: frozenset[str]) -> structlog.typing.Processor:
    def drop(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if event.get("room") in rooms:
            raise structlog.DropEvent
        return event

    return drop


def _redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: REDACTED if looks_secret(key) else _clean(value) for key, value in event.items()}


def _escape(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: escape(value) if isinstance(value, str) else value for key, value in event.items()}


def _traceback(stream: TextIO, exc_info: Any) -> None:
    """Without local variables, as the pretty one shows them: they hold keys and contents of files."""
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    stream.write("\n".join(escape(redact(line)) for line in plain.getvalue().split("\n")))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: REDACTED if looks_secret(str(key)) else _clean(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(inner) for inner in value]
    return value
