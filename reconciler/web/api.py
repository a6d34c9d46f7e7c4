"""The read-only JSON API: the same documents as `-o json` of the commands, from what the loop published last."""

from __future__ import annotations

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

    def answers(make: Callable[[Board], dict[str, Any]]) -> Callable[[Request], Response]:
        def answer(_request: Request) -> Response:
            board = published()
            if board is None:
                return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "nothing was observed yet")
            return json(HTTPStatus.OK, **make(board))

        return answer

    return [Route(path, answers(make)) for path, make in DOCUMENTS.items()]


def _status(board: Board) -> dict[str, Any]:
    return envelope("status", protected=not breaches(board.status), status=board.status)


def _plan(board: Board) -> dict[str, Any]:
    """What the loop decided; `reconcile --dry-run -o json` says besides what is wrong with the specs."""
    return envelope("loop-plan", at=board.status.at, plan=board.plan)


def _events(board: Board) -> dict[str, Any]:
    return envelope("events", events=board.events)


DOCUMENTS: dict[str, Callable[[Board], dict[str, Any]]] = {
    "/api/status": _status,
    "/api/plan": _plan,
    "/api/events": _events,
}
"""By path."""
