"""A house to live in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.houses import WholeHouse


@pytest.fixture
def house(tmp_path: Path) -> WholeHouse:
    return WholeHouse(tmp_path)
