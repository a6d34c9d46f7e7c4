"""What a policy will come to: counted by hand for small worlds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.rates import measure
from reconciler.model.declared.policy import Retention
from reconciler.model.declared.repository import Maintenance, Prune
from reconciler.model.forecast import Rates, SystemForecast
from reconciler.model.observed import RunHistory
from reconciler.simulate.forecast import forecast, kept_bytes
from tests.fakes.worlds import NOW, ago, cron, desired, every, listed, observed, repository, schedule, snapshot, system

DAILY = schedule(full=every("30d"), incremental=every("1d"))
STEADY = Rates(bytes=1000, change_per_day=100, growth_per_day=0, seconds=60)


def foreseen(days: int = 30, rates: Rates = STEADY, **changes) -> SystemForecast:
    of = system(**{"schedule": DAILY, "rpo": "2d", **changes})
    (found,) = forecast(desired(of, repository()), observed(listed("main")), {of.name: rates}, NOW, days).systems
    return found


def test_retention_leaves_what_it_says_and_the_day_of_rest():
    found = foreseen(retention=Retention(last=5, minimum=1))
    assert found.backups in {30, 31}
    assert 5 <= found.snapshots <= 9, "the first full, and what is marked or rests"
    assert found.backups == found.snapshots + found.removed
    assert not found.at_risk


def test_without_retention_everything_stays():
    found = foreseen(retention=Retention())
    assert (found.snapshots, found.removed) == (found.backups, 0)


def test_the_longest_age_is_that_between_two_backups_and_the_end_of_the_second():
    found = foreseen()
    assert timedelta(days=1) < found.longest_age < timedelta(days=1, minutes=3)


def test_a_backup_that_takes_longer_than_the_promise_is_a_risk():
    found = foreseen(rpo="1h", schedule=schedule(incremental=every("30m")), rates=replace(STEADY, seconds=3600))
    assert found.at_risk
    assert found.longest_age > timedelta(hours=1)


def test_a_system_whose_only_moment_lies_ahead_was_never_backed_up():
    found = foreseen(days=2, rpo=None, schedule=replace_catch_up(schedule(full=cron("0 3 1 1 *"))))
    assert found.longest_age_at is None
    assert not found.at_risk, "nothing is promised"


def replace_catch_up(plain):
    return plain.model_copy(update={"catch_up": "skip"})


def test_what_is_there_already_counts_from_the_beginning():
    of = system(schedule=DAILY, rpo="2d")
    old = snapshot(ago("1d12h"), kind="full", system=of.name)
    (found,) = forecast(desired(of), observed(listed("main", [old])), {of.name: STEADY}, NOW, 3).systems
    assert found.longest_age >= timedelta(days=1, hours=12), "the age at the start is a promise, too"


def test_the_same_seed_gives_the_same_forecast_and_another_seed_other_durations():
    tree, seen = desired(system(schedule=DAILY)), observed(listed("main"))
    first, again, other = (forecast(tree, seen, {"orders": STEADY}, NOW, 5, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_bytes_are_given_back_only_where_a_clean_up_is_declared():
    of = system(schedule=DAILY, retention=Retention(last=2, minimum=1), rpo="2d")
    cleaned = repository("main", maintenance=Maintenance(prune=Prune(every=timedelta(days=7))))
    seen = observed(listed("main"))
    (never,) = forecast(desired(of), seen, {of.name: STEADY}, NOW, 60).repositories
    (weekly,) = forecast(desired(of, cleaned), seen, {of.name: STEADY}, NOW, 60).repositories
    assert never.pruned == 0
    assert weekly.pruned >= 8
    assert weekly.bytes[-1][1] < never.bytes[-1][1] / 2
    assert never.bytes[-1][1] == pytest.approx(1000 + 59 * 1000 * (1 - 0.9048), rel=0.05), "a day changes 1 - exp(-100/1000) of it"


def test_a_snapshot_costs_what_no_later_one_shares_with_it():
    one, two = snapshot(ago("1d")), snapshot(ago("0s"))
    assert kept_bytes([], STEADY, NOW) == 0
    assert kept_bytes([one], STEADY, NOW) == 1000
    assert kept_bytes([one, two], STEADY, NOW) == 1000 + 95
    assert kept_bytes([snapshot(ago("1000d")), two], STEADY, NOW) == 2000, "after years nothing is shared"


def test_rates_are_read_off_the_snapshots():
    first = snapshot(ago("10d"), kind="full", bytes=1000, added_bytes=400)
    later = [snapshot(ago(f"{day}d"), bytes=1000 + 20 * (10 - day), added_bytes=50) for day in range(9, 0, -1)]
    history = RunHistory(durations=(timedelta(seconds=30),) * 10)
    rates = measure(system(), [*reversed(later), first], history)
    assert rates.assumed == ()
    assert (rates.seconds, rates.change_per_day) == (30, 50)
    assert rates.bytes == round(1180 * 0.4)
    assert rates.growth_per_day == 8, "20 bytes of content a day, 0.4 of it stored"


def test_what_cannot_be_measured_is_said():
    rates = measure(system(rpo="1h"), (), RunHistory())
    assert rates.seconds == 360, "a tenth of the RPO"
    assert [text.split(":")[0] for text in rates.assumed] == ["a backup takes 6m", "its size is unknown"]
    young = measure(system(), [snapshot(ago("1h"), bytes=10, added_bytes=5)], RunHistory(durations=(timedelta(seconds=1),)))
    assert young.change_per_day == 0
    assert "snapshots span only" in young.assumed[0]
