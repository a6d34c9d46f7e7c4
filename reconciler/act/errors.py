"""Why an action did not happen although it was planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.base.errors import Fate, ReconcilerError

if TYPE_CHECKING:
    from reconciler.repository import Affected


class ActError(ReconcilerError):
    """An action could not be carried out."""

    code = "act-failed"


class FactsChanged(ActError):
    """The world is no longer as it was when the action was decided; nothing was done."""

    code = "act-facts-changed"
    hint = "Nothing to do: the next pass looks again and decides anew."
    retry = True


class NoRoom(ActError):
    """The repository has less free space than this backup is expected to need."""

    code = "act-no-room"
    hint = "Free some space there or let fewer snapshots be kept; what is stored already stays whole."


class DamageFound(ActError):
    """Something in the repository is not what was written: a verification found it."""

    code = "act-damage-found"
    hint = "Are older snapshots and other repositories intact? Verify them. Does the disk report errors? Replace it before relying on it."
    fate = Fate.DAMAGE
    affected: tuple[Affected, ...] = ()
    """The snapshots that cannot be restored whole, with their files."""


class NothingToVerify(ActError):
    """The system has no good snapshot in this repository yet."""

    code = "act-nothing-to-verify"
    hint = "Take a backup first."


class NothingToCopy(ActError):
    """No repository holds a good snapshot of the system that could be copied."""

    code = "act-nothing-to-copy"
    hint = "Take a backup first."


class Claimed(ActError):
    """Another process works on the same system, repository and lane."""

    code = "act-claimed"
    hint = "Try again when it has ended, or without --no-wait. A process that died holds nothing."
    fate = Fate.BUSY
    retry = True


class StillNeeded(ActError):
    """A snapshot that is to go is the newest good one, or somebody holds it."""

    code = "act-still-needed"
    hint = "Take a newer backup first, or let the hold end."
    fate = Fate.REFUSED


class DrillFailed(ActError):
    """A snapshot was restored into a sandbox, and what came back is not what it should be."""

    code = "act-drill-failed"
    hint = "`reconcile drill show` lists what was found. Verify the repository, and restore an older snapshot to see whether it is of use."
    fate = Fate.DAMAGE


class DrillBlocked(ActError):
    """A drill could not be made or ended: it says nothing about the snapshot, and proves nothing."""

    code = "act-drill-blocked"
    hint = "Take the reason away, then `reconcile drill run SYSTEM`; the loop tries again by itself."


class PlanTestFailed(ActError):
    """A recovery plan was exercised in a sandbox, and a step of it did not do what it should."""

    code = "act-plan-test-failed"
    hint = (
        "`reconcile recovery runs` lists the test, `recovery show ID` its steps. Mend the plan or what it restores; the loop tries again."
    )


class HostNotAllowed(ActError):
    """A recovery plan waits for another host, and this agent allows no question to it."""

    code = "act-host-not-allowed"
    hint = "Name it in RECONCILER_ALLOW_HOSTS or with --allow-hosts, where the agent runs."
    fate = Fate.REFUSED


class NoAnswer(ActError):
    """What a recovery plan waits for did not answer in time."""

    code = "act-no-answer"
    hint = "Is the service started, and does it listen where the plan says?"
    retry = True
