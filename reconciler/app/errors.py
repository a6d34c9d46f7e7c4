"""What can be wrong with the surroundings: state directory, keys, commands, words that name nothing."""

from __future__ import annotations

from reconciler.base.errors import Fate, ReconcilerError, Refused, StateError


class StateInsideSpecs(StateError):
    """The state directory lies inside the spec tree: what the loop writes would look like edited specs."""

    code = "state-inside-specs"
    hint = "Name another directory with --state, outside of the specs."
    fate = Fate.USAGE


class StateExposed(StateError):
    """Everybody on this machine could change what the loop remembers."""

    code = "state-exposed"
    hint = "Is this really the state directory? `chmod 700` it, or name another one with --state."
    fate = Fate.REFUSED


class WentBack(Refused):
    """The repository lacks snapshots that it held: somebody put it back to an earlier state, and nothing is removed from it."""

    code = "repository-went-back"
    hint = (
        "Who put it back? Bring the newer state back, or accept this one with `reconcile catalog rebuild`. "
        "--accept-loss cleans up without either: what the lost snapshots left there is gone then."
    )


class KeyUnusable(ReconcilerError):
    """The key of a repository cannot be had."""

    code = "key-unusable"
    hint = "Which user runs this, and may it read the key?"


class KeyMissing(KeyUnusable):
    """The place that the spec names for the key holds none."""

    code = "key-missing"
    hint = "Where is the copy of this key? Without the key nobody can read the repository."


class KeyExposed(KeyUnusable):
    """Other users of this machine can read or replace the key file."""

    code = "key-exposed"
    hint = "`chmod 600` the file, and ask who could have read it."
    fate = Fate.REFUSED


class KeyMalformed(KeyUnusable):
    """What was found is not a key of the declared kind."""

    code = "key-malformed"
    hint = "kind raw wants 64 hex digits; for words set `kind: passphrase`."


class KeyNotReplaceable(Refused):
    """Only a raw key in an ordinary file can be replaced by the program itself."""

    code = "key-not-replaceable"
    hint = "Add the new key with `reconcile repository key add`, declare it, then remove the slot of the old one."


class HoldOfRestore(Refused):
    """The hold belongs to a restore in place, which could not be rolled back without it."""

    code = "hold-of-a-restore"
    hint = "It ends by itself with the rollback window; `reconcile restores` names the restore."


class NotFound(ReconcilerError):
    """The name or id that was asked for is not there."""

    code = "app-not-found"
    hint = "Is the word spelled as `status` and `snapshots` print it?"
    fate = Fate.USAGE


class Ambiguous(ReconcilerError):
    """The beginning of an id fits several of them."""

    code = "app-ambiguous"
    hint = "Give more digits."
    fate = Fate.USAGE


class NothingToRestore(ReconcilerError):
    """No good snapshot answers what was asked for."""

    code = "restore-no-snapshot"
    hint = "What does `snapshots` list? --snapshot restores a partial or suspect one when it is asked for by its id."


class StarterExists(Refused):
    """There are specs already."""

    code = "init-specs-exist"
    hint = "`reconcile --specs OTHER init` writes a starter elsewhere."


class ReadOnly(Refused):
    """The session was opened for reading."""

    code = "app-read-only"
    hint = "Leave out --dry-run."


class TargetInside(Refused):
    """A restore would write into a repository or into the state directory."""

    code = "restore-target-inside"
    hint = "Name a new folder somewhere else."


class PlaceTaken(Refused):
    """What would be brought back would stand beside, or in the place of, what is there."""

    code = "restore-place-taken"
    hint = "Name a new folder."


class RecoveryIncomplete(ReconcilerError):
    """A part of the specs or of the record of a host could not be restored, so nothing was put in its place."""

    code = "restore-records-incomplete"
    hint = "`reconcile snapshots --repository URL --key FILE` lists older ones; --at chooses one."
    fate = Fate.DAMAGE


class TargetUnfit(Refused):
    """What is named as the target cannot be one."""

    code = "restore-target-unfit"
    hint = "Name a new or an empty folder that belongs to you, or restore with --in-place."


class RestoreConflicts(Refused):
    """Something that differs from the snapshot is where a restore would write. Nothing was written."""

    code = "restore-conflicts"
    hint = "--dry-run shows all of it; --on-conflict keep, overwrite or mirror says what is to become of it."


class MirrorUnconfirmed(Refused):
    """A restore that also removes needs the digest of its plan."""

    code = "restore-mirror-unconfirmed"
    hint = "--dry-run shows the plan and its digest."


class AdoptionUnconfirmed(Refused):
    """What would be adopted is not what was looked at."""

    code = "repository-adoption-unconfirmed"
    hint = "Without --confirm the command shows the plan and its digest."


class MirrorUnsafe(Refused):
    """From this snapshot nobody can tell what was not there and what was only not backed up."""

    code = "restore-mirror-unsafe"
    hint = "Choose a complete snapshot, or --on-conflict overwrite, which removes nothing."


class DoesNotFit(ReconcilerError):
    """The place that is restored into has too little room. Nothing was written."""

    code = "restore-does-not-fit"
    hint = "Free space or inodes there, restore a part with --path, or restore somewhere else."


class JournalDamaged(ReconcilerError):
    """The journal of a restore in place cannot be read."""

    code = "restore-journal-damaged"
    hint = "Its safety snapshot is still in the repository: `reconcile snapshots` lists it, and it can be restored with --target."
    fate = Fate.DAMAGE


class SafetyIncomplete(ReconcilerError):
    """What a restore in place is about to touch could not be saved first. Nothing was changed."""

    code = "restore-no-safety"
    hint = "Restore with --target instead, and move things yourself."


class RestoreInterrupted(Refused):
    """An earlier restore in place of this system was interrupted; what it has changed and what not is in its journal."""

    code = "restore-interrupted"
    hint = "`reconcile restore --continue` ends it, `reconcile rollback` undoes it."


class RestoreBusy(ReconcilerError):
    """Another process restores in place."""

    code = "restore-busy"
    hint = "Wait until it has ended; `reconcile restores` shows it."
    fate = Fate.BUSY
    retry = True


class NotUndoable(Refused):
    """This restore cannot be rolled back."""

    code = "restore-not-undoable"
    hint = "`reconcile restores` shows what can be."


class OtherHost(Refused):
    """A restore in place would write the files of another host into this one."""

    code = "restore-other-host"
    hint = "Restore with --target; or say with --host that this machine has taken its place."


class ChecksumsImpossible(ReconcilerError):
    """The list of checksums cannot be written."""

    code = "restore-no-checksums"
    hint = "`checksums: [sha256]` in the policy records them in every later snapshot."


class NotAFile(ReconcilerError):
    """What was asked for has no content that could be handed out."""

    code = "dump-not-a-file"
    hint = "Name a regular file."
    fate = Fate.USAGE


class NotPlanned(ReconcilerError):
    """A backup that was asked for cannot be taken now."""

    code = "backup-not-planned"
    hint = "What does `reconcile explain` say about the system?"


class AlertOver(Refused):
    """An alert that is over cannot be acknowledged or resolved."""

    code = "alert-over"
    hint = "`reconcile alerts list` shows those that stand."


class LoopAbsent(ReconcilerError):
    """No loop runs over this state directory, so nobody would take what it is asked for."""

    code = "loop-absent"
    hint = "`reconcile backup create SYSTEM` backs up now without a loop; `reconcile --watch` starts one."


class NotTriggered(Refused):
    """The loop was asked for something that it would never do: its sources are elsewhere, or it is suspended."""

    code = "loop-not-triggered"
    hint = "Ask on the host that reads its sources, or take `suspend` out of its spec first."


class PlanUnfit(Refused):
    """The recovery plan is not meant for that disaster."""

    code = "recovery-plan-unfit"
    hint = "`reconcile recovery status` lists plans with their scenarios; `reconcile recovery plan --disaster NAME` makes one."


class PlanFaulty(ReconcilerError):
    """The recovery plan has problems, or names what is not there any more."""

    code = "recovery-plan-faulty"
    hint = "`reconcile recovery validate` shows where and why."
    fate = Fate.SPEC


class RecoveryBusy(ReconcilerError):
    """Another process carries out a recovery plan over this state directory."""

    code = "recovery-busy"
    hint = "`reconcile recovery status` shows how far it is. A process that died holds nothing."
    fate = Fate.BUSY
    retry = True


class RecoveryPending(Refused):
    """An earlier run of the plan has not ended: going on with it and beginning anew are two things."""

    code = "recovery-pending"
    hint = "`reconcile recovery run PLAN --resume` goes on with it; --anew begins from the first step."


class NotResumable(Refused):
    """There is no run that could be gone on with."""

    code = "recovery-not-resumable"
    hint = "`reconcile recovery runs` lists them."


class StepFailed(ReconcilerError):
    """A step of a recovery plan did not do what it should."""

    code = "recovery-step-failed"
    hint = "`reconcile recovery status` shows what each step says; after the repair, `--resume` goes on from there."
