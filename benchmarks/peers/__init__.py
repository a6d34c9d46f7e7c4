"""The tools, one file each, behind one small protocol: how it makes a repository, backs up, restores, checks and lists."""

from __future__ import annotations

from benchmarks.peers.borg import Borg
from benchmarks.peers.kopia import Kopia
from benchmarks.peers.peer import Call, Peer
from benchmarks.peers.plain import Copy, TarZstd
from benchmarks.peers.reconciler import Reconciler
from benchmarks.peers.restic import Restic
from benchmarks.peers.rustic import Rustic

BASE = Restic.name
"""Every ratio is to this one; it is never left out."""

ALL: tuple[type[Peer], ...] = (Reconciler, Restic, Rustic, Kopia, Borg, TarZstd, Copy)

__all__ = ["ALL", "BASE", "Call", "Peer"]
