"""What can be wrong with a source as a whole. A single unreadable file is a defect of the snapshot, not one of these."""

from __future__ import annotations

from reconciler.base.errors import ReconcilerError


class SourceError(ReconcilerError):
    """A source cannot be backed up."""

    code = "source-failed"
    retry = True


class SourceMissing(SourceError):
    """The path of a source does not exist. That is never taken for "everything was deleted"."""

    code = "source-missing"
    hint = "Is the disk mounted? Otherwise correct the path in the spec."


class SourceUnreadable(SourceError):
    """The path of a source cannot be read: permission, a failing disk, or a kind of file that holds nothing to read."""

    code = "source-unreadable"
    hint = "Run as a user who may read it."


class SourceEmpty(SourceError):
    """The folder of a source is empty, but it was not when the previous snapshot was taken: an unmounted disk looks like this."""

    code = "source-empty"
    hint = "Is it mounted? If it is really meant to be empty now, put a file into it (.keep will do)."
