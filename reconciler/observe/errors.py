"""What can go wrong while looking."""

from __future__ import annotations

from reconciler.base.errors import ReconcilerError


class ObserveError(ReconcilerError):
    """Something could not be seen."""

    code = "observe-failed"


class RepositorySilent(ObserveError):
    """A repository did not answer in time: a mount that hangs, a disk that sleeps."""

    code = "observe-repository-silent"
    hint = "Does `ls` of that place answer? Is the disk or the network behind it there?"
    retry = True


class SourceSilent(ObserveError):
    """A source did not answer in time: a mount that hangs, a disk that sleeps."""

    code = "observe-source-silent"
    hint = "Does `ls` of that place answer? Is the disk or the network behind it there?"
    retry = True
