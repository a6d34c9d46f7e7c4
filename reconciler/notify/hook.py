"""A webhook of any kind, and the Prometheus Alertmanager (https://prometheus.io/docs/alerting/latest/alerts_api)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from reconciler.model.alerts import Alert, Notice
from reconciler.notify import text
from reconciler.notify.errors import NoticeRefused, ReceiverBusy, ReceiverDenies
from reconciler.notify.values import as_json
from reconciler.notify.web import Answer, Client

RESOLVED_SAID = timedelta(minutes=15)
"""So long it is told that an alert is over; it does no harm to say it again."""
_HEARD_BYTES_MAX = 1000
POST_ALERTS_MAX = 500
"""In one request: 10,000 alerts are twenty."""


class Webhook(Struct, frozen=True):
    """Gets each notice as one JSON object."""

    name: str
    url: str
    headers: Mapping[str, str]
    client: Client

    def send(self, notice: Notice) -> None:
        """A 2xx answer counts, unless it is JSON that says the opposite."""
        answer = self.client.post(self.url, as_json(notice), headers={"Content-Type": "application/json", **self.headers}, name=self.name)
        fault = said_fault(answer.json())
        if fault:
            raise NoticeRefused(f"{self.name} answers {answer.status} with an error: {text.one_line(fault, 200)}")


def said_fault(said: Any) -> str:
    """The error in an answer that claims to be a success; empty: there is none."""
    if not isinstance(said, dict):
        return ""
    if said.get("ok") is False or said.get("success") is False or str(said.get("status", "")).lower() in {"error", "failed", "failure"}:
        return str(said.get("error") or said.get("message") or "it says that it failed")
    return str(said["error"]) if said.get("error") else ""


def check_heard(answer: Answer, name: str) -> None:
    """Whether a sign of life arrived: services for that answer 200 also where they know no such address (`OK (not found)`)."""
    said = text.one_line(answer.body[:_HEARD_BYTES_MAX].decode(errors="replace"), 200)
    fault = said_fault(answer.json())
    if "not found" in said.lower():
        raise ReceiverDenies(f"{name} answers {answer.status} with '{said}': nobody is watching at this address")
    if fault or "rate limited" in said.lower():
        raise ReceiverBusy(f"{name} answers {answer.status} with '{said}'")


class Alertmanager(Struct, frozen=True):
    """Is told everything that fires, again and again: what it does not hear of for a while is over."""

    name: str
    url: str
    headers: Mapping[str, str]
    stands: timedelta
    client: Client

    def sync(self, alerts: Sequence[Alert], now: datetime) -> None:
        """All that stands, and what ended lately."""
        wanted = [alert for alert in alerts if alert.stands or (alert.resolved_at and now - alert.resolved_at < RESOLVED_SAID)]
        for begin in range(0, len(wanted), POST_ALERTS_MAX):
            self._post([self._one(alert, now) for alert in wanted[begin : begin + POST_ALERTS_MAX]])

    def send(self, notice: Notice) -> None:
        """Only a test and a digest come as a notice: an alert that stands there for a moment."""
        labels = {"alertname": f"Reconciler{notice.kind.value.capitalize()}", "severity": notice.severity.value, "job": "reconciler"}
        ends = notice.at + timedelta(minutes=1)
        self._post(
            [{"labels": labels, "annotations": {"summary": text.title(notice)}, "startsAt": _moment(notice.at), "endsAt": _moment(ends)}]
        )

    def _one(self, alert: Alert, now: datetime) -> dict[str, Any]:
        labels = {f"label_{_label(key)}": text.one_line(value, 200) for key, value in alert.labels.items() if value}
        own = {key: alert.labels[key] for key in ("tier", "owner", "host") if alert.labels.get(key)}
        return {
            "labels": {
                **{key: value for key, value in labels.items() if key.removeprefix("label_") not in own},
                **own,
                "alertname": f"Reconciler{alert.condition}",
                "severity": alert.severity.value,
                "kind": alert.object_kind,
                "name": text.one_line(alert.object_name, 200),
                "condition": alert.condition,
                "job": "reconciler",
            },
            "annotations": {
                "summary": text.one_line(alert.summary, text.SUMMARY_MAX),
                "description": text.one_line(alert.detail, text.DETAIL_MAX),
                "id": alert.id,
            },
            "startsAt": _moment(alert.started_at),
            "endsAt": _moment(now + self.stands if alert.resolved_at is None else alert.resolved_at),
        }

    def _post(self, content: list[dict[str, Any]]) -> None:
        address = f"{self.url.rstrip('/')}/api/v2/alerts"
        headers = {"Content-Type": "application/json", **self.headers}
        answer = self.client.post(address, json.dumps(content).encode(), headers=headers, name=self.name)
        page = answer.body.lstrip().startswith(b"<")  # it answers nothing when it took them, and never with a page for people
        fault = said_fault(answer.json()) or ("it answers with a page, as no Alertmanager does" if page else "")
        if fault:
            raise NoticeRefused(f"{self.name} answers {answer.status} with an error: {text.one_line(fault, 200)}")


def _label(key: str) -> str:
    """As Prometheus allows it."""
    return "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in key)


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
