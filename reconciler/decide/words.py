"""Numbers and moments in sentences."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.base.units import format_duration


def counted(number: int, noun: str) -> str:
    """``1 snapshot``, ``3 snapshots``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def ago(at: datetime, now: datetime) -> str:
    """``2d 3h ago``; what claims to come from the future is ``0s ago``. Not for what a loop keeps: see ADR 0044."""
    return f"{format_duration(max(now - at, timedelta(0)), parts=2)} ago"


def minute(at: datetime) -> str:
    """``2026-11-23 14:02Z``."""
    return f"{at.isoformat(' ', 'minutes')[:16]}Z"


def pascal(code: str) -> str:
    """``repository-went-back`` as the reasons of conditions and events are written: ``RepositoryWentBack``."""
    return "".join(word.capitalize() for word in code.split("-"))
