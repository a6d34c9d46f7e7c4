"""What can go wrong with a tree as a whole; a single bad entry is a value (:class:`~reconciler.tree.entry.Defect`), not an error."""

from __future__ import annotations

from reconciler.base.errors import Fate, ReconcilerError


class TreeError(ReconcilerError):
    """A file tree cannot be read or written."""

    code = "tree-failed"


class RootUnusable(TreeError):
    """A root of the scan is missing or cannot be listed. Its absence is never taken for "everything was deleted"."""

    code = "tree-root-unusable"
    hint = "Is the disk mounted, and may this user read it?"
    retry = True


class TargetUnusable(TreeError):
    """Nothing can be restored to this place."""

    code = "tree-target-unusable"
    hint = "Name a new folder, or an empty one that belongs to the user who restores."


class EntryInTheWay(TreeError):
    """The target holds something under the name that is to be written; it is left as it is."""

    code = "tree-entry-in-the-way"
    hint = "Restore into a new folder, or move the existing entry away."


class UnsafeName(TreeError):
    """A name inside a snapshot would leave the target or cannot be a file name. Nothing is written under it."""

    code = "tree-unsafe-name"
    fate = Fate.DAMAGE
    hint = "No backup by this program holds such a name: the snapshot is damaged or was forged."


class ImpossibleEntry(TreeError):
    """An entry of a snapshot claims a number that no file system has, such as a size of eight exbibytes. Nothing is written for it."""

    code = "tree-impossible-entry"
    fate = Fate.DAMAGE
    hint = "No backup by this program holds such an entry: the snapshot is damaged or was forged."


class PlatformMissing(TreeError):
    """This operating system lacks calls without which a restore could not be kept inside its target."""

    code = "tree-platform-missing"
    hint = "Restore on Linux or macOS."
