"""What can be wrong with a repository of restic, or with the program that reads it."""

from __future__ import annotations

from reconciler.base.errors import Fate, ReconcilerError, Refused


class ResticError(ReconcilerError):
    """The program restic ended without doing what it was asked for."""

    code = "restic-failed"
    hint = "Does the same `restic snapshots --no-lock` work by hand, as the same user?"
    retry = True


class ResticMissing(ResticError):
    """The program restic is not on this host, or cannot be run."""

    code = "restic-missing"
    hint = "Install restic, or name the program with RECONCILER_RESTIC."
    retry = False


class ResticWrongPassword(ResticError):
    """No key of the restic repository opens with the password that is declared."""

    code = "restic-wrong-password"
    hint = "Is the declared key the password of this repository, and did somebody change it with `restic key passwd`?"
    retry = False


class ResticNoRepository(ResticError):
    """There is no restic repository at the place that the spec names."""

    code = "restic-no-repository"
    hint = "Is the disk mounted, and is the url that of the restic repository?"


class ResticLocked(ResticError):
    """Another restic holds a lock on the repository that even reading has to wait for."""

    code = "restic-locked"
    hint = "Which restic runs there? `restic list locks --no-lock` tells; `restic unlock` removes what a dead one left."


class ResticSilent(ResticError):
    """The program restic did not end in time and was ended."""

    code = "restic-silent"
    hint = "Does the place of the repository answer? A dead mount or host makes restic wait without end."


class ResticUnreadable(ResticError):
    """What restic printed is not what restic prints: too much, no JSON, or values of another shape."""

    code = "restic-unreadable"
    hint = "Is the program really restic, of version 0.14 or newer?"
    retry = False


class ResticReadOnly(Refused):
    """A repository of restic is only looked at and restored from; what was asked for would need more."""

    code = "restic-read-only"
    hint = "Do it with restic itself; here only `status`, `snapshots`, `explain` and `restore` work over it."


class ResticNotRestorable(Refused):
    """A restore out of a repository of restic cannot do what was asked for in addition."""

    code = "restic-restore-limits"
    hint = "Restore into an empty --target folder, with --path and --at as needed."
    fate = Fate.USAGE
