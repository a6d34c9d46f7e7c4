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


class NotFound(ReconcilerError):
    """The name or id that was asked for is not there."""

    code = "app-not-found"
    hint = "Is the word spelled as `status` and `snapshots` print it?"
    fate = Fate.USAGE


class Ambiguous(ReconcilerError):
    """The beginning of an id fits several snapshots."""

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


class NotPlanned(ReconcilerError):
    """A backup that was asked for cannot be taken now."""

    code = "backup-not-planned"
    hint = "What does `reconcile explain` say about the system?"
