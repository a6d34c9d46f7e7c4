"""What makes a whole spec tree unusable. A fault inside a file is never raised: it is a Problem (model/problem.py)."""

from __future__ import annotations

from reconciler.base.errors import Fate, ReconcilerError


class SpecError(ReconcilerError):
    """The spec tree cannot be used."""

    code = "spec-unusable"
    fate = Fate.SPEC
    hint = "Which folder holds the specs? --specs DIR or RECONCILER_SPECS names it."


class SpecTreeMissing(SpecError):
    """The spec tree is not there, so nothing can be said about what is wanted; it is never taken for an empty one."""

    code = "spec-tree-missing"
    hint = "Which folder holds the specs? --specs DIR or RECONCILER_SPECS names it; `reconcile init` writes a first one."
    retry = True  # a checkout or a mount may bring it back


class SpecTreeUnreadable(SpecError):
    """The spec tree is there, and its folder cannot be read."""

    code = "spec-tree-unreadable"
    hint = "Which user runs this, and may it read that folder?"


class NoSuchObject(SpecError):
    """The spec tree holds no object of that name."""

    code = "spec-no-such-object"
    hint = "What is declared? `reconcile config show` lists every object."


class NotInGit(SpecError):
    """The spec tree cannot be compared with an earlier revision of itself, because git does not keep it or is not installed."""

    code = "spec-not-in-git"
    hint = "Is this folder inside the git checkout, and is git installed for this user?"


class NoSuchRevision(SpecError):
    """Git knows no such revision of the spec tree, or does not let this user look."""

    code = "spec-no-such-revision"
    hint = "Which revision is meant? A shallow clone holds only the newest ones: `git fetch --unshallow` brings the rest."
