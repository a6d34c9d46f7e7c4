"""What can be wrong with a source as a whole. A single unreadable file is a defect of the snapshot, not one of these."""

from __future__ import annotations

from reconciler.base.errors import Fate, ReconcilerError, Refused


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


class SourceLeftOver(SourceError):
    """A database cannot be read as it is: it waits for a repair that only somebody who may write it can do."""

    code = "source-needs-repair"
    hint = "Start and stop the program that owns it once: it repairs the database from its journal."


class SourceBusy(SourceError):
    """A database was locked for so long that no consistent moment of it could be read."""

    code = "source-busy"
    hint = "Which program holds a long write transaction? A longer `timeout` waits longer."


class SourceDamaged(SourceError):
    """A database is damaged: its own integrity check says so. Nothing is published; older snapshots stay as they are."""

    code = "source-damaged"
    hint = "Restore the newest snapshot beside it and compare. Does the disk report errors?"
    fate = Fate.DAMAGE
    retry = False


class SourceNoRoom(SourceError):
    """There is no room for the frozen copy of a database."""

    code = "source-no-room"
    hint = "It needs as much space as the database, in the state directory, until it is stored. --state names another place."


class CommandNotAllowed(Refused):
    """A command that the specs name is not in a directory that this host allows."""

    code = "command-not-allowed"
    hint = "Put it into a directory that only root or you can write, and name that in RECONCILER_ALLOW_COMMANDS or --allow-commands."


class CommandFailed(ReconcilerError):
    """A command that the specs name ended badly, or did not end."""

    code = "command-failed"
    hint = "Run it by hand as the same user: what does it say?"
    retry = True


class CommandSilent(CommandFailed):
    """A command whose output is a source ended well and printed nothing: an empty dump is none."""

    code = "command-silent"
    hint = "Run it by hand as the same user: does it write to a file instead of its standard output?"


class HookFailed(ReconcilerError):
    """A command that is to run before or after a backup failed."""

    code = "hook-failed"
    hint = "Run it by hand as the same user: what does it say? The commands after the backup ran."
    retry = True
