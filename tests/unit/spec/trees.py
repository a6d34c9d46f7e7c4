"""Small spec trees for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

from reconciler.spec import Loaded, StoredDocument

SETTINGS = "apiVersion: reconciler/v1\nkind: Settings\nmetadata: {name: settings}\nspec: {realm: test-realm}\n"
REPOSITORY = """apiVersion: reconciler/v1
kind: Repository
metadata: {name: main}
spec:
  url: /srv/backup/main
  key: {file: /etc/reconciler/main.key}
"""
POLICY = """apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {name: standard}
spec:
  repositories: [main]
  retention: {daily: 7}
"""


def system(name: str, more: str = "", path: str | None = None) -> str:
    """One System document; ``more``: further lines of its spec."""
    lines = "".join(f"  {line}\n" for line in more.splitlines())
    return (
        f"apiVersion: reconciler/v1\nkind: System\nmetadata: {{name: {name}}}\nspec:\n"
        f"  tier: high\n  policy: standard\n  sources: [{{path: {path or f'/srv/{name}'}}}]\n{lines}"
    )


def write(root: Path, **files: str) -> Path:
    """``orders="…"`` becomes ``orders.yaml``."""
    root.mkdir(exist_ok=True, parents=True)
    for name, text in files.items():
        (root / f"{name}.yaml").write_text(text)
    return root


def good_tree(root: Path) -> Path:
    """Two systems, a policy, a repository, settings; no problems."""
    return write(root, settings=SETTINGS, main=REPOSITORY, standard=POLICY, orders=system("orders"), shop=system("shop"))


def kept(loaded: Loaded) -> dict[tuple[str, str], StoredDocument]:
    """What whoever loads would have kept."""
    return {(document.kind, document.name): document for document in loaded.documents}


def codes(loaded: Loaded) -> list[str]:
    return [problem.code for problem in loaded.problems]
