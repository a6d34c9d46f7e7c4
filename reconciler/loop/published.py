"""The newest status, for whoever shows it: metrics, pages. An immutable value behind one reference: readers never wait."""

from __future__ import annotations

from reconciler.model.status import Status


class Published:
    """Call it for the newest status; None until something was observed."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def put(self, status: Status) -> None:
        self._status = status

    def __call__(self) -> Status | None:
        return self._status
