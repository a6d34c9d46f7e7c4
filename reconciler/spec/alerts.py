"""Alert policies as they are wanted: every path absolute, wherever it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from reconciler.model.declared.alerts import Receiver
from reconciler.model.declared.block import Block
from reconciler.model.declared.rare import AlertPolicy
from reconciler.model.declared.secret import SecretFrom
from reconciler.model.desired import DesiredAlertPolicy
from reconciler.spec.declare import Declared
from reconciler.spec.resolve import absolute, folder_of

B = TypeVar("B", bound=Block)


def alert_policy(root: Path, declared: Declared) -> DesiredAlertPolicy:
    """One policy."""
    assert isinstance(declared.document, AlertPolicy)
    folder, spec = folder_of(root, declared), declared.document.spec
    changes: dict[str, object] = {"receivers": tuple(_receiver(receiver, folder) for receiver in spec.receivers)}
    if spec.dead_man is not None:
        changes["dead_man"] = _anchored(spec.dead_man, folder)
    return DesiredAlertPolicy(declared.key[1], spec.model_copy(update=changes), declared.place, declared.last_good)


def _receiver(receiver: Receiver, folder: str) -> Receiver:
    inner: Block = getattr(receiver, receiver.kind)
    return receiver.model_copy(update={receiver.kind: _anchored(inner, folder)})


def _anchored(block: B, folder: str) -> B:
    """With the paths of its own fields, and of the secrets that they name, counted from ``folder``."""
    changes: dict[str, object] = {}
    for name in ("path", "ca"):
        path = getattr(block, name, None)
        if path is not None:
            changes[name] = absolute(folder, path)
    for name in type(block).model_fields:
        value = getattr(block, name)
        if isinstance(value, SecretFrom):
            changes[name] = _secret(value, folder)
        elif isinstance(value, dict):
            changes[name] = {key: _secret(inner, folder) for key, inner in value.items()}
    return block.model_copy(update=changes) if changes else block


def _secret(secret: SecretFrom, folder: str) -> SecretFrom:
    return secret if secret.file is None else secret.model_copy(update={"file": absolute(folder, secret.file)})
