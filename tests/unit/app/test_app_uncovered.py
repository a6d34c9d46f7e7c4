"""Data that nobody declared, in a real folder, with a database that this process really has open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.app.errors import NotFound
from reconciler.cli.render.uncovered import uncovered_json, uncovered_page
from tests.fakes.houses import WholeHouse


def put(path: Path, text: str = "data") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(house: WholeHouse, *roots: str) -> dict[str, tuple[str, int]]:
    """What is told of this house. The data of servers is told wherever it lies: one that happens to run here is not ours."""
    with house.session(read_only=True) as session:
        rows = session.uncovered([str(house.folder / root) for root in roots] or [str(house.folder)])
    here = house.folder.resolve()
    return {str(Path(row.path).relative_to(here)): (row.kind, row.files) for row in rows if Path(row.path).is_relative_to(here)}


def test_what_no_system_covers_is_told_and_what_one_covers_is_not(house: WholeHouse) -> None:
    house.one_pass(init=True)
    put(house.folder / "wiki" / "deep" / "page.md")
    put(house.folder / "wiki" / "other.md")
    put(house.folder / "orders" / "more.txt")
    (house.folder / "nothing").mkdir()
    put(house.folder / "empty" / "file", "")
    assert found(house) == {"wiki": ("folder", 2), "specs": ("folder", 3), "keys": ("folder", 1)}, "no repository, no memory"


def test_beside_a_covered_folder_files_and_folders_are_told_apart(house: WholeHouse) -> None:
    house.system("orders", source="data/orders")
    put(house.folder / "data" / "orders" / "one")
    put(house.folder / "data" / "loose.csv")
    put(house.folder / "data" / "invoices" / "one.pdf")
    assert found(house, "data") == {"data": ("files", 1), "data/invoices": ("folder", 1)}


def test_caches_and_what_links_lead_to_are_passed_over(house: WholeHouse) -> None:
    put(house.folder / "data" / "cache" / "CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55")
    put(house.folder / "elsewhere" / "file")
    (house.folder / "data" / "link").symlink_to(house.folder / "elsewhere")
    assert found(house, "data") == {}


def test_a_database_in_use_is_named_with_who_has_it_open(house: WholeHouse) -> None:
    path = house.folder / "data" / "app" / "state.db"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table t (x)")
        database.commit()
        assert found(house, "data")["data/app/state.db"] == ("sqlite", 1)
        with house.session(read_only=True) as session:
            rows = session.uncovered([str(house.folder / "data")])
    assert "SQLite" in uncovered_page(rows).render()
    assert '"kind": "uncovered"' in uncovered_json(rows)


def test_another_hosts_systems_cover_nothing_here(house: WholeHouse) -> None:
    house.system("orders", extra="  host: shop2\n")
    assert "orders" in found(house)


def test_a_root_that_is_not_there_is_named(house: WholeHouse) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        found(house, "nowhere")
