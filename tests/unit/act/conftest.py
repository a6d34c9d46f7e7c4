"""A house to live in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.houses import WholeHouse, quick_folder


@pytest.fixture
def house() -> Iterator[WholeHouse]:
    with quick_folder() as folder:
        yield WholeHouse(folder)
