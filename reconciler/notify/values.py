"""A notice as JSON, for files and webhooks: the same text, bounded and without control characters."""

from __future__ import annotations

import json
from typing import Any

from reconciler.base.plain import FORMAT_VERSION, plain
from reconciler.model.alerts import Notice, NoticeLine
from reconciler.notify.text import DETAIL_MAX, SUMMARY_MAX, one_line, title


def as_json(notice: Notice) -> bytes:
    """One line, without its end. ASCII, so that no reader can take a part of it for a line break."""
    return json.dumps(_document(notice), ensure_ascii=True, separators=(",", ":")).encode()


def _document(notice: Notice) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "kind": "notice",
        "id": notice.id,
        "at": plain(notice.at),
        "receiver": notice.receiver,
        "notice": notice.kind.value,
        "severity": notice.severity.value,
        "title": title(notice),
        "why": one_line(notice.why, SUMMARY_MAX),
        "total": notice.total,
        "alerts": [_alert(line) for line in notice.lines],
    }


def _alert(line: NoticeLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "object_kind": line.object_kind,
        "object_name": one_line(line.object_name, 100),
        "condition": line.condition,
        "severity": line.severity.value,
        "state": line.state.value,
        "summary": one_line(line.summary, SUMMARY_MAX),
        "detail": one_line(line.detail, DETAIL_MAX),
        "started_at": plain(line.started_at),
        "resolved_at": plain(line.resolved_at),
        "labels": {one_line(key, 100): one_line(value, 200) for key, value in line.labels.items()},
    }
