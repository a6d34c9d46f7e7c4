"""`simulate`: what the declared policy will come to, and what another one would."""

from __future__ import annotations

import hashlib
from pathlib import Path

from msgspec import Struct

from reconciler.app.house import House
from reconciler.app.records import with_records
from reconciler.app.scene import NOTHING, look
from reconciler.app.scene import load as load_scene
from reconciler.base.errors import Usage
from reconciler.decide.rates import measure
from reconciler.model.desired import Desired
from reconciler.model.forecast import Forecast, Rates
from reconciler.model.observed import Observed, RunHistory
from reconciler.model.problem import Problem, Severity
from reconciler.simulate.forecast import forecast
from reconciler.spec import SpecFile
from reconciler.spec import load as load_specs


class SimulationReport(Struct, frozen=True):
    """One forecast, and a second one where another policy was given."""

    today: Forecast
    edited: Forecast | None
    problems: tuple[Problem, ...]
    """Of the specs, with the other policy in them where one was given."""


def simulate(house: House, *, days: int, seed: int, policy: Path | None, cached: bool) -> SimulationReport:
    """From what the repositories hold now. Nothing is written. Raises Usage when ``policy`` cannot be read or is in error."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load_scene(house, catalog), refresh=NOTHING if cached else None)
    edited = None
    problems = scene.loaded.problems
    if policy is not None:
        loaded = with_records(house, load_specs(house.specs, overlay=_file(policy)))
        problems = loaded.problems
        faults = [p for p in problems if p.severity is Severity.ERROR and p.place.file == policy.name]
        if faults:
            raise Usage(f"{policy}:{faults[0].place.line}: {faults[0].message}", hint=faults[0].hint or "Correct the file and try again.")
        edited = forecast(loaded.desired, scene.observed, _rates(loaded.desired, scene.observed), scene.now, days, seed)
    today = forecast(scene.desired, scene.observed, _rates(scene.desired, scene.observed), scene.now, days, seed)
    return SimulationReport(today, edited, problems)


def _file(policy: Path) -> SpecFile:
    try:
        data = policy.read_bytes()
    except OSError as error:
        raise Usage(f"the file {policy} cannot be read: {error.strerror}", hint="Is the path right?") from error
    return SpecFile(policy.name, data, hashlib.sha256(data).hexdigest())


def _rates(desired: Desired, observed: Observed) -> dict[str, Rates]:
    found = {}
    for system in desired.systems:
        primary = system.repositories[0] if system.repositories else ""
        state = observed.repositories.get(primary)
        snapshots = state.of(desired.realm, system.name) if state is not None else ()
        found[system.name] = measure(system, snapshots, observed.runs.get((system.name, primary), RunHistory()))
    return found
