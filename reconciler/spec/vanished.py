"""What a tree can lose that hardly anybody means, although every file that is left is free of faults.

A folder whose disk is not mounted, a checkout that went wrong and a commit that deletes everything leave a tree that declares nothing. A
tree without its realm makes all snapshots those of somebody else. Both would end all protection without a word, so both are errors: what
was declared goes on until the tree says more.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.problem import Place, Problem, Severity
from reconciler.spec.declare import Declared, Key

if TYPE_CHECKING:
    from reconciler.spec.load import StoredDocument


def is_there(current: Collection[Key], settings: SettingsSpec) -> bool:
    """Whether a tree holds all that may not vanish. Then it is the same what was declared before."""
    return bool(current) and "realm" in settings.model_fields_set


def vanished(last_good: Mapping[Key, StoredDocument], current: Mapping[Key, Declared], *, broken: Iterable[Key]) -> Iterator[Problem]:
    """``last_good``: not empty; ``current``: what the tree declares now; ``broken``: what its errors are about."""
    settings = next((declared for key, declared in current.items() if key[0] == "Settings"), None)
    spec = settings.document.spec if settings is not None else SettingsSpec()
    if isinstance(spec, SettingsSpec) and is_there(current, spec):
        return
    broken = tuple(broken)
    if not current and not broken:
        objects = "object was" if len(last_good) == 1 else "objects were"
        message = f"the tree declares nothing, where {len(last_good)} {objects} declared before"
        hint = "Is the disk mounted, the checkout whole? All goes on as before. To end all protection, leave the Settings object."
        yield Problem(Severity.ERROR, "tree-emptied", Place(".", 1, 1), message, hint)
        return
    realm = next((found for stored in last_good.values() if stored.kind == "Settings" and (found := _realm(stored))), None)
    if realm is None:
        return
    message = f"the tree names no realm any more; it was `{realm}`, and under another word all snapshots so far are somebody else's"
    hint = f"Put `realm: {realm}` back into `spec` of the Settings object. To begin anew, write another word."
    if settings is not None:
        yield settings.problem("realm-lost", ("spec",), message, hint=hint)
    elif not any(kind in {"", "Settings"} for kind, _ in broken):  # a whole file that is broken may be the one that names it
        yield Problem(Severity.ERROR, "realm-lost", Place(".", 1, 1), message, hint)


def _realm(stored: StoredDocument) -> str | None:
    document: Any = json.loads(stored.text)
    spec = document.get("spec")
    realm = spec.get("realm") if isinstance(spec, dict) else None
    return realm if isinstance(realm, str) else None
