"""What restic lists, as snapshots of declared systems.

Every word of it is foreign: a value of another shape makes the whole listing unreadable rather than a part of it wrong, and texts are
cut and made printable. A snapshot that no declaration assigns to a system is *foreign*: counted, and never anybody's recovery point.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from reconciler.base.printable import escape
from reconciler.model.declared.repository import Contained
from reconciler.model.snapshot import BackupKind, Grade, Snapshot
from reconciler.restic.errors import ResticUnreadable
from reconciler.restic.program import Program

FOREIGN_REALM = "restic"
TEXT_CHARACTERS_MAX = 256
SNAPSHOTS_MAX = 400_000
_ID = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_COUNT_MAX = 2**63 - 1


def listed(program: Program, name: str, contained: Sequence[Contained], realm: str) -> tuple[str, tuple[Snapshot, ...]]:
    """(id of the repository, its snapshots newest first). ``name``: how we call the repository. Raises ResticError and its like."""
    config = _parsed(program, program.output("cat", "config"), dict)
    identity = config.get("id")
    if not isinstance(identity, str) or _ID.fullmatch(identity) is None:
        raise ResticUnreadable(f"restic names no id of {program.shown}")
    found = _parsed(program, program.output("snapshots"), list)
    if len(found) > SNAPSHOTS_MAX:
        raise ResticUnreadable(f"restic lists {len(found):,} snapshots in {program.shown}, more than {SNAPSHOTS_MAX:,}")
    try:
        snapshots = [_snapshot(entry, name, contained, realm) for entry in found]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ResticUnreadable(f"restic lists a snapshot of another shape in {program.shown}: {escape(str(error))[:80]}") from error
    return identity, tuple(sorted(snapshots, key=lambda s: (s.as_of, s.id), reverse=True))


def _parsed(program: Program, printed: bytes, shape: type) -> Any:
    try:
        value = json.loads(printed)
    except (ValueError, RecursionError) as error:
        raise ResticUnreadable(f"restic printed no JSON for {program.shown}") from error
    if value is None and shape is list:
        return []  # an empty repository, in some versions
    if not isinstance(value, shape):
        raise ResticUnreadable(f"restic printed JSON of another shape for {program.shown}")
    return value


def _snapshot(entry: dict[str, Any], repository: str, contained: Sequence[Contained], realm: str) -> Snapshot:
    """Raises KeyError, TypeError, ValueError, AttributeError for another shape."""
    identity = entry["id"]
    if _ID.fullmatch(identity) is None:
        raise ValueError("an id that is none")
    host, paths, tags = _text(entry.get("hostname", "")), _texts(entry.get("paths")), _texts(entry.get("tags"))
    as_of = _moment(entry["time"])
    summary = entry.get("summary") or {}
    ended_at = max(_moment(summary["backup_end"]), as_of) if "backup_end" in summary else as_of
    system = next((c.system for c in contained if _fits(c, host, paths, tags)), None)
    return Snapshot(
        id=identity,
        repository=repository,
        realm=realm if system is not None else FOREIGN_REALM,
        system=system if system is not None else _shown(f"{host}:{','.join(paths)}"),
        host=_shown(host),
        kind=BackupKind.FULL,
        as_of=as_of,
        ended_at=ended_at,
        arrived_at=ended_at,
        grade=Grade.OBSERVED,
        files=_count(summary.get("total_files_processed", 0)),
        bytes=_count(summary.get("total_bytes_processed", 0)),
        added_bytes=_count(summary.get("data_added_packed", summary.get("data_added", 0))),
    )


def _fits(wanted: Contained, host: str, paths: Sequence[str], tags: Sequence[str]) -> bool:
    """Every criterion that is given."""
    return (
        wanted.host in (None, host)
        and (wanted.path is None or wanted.path.rstrip("/") in [path.rstrip("/") for path in paths])
        and (wanted.tag is None or wanted.tag in tags)
    )


def _moment(text: str) -> datetime:
    """RFC 3339 with nanoseconds, which the standard library does not read; a year that no calendar has is a ValueError."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError("a time that is none")
    seconds, fraction, zone = match.groups()
    micro = (fraction or "0").ljust(6, "0")[:6]
    return datetime.fromisoformat(f"{seconds}.{micro}{'+00:00' if zone == 'Z' else zone}").astimezone(UTC)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _COUNT_MAX:
        raise ValueError("a count that is none")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(one) for one in value or ())


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text that is none")
    return value


def _shown(text: str) -> str:
    return escape(text[:TEXT_CHARACTERS_MAX])
