"""A notice as plain text. The texts of alerts come from error messages, file names and hosts: here they are one line each, and bounded."""

from __future__ import annotations

from reconciler.base.printable import escape
from reconciler.base.secret import redact
from reconciler.model.alerts import Notice, NoticeKind, NoticeLine

SUMMARY_MAX = 300
DETAIL_MAX = 600
TITLE_MAX = 150


def title(notice: Notice) -> str:
    """For a subject line."""
    return one_line(notice.title, TITLE_MAX)


def body(notice: Notice, *, characters_max: int) -> str:
    """One paragraph per alert, and how many more there are. Whole paragraphs are left out until it fits."""
    head = [one_line(notice.why, SUMMARY_MAX)] if notice.why else []
    paragraphs = [paragraph(line) for line in notice.lines]
    for count in range(len(paragraphs), -1, -1):
        more = notice.total - count
        tail = [f"… and {more} more: `reconcile alerts list` shows all of them."] if more > 0 else []
        text = "\n\n".join([*head, *paragraphs[:count], *tail])
        if len(text) <= characters_max:
            return text
    return one_line(notice.title, characters_max)


def paragraph(line: NoticeLine) -> str:
    """What happened, since when, and what to do about it."""
    moment = f"since {line.started_at:%Y-%m-%d %H:%M} UTC"
    if line.resolved_at is not None:
        moment = f"from {line.started_at:%Y-%m-%d %H:%M} to {line.resolved_at:%Y-%m-%d %H:%M} UTC"
    severity = line.severity.value.upper() if line.resolved_at is None else f"was {line.severity.value}:"
    head = f"{severity} {one_line(line.summary, SUMMARY_MAX)}"
    rows = [head, f"{line.condition} of {line.object_kind} {one_line(line.object_name, 100)}, {moment}, id {line.id}"]
    if line.detail and line.resolved_at is None:
        rows.append(one_line(line.detail, DETAIL_MAX))
    return "\n".join(rows)


def one_line(text: str, characters_max: int) -> str:
    """Without control characters, known secrets, and what is too much."""
    shown = escape(redact(text[: 10 * characters_max]))
    return shown if len(shown) <= characters_max else shown[: characters_max - 1] + "…"


def is_over(notice: Notice) -> bool:
    """Whether it is good news."""
    return notice.kind is NoticeKind.RECOVERED
