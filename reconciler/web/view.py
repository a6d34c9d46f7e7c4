"""From a board to what the page shows: pure, so it can be tested without a server. Worst first, and no more rows than a browser likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from reconciler.model.board import Board
from reconciler.model.event import Event
from reconciler.model.health import HealthState
from reconciler.model.impact import Impact, SystemImpact
from reconciler.model.plan import Action, Gap, Held, Waiting
from reconciler.model.pulse import Pulse
from reconciler.model.standing import Standing, repository_standing, standing, unwell, verdict
from reconciler.model.status import Condition, RepositoryStatus, Status, SystemStatus
from reconciler.model.wording import causes

SYSTEMS_SHOWN: Final = 200
ACTIONS_SHOWN: Final = 100
WAITING_SHOWN: Final = 10
_LATE_INTERVALS: Final = 3
"""As many intervals without a look, and at least a minute, and the page says that it shows the past."""


class SystemView(Struct, frozen=True):
    """One row, and what opens under it."""

    system: SystemStatus
    standing: Standing
    point: datetime | None
    """The recovery point that a restore would reach now: the newest of all repositories."""
    share: float | None
    """Of the RPO that has passed since then; above 1 it is broken."""
    unwell: tuple[Condition, ...]

    @property
    def overdue(self) -> bool:
        """Whether the RPO is broken already: then nothing need be predicted."""
        return self.share is not None and self.share > 1


class RepositoryView(Struct, frozen=True):
    """One row."""

    repository: RepositoryStatus
    standing: Standing
    unwell: tuple[Condition, ...]


class HeatRow(Struct, frozen=True):
    """One system under every disaster, in the order of the scenarios."""

    system: str
    cells: tuple[SystemImpact | None, ...]

    @property
    def badness(self) -> tuple[int, ...]:
        """Smaller is worse: by the worst of its verdicts, then by the others."""
        return tuple(sorted(cell.verdict.rank for cell in self.cells if cell is not None))


class View(Struct, frozen=True):
    """The page. ``board`` is None until something was observed: then nothing below it is there."""

    now: datetime
    pulse: Pulse
    verdict: Standing
    board: Board | None = None
    late: timedelta | None = None
    """How old the shown state is, where that is more than it should be."""
    systems: tuple[SystemView, ...] = ()
    hidden: int = 0
    """Systems that are not shown; none of them is worse than those that are."""
    tally: Mapping[HealthState, int] | None = None
    repositories: tuple[RepositoryView, ...] = ()
    own: tuple[Condition, ...] = ()
    """Of the program itself, where not well."""
    persons: tuple[tuple[str, tuple[Sequence[Gap], ...]], ...] = ()
    """What to do, and every cause that asks for it."""
    held: tuple[Held, ...] = ()
    actions: tuple[Action, ...] = ()
    more_actions: int = 0
    waiting: tuple[Waiting, ...] = ()
    events: tuple[Event, ...] = ()
    heat: tuple[HeatRow, ...] = ()
    """The worst first, as many as systems are shown."""


def view(board: Board | None, pulse: Pulse, now: datetime, *, all_systems: bool = False) -> View:
    """Everything, ready to be written."""
    if board is None:
        return View(now, pulse, Standing("Nothing was observed yet: the loop takes its first look.", HealthState.UNKNOWN))
    status, plan = board.status, board.plan
    systems = sorted((_system(s, now) for s in status.systems), key=_worst_first)
    shown = systems if all_systems else systems[:SYSTEMS_SHOWN]
    return View(
        now,
        pulse,
        verdict(status),
        board,
        late=_late(status, pulse, now),
        systems=tuple(shown),
        hidden=len(systems) - len(shown),
        tally={state: sum(s.standing.state is state for s in systems) for state in HealthState},
        repositories=tuple(_repository(r) for r in status.repositories),
        own=tuple(c for c in status.conditions if unwell(c)),
        persons=_persons(plan.gaps),
        held=plan.held,
        actions=plan.actions[:ACTIONS_SHOWN],
        more_actions=max(0, len(plan.actions) - ACTIONS_SHOWN),
        waiting=tuple(sorted(plan.waiting, key=lambda w: (w.due_at, w.system))[:WAITING_SHOWN]),
        events=board.events,
        heat=_heat(board.impact, None if all_systems else SYSTEMS_SHOWN),
    )


def _persons(gaps: Sequence[Gap]) -> tuple[tuple[str, tuple[Sequence[Gap], ...]], ...]:
    """One advice that mends many things is read once."""
    found: dict[str, list[Sequence[Gap]]] = {}
    for cause in causes(gaps):
        found.setdefault(cause[0].person, []).append(cause)
    return tuple((person, tuple(group)) for person, group in found.items())


def _heat(impact: Impact | None, most: int | None) -> tuple[HeatRow, ...]:
    if impact is None:
        return ()
    found: dict[str, dict[str, SystemImpact]] = {}
    for each in impact.systems:
        found.setdefault(each.system, {})[each.scenario] = each
    rows = [HeatRow(name, tuple(cells.get(s.name) for s in impact.scenarios)) for name, cells in found.items()]
    return tuple(sorted(rows, key=lambda row: (row.badness, row.system))[:most])


def _late(status: Status, pulse: Pulse, now: datetime) -> timedelta | None:
    age = now - status.at
    limit = max(_LATE_INTERVALS * status.loop.interval, timedelta(minutes=1))
    return age if age > limit or not pulse.alive else None


def _worst_first(shown: SystemView) -> tuple[int, float, str]:
    return shown.standing.state.rank, -(shown.share if shown.share is not None else 0.0), shown.system.name


def _system(system: SystemStatus, now: datetime) -> SystemView:
    point = max((p.recovery_point_at for p in system.protection if p.recovery_point_at is not None), default=None)
    share = (now - point) / system.rpo if point is not None and system.rpo else None
    return SystemView(system, standing(system), point, share, tuple(c for c in system.conditions if unwell(c)))


def _repository(repository: RepositoryStatus) -> RepositoryView:
    return RepositoryView(repository, repository_standing(repository), tuple(c for c in repository.conditions if unwell(c)))
