"""What is wanted and what is seen, at one instant: the input of every decision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app import history
from reconciler.app.house import House
from reconciler.app.promises import remember_promises
from reconciler.app.records import with_records
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed, RepositoryState
from reconciler.model.problem import Severity
from reconciler.observe.repositories import observe_all
from reconciler.observe.sources import KnownSources
from reconciler.observe.world import Look, observe
from reconciler.spec import Cache, Loaded, StoredDocument, revision
from reconciler.spec import load as load_specs

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog
    from reconciler.model.status import SpecStatus

_ROOT = "specs.root"
_DIGEST = "specs.digest"
NOTHING: frozenset[str] = frozenset()


class Scene(Struct, frozen=True):
    """One look at everything."""

    loaded: Loaded
    observed: Observed
    now: datetime

    @property
    def desired(self) -> Desired:
        return self.loaded.desired

    @property
    def specs(self) -> SpecStatus:
        from reconciler.model.status import SpecStatus

        errors = sum(problem.severity is Severity.ERROR for problem in self.loaded.problems)
        return SpecStatus(
            digest=self.desired.digest,
            clean=self.desired.clean,
            errors=errors,
            warnings=len(self.loaded.problems) - errors,
            loaded_at=self.now,
            objects=self.loaded.objects,
            revision=self.desired.revision,
        )


def load(house: House, catalog: Catalog, *, cache: Cache | None = None) -> Loaded:
    """The specs; what does not parse stands as it last did. What another tree left in this memory never stands in."""
    same_tree = catalog.get_value(_ROOT) == str(house.specs)
    known = cast("Mapping[tuple[str, str], StoredDocument]", catalog.last_good()) if same_tree else {}
    cache = cache if cache is not None else Cache(house.memory.parses())
    loaded = with_records(house, load_specs(house.specs, last_good=known, cache=cache), cache)
    return replace(loaded, desired=replace(loaded.desired, revision=revision(house.specs)))


def remember_specs(house: House, catalog: Catalog, loaded: Loaded) -> None:
    """Keep what parsed well for the day when it does not, and record what is promised. Writes only when something changed."""
    from reconciler.catalog.records import Document

    house.memory.parses().keep()
    remember_promises(house, catalog, loaded.desired)
    same_tree = catalog.get_value(_ROOT) == str(house.specs)
    if same_tree and catalog.get_value(_DIGEST) == loaded.desired.digest:
        return
    removed = set(loaded.removed)
    if not same_tree:
        removed |= set(catalog.last_good()) - loaded.good
    catalog.put_last_good([Document(*document) for document in loaded.documents], removed)
    catalog.put_value(_ROOT, str(house.specs))
    catalog.put_value(_DIGEST, loaded.desired.digest)


def look(
    house: House,
    catalog: Catalog,
    loaded: Loaded,
    *,
    refresh: frozenset[str] | None = None,
    clock_jump: timedelta | None = None,
    sources: KnownSources | None = None,
) -> Scene:
    """Everything as of now. ``refresh``: repositories to list; None: all, empty: none (as the catalog remembers them).

    ``sources``: the same one in each pass of a loop.
    """
    now = house.clock.now()
    how = Look(
        house.agent,
        house.open_repository,
        refresh=refresh,
        clock_jump=clock_jump,
        foreigner=house.foreigner(loaded.desired.realm),
        allow_commands=house.allow_commands,
        sources=sources,
    )
    return Scene(loaded, history.compared(catalog, observe(loaded.desired, catalog, how, now)), now)


def look_at_snapshots(house: House) -> Scene:
    """The specs, and what the repositories hold now: enough for whoever only reads snapshots.

    The catalog is opened only for what cannot be seen: a spec that does not parse or is gone, a repository that does not answer. The
    library that reads it takes longer to load than most questions take to answer.
    """
    now, loaded = house.clock.now(), load_specs(house.specs, last_good={}, cache=Cache(house.memory.parses()))
    if loaded.desired.clean and not any(problem.code == "no-realm" for problem in loaded.problems):  # without one it may be lost
        loaded = with_records(house, loaded)
    else:
        with house.memory.reading() as catalog:
            loaded = load(house, catalog)
    wanted = loaded.desired.repositories
    names, look_elsewhere = frozenset(r.name for r in wanted), house.foreigner(loaded.desired.realm)
    states = observe_all(wanted, {}, refresh=names, opener=house.open_repository, now=now, foreigner=look_elsewhere)
    if not all(state.reachable for state in states.values()):
        with house.memory.reading() as catalog:
            known = catalog.repositories()
        states = {name: state if state.reachable else _as_known(state, known.get(name, state)) for name, state in states.items()}
    return Scene(loaded, Observed(at=now, agent=house.agent, repositories=states), now)


def _as_known(state: RepositoryState, known: RepositoryState) -> RepositoryState:
    return replace(known, reachable=False, fresh=False, failure=state.failure, free_bytes=None)


def remember_repositories(catalog: Catalog, scene: Scene, looked_at: frozenset[str] | None = None) -> None:
    """Keep what was listed in this look."""
    for name, state in scene.observed.repositories.items():
        if looked_at is None or name in looked_at:
            catalog.put_repository(state)
            history.remember_heads(catalog, state)
