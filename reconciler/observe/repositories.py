"""One repository at one instant: opened with its key, listed, and turned into the nouns of ``model/``.

Unreachable, not initialised, wrong key and silent are states, not exceptions: what was known from before stays visible beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.base.errors import ReconcilerError
from reconciler.model.desired import DesiredRepository
from reconciler.model.listing import Listing
from reconciler.model.observed import Failure, Head, RepositoryState
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind, Snapshot
from reconciler.model.turnover import Turnover
from reconciler.observe.deadline import within

if TYPE_CHECKING:
    from reconciler.repository import MarkRecord, Repository, Root, RootListing

Opener = Callable[[DesiredRepository], "Repository"]
"""Opens a repository with its key. Raises ReconcilerError. The caller closes it."""

_KINDS = {kind.value: kind for kind in BackupKind}  # made once: a listing asks for tens of thousands
_GRADES = {grade.value: grade for grade in Grade}
_MARKS = {kind.value: kind for kind in MarkKind}

Foreigner = Callable[[DesiredRepository, datetime], RepositoryState]
"""Looks at a repository of another program. Raises ReconcilerError."""

LISTING_SECONDS_MAX = 120.0
AT_A_TIME = 8


def observe_all(
    wanted: Sequence[DesiredRepository],
    known: Mapping[str, RepositoryState],
    *,
    refresh: Collection[str],
    opener: Opener,
    now: datetime,
    seconds_max: float = LISTING_SECONDS_MAX,
    foreigner: Foreigner | None = None,
) -> dict[str, RepositoryState]:
    """Every wanted repository: listed now when named in ``refresh``, else as it is known. Side by side, each with its own deadline."""
    states = {r.name: replace(known.get(r.name) or _never_seen(r.name), fresh=False) for r in wanted}
    to_list = [r for r in wanted if r.name in refresh]
    if not to_list:
        return states
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(AT_A_TIME, len(to_list)), thread_name_prefix="observe") as pool:

        def look(wanted: DesiredRepository) -> RepositoryState:
            return observe_one(wanted, states[wanted.name], opener=opener, now=now, seconds_max=seconds_max, foreigner=foreigner)

        for state in pool.map(look, to_list):
            states[state.name] = state
    return states


def observe_one(
    wanted: DesiredRepository,
    known: RepositoryState,
    *,
    opener: Opener,
    now: datetime,
    seconds_max: float = LISTING_SECONDS_MAX,
    foreigner: Foreigner | None = None,
) -> RepositoryState:
    """The repository as it is now; when it cannot be seen, what was ``known`` with the failure beside it."""

    def look() -> RepositoryState:
        if wanted.observed_only and foreigner is not None:
            state = foreigner(wanted, now)
            _same(wanted, known, state.id)
            return state
        with opener(wanted) as repository:
            _same(wanted, known, repository.id)
            listing, small_indexes, free_bytes = repository.overview()
            state = state_of(wanted.name, repository.id, listing, free_bytes, now)
            return replace(state, small_indexes=small_indexes)

    try:
        return within(seconds_max, look, what=f"repository {wanted.name}", key=wanted.url)
    except ReconcilerError as error:
        return replace(known, reachable=False, fresh=False, failure=Failure.of(error), free_bytes=None)


def _same(wanted: DesiredRepository, known: RepositoryState, found: str | None) -> None:
    if known.id is not None and known.id != found:
        from reconciler.repository import WrongRepository

        raise WrongRepository(f"the place of repository {wanted.name} holds another repository than before", known=known.id, found=found)


def state_of(name: str, repository_id: str, listing: RootListing, free_bytes: int | None, now: datetime) -> RepositoryState:
    """A listing as an observation. A root that does not open makes the listing incomplete: nothing may be deleted after it."""
    return RepositoryState(
        name=name,
        listed_at=now,
        reachable=True,
        fresh=listing.complete and not listing.damaged,
        id=repository_id,
        snapshots=listing.recall(f"snapshots in {name}", lambda: _snapshots(listing, name)),
        failure=Failure.of(listing.damaged[0][1]) if listing.damaged else None,
        free_bytes=free_bytes,
        heads=listing.recall("heads", lambda: _heads(listing)),
    )


def _snapshots(listing: RootListing, repository: str) -> Listing:
    from reconciler.repository import owner

    marks, none = listing.marks, ()
    return Listing([_snapshot(root, repository, marks.get(root.id, none), owner) for root in listing.roots])  # newest first, as the roots


def _heads(listing: RootListing) -> dict[str, Head]:
    newest: dict[str, Root] = {}
    for root in listing.roots:
        known = newest.setdefault(root.writer, root)
        if (root.sequence, root.id) > (known.sequence, known.id):
            newest[root.writer] = root
    return {writer: Head(root.sequence, root.id, _is_leaving(root, listing)) for writer, root in newest.items()}


def _is_leaving(root: Root, listing: RootListing) -> bool:
    return any(mark.kind == MarkKind.REMOVE for mark in listing.marks.get(root.id, ()))


def snapshot_of(root: Root, repository: str, marks: Collection[MarkRecord]) -> Snapshot:
    """A root as the noun. A kind or grade that a newer version wrote counts as the weakest one known here."""
    from reconciler.repository import owner

    return _snapshot(root, repository, marks, owner)


def _snapshot(
    root: Root, repository: str, marks: Collection[MarkRecord], owner: Callable[[Root, Collection[MarkRecord]], tuple[str, str]]
) -> Snapshot:
    """``owner``: loaded by who asks, for a statement that imports takes a third of all this, ten thousand times."""
    realm, system = owner(root, marks) if marks else (root.realm, root.system)
    return Snapshot(
        id=root.id,
        repository=repository,
        realm=realm,
        system=system,
        host=root.host,
        kind=_KINDS.get(root.kind, BackupKind.INCREMENTAL),
        as_of=root.as_of,
        ended_at=root.ended_at,
        arrived_at=root.arrived_at,
        grade=_GRADES.get(root.grade, Grade.SUSPECT),
        files=root.files,
        bytes=root.bytes,
        added_bytes=root.added_bytes,
        parent=root.parent,
        defects=root.defect_count,
        marks=tuple([Mark(_MARKS[mark.kind], mark.at, mark.note, mark.until) for mark in marks if mark.kind in _MARKS]) if marks else (),
        turnover=Turnover(*root.turnover.counts) if root.turnover is not None else None,
    )


def _never_seen(name: str) -> RepositoryState:
    return RepositoryState(name=name, listed_at=None, reachable=False)
