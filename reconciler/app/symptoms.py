"""What the doctor reads of the clock, the memory of the program, and each repository: rows of a title and words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from reconciler.app.history import remembered_clock
from reconciler.app.house import House
from reconciler.app.memory import CATALOG, last_recovery
from reconciler.base.clock import local_offset
from reconciler.base.errors import ReconcilerError
from reconciler.base.units import format_duration, format_size
from reconciler.decide.clocks import unsettled_since
from reconciler.decide.objectives import newest_checked_at, newest_verified_at

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog
    from reconciler.model.desired import DesiredRepository
    from reconciler.model.observed import RepositoryState
    from reconciler.repository import Outside
    from reconciler.spec import Loaded

OUTSIDE_SECONDS_MAX = 5.0
"""So long a repository may take to say how many objects it holds."""
APART = timedelta(minutes=1)
"""What passes remember of the clock is no finer."""
Row = tuple[str, str]
_NOT_SYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)


def of_clock(catalog: Catalog, house: House) -> Iterator[Row]:
    """What it says, and whether what is removed may rely on it."""
    now = house.clock.now()
    yield "now", f"{moment(now)}, in the zone of this host {local_offset(now):%H:%M %z}"
    last, unsettled = remembered_clock(catalog)
    since = unsettled_since(last, unsettled, now)
    yield "believed", f"not since {moment(since)}: it was set or jumped, and nothing is removed for a day" if since is not None else "yes"
    if last is not None:
        apart = now - last
        words = f"behind the last pass by {format_duration(-apart)}" if apart < -APART else f"the last pass was at {moment(last)}"
        yield "against the last pass", words
    ahead = [s.arrived_at for state in catalog.repositories().values() for s in state.snapshots if s.arrived_at - now > APART]
    if ahead:
        yield "against repositories", f"behind {len(ahead)} snapshots, the newest arrived at {moment(max(ahead))}"
    yield "kept by a time server", _synchronised()


def of_catalog(house: House) -> Iterator[Row]:
    """The file, beside whoever uses it."""
    from reconciler.catalog.examine import examine

    path = house.memory.state / CATALOG
    if not path.is_file():
        yield "file", "not there: the next pass makes it from the repositories"
        return
    found = examine(path, house.clock)
    version = "unknown" if found.version is None else str(found.version)
    yield "version", f"{version}, this program writes {found.known}"
    yield "integrity", found.fault or "whole"
    with house.memory.reading() as catalog:
        recovery = last_recovery(catalog, house.clock.now())
    if recovery is not None:
        yield "made anew", f"{moment(recovery[0])}: {recovery[1]}"


def of_repositories(catalog: Catalog, loaded: Loaded, house: House) -> Iterator[Row]:
    """Each of them: what the catalog knows, and what the place itself says without its key."""
    from reconciler.repository import FORMAT

    known, pruned, now = catalog.repositories(), catalog.pruned(), house.clock.now()
    yield "format of this program", str(FORMAT)
    for repository in loaded.desired.repositories:
        state = known.get(repository.name)
        yield repository.name, ", ".join(_standing(repository, state))
        if not repository.observed_only:
            yield f"{repository.name}: place", _of_place(house, repository)
        snapshots = state.snapshots if state is not None else ()
        verified, checked = newest_verified_at(snapshots, now), newest_checked_at(snapshots, now)
        yield f"{repository.name}: verified", f"content {_dated(verified, now)}, structure {_dated(checked, now)}"
        if not repository.observed_only:
            yield f"{repository.name}: cleaned up", _dated(pruned.get(repository.name), now)


def moment(at: datetime) -> str:
    """As the page writes it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _standing(repository: DesiredRepository, state: RepositoryState | None) -> Iterator[str]:
    yield repository.url.partition("://")[0] if repository.is_remote else "disk"
    if repository.observed_only:
        yield f"format {repository.format}"
    if state is None or state.listed_at is None:
        yield "never listed"
        if state is not None and state.failure is not None:
            yield f"not reachable ({state.failure.code})"
        return
    yield f"id {state.id[:8]}…" if state.id else "id unknown"
    yield "reachable" if state.reachable else f"not reachable ({state.failure.code if state.failure else 'unknown'})"
    yield f"{len(state.snapshots):,} snapshots, listed {moment(state.listed_at)}"
    if state.lost:
        yield f"went back in time: {len(state.lost)} newest snapshots that were there are missing"


def _of_place(house: House, repository: DesiredRepository) -> str:
    from reconciler.observe.deadline import within

    try:
        found = within(
            OUTSIDE_SECONDS_MAX,
            partial(_outside, house, repository),
            what="it",
            key=f"outside {repository.name}",
        )
    except ReconcilerError as error:  # the page goes on
        return f"{error.code}: {error.message}"
    parts = ", ".join(f"{count:,} {folder}" for folder, count in found.objects.items())
    features = f", features {', '.join(found.features)}" if found.features else ""
    total = sum(found.objects.values())
    return f"format {found.format}, suite {found.suite}{features}; {total:,} objects, {format_size(found.bytes)}: {parts}"


def _outside(house: House, repository: DesiredRepository) -> Outside:
    from reconciler.repository import look_outside

    return look_outside(house.memory.place(repository, house.allow_commands))


def _dated(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    return moment(at) if at <= now else f"{moment(at)}, which is to come"


def _synchronised() -> str:
    """What the kernel says: whether a time server has set it lately. Unknown where it cannot be asked."""
    import ctypes

    with suppress(OSError, AttributeError):
        asked = ctypes.create_string_buffer(512)  # struct timex, all zero: nothing is set
        state = ctypes.CDLL(None).adjtimex(asked)
        if state >= 0:
            return "no" if state == _NOT_SYNCHRONISED else "yes"
    return "unknown"
