"""What can go wrong with the catalog and the audit log."""

from __future__ import annotations

from reconciler.base.errors import Fate, ReconcilerError


class CatalogError(ReconcilerError):
    """The catalog cannot be read or written."""

    code = "catalog-unusable"
    hint = "Is the disk of the state directory full, read-only or failing? `reconcile catalog rebuild` makes what repositories know anew."


class CatalogNewer(CatalogError):
    """The catalog was written by a newer version of this program, which this one must not guess at."""

    code = "catalog-newer"
    hint = "Install the newer version again, or move the file away: the next pass makes a new one from the repositories."


class CatalogBusy(CatalogError):
    """Another process kept the catalog locked for longer than a write ever takes."""

    code = "catalog-busy"
    hint = "Is another reconcile process stopped in the middle (Ctrl-Z, a debugger)? Try again."
    fate = Fate.BUSY
    retry = True


class LeaseLost(CatalogError):
    """Another process has taken over the loop of this state directory; this one must not start anything more."""

    code = "catalog-lease-lost"
    hint = "Was this machine asleep or this process stopped for a while? The other process carries on; nothing is needed."
    fate = Fate.BUSY


class AuditError(ReconcilerError):
    """The audit log cannot be written, so nothing that it must record is done."""

    code = "audit-unwritable"
    hint = "Is the disk of the state directory full or read-only?"
