"""Starter specs for this machine: a few commented files that work at once and that a person then edits."""

from __future__ import annotations

import os
import random
from pathlib import Path

from reconciler.app.create import init_repository
from reconciler.app.errors import StarterExists
from reconciler.app.house import House
from reconciler.app.reports import StarterReport
from reconciler.base.files import create_whole, make_folders

_FIRST = (
    "amber", "brave", "calm", "clever", "cosy", "eager", "gentle", "golden", "happy", "keen", "lively", "lucky",
    "mellow", "merry", "nimble", "patient", "quick", "quiet", "silver", "sunny", "swift",
)  # fmt: skip
_SECOND = (
    "badger", "beaver", "crane", "dolphin", "falcon", "finch", "fox", "hare", "heron", "lynx", "marten", "otter",
    "owl", "panda", "raven", "robin", "seal", "sparrow", "swan", "turtle", "wren",
)  # fmt: skip

_SETTINGS = """\
# Settings of the loop. There is at most one Settings object in a tree.
apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec:
  # Whose snapshots these are. Keep this word when the specs move to another machine: a snapshot belongs to (realm, system).
  realm: {realm}
  interval: 30s                 # how often the loop looks
"""

_REPOSITORY = """\
# Where backups live. A second repository on another device, better in another building, survives more: add one and name it below.
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: main}}
spec:
  url: {url}
  # Without this key nobody can read the repository. Keep a second copy of it somewhere else.
  key: {{file: {key}}}
  failureDomain: {{site: here, device: {host}}}
---
# How backups are taken and kept. What is left out comes from the built-in policy `default`.
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: standard}}
spec:
  repositories: [main]          # the first is the primary one, the others hold copies
  retention: {{keepWithin: 2d, daily: 14, weekly: 8, monthly: 12, minimum: 3}}
"""

_SYSTEM = """\
# What must survive. The tier says how old the newest snapshot may become (RPO) and how long a recovery may take (RTO):
# critical 15m/1h, high 1h/4h, medium 4h/24h, low 24h/72h.
apiVersion: reconciler/v1
kind: System
metadata: {{name: {name}}}
spec:
  tier: {tier}
  policy: standard
  host: {host}                  # the machine that reads the sources
  sources:
    - path: {path}
      # .gitignore semantics, from `path` down
      exclude: ["*.tmp", ".cache/", "node_modules/", "__pycache__/"{more}]
  failureDomain: {{site: here}}
"""

NEXT = ("reconcile validate", "reconcile --dry-run", "reconcile")


def init_specs(house: House, url: str | None = None, key: Path | None = None) -> StarterReport:
    """Write the files, then create the repository and the key that they name. ``url``, ``key``: instead of the usual places."""
    specs = house.specs
    existing = sorted(path for pattern in ("*.yaml", "*.yml") for path in specs.rglob(pattern)) if specs.is_dir() else []
    if existing:
        raise StarterExists(f"there are specs in {specs} already: {existing[0].relative_to(specs)}", files=len(existing))
    realm = f"{random.choice(_FIRST)}-{random.choice(_SECOND)}-{random.randint(10, 99)}"
    usual_url, usual_key = _places(realm)
    files = _files(house, realm, url or str(usual_url), key.absolute() if key is not None else usual_key)
    make_folders(specs, mode=0o755)
    for name, content in files.items():
        create_whole(specs / name, content.encode(), mode=0o644)
    repository = init_repository(house, "main")
    return StarterReport(str(specs), tuple(files), realm, repository, tuple(_with_specs(command, specs) for command in NEXT))


def _files(house: House, realm: str, url: str, key: Path) -> dict[str, str]:
    host = _quoted(house.agent)
    files = {
        "settings.yaml": _SETTINGS.format(realm=realm),
        "repository.yaml": _REPOSITORY.format(url=_quoted(url), key=_quoted(key), host=host),
    }
    for name, tier, path in [("specs", "critical", house.specs), *_sources()]:
        more = f", {_quoted('/' + str(key.relative_to(path)))}" if path in key.parents else ""  # inside what it opens, it is of no use
        files[f"{name}.yaml"] = _SYSTEM.format(name=name, tier=tier, host=host, path=_quoted(path), more=more)
    return files


def _places(realm: str) -> tuple[Path, Path]:
    """Repository and key, named for the realm so that a second starter on this machine takes nothing of the first."""
    return Path.home() / "Backups" / realm, Path.home() / ".config" / "reconciler" / f"{realm}.key"


def _sources() -> list[tuple[str, str, Path]]:
    """What is surely worth keeping here, and exists."""
    configuration = Path("/etc") if hasattr(os, "geteuid") and os.geteuid() == 0 else Path.home() / ".config"
    wanted = [("documents", "high", Path.home() / "Documents"), ("configuration", "critical", configuration)]
    return [entry for entry in wanted if entry[2].is_dir() and any(entry[2].iterdir())]


def _quoted(value: object) -> str:
    """As a YAML scalar that means exactly this text."""
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _with_specs(command: str, specs: Path) -> str:
    default = Path("specs").absolute()
    return command if specs == default else command.replace("reconcile", f"reconcile --specs {specs}", 1)
