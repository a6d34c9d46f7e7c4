"""A catalog in a temporary folder, and times to put into it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "catalog.sqlite"


@pytest.fixture
def catalog(path: Path) -> Iterator[Catalog]:
    with Catalog.open(path, clock=SystemClock()) as opened:
        yield opened


@pytest.fixture
def noon() -> datetime:
    return datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
