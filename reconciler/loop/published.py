"""The newest board, for whoever shows it: metrics, pages. An immutable value behind one reference: readers never wait."""

from __future__ import annotations

from reconciler.model.board import Board


class Published:
    """Call it for the newest board; None until something was observed."""

    def __init__(self) -> None:
        self._board: Board | None = None

    def put(self, board: Board) -> None:
        self._board = board

    def __call__(self) -> Board | None:
        return self._board
