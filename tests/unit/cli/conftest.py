"""Golden screens: compared byte for byte; UPDATE_GOLDEN=1 writes them anew, and the diff is reviewed like code."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[2] / "golden" / "cli"


@pytest.fixture(autouse=True)
def _local_time_is_two_hours_ahead(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zone without daylight saving, so that a screen which forgets the conversion is seen."""
    monkeypatch.setenv("TZ", "<+02>-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check
