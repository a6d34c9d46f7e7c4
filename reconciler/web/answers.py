"""Answers as they leave: JSON, never kept by anybody on the way."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse

HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def json(code: HTTPStatus, **body: Any) -> JSONResponse:
    """``body`` must be in the types of JSON (base/plain.py)."""
    return JSONResponse(body, status_code=code, headers=HEADERS)


def refusal(code: HTTPStatus, why: str) -> JSONResponse:
    """One clear sentence, in lower case."""
    return json(code, error=why)
