"""What can go wrong with the loop itself."""

from __future__ import annotations

from reconciler.base.errors import Fate, ReconcilerError


class LoopBusy(ReconcilerError):
    """Another process runs the loop of this state directory; two would do the same work twice."""

    code = "loop-busy"
    hint = "Commands work beside a running loop. A second loop needs another --state directory, and other specs."
    fate = Fate.BUSY
    retry = True


class LoopLockUnusable(ReconcilerError):
    """The file system of the state directory cannot lock files, so two loops could not be told apart."""

    code = "loop-lock-unusable"
    hint = "Put the state directory on a local disk with --state."


class ActionOverdue(ReconcilerError):
    """An action takes longer than it may, or has made no progress for too long; it was asked to stop."""

    code = "loop-action-overdue"
    hint = "Does its source or repository hang (a network mount, a failing disk)? Other systems carry on."
    retry = True
