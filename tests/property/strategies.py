"""Random worlds: crowded on purpose (few days, few ids, many marks), because rules collide where things meet."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from reconciler.model.declared.objectives import Copies, Objectives, Verification
from reconciler.model.declared.policy import Retention, Schedule, Trigger
from reconciler.model.declared.system import Suspend
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.observed import Failure, Observed, RunHistory
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind, Snapshot
from tests.fakes.worlds import NOW, desired, listed, observed, snapshot, system, unreachable

NAMES = ("a", "b", "c")
REPOSITORIES = ("main", "offsite")

moments = st.one_of(
    st.integers(0, 40 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    st.integers(0, 1200).map(lambda days: NOW - timedelta(days=days)),
    st.sampled_from([NOW + timedelta(minutes=4), NOW + timedelta(minutes=20), NOW + timedelta(days=90)]),
)
marks = st.builds(Mark, st.sampled_from(MarkKind), moments)
few_marks = st.one_of(st.just(()), st.just(()), st.lists(marks, max_size=2).map(tuple))
durations = st.sampled_from([timedelta(minutes=15), timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=90)])
maybe_duration = st.one_of(st.none(), durations)
counts = st.one_of(st.none(), st.integers(0, 6))

retentions = st.builds(
    Retention,
    keep_within=maybe_duration,
    last=counts,
    hourly=counts,
    daily=counts,
    weekly=counts,
    monthly=counts,
    yearly=counts,
    minimum=counts,
)
triggers = st.one_of(
    st.none(),
    durations.map(lambda every: Trigger(every=every)),
    st.sampled_from(["0 2 * * *", "30 4 * * sun", "@hourly"]).map(lambda text: Trigger(cron=text, timezone="Europe/Zurich")),
)
schedules = st.builds(
    Schedule, full=triggers, differential=triggers, incremental=triggers, catch_up=st.sampled_from([None, "once", "skip"])
)


@st.composite
def snapshots(draw: st.DrawFn, systems: tuple[str, ...] = ("a",), realms: tuple[str, ...] = ("quiet-otter-41",)) -> Snapshot:
    """Mostly good ones that arrived when they ended; sometimes a late, partial, marked or future one."""
    as_of = draw(moments)
    delay = draw(
        st.sampled_from([timedelta(0), timedelta(0), timedelta(minutes=59), timedelta(hours=2), timedelta(days=30), -timedelta(days=9)])
    )
    return snapshot(
        as_of,
        id=draw(st.uuids()).hex,
        kind=draw(st.sampled_from([kind.value for kind in BackupKind])),
        grade=draw(st.sampled_from([Grade.COMPLETE, Grade.COMPLETE, Grade.COMPLETE, Grade.PARTIAL, Grade.SUSPECT])),
        marks=draw(few_marks),
        system=draw(st.sampled_from(systems)),
        realm=draw(st.sampled_from(realms)),
        arrived_at=as_of + timedelta(minutes=3) + delay,
    )


histories_of_snapshots = st.lists(snapshots(), max_size=25, unique_by=lambda s: s.id)


@st.composite
def systems(draw: st.DrawFn, name: str) -> DesiredSystem:
    return system(
        name,
        rpo=None,
        objectives=Objectives(rpo=draw(maybe_duration)),
        schedule=draw(schedules),
        retention=draw(retentions),
        repositories=draw(st.sampled_from([("main",), ("main", "offsite"), ("offsite",)])),
        verification=draw(st.sampled_from([Verification(), Verification(deep=timedelta(days=30))])),
        copies=draw(st.sampled_from([Copies(), Copies(count=2)])),
        host=draw(st.sampled_from([None, "shop1", "shop2"])),
        suspend=draw(st.sampled_from([None, None, None, Suspend(reason="r", until=NOW + timedelta(days=1))])),
        previous_name=draw(st.sampled_from([None, None, "former", "a"])),
        last_good=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def run_histories(draw: st.DrawFn) -> RunHistory:
    failures = draw(st.integers(0, 4))
    return RunHistory(
        last_attempt_at=draw(st.one_of(st.none(), moments)),
        last_partial_at=draw(st.one_of(st.none(), moments)),
        durations=tuple(draw(st.lists(durations, max_size=10))),
        consecutive_failures=failures,
        failed_generation=draw(st.sampled_from([None, "g1", "g0"])),
        last_failure=Failure("some-failure", "it failed") if failures else None,
        last_failure_at=draw(moments) if failures else None,
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Desired, Observed]:
    """Up to three systems over two repositories, of which one may be out of reach or listed long ago."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    tree = desired(*[draw(systems(name)) for name in names], clean=draw(st.sampled_from([True, True, True, False])))
    anyone = snapshots((*NAMES, "former", "orphan"), ("quiet-otter-41", "quiet-otter-41", "other"))
    states = []
    for name in REPOSITORIES:
        held = draw(st.lists(anyone, max_size=18, unique_by=lambda s: s.id))
        state = listed(name, held, fresh=draw(st.sampled_from([True, True, False])))
        states.append(draw(st.sampled_from([state, state, state, unreachable(name)])))
    seen = observed(
        *states,
        runs={(n, r): draw(run_histories()) for n in names for r in REPOSITORIES if draw(st.booleans())},
        accepted_retention={n: draw(retentions) for n in names if draw(st.booleans())},
        clock_jump=draw(st.sampled_from([None, None, None, timedelta(days=1)])),
    )
    return tree, seen
