"""Since when something is so, what flipped, and what was worth telling."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from reconciler.catalog.catalog import Catalog
from reconciler.catalog.conditions import EVENT_AGE_MAX, EVENTS_KEPT
from reconciler.catalog.tables import events, upsert
from reconciler.model.event import Event
from reconciler.model.status import Condition, ConditionType, Truth

MINUTE = timedelta(minutes=1)


def fresh(status: Truth, message: str = "5m old") -> Condition:
    return Condition("System", "orders", ConditionType.BACKUP_FRESH, status, "WithinRpo", message)


def test_since_is_the_last_flip_and_not_the_last_look(catalog: Catalog, noon: datetime) -> None:
    catalog.put_conditions([fresh(Truth.TRUE)], noon)
    dated, flips = catalog.put_conditions([fresh(Truth.TRUE, "6m old")], noon + MINUTE)
    assert (dated[0].since, dated[0].message, flips) == (noon, "6m old", ())
    assert catalog.conditions() == dated


def test_a_flip_is_reported_once_with_its_time(catalog: Catalog, noon: datetime) -> None:
    catalog.put_conditions([fresh(Truth.TRUE)], noon)
    _, flips = catalog.put_conditions([fresh(Truth.FALSE)], noon + MINUTE)
    assert flips == (replace(fresh(Truth.FALSE), since=noon + MINUTE),)
    assert catalog.put_conditions([fresh(Truth.FALSE)], noon + 2 * MINUTE)[1] == ()


def test_what_was_never_seen_counts_as_unknown(catalog: Catalog, noon: datetime) -> None:
    verified = Condition("System", "orders", ConditionType.VERIFIED, Truth.UNKNOWN, "NeverVerified", "")
    _, flips = catalog.put_conditions([fresh(Truth.FALSE), verified], noon)
    assert [flip.type for flip in flips] == [ConditionType.BACKUP_FRESH]


def test_a_condition_nobody_states_any_more_is_gone(catalog: Catalog, noon: datetime) -> None:
    other = replace(fresh(Truth.TRUE), name="mail")
    catalog.put_conditions([fresh(Truth.TRUE), other], noon)
    catalog.put_conditions([other], noon + MINUTE)
    assert [condition.name for condition in catalog.conditions()] == ["mail"]
    dated, _ = catalog.put_conditions([fresh(Truth.TRUE), other], noon + 2 * MINUTE)
    assert {condition.name: condition.since for condition in dated} == {"orders": noon + 2 * MINUTE, "mail": noon}


def test_the_same_event_again_counts_up(catalog: Catalog, noon: datetime) -> None:
    for minute in range(3):
        catalog.add_event("Warning", "System", "orders", "SourceMissing", "/var/lib/orders is missing", noon + minute * MINUTE)
    catalog.add_event("Normal", "System", "mail", "BackupSucceeded", "2 files", noon + 9 * MINUTE)
    newest, oldest = catalog.events(10)
    assert newest.name == "mail"
    assert (oldest.count, oldest.first_at, oldest.last_at) == (3, noon, noon + 2 * MINUTE)
    assert catalog.events(10, name="orders") == (oldest,)
    assert catalog.events(1) == (newest,)


def test_events_of_long_ago_make_room(catalog: Catalog, noon: datetime) -> None:
    catalog.add_event("Normal", "System", "orders", "BackupSucceeded", "old", noon - EVENT_AGE_MAX - MINUTE)
    catalog.add_event("Normal", "System", "orders", "BackupSucceeded", "new", noon)
    assert [event.note for event in catalog.events(10)] == ["new"]


def test_what_thousands_of_systems_say_in_one_moment_is_all_told(catalog: Catalog, noon: datetime) -> None:
    catalog.add_event("Normal", "System", "orders", "BackupSucceeded", "earlier", noon - MINUTE)
    catalog.add_events([Event.told("Warning", "System", f"shop-{n}", "Breached", "late", noon) for n in range(EVENTS_KEPT + 100)])
    told = catalog.events(2 * EVENTS_KEPT)
    assert {event.name for event in told} == {f"shop-{n}" for n in range(EVENTS_KEPT + 100)}, "what is older made room"
    catalog.add_events([Event.told("Warning", "System", "shop-1", "Breached", "late", noon + MINUTE)] * 2)
    assert catalog.events(1)[0].count == 3
    catalog.add_events([])


def test_a_flood_of_events_is_cut_at_the_oldest(catalog: Catalog, noon: datetime) -> None:
    same = {"object_kind": "System", "name": "x", "reason": "r", "kind": "Normal", "count": 1, "first_at": noon}
    flood = [{**same, "note": str(n), "last_at": noon + n * MINUTE / 60} for n in range(EVENTS_KEPT + 100)]
    with catalog._store.writing() as connection:
        connection.execute(upsert(events), flood)
    catalog.add_event("Normal", "System", "orders", "BackupSucceeded", "kept", noon + 200 * MINUTE)
    kept = catalog.events(2 * EVENTS_KEPT)
    assert len(kept) == EVENTS_KEPT
    assert kept[0].note == "kept"
    assert "0" not in {event.note for event in kept}
