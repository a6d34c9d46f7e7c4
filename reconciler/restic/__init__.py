"""Repositories of restic, looked at through the program itself: listed and restored from, never written to.

*Observed*: what restic lists becomes snapshots of the systems that the declaration assigns them to. Whether restic could read every file it
does not record, and whether its data is intact we never read: both are unknown here, and said so. Nothing is backed up, copied, verified,
marked or removed in such a repository: every call is one of ``cat config``, ``snapshots`` and ``restore``, each with ``--no-lock``.
"""

from reconciler.restic.errors import ResticReadOnly
from reconciler.restic.listing import listed
from reconciler.restic.program import Program, find_program
from reconciler.restic.restore import Restored, restore

__all__ = ["Program", "ResticReadOnly", "Restored", "find_program", "listed", "restore"]
