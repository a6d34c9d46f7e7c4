"""From a chosen snapshot to a report: weighed, shown, admitted, carried out into a folder or in place, and told."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from reconciler.act.backup import user_name
from reconciler.act.context import Amount
from reconciler.app.house import House
from reconciler.app.paths import inside
from reconciler.app.reports import Outlook, RestorePlan, RestoreReport, RestoreRequest
from reconciler.app.restoring import in_place
from reconciler.app.restoring.apply import Applied, Applying
from reconciler.app.restoring.checksums import check_place, write_list
from reconciler.app.restoring.journal import Header
from reconciler.app.restoring.leftovers import of_killed, prefix_of, sweep
from reconciler.app.restoring.plan import Weighed, Weighing, admit, weigh
from reconciler.app.restoring.record import Traces, who
from reconciler.app.restoring.refusals import ignored
from reconciler.app.restoring.safety import SafetyFrame
from reconciler.app.scene import Scene
from reconciler.base.errors import ReconcilerError
from reconciler.base.ids import new_id
from reconciler.catalog.records import RestoreRecord
from reconciler.decide.expect import Measured
from reconciler.repository import Repository, Restoring, Root
from reconciler.tree.standing import Standing
from reconciler.tree.write import Target

Reporter = Callable[[Amount], None]
Teller = Callable[[RestorePlan], None]
"""Hears the plan before anything is done."""
MEASURED_FOR = timedelta(days=365)
"""Older restores say little about the disks of today."""


class Running(Struct, frozen=True):
    """What every restore is carried out with."""

    repository: Repository
    made: RestorePlan
    """The snapshot is chosen, nothing is compared yet."""
    request: RestoreRequest
    how: Weighing
    stop: threading.Event
    progress: Reporter | None = None
    told: Teller | None = None


def into_folder(running: Running, house: House | None) -> RestoreReport:
    """Into a target folder. Without a house nothing remembers it."""
    weighed = _admitted(running)
    if house is None:
        return _reported(running, weighed, _write(running, weighed))
    record = RestoreRecord(
        id=new_id(),
        kind="restore",
        system=running.made.snapshot.system,
        repository=running.made.repository,
        snapshot_id=running.made.snapshot.id,
        target=running.made.target,
        in_place=False,
        policy=running.request.on_conflict,
        actor=who(),
        started_at=house.clock.now(),
    )
    traces = Traces(house, record)
    killed = of_killed(house, record.target)
    traces.begin(paths=list(running.request.paths), policy=record.policy, digest=_outlook(weighed).digest)
    try:
        applied = _write(running, weighed, prefix_of(record.id))
        _clean(running, weighed, killed)
    except ReconcilerError as error:
        traces.failed(error)
        raise
    traces.end(applied)
    report = _reported(running, weighed, applied)
    return replace(report, id=record.id, notes=(*report.notes, *traces.notes))


def into_place(running: Running, house: House) -> RestoreReport:
    """Back to where the files came from."""
    with in_place.exclusive(house) as state:
        in_place.refuse_beside(state, running.made.snapshot.system)
        weighed = _admitted(running)
        if weighed.steps.nothing:
            nothing = Applied(failures=[*weighed.steps.unread])
            nothing.add_failures(weighed.steps.refused, damage=True)
            return _reported(running, weighed, nothing)
        ended = in_place.begin(_operation(running, weighed, house), state)
    report = _reported(running, weighed, ended.applied)
    return replace(report, id=ended.id, safety=ended.safety, notes=(*report.notes, *ended.notes))


def weighing(house: House, scene: Scene, made: RestorePlan, stop: threading.Event | None) -> Weighing:
    """What planning may and may not touch on this machine, and what earlier restores took."""
    with house.memory.reading() as catalog:
        records = catalog.measured_restores(made.snapshot.system, made.repository, scene.now - MEASURED_FOR)
    measured = [Measured(r.system, r.files, r.bytes, r.seconds) for r in records]
    places = [str(house.memory.state), *(r.url for r in scene.desired.repositories if "://" not in r.url)]
    return Weighing(house.never_read(scene.desired), [os.path.realpath(place) for place in places], measured, stop)


def frame_for(house: House, root: Root, restore: str) -> SafetyFrame:
    """Who takes the safety snapshot: it belongs to the system that is restored."""
    return SafetyFrame(restore, house.agent, house.memory.writer(), user_name(), root.realm, root.system)


def teller(progress: Reporter | None) -> Callable[[Restoring], None] | None:
    """Progress of the engine in the words of the house."""
    return None if progress is None else lambda now: progress(Amount(now.files, now.bytes, 0, now.total_files))


def report_of(made: RestorePlan, applied: Applied) -> RestoreReport:
    """What became of the steps."""
    return RestoreReport(
        plan=made,
        files=applied.files,
        bytes=applied.size,
        folders=applied.folders,
        seconds=applied.seconds,
        losses=tuple((os.fsdecode(loss.path), loss.what, loss.message) for loss in applied.losses),
        failures=tuple((os.fsdecode(path), why) for path, why in applied.failures),
        notes=made.notes,
        deleted=applied.deleted,
        damaged=applied.damaged,
    )


def _admitted(running: Running) -> Weighed:
    """The plan, shown, and refused before anything happens."""
    request = running.request
    if request.checksums is not None:
        check_place(request.checksums)
    weighed = weigh(running.repository, running.made, inside(request.paths), request, running.how)
    if running.told is not None:
        running.told(weighed.plan)
    admit(weighed, request)
    return weighed


def _clean(running: Running, weighed: Weighed, killed: tuple[bytes, ...]) -> None:
    """What earlier restores into this folder, whose process was killed, have left half written."""
    if killed:
        entries = running.repository.entries(weighed.root.id, weighed.choice.prefix, ignored)
        with Standing(weighed.plan.target) as standing:
            sweep({entry.folder for entry in entries if entry in weighed.choice}, killed, standing)


def _write(running: Running, weighed: Weighed, prefix: bytes | None = None) -> Applied:
    """``prefix``: of temporary names, so that the next restore knows whose they are."""
    place, replaces = weighed.plan.target, weighed.steps.policy.replaces
    with Target.open(place, replace=replaces) as target, Standing(place) as standing:
        target.prefix = prefix or target.prefix
        applying = Applying(
            running.repository,
            weighed.root.id,
            target,
            standing,
            weighed.steps,
            weighed.choice,
            checks=replaces,
            stop=running.stop,
            progress=teller(running.progress),
            prefix=weighed.choice.prefix,
        )
        applied = applying.run()
    applied.failures += weighed.steps.unread
    return applied


def _operation(running: Running, weighed: Weighed, house: House) -> in_place.Operation:
    header = Header(
        id=new_id(),
        kind="restore",
        system=running.made.snapshot.system,
        repository=running.made.repository,
        snapshot=weighed.root.id,
        policy=running.request.on_conflict,
        paths=running.request.paths,
        digest=_outlook(weighed).digest,
        actor=who(),
        at=f"{house.clock.now():%Y-%m-%d %H:%M:%SZ}",
        covering=weighed.steps.covering,
    )
    return in_place.Operation(
        house,
        running.repository,
        weighed.root,
        frame_for(house, weighed.root, header.id),
        header,
        weighed.steps,
        weighed.choice,
        running.stop,
        teller(running.progress),
        failures=[*weighed.steps.unread],
    )


def _reported(running: Running, weighed: Weighed, applied: Applied) -> RestoreReport:
    outlook, file = _outlook(weighed), running.request.checksums
    report = replace(report_of(weighed.plan, applied), same=outlook.same, kept=outlook.kept)
    if file is None:
        return report
    without = {*weighed.steps.left, *(path for path, _ in applied.failures)}
    place = in_place.PLACE if weighed.plan.in_place else weighed.plan.target
    lines = write_list(running.repository, weighed.root.id, weighed.choice, without, place, file)
    return replace(report, checksums=(str(Path(file).expanduser().absolute()), lines))


def _outlook(weighed: Weighed) -> Outlook:
    assert weighed.plan.outlook is not None, "a weighed plan has an outlook"
    return weighed.plan.outlook
