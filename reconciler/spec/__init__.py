"""Reads the spec tree: finds the files, parses strictly, says what is wrong and where, merges, checks, keeps the last good version.

Knows no catalog: whoever calls :func:`load` keeps the last good documents and gives them back. Decides nothing and reads no clock.
"""

from __future__ import annotations

from reconciler.spec.errors import NoSuchObject, NoSuchRevision, NotInGit, SpecError, SpecTreeMissing, SpecTreeUnreadable
from reconciler.spec.git import checkout, revision
from reconciler.spec.load import LastGoodDocuments, Loaded, StoredDocument, load
from reconciler.spec.parses import Parses
from reconciler.spec.read import Cache
from reconciler.spec.records import with_records
from reconciler.spec.resolve import effective
from reconciler.spec.tree import SpecFile

__all__ = [
    "load", "checkout", "revision", "Loaded", "StoredDocument", "LastGoodDocuments", "Cache", "SpecFile", "Parses",
    "effective", "with_records",
    "SpecError", "SpecTreeMissing", "SpecTreeUnreadable", "NoSuchObject", "NotInGit",
    "NoSuchRevision",
]  # fmt: skip
