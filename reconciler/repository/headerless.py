"""A repository whose ``header`` is lost: its key slots say, under a commitment to the key, which repository it is; the rest is made anew.

Only for whoever brings something back: a reader believes what opens with these keys, and a repair writes the header again. Everybody else
is told, because a header may forbid what an older program would do.
"""

from __future__ import annotations

from reconciler.base.ids import is_id
from reconciler.base.secret import Secret
from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError
from reconciler.repository.format import OBJECT_BYTES_MAX
from reconciler.repository.keys import Stored, open_slots, parse_checked, read_slots
from reconciler.repository.root import unseal_root
from reconciler.repository.seal import Seals
from reconciler.repository.store import Readable

_ROOTS_TRIED = 20


def seals_without_header(store: Readable, key: Secret, kind: str, lost: RepositoryError) -> Seals:
    """The keys of the repository whose snapshots lie there. ``key``: as it is used; ``lost``: why there is no header.

    Raises what the last slot says, or ``lost`` where there is none. What an interrupted init left has slots and no snapshot, and is none.
    """
    refused = lost
    for name, data in sorted(read_slots(store).items()):
        try:
            seals = _opened(name, data, key, kind)
        except RepositoryError as error:
            refused = error
            continue
        if _opens_a_snapshot(store, seals):
            return seals
    raise refused


def _opened(name: str, data: Stored, key: Secret, kind: str) -> Seals:
    claimed = parse_checked(name, data).get("repository")
    if not isinstance(claimed, str) or not is_id(claimed):
        raise Damaged(f"{name} belongs to no repository", object=name)
    return Seals(open_slots({name: data}, key, kind, claimed), claimed)


def _opens_a_snapshot(store: Readable, seals: Seals) -> bool:
    for _, found in zip(range(_ROOTS_TRIED), store.list("snapshots"), strict=False):
        try:
            unseal_root(seals, found.name, store.get(found.name, OBJECT_BYTES_MAX))
        except (Damaged, ObjectMissing):
            continue
        return True
    return False
