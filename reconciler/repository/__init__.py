"""The embedded store: deduplicating, compressed, encrypted, integrity-checked. Enter by this front door only.

*Chunk*: a small file, or a piece of a large one; the unit of deduplication. *Segment*: some chunks of one type, compressed and sealed
together. *Pack*: a file of segments. *Index*: where each chunk is. *Entry block*: a run of a manifest. *Root*: a snapshot. *Mark*: a remark
on one. Knows no spec and no schedule; could be published alone. docs/repository-format.md describes every byte.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.repository.access import Access, Credentials, Lock
    from reconciler.repository.adoption import ADOPTED, adoption_note, owner
    from reconciler.repository.browse import Browser, Searched, SnapshotTree, Step
    from reconciler.repository.changes import CONTENT, Change, alterations, differences
    from reconciler.repository.check import Checked
    from reconciler.repository.collect import Pruned
    from reconciler.repository.collect_plan import PackFate, PlannedPack, PrunePlan
    from reconciler.repository.compare_target import Beyond, Comparison, Difference, Finding
    from reconciler.repository.copy import Copied
    from reconciler.repository.donor import Donor
    from reconciler.repository.entries import UNREAD, Entry, Found
    from reconciler.repository.errors import (
        AccessRefused,
        AlreadyInitialised,
        BaseUnusable,
        CleanUpRefused,
        ClockApart,
        Collected,
        ConfirmationNeeded,
        Damaged,
        ExtraMissing,
        HeaderLost,
        HelperLost,
        LastSlot,
        Locked,
        NewerFormat,
        NoObjectLock,
        NoSpace,
        NoSuchBucket,
        NoSuchPath,
        NoSuchSlot,
        NoSuchSnapshot,
        NotAStore,
        NotInitialised,
        ObjectMissing,
        OriginDamaged,
        RepairChanged,
        RepositoryError,
        TargetFull,
        TooManyMatches,
        Unreachable,
        Unread,
        Unsettled,
        WeakKey,
        WrongKey,
        WrongRegion,
        WrongRepository,
    )
    from reconciler.repository.format import FORMAT
    from reconciler.repository.keyring import Keyring, Slot
    from reconciler.repository.known import Cache, RootListing
    from reconciler.repository.marks import MarkRecord
    from reconciler.repository.outside import Outside, look_outside
    from reconciler.repository.pattern import Pattern
    from reconciler.repository.place import store_at, store_to_read
    from reconciler.repository.repair import Repaired, RepairPlan
    from reconciler.repository.repository import Repository
    from reconciler.repository.request import TakeRequest
    from reconciler.repository.restore import Chosen, Restored, Restoring
    from reconciler.repository.root import Root
    from reconciler.repository.select import Selection
    from reconciler.repository.sound import Refusal
    from reconciler.repository.store import Store
    from reconciler.repository.survey import Affected
    from reconciler.repository.take import Progress, Taken
    from reconciler.repository.verify import Verified

_HOME = {
    "FORMAT": "format",
    **dict.fromkeys(("Outside", "look_outside"), "outside"),
    **dict.fromkeys(("ADOPTED", "adoption_note", "owner"), "adoption"),
    **dict.fromkeys(("Access", "Credentials", "Lock"), "access"),
    "Pruned": "collect",
    **dict.fromkeys(("PackFate", "PlannedPack", "PrunePlan"), "collect_plan"),
    "Copied": "copy",
    **dict.fromkeys(("Beyond", "Comparison", "Difference", "Finding"), "compare_target"),
    "Checked": "check",
    **dict.fromkeys(("Browser", "Searched", "SnapshotTree", "Step"), "browse"),
    **dict.fromkeys(("CONTENT", "Change", "alterations", "differences"), "changes"),
    "Pattern": "pattern",
    "Donor": "donor",
    **dict.fromkeys(("UNREAD", "Entry", "Found"), "entries"),
    **dict.fromkeys(
        (
            "AccessRefused",
            "AlreadyInitialised",
            "BaseUnusable",
            "CleanUpRefused",
            "ClockApart",
            "Collected",
            "ConfirmationNeeded",
            "Damaged",
            "HelperLost",
            "ExtraMissing",
            "LastSlot",
            "NewerFormat",
            "NoSpace",
            "NoSuchBucket",
            "NoSuchPath",
            "NoSuchSlot",
            "NoSuchSnapshot",
            "NotAStore",
            "HeaderLost",
            "NotInitialised",
            "ObjectMissing",
            "OriginDamaged",
            "RepairChanged",
            "RepositoryError",
            "TargetFull",
            "TooManyMatches",
            "Unreachable",
            "Unread",
            "Locked",
            "NoObjectLock",
            "Unsettled",
            "WeakKey",
            "WrongKey",
            "WrongRegion",
            "WrongRepository",
        ),
        "errors",
    ),
    **dict.fromkeys(("Keyring", "Slot"), "keyring"),
    "MarkRecord": "marks",
    **dict.fromkeys(("Cache", "RootListing"), "known"),
    "Repository": "repository",
    **dict.fromkeys(("RepairPlan", "Repaired"), "repair"),
    **dict.fromkeys(("Chosen", "Restored", "Restoring"), "restore"),
    "Root": "root",
    "Selection": "select",
    "Refusal": "sound",
    "Affected": "survey",
    **dict.fromkeys(("Progress", "Taken"), "take"),
    "Store": "store",
    "store_at": "place",
    "store_to_read": "place",
    "TakeRequest": "request",
    "Verified": "verify",
}

__all__ = [
    "NoObjectLock",
    "Lock",
    "Locked",
    "FORMAT",
    "Outside",
    "look_outside",
    "Beyond",
    "Browser",
    "CONTENT",
    "Change",
    "Pattern",
    "Searched",
    "SnapshotTree",
    "Step",
    "Unread",
    "alterations",
    "differences",
    "Refusal",
    "Selection",
    "Finding",
    "Found",
    "Difference",
    "Comparison",
    "Chosen",
    "UNREAD",
    "Access",
    "AccessRefused",
    "Affected",
    "AlreadyInitialised",
    "BaseUnusable",
    "Cache",
    "Checked",
    "CleanUpRefused",
    "ClockApart",
    "Collected",
    "ConfirmationNeeded",
    "Copied",
    "Credentials",
    "Damaged",
    "Donor",
    "HelperLost",
    "Entry",
    "ExtraMissing",
    "Keyring",
    "LastSlot",
    "ADOPTED",
    "adoption_note",
    "owner",
    "MarkRecord",
    "NewerFormat",
    "NoSpace",
    "NoSuchBucket",
    "NoSuchPath",
    "NoSuchSlot",
    "NoSuchSnapshot",
    "NotAStore",
    "HeaderLost",
    "NotInitialised",
    "ObjectMissing",
    "OriginDamaged",
    "PackFate",
    "PlannedPack",
    "Progress",
    "PrunePlan",
    "Pruned",
    "RepairChanged",
    "RepairPlan",
    "Repaired",
    "Repository",
    "RepositoryError",
    "Restored",
    "Restoring",
    "Root",
    "RootListing",
    "Slot",
    "Store",
    "store_at",
    "store_to_read",
    "TakeRequest",
    "Taken",
    "TargetFull",
    "TooManyMatches",
    "Unreachable",
    "Unsettled",
    "Verified",
    "WeakKey",
    "WrongKey",
    "WrongRegion",
    "WrongRepository",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: reading help must not import the cryptography (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"reconciler.repository.{_HOME[name]}"), name)
