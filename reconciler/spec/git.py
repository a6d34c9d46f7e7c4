"""What git says about a spec tree: at which commit it stands, and how it looked at another one. Reads only; git does the reading.

A tree that is in no git repository has no revision, and everything else works the same. Pulling is the host's business.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.model.desired import Revision
from reconciler.spec.errors import NoSuchRevision, NotInGit

_SECONDS_MAX = 60
_SAFE = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
"""Looking writes nothing, not even a refreshed index, and runs nothing that the repository's own configuration names."""


def revision(root: Path) -> Revision | None:
    """The commit that is checked out and whether the files of the tree differ from it; None: not in git, or git will not say."""
    if not _in_git(root):
        return None
    import subprocess

    try:
        told = _git(root, ("status", "--porcelain=v2", "--branch", "--untracked-files=normal", "--", "."))
    except (OSError, subprocess.SubprocessError):
        return None
    lines = told.decode("utf-8", "replace").splitlines()
    commit = next((line.split()[2] for line in lines if line.startswith("# branch.oid ")), "(initial)")
    return None if commit == "(initial)" else Revision(commit, dirty=any(not line.startswith("#") for line in lines))


def checkout(root: Path, name: str, into: Path) -> Revision:
    """Write the tree as it stood at the revision ``name`` (a commit, branch or tag) below ``into``, a new empty folder.

    Through an index of its own, so that the checkout of the user stays untouched. Raises NotInGit and NoSuchRevision.
    """
    if not _in_git(root):
        raise NotInGit(f"the spec tree {root} is in no git repository, so it has no revision '{name}'", specs=root)
    import subprocess

    try:
        commit = _git(root, ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")).decode().strip()
        prefix = _git(root, ("rev-parse", "--show-prefix")).decode("utf-8", "surrogateescape").removesuffix("\n")
        tree = _git(root, ("rev-parse", "--verify", "--quiet", f"{commit}:{prefix}")).decode().strip()
        private = {"GIT_INDEX_FILE": str(into / ".index")}
        _git(root, ("read-tree", tree), private)
        top = Path(os.fsdecode(_git(root, ("rev-parse", "--show-toplevel")).removesuffix(b"\n")))
        _git(top, ("checkout-index", "--all", "--quiet", f"--prefix={into}{os.sep}"), private)
    except FileNotFoundError as error:
        raise NotInGit(f"the spec tree {root} cannot be compared with '{name}': there is no git program here", specs=root) from error
    except subprocess.TimeoutExpired as error:
        raise NoSuchRevision(f"git did not answer within {_SECONDS_MAX} s about the revision '{name}' of {root}", specs=root) from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        why = f": {said[-1]}" if said else ""
        raise NoSuchRevision(f"the spec tree {root} has no revision '{name}' in git{why}", specs=root) from error
    (into / ".index").unlink(missing_ok=True)
    return Revision(commit, dirty=False)


def _in_git(root: Path) -> bool:
    """Whether some folder above holds a repository: most trees of a test do not, and need no process to find out."""
    return any((folder / ".git").exists() for folder in (root, *root.absolute().parents))


def _git(folder: Path, words: Sequence[str], environment: Mapping[str, str] | None = None) -> bytes:
    import shutil
    import subprocess

    program = shutil.which("git")
    if program is None:
        raise FileNotFoundError("git")
    # A caller's own GIT_DIR (a hook sets it) must not point at another repository.
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        [program, *_SAFE, *words],
        cwd=folder,
        env={**clean, **(environment or {}), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_SECONDS_MAX,
        check=True,
    )
    return done.stdout
