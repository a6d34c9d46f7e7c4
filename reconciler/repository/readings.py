"""Readings: when each pack was last read whole and found good, remembered in the repository by ``marks/read/<random>``.

One object for many packs, written every minute of a verification and at its end. So a killed verification continues where it was, packs
that several snapshots share are read once, and a snapshot is as proven as the oldest reading among its packs. A lost reading costs only
another one: nothing else depends on them.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct, field

from reconciler.base.clock import Clock
from reconciler.base.ids import new_id
from reconciler.base.wire import UNREADABLE
from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError
from reconciler.repository.format import Type
from reconciler.repository.marks import READ
from reconciler.repository.root import from_micros, to_micros
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store

FOLDER = f"marks/{READ}"
_LIMIT = 4 * 2**20
_PACKS_MAX = 50_000  # about 45 bytes each
_SAVE_SECONDS = 60.0
_OBJECTS_MAX = 8  # more are merged into one
_AHEAD = timedelta(minutes=5)  # what lies further in the future comes from a wrong clock and proves nothing
_CONTINUED_FOR = timedelta(days=7)


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    at: int
    note: str
    begun: int
    done: bool
    packs: list[tuple[bytes, int]]


class Readings(Struct):
    """All readings of a repository, and those of the run that is under way. Threads may share it."""

    store: Store
    seals: Seals
    clock: Clock
    scope: str
    """Whose verification this is: an unfinished one of the same scope is continued."""
    begun: datetime
    continued: bool = False
    """Whether ``begun`` is the beginning of a run that did not reach its end."""
    damage: list[RepositoryError] = field(default_factory=list)
    _good_at: dict[bytes, datetime] = field(default_factory=dict)
    _fresh: dict[bytes, datetime] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)
    _saved_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls, store: Store, seals: Seals, clock: Clock, scope: str) -> Readings:
        """What is known. An object that cannot be read is in ``damage``; its packs count as never read."""
        now = clock.now()
        readings = cls(store, seals, clock, scope, now, _saved_at=clock.monotonic())
        newest: tuple[datetime, bool, datetime] | None = None
        if store.find(FOLDER) is None:
            return readings
        for found in list(store.list(FOLDER)):
            try:
                stored = _read(store, seals, found.name)
                written, begun = from_micros(stored.at), from_micros(stored.begun)
                readings._learn(stored, now)
            except (Damaged, ObjectMissing) as error:
                readings.damage.append(error)
                continue
            readings._names.append(found.name)
            if stored.note == scope and written <= now + _AHEAD and (newest is None or written > newest[0]):
                newest = (written, stored.done, begun)
        if newest is not None and not newest[1] and now - newest[2] < _CONTINUED_FOR:
            readings.begun, readings.continued = min(newest[2], now), True
        return readings

    def good_at(self, pack: bytes) -> datetime | None:
        """When the pack was last read whole and good; None: never."""
        return self._good_at.get(pack)

    def add(self, pack: bytes, at: datetime) -> None:
        """The pack was read whole; the reading began ``at``. Durable within a minute, or by :meth:`end`."""
        with self._lock:
            self._fresh[pack] = at
            self._good_at[pack] = at
            if self.clock.monotonic() - self._saved_at >= _SAVE_SECONDS or len(self._fresh) >= _PACKS_MAX:
                self._save(done=False)

    def end(self, packs: Collection[bytes], *, done: bool) -> None:
        """Write down the rest. ``done``: nothing is left to continue; then many objects become one, of ``packs`` only."""
        with self._lock:
            if self._fresh or (done and self._names):
                self._save(done=done)
            if done and len(self._names) > _OBJECTS_MAX:
                self._merge(packs)

    def _learn(self, stored: _Stored, now: datetime) -> None:
        for pack, at in stored.packs:
            moment = from_micros(at)
            if moment <= now + _AHEAD and (pack not in self._good_at or self._good_at[pack] < moment):
                self._good_at[pack] = moment

    def _save(self, *, done: bool) -> None:
        fresh, self._fresh = self._fresh, {}
        self._names.append(self._write(fresh, done=done))
        self._saved_at = self.clock.monotonic()

    def _merge(self, packs: Collection[bytes]) -> None:
        """The union is durable before its parts go; a merge that is killed in between leaves both, which says the same."""
        kept = [(pack, at) for pack, at in self._good_at.items() if pack in packs]
        merged = [self._write(dict(kept[start : start + _PACKS_MAX]), done=True) for start in range(0, len(kept), _PACKS_MAX)]
        for name in self._names:
            self.store.delete(name)
        self._names = merged

    def _write(self, packs: dict[bytes, datetime], *, done: bool) -> str:
        name = f"{FOLDER}/{new_id()}"
        stored = _Stored(
            kind="read",
            at=to_micros(self.clock.now()),
            note=self.scope,
            begun=to_micros(self.begun),
            done=done,
            packs=[(pack, to_micros(at)) for pack, at in packs.items()],
        )
        self.store.put(name, self.seals.seal_object(Type.MARK, name, msgspec.msgpack.encode(stored)))
        self.store.barrier()
        return name


def _read(store: Store, seals: Seals, name: str) -> _Stored:
    plain = seals.unseal_object(Type.MARK, name, store.get(name, _LIMIT))
    try:
        stored = msgspec.msgpack.decode(plain, type=_Stored)
        for moment in (stored.at, stored.begun, *(at for _, at in stored.packs)):
            from_micros(moment)
    except UNREADABLE as error:
        raise Damaged(f"{name} cannot be read", object=name) from error
    return stored
