"""What repositories take: counted beside the passes, no more often than it costs little, and remembered by the catalog."""

from __future__ import annotations

import shutil
from datetime import timedelta

from msgspec.structs import replace

from reconciler.app.scene import load, look
from reconciler.app.stock import AGAIN, EVERY_FAR, SHARE, SMALL_OBJECTS_MAX, StockTaker, _pause, read_stock
from reconciler.model.stock import Stock
from tests.fakes.houses import WholeHouse
from tests.fakes.worlds import NOW, repository

MINUTE = timedelta(minutes=1)
EVERY = timedelta(minutes=5)  # observeEvery


def in_the_folder(house: WholeHouse) -> tuple[int, int]:
    """What `du` would say of the objects."""
    files = [path for path in house.repository.rglob("*") if path.is_file() and path.parent != house.repository]
    return len(files), sum(path.stat().st_size for path in files)


def known(house: WholeHouse) -> Stock | None:
    with house.session(read_only=True) as session, session.house.memory.reading() as catalog:
        return read_stock(catalog).get("main")


def test_a_pass_counts_what_lies_in_the_repository_and_the_status_shows_it(house: WholeHouse) -> None:
    report = house.one_pass(init=True)
    (main,) = report.status.repositories
    assert main.stock is not None
    assert (main.stock.objects, main.stock.bytes) == in_the_folder(house)
    with house.session(read_only=True) as session:
        (seen,) = session.status(cached=True).repositories
    assert seen.stock == main.stock, "whoever only looks sees the same"


def test_it_is_counted_again_when_it_is_looked_at_again_and_not_before(house: WholeHouse) -> None:
    house.one_pass(init=True)
    first = known(house)
    house.clock.advance(EVERY - MINUTE)
    house.one_pass()
    assert known(house) == first
    house.clock.advance(2 * MINUTE)
    house.one_pass()
    again = known(house)
    assert first is not None
    assert again is not None
    assert again.at == first.at + EVERY + MINUTE


def test_what_takes_long_to_count_is_counted_less_often(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        catalog = session.house.memory.writing()
        scene, taker = look(session.house, catalog, load(session.house, catalog)), StockTaker(session.house)
        taker._new.put(Stock("main", scene.now - 2 * EVERY, 1, 1, seconds=2 * EVERY.total_seconds() / SHARE + 1))
        taker.keep(scene, catalog)
        taker.look(scene, catalog)
        taker.keep(scene, catalog)
        assert read_stock(catalog)["main"].objects == 1, "it may take a hundredth of the time"


def test_a_repository_that_is_gone_keeps_the_number_that_was_counted(house: WholeHouse) -> None:
    house.one_pass(init=True)
    before = known(house)
    shutil.rmtree(house.repository)
    house.clock.advance(2 * EVERY)
    house.one_pass()
    assert known(house) == before


def test_a_repository_that_is_declared_no_longer_is_forgotten_and_a_strange_note_is_no_note(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        catalog = session.house.memory.writing()
        scene, taker = look(session.house, catalog, load(session.house, catalog)), StockTaker(session.house)
        for name in ("main", "former"):
            taker._new.put(Stock(name, scene.now, 5, 5, 0.1))
        taker.keep(scene, catalog)
        assert set(read_stock(catalog)) == {"main"}
        catalog.put_value("stock", '[{"unheard": 1}]')
        assert read_stock(catalog) == {}


def test_the_loop_counts_in_a_thread_of_its_own_and_tells_with_the_next_pass(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.clock.advance(2 * EVERY)
    with house.session() as session:
        catalog = session.house.memory.writing()
        scene, taker = look(session.house, catalog, load(session.house, catalog)), StockTaker(session.house)
        taker.begin(scene, catalog)
        assert taker._thread is not None
        taker._thread.join(10)
        assert read_stock(catalog)["main"].at < scene.now, "told by the pass, which comes from one thread"
        taker.keep(scene, catalog)
        assert read_stock(catalog)["main"].at == scene.now
        taker.begin(scene, catalog)
        assert not taker._thread.is_alive(), "nothing is due"
        taker.close()


def test_a_repository_that_cannot_be_counted_is_not_tried_again_in_each_pass(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.clock.advance(2 * EVERY)
    with house.session() as session:
        catalog = session.house.memory.writing()
        scene, taker = look(session.house, catalog, load(session.house, catalog)), StockTaker(session.house)
        shutil.rmtree(house.repository)  # after the listing of this pass
        taker.look(scene, catalog)
        before = read_stock(catalog)
        taker.keep(scene, catalog)
        assert read_stock(catalog) == before
        assert taker._due(replace(scene, now=scene.now + EVERY), before) == []
        assert [r.name for r in taker._due(replace(scene, now=scene.now + AGAIN), before)] == ["main"]


def test_far_away_where_a_list_costs_money_it_is_counted_each_hour_once_there_is_much_to_list() -> None:
    near, far = repository(), repository(url="s3://bucket/prefix")
    few, many = Stock("main", NOW, SMALL_OBJECTS_MAX, 1, 0.1), Stock("main", NOW, SMALL_OBJECTS_MAX + 1, 1, 0.1)
    assert [_pause(where, what, EVERY) for where in (near, far) for what in (few, many)] == [EVERY, EVERY, EVERY, EVERY_FAR]
    assert _pause(near, replace(few, seconds=60), EVERY) == SHARE * MINUTE
