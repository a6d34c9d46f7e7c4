"""What a scrape shows of a status: everything that is known, nothing that is not, and never a series twice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

import reconciler
from reconciler.base.clock import SystemClock
from reconciler.base.log import said
from reconciler.metrics import names
from reconciler.metrics.collect import families
from reconciler.metrics.exposition import Exposition
from reconciler.metrics.host import of_host
from reconciler.metrics.live import live_families
from reconciler.model.desired import Revision
from reconciler.model.drill import DrillOutcome, Rehearsed
from reconciler.model.health import Health, HostReading, Role, Room, Use
from reconciler.model.observed import RunHistory
from reconciler.model.plan import GUARDS, ActionKind
from reconciler.model.status import LoopStatus, ProtectionStatus, Status
from tests.fakes.statuses import NOON, company, pulse, system


class Scrape:
    """One exposition, read back the way a scraper reads it."""

    def __init__(self, status: Status | None) -> None:
        text = Exposition(lambda: status, pulse)().decode()
        self.samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def value(self, name: str, **labels: str) -> float | None:
        """The one sample of that name with exactly these labels; None when there is none."""
        found = [s.value for s in self.samples if s.name == name and {k: v for k, v in s.labels.items() if v} == labels]
        assert len(found) <= 1, f"{name}{labels} is exposed {len(found)} times"
        return found[0] if found else None

    def of(self, name: str) -> dict[tuple[str, ...], float]:
        """By label values, in the order of the table."""
        (labels,) = (metric.series[name] for metric in names.ALL if name in metric.series)
        return {tuple(s.labels[label] for label in labels): s.value for s in self.samples if s.name == name}


def test_a_fresh_system_shows_its_recovery_point_beside_its_objectives() -> None:
    scrape = Scrape(company())
    five_minutes_ago = (NOON - timedelta(minutes=5)).timestamp()
    assert scrape.value("reconciler_recovery_point_timestamp_seconds", system="orders", repository="main") == five_minutes_ago
    assert scrape.value("reconciler_rpo_target_seconds", system="orders") == 900
    assert scrape.value("reconciler_rto_target_seconds", system="orders") == 3600
    assert scrape.value("reconciler_snapshots", system="orders", repository="main") == 12
    assert scrape.value("reconciler_backup_last_duration_seconds", system="orders", repository="main") == 90
    assert scrape.value("reconciler_backup_last_bytes", system="orders", repository="main") == 4_000_000
    assert scrape.value("reconciler_backup_last_added_bytes", system="orders", repository="main") == 1_000
    assert scrape.value("reconciler_backup_last_success_timestamp_seconds", system="orders", repository="main") == five_minutes_ago + 90
    assert scrape.value("reconciler_backup_last_attempt_timestamp_seconds", system="orders", repository="main") == five_minutes_ago
    info = {"system": "orders", "tier": "critical", "policy": "standard", "owner": "shop", "host": "shop1"}
    assert scrape.value("reconciler_system_info", **info) == 1


def test_each_repository_of_a_system_has_its_own_recovery_point() -> None:
    points = Scrape(company()).of("reconciler_recovery_point_timestamp_seconds")
    assert points["orders", "main"] > points["orders", "offsite"]


def test_never_backed_up_is_zero_and_has_no_duration() -> None:
    scrape = Scrape(company())
    pair = {"system": "billing", "repository": "main"}
    assert scrape.value("reconciler_recovery_point_timestamp_seconds", **pair) == 0
    assert scrape.value("reconciler_backup_last_success_timestamp_seconds", **pair) == 0
    assert scrape.value("reconciler_backup_last_attempt_timestamp_seconds", **pair) == NOON.timestamp()
    assert scrape.value("reconciler_backup_consecutive_failures", **pair) == 3
    assert scrape.value("reconciler_backup_last_duration_seconds", **pair) is None
    assert scrape.value("reconciler_backup_last_bytes", **pair) is None


def test_a_system_of_another_host_shows_its_recovery_point_but_no_runs() -> None:
    scrape = Scrape(company())
    pair = {"system": "elsewhere", "repository": "main"}
    assert scrape.value("reconciler_recovery_point_timestamp_seconds", **pair) == (NOON - timedelta(minutes=5)).timestamp()
    about_it = {s.name for s in scrape.samples if s.labels.get("system") == "elsewhere"}
    assert not any(name.startswith("reconciler_backup_") for name in about_it)


def test_a_rehearsed_system_shows_what_was_proven_until_when_and_how_long_it_takes() -> None:
    scrape = Scrape(company())
    two_days_ago = (NOON - timedelta(days=2)).timestamp()
    assert scrape.value("reconciler_drill_interval_target_seconds", system="orders") == 7 * 86400
    assert scrape.value("reconciler_drill_last_timestamp_seconds", system="orders") == two_days_ago
    assert scrape.value("reconciler_drill_last_result", system="orders") == 1
    assert scrape.value("reconciler_drill_last_proven_timestamp_seconds", system="orders") == two_days_ago
    assert scrape.value("reconciler_drill_proof_expiry_timestamp_seconds", system="orders") == two_days_ago + 14 * 86400
    assert scrape.value("reconciler_rto_measured_seconds", system="orders") == 600
    assert scrape.value("reconciler_rto_predicted_seconds", system="orders", basis="own") == 1080
    assert scrape.value("reconciler_mtd_target_seconds", system="orders") == 4 * 3600


def test_a_failed_drill_is_zero_and_without_a_proof_nothing_expires() -> None:
    scrape = Scrape(company())
    assert scrape.value("reconciler_drill_last_result", system="ledger") == 0
    assert scrape.value("reconciler_drill_last_proven_timestamp_seconds", system="ledger") == 0
    assert scrape.value("reconciler_drill_proof_expiry_timestamp_seconds", system="ledger") == 0
    assert scrape.value("reconciler_rto_predicted_seconds", system="ledger", basis="borrowed") == 7200
    assert scrape.value("reconciler_rto_measured_seconds", system="ledger") is None


@pytest.mark.parametrize("outcome", [None, DrillOutcome.RESTORED])
def test_a_drill_that_proved_nothing_is_neither_passed_nor_failed(outcome: DrillOutcome | None) -> None:
    rehearsed = Rehearsed(every=timedelta(days=7), last_at=NOON if outcome else None, last_outcome=outcome)
    scrape = Scrape(replace(company(), systems=(system("scratch", (), rehearsed=rehearsed),)))
    assert scrape.value("reconciler_drill_last_result", system="scratch") == -1
    assert scrape.value("reconciler_drill_last_timestamp_seconds", system="scratch") == (NOON.timestamp() if outcome else 0)


def test_where_no_drill_is_declared_and_none_was_made_nothing_is_said_of_drills() -> None:
    scrape = Scrape(company())
    about_it = {s.name for s in scrape.samples if s.labels.get("system") == "archive"}
    assert not any("drill" in name or name.startswith(("reconciler_rto_m", "reconciler_rto_p")) for name in about_it)


def test_copies_stand_beside_what_was_promised() -> None:
    scrape = Scrape(company())
    assert scrape.value("reconciler_copies_target", system="orders") == 2
    assert scrape.value("reconciler_copies_held", system="orders") == 1
    assert scrape.value("reconciler_copies_offsite_target", system="orders") == 1
    assert scrape.value("reconciler_copies_offsite_held", system="orders") == 0
    assert scrape.value("reconciler_copy_lag_target_seconds", system="orders") == 3600
    assert scrape.of("reconciler_copy_lag_seconds") == {("orders", "offsite"): (timedelta(hours=3) - timedelta(minutes=5)).total_seconds()}
    assert scrape.of("reconciler_copy_due_timestamp_seconds") == {("orders", "offsite"): (NOON + timedelta(minutes=25)).timestamp()}
    assert scrape.value("reconciler_copies_target", system="ledger") is None
    assert scrape.value("reconciler_copies_held", system="ledger") == 0


def test_proofs_of_intactness_stand_beside_their_freshness() -> None:
    scrape = Scrape(company())
    pair = {"system": "orders", "repository": "main"}
    assert scrape.value("reconciler_verified_timestamp_seconds", **pair) == (NOON - timedelta(days=3)).timestamp()
    assert scrape.value("reconciler_checked_timestamp_seconds", **pair) == (NOON - timedelta(hours=6)).timestamp()
    assert scrape.value("reconciler_verification_interval_target_seconds", system="orders", depth="deep") == 30 * 86400
    assert scrape.value("reconciler_verification_interval_target_seconds", system="orders", depth="quick") == 86400
    assert scrape.value("reconciler_verified_timestamp_seconds", system="billing", repository="main") == 0


def test_a_system_costs_at_most_24_samples_and_each_of_its_repositories_24_more() -> None:
    """Of the fullest one that there can be; each of its conditions is one besides, and each disaster that it is not safe from."""
    (orders,) = (system for system in company().systems if system.name == "orders")
    about_it = [s for s in Scrape(company()).samples if s.labels.get("system") == "orders"]
    kinds = {s.name for s in about_it}
    possible = {metric.name for metric in names.ALL if "system" in metric.labels}
    assert kinds == possible, "the system of this test shows everything that a system can show"
    whole = Counter(s.labels.get("repository") for s in about_it if "scenario" not in s.labels)
    assert set(whole) == {None, *(protection.repository for protection in orders.protection)}
    assert max(whole.values()) <= 24
    conditions = Counter(s.labels["name"] for s in Scrape(company()).samples if s.name == "reconciler_condition")
    assert conditions["orders"] == len(orders.conditions), "a condition is one sample, whatever its truth"


def test_an_objective_that_nobody_declared_is_absent() -> None:
    scrape = Scrape(replace(company(), systems=(system("scratch", (), rpo=None, rto=None),)))
    assert scrape.of("reconciler_rpo_target_seconds") == {}
    assert scrape.of("reconciler_rto_target_seconds") == {}
    assert scrape.value("reconciler_system_suspended", system="scratch") == 0


def test_a_condition_is_one_sample_of_three_values() -> None:
    conditions = Scrape(company()).of("reconciler_condition")
    assert conditions["System", "orders", "BackupFresh"] == 1
    assert conditions["System", "ledger", "BackupFresh"] == 0
    assert conditions["System", "billing", "BackupFresh"] == -1
    assert conditions["Repository", "offsite", "RepositoryReachable"] == 0


def test_a_repository_that_cannot_be_measured_has_no_free_bytes() -> None:
    scrape = Scrape(company())
    assert scrape.value("reconciler_repository_up", repository="main") == 1
    assert scrape.value("reconciler_repository_up", repository="offsite") == 0
    assert scrape.value("reconciler_repository_free_bytes", repository="main") == 5_000_000_000
    assert scrape.value("reconciler_repository_free_bytes", repository="offsite") is None


def test_counters_are_there_at_zero_before_the_first_action() -> None:
    status = company()
    scrape = Scrape(replace(status, loop=replace(status.loop, actions={}, failed={})))
    assert scrape.of("reconciler_actions_total") == {(kind.value,): 0 for kind in ActionKind}
    assert scrape.of("reconciler_actions_failed_total") == {(kind.value,): 0 for kind in ActionKind}
    counted = Scrape(status)
    assert counted.value("reconciler_actions_total", action="backup") == 31
    assert counted.value("reconciler_actions_failed_total", action="backup") == 4


@pytest.mark.parametrize(("clean", "errors", "expected"), [(True, 0, 1), (False, 1, 0), (True, 2, 0), (False, 0, 0)])
def test_only_specs_without_an_error_count_as_loaded(clean: bool, errors: int, expected: int) -> None:
    status = company()
    scrape = Scrape(replace(status, spec=replace(status.spec, clean=clean, errors=errors)))
    assert scrape.value("reconciler_spec_last_load_successful") == expected
    assert scrape.value("reconciler_spec_last_load_timestamp_seconds") == (NOON - timedelta(minutes=1)).timestamp()
    assert scrape.of("reconciler_spec_problems") == {("error",): errors, ("warning",): status.spec.warnings}
    assert scrape.value("reconciler_spec_objects") == status.spec.objects


def test_the_plan_is_counted_by_kind_and_by_guard_zeros_included() -> None:
    scrape = Scrape(company())
    assert scrape.of("reconciler_plan_actions") == {(kind.value,): {"backup": 1, "verify": 2}.get(kind.value, 0) for kind in ActionKind}
    assert scrape.of("reconciler_plan_held_changes") == {(guard,): int(guard == "tightening") for guard in GUARDS}
    assert scrape.value("reconciler_plan_gaps") == 2


def test_durations_are_a_histogram_whose_buckets_hold_the_smaller_ones_too() -> None:
    scrape = Scrape(company())
    buckets = scrape.of("reconciler_action_duration_seconds_bucket")
    assert [buckets["backup", le] for le in ("1.0", "5.0", "15.0", "60.0", "300.0", "43200.0", "+Inf")] == [0, 20, 26, 30, 31, 31, 31]
    assert scrape.value("reconciler_action_duration_seconds_count", action="backup") == 31
    assert scrape.value("reconciler_action_duration_seconds_sum", action="backup") == 900
    assert buckets["verify", "43200.0"] == 1
    assert buckets["verify", "+Inf"] == 2
    assert scrape.value("reconciler_action_duration_seconds_count", action="prune") == 0, "0 is there before the first one happens"


def test_what_is_not_well_says_since_when_and_what_is_well_does_not() -> None:
    since = Scrape(company()).of("reconciler_condition_unwell_since_timestamp_seconds")
    assert since["System", "ledger", "BackupFresh"] == (NOON - timedelta(hours=2)).timestamp()
    assert since["System", "billing", "BackupFresh"] == (NOON - timedelta(hours=2)).timestamp(), "Unknown is not well"
    assert not any(name == "orders" or condition == "Ready" for _, name, condition in since)


def test_alerts_say_since_when_nobody_has_answered() -> None:
    oldest = Scrape(company()).of("reconciler_alerts_oldest_timestamp_seconds")
    assert oldest["critical",] == (NOON - timedelta(hours=3)).timestamp()
    assert oldest["high",] == 0, "somebody has acknowledged the only one"


def test_a_repository_says_what_it_takes_and_when_each_kind_of_action_last_went_well() -> None:
    scrape = Scrape(company())
    assert scrape.value("reconciler_repository_used_bytes", repository="main") == 9_000_000_000
    assert scrape.value("reconciler_repository_objects", repository="main") == 300
    assert scrape.value("reconciler_repository_counted_timestamp_seconds", repository="main") == (NOON - timedelta(minutes=40)).timestamp()
    assert scrape.of("reconciler_repository_last_action_timestamp_seconds") == {
        ("main", "backup"): (NOON - timedelta(minutes=5)).timestamp(),
        ("main", "prune"): (NOON - timedelta(days=3)).timestamp(),
    }
    assert scrape.of("reconciler_repository_prune_interval_target_seconds") == {("main",): 7 * 86400}
    assert scrape.value("reconciler_repository_used_bytes", repository="offsite") is None


def test_the_process_says_what_it_is_at_between_two_passes() -> None:
    said_before = said()
    scrape = Scrape(company())
    assert scrape.of("reconciler_queue_actions") == {("objective",): 0, ("upkeep",): 3}
    assert scrape.of("reconciler_actions_under_way") == {("objective",): 1, ("upkeep",): 0}
    waits = scrape.of("reconciler_queue_oldest_timestamp_seconds")
    takes = scrape.of("reconciler_actions_under_way_oldest_timestamp_seconds")
    now = SystemClock().now().timestamp()
    assert waits["objective",] == takes["upkeep",] == 0, "nothing there"
    assert now - waits["upkeep",] == pytest.approx(7 * 60, abs=10)
    assert now - takes["objective",] == pytest.approx(2 * 60, abs=10)
    assert (scrape.value("reconciler_loop_passes_total"), scrape.value("reconciler_loop_passes_failed_total")) == (480, 2)
    assert scrape.value("reconciler_loop_pass_duration_seconds") == 0.25
    assert scrape.of("reconciler_log_messages_total") == {(level,): lines for level, lines in said_before.items()}
    assert scrape.value("reconciler_collector_duration_seconds") is not None
    assert scrape.value("reconciler_actions_overdue") == 0
    assert scrape.value("reconciler_lease_epoch") == 7


def test_the_specs_say_at_which_commit_they_stand() -> None:
    status = company()
    assert Scrape(status).value("reconciler_spec_info") == 1
    edited = replace(status.spec, revision=Revision("4f1c2ab9" * 5, dirty=True))
    assert Scrape(replace(status, spec=edited)).value("reconciler_spec_info", revision="4f1c2ab94f1c", dirty="true") == 1


def test_the_heartbeat_is_the_end_of_the_last_pass() -> None:
    scrape = Scrape(company())
    assert scrape.value("reconciler_loop_last_success_timestamp_seconds") == NOON.timestamp()
    assert scrape.value("reconciler_loop_interval_seconds") == 30


def test_a_suspended_system_says_so_and_keeps_ageing() -> None:
    scrape = Scrape(company())
    assert scrape.value("reconciler_system_suspended", system="archive") == 1
    assert scrape.value("reconciler_recovery_point_timestamp_seconds", system="archive", repository="main") is not None


def test_a_removed_system_is_gone_with_the_next_scrape() -> None:
    published = [company()]
    source = Exposition(lambda: published[-1], pulse)
    assert b'system="ledger"' in source()
    published.append(replace(published[0], systems=tuple(s for s in published[0].systems if s.name != "ledger")))
    assert b'"ledger"' not in source()


def test_before_the_first_observation_only_build_heartbeat_and_counters_are_known() -> None:
    scrape = Scrape(None)
    assert scrape.value("reconciler_loop_last_success_timestamp_seconds") == 0
    assert {s.labels["version"] for s in scrape.samples if s.name == "reconciler_build_info"} == {reconciler.__version__}
    known = {s.name for s in scrape.samples if s.name.startswith("reconciler_")}
    counters = {"reconciler_actions_total", "reconciler_actions_failed_total", *names.ACTION_DURATION.series}
    live = {metric.name for metric in names.ALL if metric.live}
    assert known == {"reconciler_build_info", "reconciler_loop_last_success_timestamp_seconds"} | counters | live


@pytest.mark.parametrize("status", [None, company()], ids=["nothing observed", "a company"])
def test_every_metric_of_the_table_is_announced_in_its_order(status: Status | None) -> None:
    found = [*families(status), *live_families(pulse(), NOON, said(), None)]
    table = sorted(names.ALL, key=lambda metric: metric.live)
    assert [family.name for family in found] == [metric.family for metric in table]
    assert [family.documentation for family in found] == [metric.help for metric in table]


def test_a_full_status_has_a_sample_of_every_metric() -> None:
    assert {name for metric in names.ALL for name in metric.series} <= {sample.name for sample in Scrape(company()).samples}


def test_labels_are_those_of_the_table() -> None:
    declared = {name: set(labels) for metric in names.ALL for name, labels in metric.series.items()}
    for sample in Scrape(company()).samples:
        if sample.name in declared:
            assert set(sample.labels) == declared[sample.name], sample.name


_NAMES = st.text(min_size=1, max_size=12)
_HISTORIES = st.builds(
    RunHistory,
    last_duration=st.none() | st.timedeltas(min_value=timedelta(0)),
    last_bytes=st.none() | st.integers(0, 2**63),
    last_added_bytes=st.none() | st.integers(0, 2**63),
    consecutive_failures=st.integers(0, 10**6),
)


@settings(max_examples=60)
@given(st.dictionaries(_NAMES, st.dictionaries(_NAMES, _HISTORIES, max_size=3), max_size=4), st.booleans())
def test_any_names_and_histories_give_an_exposition_that_reads_back(world: dict[str, dict[str, RunHistory]], here: bool) -> None:
    systems = tuple(
        system(name, tuple(ProtectionStatus(store, 1, None, None, None, history) for store, history in stores.items()), here=here)
        for name, stores in world.items()
    )
    scrape = Scrape(replace(company(), systems=systems, repositories=(), loop=LoopStatus()))
    series = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in scrape.samples]
    assert len(series) == len(set(series))
    assert len(scrape.of("reconciler_snapshots")) == sum(len(stores) for stores in world.values())


def test_a_host_that_was_never_looked_at_says_so_and_no_more() -> None:
    found = {(metric.name, labels): value for metric, labels, value in of_host(None)}
    assert found == {("reconciler_host_look_timestamp_seconds", ()): 0}


def test_a_file_system_with_many_sources_is_one_sample_for_them_and_no_label_is_a_path() -> None:
    sources = tuple(Use(Role.SOURCE, f"s{n:03}", f"/srv/{n}") for n in range(500))
    reading = HostReading(4, 1.0, 8, 4, (Room((Use(Role.STATE), Use(Role.REPOSITORY, "main"), *sources), 5, 10, 5, 10),))
    found = [(metric.name, labels) for metric, labels, _ in of_host(Health(NOON, "shop1", (), reading))]
    free = [labels for name, labels in found if name == names.FILE_SYSTEM_FREE.name]
    assert free == [("state", ""), ("repository", "main"), ("source", "s000")]
    assert len(found) == 1 + 4 + 4 + 3 * 4
    assert not any("/" in label for _, labels in found for label in labels)
