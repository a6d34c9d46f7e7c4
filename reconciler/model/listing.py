"""The snapshots of a repository by their owners, worked out once per listing and not once per question.

A look at 200,000 snapshots sorts them by system; every decision of every pass asks for those of one system. What was listed does not
change, so what was worked out about it stays with it, and what a newer listing has not changed keeps the same group. Nothing of that
can be seen from outside: a listing is the tuple of its snapshots, equal to any other tuple of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any, Self, TypeVar

import msgspec

from reconciler.model.snapshot import RECOVERABLE, MarkKind, Snapshot

T = TypeVar("T")
Owner = tuple[str, str, bool]
"""Realm, system, and whether they are safety snapshots of restores."""
Digest = bytes
"""A word of its own, for beside a field `bytes` of a struct that word is taken."""
_DIGEST_SIZE = 16


def newest_first(snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """Sorted; ties broken by id, so that two looks at the same repository agree."""
    return tuple(sorted(snapshots, key=lambda s: (s.counted_at, s.as_of, s.id), reverse=True))


class Group(tuple[Snapshot, ...]):  # noqa: SLOT001  # it remembers
    """The snapshots of one owner, newest first."""

    @cached_property
    def newest_at(self) -> datetime:
        """The latest moment that any of them is counted at."""
        return self[0].counted_at

    @cached_property
    def digest(self) -> Digest:
        """Of all that is said about them: two groups with one digest are equal, in whatever process."""
        return _digest(self)

    @cached_property
    def _known(self) -> dict[Hashable, Any]:
        return {}

    def recall(self, about: Hashable, work_out: Callable[[], T]) -> T:
        """What was worked out ``about`` these snapshots before, else now. For what depends on them and on ``about`` alone."""
        known = self._known
        found: T = known[about] if about in known else known.setdefault(about, work_out())
        return found


def recall(snapshots: Sequence[Snapshot], about: Hashable, work_out: Callable[[], T]) -> T:
    """What depends on ``snapshots`` and on ``about`` alone: remembered where they are a group, worked out where they are not."""
    return snapshots.recall(about, work_out) if isinstance(snapshots, Group) else work_out()


def digest(snapshots: Sequence[Snapshot]) -> Digest:
    """Of all that is said about them."""
    return snapshots.digest if isinstance(snapshots, Group) else _digest(snapshots)


def _digest(snapshots: Sequence[Snapshot]) -> Digest:
    return hashlib.blake2b(msgspec.msgpack.encode(list(snapshots)), digest_size=_DIGEST_SIZE).digest()


def good(snapshots: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
    """Those of them that are good."""
    found = recall(snapshots, "good", lambda: _some_good(snapshots))
    if found is not None:
        return found
    return snapshots if isinstance(snapshots, tuple) else tuple(snapshots)


def _some_good(snapshots: Sequence[Snapshot]) -> tuple[Snapshot, ...] | None:
    """None: all of them, as nearly always; and a group that remembered itself would be a cycle."""
    found = [s for s in snapshots if (s.good if s.marks else s.grade in RECOVERABLE)]
    return tuple(found) if len(found) < len(snapshots) else None


def marked(snapshots: Sequence[Snapshot], kind: MarkKind) -> tuple[Snapshot, ...]:
    """Those of them that bear such a mark."""
    return recall(snapshots, kind, lambda: tuple([s for s in remarked(snapshots) if s.marked(kind) is not None]))


def remarked(snapshots: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
    """Those of them that bear some mark: in most groups few, so that nobody has to look at the others for each kind."""
    return recall(snapshots, "remarked", lambda: tuple([s for s in snapshots if s.marks]))


class Listing(tuple[Snapshot, ...]):  # noqa: SLOT001  # it remembers
    """All snapshots of one repository."""

    @classmethod
    def of(cls, snapshots: tuple[Snapshot, ...], before: tuple[Snapshot, ...] = ()) -> Self:
        """``snapshots`` as a listing, itself when it is one. Groups that are as in ``before`` are the same objects."""
        if isinstance(snapshots, cls):
            return snapshots
        made = cls(snapshots)
        if isinstance(before, Listing):
            made._inherit(before.groups)
        return made

    @classmethod
    def of_groups(cls, groups: Mapping[Owner, Group]) -> Self:
        """The listing whose groups are known already."""
        return cls.in_order(chain.from_iterable(groups.values()), groups)

    @classmethod
    def in_order(cls, snapshots: Iterable[Snapshot], groups: Mapping[Owner, Group]) -> Self:
        """``snapshots`` whose groups are known already."""
        made = cls(snapshots)
        made.__dict__["groups"] = groups
        return made

    @cached_property
    def groups(self) -> Mapping[Owner, Group]:
        found: dict[Owner, list[Snapshot]] = {}
        for snapshot in self:
            found.setdefault((snapshot.realm, snapshot.system, snapshot.safety), []).append(snapshot)
        return {owner: Group(newest_first(members)) for owner, members in found.items()}

    def _inherit(self, groups: Mapping[Owner, Group]) -> None:
        kept = {owner: old if (old := groups.get(owner)) == group else group for owner, group in self.groups.items()}
        self.__dict__["groups"] = kept
