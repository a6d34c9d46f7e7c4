"""Verbs that make repositories and look after them, their keys and the catalog."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.act.context import Amount
    from reconciler.app.bare import BareRepository
    from reconciler.app.care import CheckReport, RepairReport
    from reconciler.app.house import House
    from reconciler.app.keyring import KeyChange, KeyList, Kit
    from reconciler.app.keys import KeyKind
    from reconciler.app.reports import AdoptionReport, InitReport, RebuildReport, StarterReport


class Keeping:
    """Part of a Session."""

    house: House

    def init_repository(self, name: str) -> InitReport:
        """Create a declared repository, and its key file when that is missing."""
        from reconciler.app import create

        return create.init_repository(self.house, name)

    def plan_adoption(self, repository: str, realm: str | None = None, renamed: Mapping[str, str] | None = None) -> AdoptionReport:
        """What :meth:`adopt` would take over, with its digest. Changes nothing."""
        from reconciler.app import adopt

        return adopt.plan(self.house, repository, realm, renamed or {})

    def adopt(
        self, repository: str, realm: str | None = None, renamed: Mapping[str, str] | None = None, *, confirm: str, reason: str
    ) -> AdoptionReport:
        """Take over snapshots of another realm (None: of every one): exactly the plan with the digest ``confirm``.

        ``renamed``: the name of a system there, and of the declared one that gets its snapshots; others keep their name.
        """
        from reconciler.app import adopt

        return adopt.adopt(self.house, repository, realm, renamed or {}, confirm=confirm, reason=reason)

    def look_into(self, where: BareRepository) -> AdoptionReport:
        """What a repository holds that no spec names."""
        from reconciler.app import adopt

        return adopt.look_bare(where, self.house)

    def init_specs(self, *, url: str | None = None, key: Path | None = None) -> StarterReport:
        """Write starter specs for this machine, and create their repository and key, at ``url`` and ``key`` or the usual places."""
        from reconciler.app import starter

        return starter.init_specs(self.house, url, key)

    def check(
        self, repository: str, *, deep: bool = False, stop: threading.Event | None = None, progress: Callable[[Amount], None] | None = None
    ) -> CheckReport:
        """Look at every object of a declared repository; ``deep``: at every byte. Damage is in the report."""
        from reconciler.app import care

        with self.house.heeding(stop):
            return care.check(self.house, repository, deep=deep, stop=stop, progress=progress)

    def repair(
        self,
        repository: str,
        digest: str | None = None,
        *,
        deep: bool = False,
        stop: threading.Event | None = None,
        progress: Callable[[Amount], None] | None = None,
    ) -> RepairReport:
        """Without a digest: what a repair would do. With the digest of that plan: do it."""
        from reconciler.app import care

        with self.house.heeding(stop):
            if digest is None:
                return care.plan_repair(self.house, repository, deep=deep, stop=stop, progress=progress)
            return care.repair(self.house, repository, digest, deep=deep, stop=stop, progress=progress)

    def keys(self, repository: str) -> KeyList:
        """Who can open a declared repository."""
        from reconciler.app import keyring

        return keyring.listed(self.house, repository)

    def add_key(self, repository: str, file: Path, kind: KeyKind = "raw") -> KeyChange:
        """Let the key in ``file`` open it, too; a raw one is made there when the file is missing."""
        from reconciler.app import keyring

        return keyring.add(self.house, repository, file, kind)

    def remove_key(self, repository: str, slot: str) -> KeyChange:
        """Remove the slot whose id begins so; that of the declared key stays."""
        from reconciler.app import keyring

        return keyring.remove(self.house, repository, slot)

    def rotate_key(self, repository: str, *, keep: bool = False) -> KeyChange:
        """Replace the declared key file by a new key. ``keep``: the old key still opens it."""
        from reconciler.app import keyring

        return keyring.rotate(self.house, repository, keep=keep)

    def recovery_kit(self, repository: str) -> Kit:
        """A new passphrase, with all else that a bare machine needs to restore."""
        from reconciler.app import keyring

        return keyring.kit(self.house, repository)

    def catalog_rebuild(self) -> RebuildReport:
        """Make the catalog's cache anew from what the repositories hold."""
        from reconciler.app import rebuild

        return rebuild.rebuild(self.house)
