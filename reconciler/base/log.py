"""Structured logs: a constant sentence as event, the variable parts as keys. Console lines on a terminal, JSON elsewhere.

Secrets disappear by the name of the key and by known value (secret.py). Logs go to standard error: standard output is the answer.

structlog is loaded by the first line that needs it: one for a terminal, or with a traceback. It brings rich along, a twelfth of the time of
a backup that finds nothing; an ordinary line of JSON is written without it, in the same words (a test compares).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, ClassVar, TextIO

from reconciler.base.printable import escape
from reconciler.base.secret import REDACTED, looks_secret, redact

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_Processor = Callable[[Any, str, MutableMapping[str, Any]], Mapping[str, Any]]


class _Wanted:
    """What :func:`configure` asked for, until the first line is said."""

    setup: Callable[[], None] | None = None
    lines: _Lines | None = None
    """Writes JSON; None: a person reads."""
    level = 0

    @classmethod
    def apply(cls) -> None:
        if cls.setup is not None:
            cls.setup()
            cls.setup = None


class _Lines:
    """Lines of JSON as structlog writes them."""

    def __init__(self, stream: TextIO, without: frozenset[str]) -> None:
        self._stream, self._without = stream, without
        self._lock = threading.Lock()

    def say(self, room: str, level: str, event: str, facts: Mapping[str, Any]) -> None:
        if room in self._without:
            return
        import json

        from reconciler.base.clock import SystemClock

        at = SystemClock().now().isoformat().replace("+00:00", "Z")
        said = _redact(None, level, {"room": room, **facts, "event": event, "level": level, "timestamp": at})
        line = json.dumps(said, default=repr) + "\n"
        with self._lock:
            self._stream.write(line)
            self._stream.flush()


class _Said:
    """How many lines of each level were said, since this process began."""

    lock = threading.Lock()
    counts: ClassVar = dict.fromkeys(_LEVELS, 0)


def said() -> dict[str, int]:
    """By level: lines since this process began; those below the wanted level are not said."""
    with _Said.lock:
        return dict(_Said.counts)


class Logger:
    """The voice of a room."""

    def __init__(self, room: str) -> None:
        self._room = room

    def debug(self, event: str, **facts: Any) -> None:
        self._say("debug", event, facts)

    def info(self, event: str, **facts: Any) -> None:
        self._say("info", event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        self._say("warning", event, facts)

    def error(self, event: str, **facts: Any) -> None:
        self._say("error", event, facts)

    def exception(self, event: str, **facts: Any) -> None:
        """An error, with the traceback of the exception that is being handled."""
        self._say("error", event, {"exc_info": True, **facts})

    def _say(self, level: str, event: str, facts: Mapping[str, Any]) -> None:
        if _LEVELS[level] < _Wanted.level:
            return
        with _Said.lock:
            _Said.counts[level] += 1
        if _Wanted.lines is not None and "exc_info" not in facts:
            _Wanted.lines.say(self._room, level, event, facts)
            return
        import structlog

        _Wanted.apply()
        getattr(structlog.get_logger(room=self._room), level)(event, **facts)


def configure(
    *, level: str = "info", stream: TextIO | None = None, json: bool | None = None, without: frozenset[str] = frozenset()
) -> None:
    """Set up logging once per process. ``json``: None means JSON unless ``stream`` (default: standard error) is a terminal.

    ``without``: rooms that stay silent, because whoever configures this tells the same in another way.
    """
    to = stream if stream is not None else sys.stderr
    as_json = json if json is not None else not to.isatty()
    _Wanted.level = _LEVELS[level]
    _Wanted.lines = _Lines(to, without) if as_json else None
    _Wanted.setup = lambda: _configure(to, as_json=as_json, level=_LEVELS[level], without=without)
    if "structlog" in sys.modules:  # nothing is saved by waiting
        _Wanted.apply()


def is_configured() -> bool:
    """Whether somebody has said how to log."""
    return _Wanted.level > 0


def get(room: str) -> Logger:
    """The logger of a room."""
    return Logger(room)


def _configure(stream: TextIO, *, as_json: bool, level: int, without: frozenset[str]) -> None:
    import structlog
    from structlog.tracebacks import ExceptionDictTransformer

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
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def _leave_out(rooms: frozenset[str]) -> _Processor:
    from structlog import DropEvent

    def drop(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if event.get("room") in rooms:
            raise DropEvent
        return event

    return drop


def _redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: REDACTED if looks_secret(key) else _clean(value) for key, value in event.items()}


def _escape(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: escape(value) if isinstance(value, str) else value for key, value in event.items()}


def _traceback(stream: TextIO, exc_info: Any) -> None:
    """Without local variables, as the pretty one shows them: they hold keys and contents of files."""
    import io

    from structlog.dev import plain_traceback

    plain = io.StringIO()
    plain_traceback(plain, exc_info)
    stream.write("\n".join(escape(redact(line)) for line in plain.getvalue().split("\n")))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: REDACTED if looks_secret(str(key)) else _clean(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(inner) for inner in value]
    return value
