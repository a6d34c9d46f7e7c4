"""Small values as a column holds them: times as whole microseconds since 1970 UTC, the rest as JSON text."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from msgspec.structs import astuple

from reconciler.model.observed import Failure
from reconciler.model.snapshot import Mark, MarkKind
from reconciler.model.turnover import Turnover

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MARKS = {kind.value: kind for kind in MarkKind}  # three times as fast as calling the enum


def to_microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    return _EPOCH + timedelta(microseconds=count)


def failure_to_text(failure: Failure | None) -> str | None:
    return None if failure is None else json.dumps([failure.code, failure.message, failure.hint], ensure_ascii=False)


def failure_from_text(text: str | None) -> Failure | None:
    return None if text is None else Failure(*json.loads(text))


def marks_to_text(marks: tuple[Mark, ...]) -> str:
    if not marks:
        return ""
    return json.dumps([[mark.kind.value, to_microseconds(mark.at), mark.note, *_end(mark)] for mark in marks], ensure_ascii=False)


def marks_from_text(text: str) -> tuple[Mark, ...]:
    if not text:
        return ()
    return tuple(Mark(_MARKS[kind], from_microseconds(at), note, *map(from_microseconds, end)) for kind, at, note, *end in json.loads(text))


def _end(mark: Mark) -> tuple[int, ...]:
    return () if mark.until is None else (to_microseconds(mark.until),)


def turnover_to_text(turnover: Turnover) -> str:
    return json.dumps(astuple(turnover))


def turnover_from_text(text: str) -> Turnover:
    return Turnover(*json.loads(text))


def durations_to_text(durations: tuple[timedelta, ...]) -> str:
    return json.dumps([duration // _MICROSECOND for duration in durations])


def durations_from_text(text: str) -> tuple[timedelta, ...]:
    return tuple(timedelta(microseconds=count) for count in json.loads(text))
