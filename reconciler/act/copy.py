"""Copying snapshots of a system into another repository, read from any repository that can give them.

A snapshot counts as copied when its root stands in the target, and that is written last, after everything it needs was read back.
Whatever else happens, the next run goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.act.context import Amount, Context, Done
from reconciler.act.errors import DamageFound, FactsChanged, NothingToCopy
from reconciler.act.facts import declared_system, good_roots, open_repository, own_roots
from reconciler.act.room import FIRST_SHARE, Expectation, enough_room
from reconciler.act.words import counted
from reconciler.base.errors import ReconcilerError
from reconciler.base.units import format_size
from reconciler.catalog.records import RunOutcome
from reconciler.model.desired import DesiredSystem
from reconciler.model.plan import Action
from reconciler.model.snapshot import MarkKind
from reconciler.repository import ADOPTED, Collected, Copied, OriginDamaged, Progress, Repository, Root, adoption_note

_NAMED = 3
_TRIES = 4


def run(action: Action, context: Context) -> Done:
    """Bring the snapshots that ``action`` names into its repository, as far as they are not there."""
    system = declared_system(action, context)
    with open_repository(action, context) as target:
        listing = target.listing()
        there = {root.id for root in listing.roots}
        _claim(action, context, target, there.difference(own_roots(action, context, listing)).intersection(action.snapshots))
        work = _Work(action, context, system, target, [snapshot for snapshot in action.snapshots if snapshot not in there])
        if not work.left:
            return _nothing_to_do(action, context, target)
        for name in _origins(action, context):
            if work.left:
                work.read_from(name)
        return work.done()


class _Work(Struct):
    """One copy action under way."""

    action: Action
    context: Context
    system: DesiredSystem
    target: Repository
    left: list[str]
    """Still to be copied, newest first."""
    copied: list[Copied] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    """Names of the repositories that gave something."""
    damage: list[tuple[str, OriginDamaged]] = field(default_factory=list)
    unreachable: list[ReconcilerError] = field(default_factory=list)
    _files: dict[str, int] = field(default_factory=dict)
    """How many each snapshot has, as observed."""

    def __post_init__(self) -> None:
        """Look them up once."""
        self._files = {s.id: s.files for state in self.context.observed.repositories.values() for s in state.snapshots}

    def read_from(self, name: str) -> None:
        """Copy what this repository holds whole. One that cannot be opened is passed over, and told when nobody else can help."""
        try:
            origin = open_repository(replace(self.action, repository=name), self.context)
        except ReconcilerError as error:
            self.unreachable.append(error)
            return
        with origin:
            if origin.id == self.target.id:
                return
            listing = origin.listing()
            good = good_roots(own_roots(self.action, self.context, listing).values(), listing)
            wanted = [root for root in good if root.id in self.left]
            if wanted:
                enough_room(self.action, self.target.free_bytes(), self._expected(wanted))
            tries = _TRIES
            while wanted:
                try:
                    for done in self._copies(origin, wanted):
                        self._note(name, done)
                        if any(mark.kind == ADOPTED for mark in listing.marks.get(done.snapshot, ())):
                            _claim(self.action, self.context, self.target, (done.snapshot,))
                        wanted = [root for root in wanted if root.id != done.snapshot]
                except Collected:  # a clean-up of the target came between: what was stored is found, the rest is copied anew
                    tries -= 1
                    if not tries:
                        raise
                except OriginDamaged as error:
                    self._damaged(name, origin, error)
                    wanted = [root for root in wanted if root.id != error.context["snapshot"]]

    def _copies(self, origin: Repository, wanted: Iterable[Root]) -> Iterator[Copied]:
        compression = (self.system.compression.algorithm or "zstd", self.system.compression.level)
        ids = [root.id for root in wanted]
        return self.target.copy_from(origin, ids, compression=compression, stop=self.context.stop, progress=self._reporter())

    def _expected(self, wanted: list[Root]) -> Expectation:
        """A first copy needs about what a first backup needs; what follows adds what it added where it was taken."""
        first = not any(root.system == wanted[0].system for root in self.target.listing().roots)
        start = wanted[0].bytes * FIRST_SHARE if first else wanted[0].added_bytes
        return Expectation(start, None)

    def _reporter(self) -> Callable[[Progress], None] | None:
        watcher = self.context.progress
        if watcher is None:
            return None
        total = sum(self._files.get(snapshot, 0) for snapshot in (*self.left, *(done.snapshot for done in self.copied)))

        def report(now: Progress) -> None:
            files, content = sum(done.files for done in self.copied), sum(done.bytes for done in self.copied)
            watcher(self.action, Amount(files + now.files, content + now.bytes, now.stored_bytes, total or None))

        return report

    def _note(self, name: str, done: Copied) -> None:
        self.left.remove(done.snapshot)
        self.copied.append(done)
        if name not in self.read:
            self.read.append(name)

    def _damaged(self, name: str, origin: Repository, error: OriginDamaged) -> None:
        """Whoever reads that repository next must know."""
        self.damage.append((name, error))
        at, snapshot = self.context.clock.now(), str(error.context["snapshot"])
        pack = str(error.context.get("object", ""))
        with suppress(ReconcilerError):  # a mark that cannot be written must not hide what was found
            if pack.startswith("packs/"):
                origin.distrust([pack], at, f"found while copying {snapshot}")
            origin.mark(snapshot, MarkKind.DAMAGED.value, at, error.message)

    def done(self) -> Done:
        """What was achieved; an error when something is left."""
        if self.left and self.damage:
            raise DamageFound(self._sentence_of_damage())
        if self.left and self.unreachable:
            raise self.unreachable[0]
        if self.left:
            raise FactsChanged(
                f"{counted(len(self.left), 'snapshot')} of system {self.action.system} can no longer be found in any repository",
                snapshots=", ".join(self.left),
            )
        new = sum(done.added_bytes for done in self.copied)
        sentence = f"{counted(len(self.copied), 'snapshot')} copied from {' and '.join(self.read)} to {self.action.repository}"
        sentence += f", {format_size(sum(done.read_bytes for done in self.copied))} read, {format_size(new)} stored anew"
        if self.damage:
            sentence += f"; {self._sentence_of_damage()}"
        return Done(
            RunOutcome.SUCCEEDED,
            sentence,
            snapshot_id=self.copied[0].snapshot,
            as_of=self.copied[0].root.as_of if self.copied[0].root is not None else None,
            files=sum(done.files for done in self.copied),
            bytes=sum(done.bytes for done in self.copied),
            added_bytes=new,
        )

    def _sentence_of_damage(self) -> str:
        named = "; ".join(error.message for _, error in self.damage[:_NAMED])
        where = ", ".join(dict.fromkeys(name for name, _ in self.damage))
        return f"repository {where} is damaged, found while copying system {self.action.system}: {named}"


def _claim(action: Action, context: Context, target: Repository, snapshots: Iterable[str]) -> None:
    """Adopted where they come from, so here, too: a copy that stayed foreign would be copied again for ever."""
    note = adoption_note(context.desired.realm, action.system, "as where it was copied from")
    for snapshot in snapshots:
        target.mark(snapshot, MarkKind.ADOPTED.value, context.clock.now(), note, sole=True)


def _origins(action: Action, context: Context) -> list[str]:
    """The repository that the plan names, then the others of the system, then every other one that is declared."""
    system = context.desired.system(action.system)
    declared = [repository.name for repository in context.desired.repositories]
    names = dict.fromkeys([action.origin, *(system.repositories if system is not None else ()), *declared])
    return [name for name in names if name in declared and name != action.repository]


def _nothing_to_do(action: Action, context: Context, target: Repository) -> Done:
    """Silence would read like success: say whether that is so because everything is there, or because nothing could be seen."""
    listing = target.listing()
    held = good_roots(own_roots(action, context, listing).values(), listing)
    if not action.snapshots:
        for name in declared_system(action, context).repositories:
            if name != action.repository:
                open_repository(replace(action, repository=name), context).close()
    if not held:
        raise NothingToCopy(f"no repository holds a good snapshot of system {action.system}")
    return Done(RunOutcome.UNCHANGED, f"{action.repository} holds every snapshot that retention asks for", snapshot_id=held[0].id)
