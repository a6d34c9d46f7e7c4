"""Creating a repository, and its key when the key file is missing. Only on a person's word: the loop never does.

A place that once held a repository and holds none now is most often a disk that is not mounted: a pass with ``--init`` leaves it alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app import keys
from reconciler.app.errors import KeyMissing
from reconciler.app.house import House
from reconciler.app.names import repository_named
from reconciler.app.reports import InitReport
from reconciler.app.scene import load
from reconciler.base.errors import ReconcilerError
from reconciler.base.secret import Secret
from reconciler.model.desired import Desired, DesiredRepository
from reconciler.observe.repositories import state_of
from reconciler.repository import Repository
from reconciler.repository.errors import AlreadyInitialised

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog


def init_repository(house: House, name: str) -> InitReport:
    """Create the repository that the specs declare under ``name``; AlreadyInitialised when it is there."""
    catalog = house.memory.writing()
    desired = load(house, catalog).desired
    repository = repository_named(desired, name)
    if house.is_there(repository):
        raise AlreadyInitialised(f"there is a repository at {repository.url} already", repository=name)
    return _create(house, catalog, repository)


def create_missing(house: House, catalog: Catalog, desired: Desired) -> tuple[InitReport, ...]:
    """Create every declared repository that was never there."""
    known = catalog.repositories()
    made = []
    for repository in desired.repositories:
        seen = known.get(repository.name)
        if (seen is None or seen.id is None) and _is_surely_missing(house, repository):
            made.append(_create(house, catalog, repository))
    return tuple(made)


def _is_surely_missing(house: House, repository: DesiredRepository) -> bool:
    try:
        return not house.is_there(repository)
    except ReconcilerError:
        return False  # what is wrong there, the observation of this pass says


def _create(house: House, catalog: Catalog, repository: DesiredRepository) -> InitReport:
    audit, facts = house.memory.audit(), {"url": repository.url, "actor": "cli"}
    audit.append("intent", "init", repository.name, **facts)
    key, created_key = _key(house, repository)
    try:
        place = house.memory.place(repository, house.allow_commands)
        made = Repository.init(
            repository.url, key, kind=repository.key.kind, created_at=house.clock.now(), store=place, cache=house.memory.cache()
        )
    except ReconcilerError as error:
        audit.append("complete", "init", repository.name, outcome="failed", code=error.code, created_key=created_key, **facts)
        raise
    with made:
        report = InitReport(
            name=repository.name,
            url=repository.url,
            id=made.id,
            created=True,
            created_key=created_key,
            key_file=repository.key.file,
            warning=_warning(repository, created_key),
        )
        catalog.put_repository(state_of(repository.name, made.id, made.listing(), made.free_bytes(), house.clock.now()))
    audit.append("complete", "init", repository.name, outcome="succeeded", id=report.id, created_key=created_key, **facts)
    return report


def _key(house: House, repository: DesiredRepository) -> tuple[Secret, bool]:
    """The key, and whether it was made now: a raw key in a file is durable before anything is encrypted with it."""
    try:
        return keys.load(repository.key, allowed=house.allow_commands), False
    except KeyMissing:
        if repository.key.file is None or repository.key.kind != "raw":
            raise
        return keys.create(Path(repository.key.file)), True


def _warning(repository: DesiredRepository, created_key: bool) -> str:
    if not created_key:
        return ""
    return f"the key of repository {repository.name} is in {repository.key.file}: {keys.WARNING}"
