"""The read-only JSON API: the same documents as `-o json` of the commands, from what the loop published last.

A document is written once, however many ask before the loop publishes another: ten disasters on a thousand systems are some megabytes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.base.plain import envelope
from reconciler.model.board import Board
from reconciler.model.standing import breaches
from reconciler.web.answers import json, refusal


def routes(published: Callable[[], Board | None]) -> list[Route]:
    """One path for each document. No path takes a parameter."""

    def answers(document: _Document) -> Callable[[Request], Response]:
        def answer(_request: Request) -> Response:
            board = published()
            if board is None:
                return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "nothing was observed yet")
            return document.of(board)

        return answer

    return [Route(path, answers(_Document(make, about))) for path, (make, about) in DOCUMENTS.items()]


class _Document:
    """The newest answer of one path, kept as long as what it is about is the same object."""

    def __init__(self, make: Callable[[Board], dict[str, Any]], about: Callable[[Board], object]) -> None:
        self._make, self._about = make, about
        self._lock = threading.Lock()
        self._kept: tuple[object, Response] | None = None

    def of(self, board: Board) -> Response:
        with self._lock:  # the others wait for the one that writes, instead of writing the same beside it
            subject, kept = self._about(board), self._kept
            if kept is None or kept[0] is not subject:
                kept = self._kept = (subject, json(HTTPStatus.OK, **self._make(board)))
            return kept[1]


def _status(board: Board) -> dict[str, Any]:
    return envelope("status", protected=not breaches(board.status), status=board.status)


def _plan(board: Board) -> dict[str, Any]:
    """What the loop decided; `reconcile --dry-run -o json` says besides what is wrong with the specs."""
    return envelope("loop-plan", at=board.status.at, plan=board.plan)


def _impact(board: Board) -> dict[str, Any]:
    """As the heat map of the page shows it; `reconcile impact -o json` says besides what would mend each bad end."""
    return envelope("impact", impact=board.impact)


def _events(board: Board) -> dict[str, Any]:
    return envelope("events", events=board.events)


DOCUMENTS: dict[str, tuple[Callable[[Board], dict[str, Any]], Callable[[Board], object]]] = {
    "/api/status": (_status, lambda board: board),
    "/api/plan": (_plan, lambda board: board),
    "/api/events": (_events, lambda board: board),
    "/api/impact": (_impact, lambda board: board.impact),
}
"""By path: the document, and what it is about."""
