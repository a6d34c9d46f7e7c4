"""Receivers that alert policies name, against those that they declare."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.declared.block import Block
from reconciler.model.declared.rare import AlertPolicy
from reconciler.model.declared.secret import SecretFrom
from reconciler.model.problem import Problem, Severity
from reconciler.spec.checks.paths import inside
from reconciler.spec.declare import Declared
from reconciler.spec.objects import Objects
from reconciler.spec.resolve import absolute, folder_of

_At = tuple[str | int, ...]
KINDS = ("System", "Repository", "Host", "Catalog", "Specs", "Receiver")
"""Of objects that alerts are about."""


def check(objects: Objects) -> Iterator[Problem]:
    """A name that leads nowhere is an error; a receiver that is never told is a warning."""
    for declared in objects.by_kind.get("AlertPolicy", ()):
        assert isinstance(declared.document, AlertPolicy)
        yield from _of_policy(declared, declared.document)
        yield from _in_tree(objects, declared, declared.document)


def _of_policy(declared: Declared, document: AlertPolicy) -> Iterator[Problem]:
    from reconciler.spec.explain import suggest

    spec = document.spec
    known = [receiver.name for receiver in spec.receivers]
    named = set() if spec.routes else set(known)
    for at, names in _named(document):
        for index, name in enumerate(names):
            named.add(name)
            if name not in known:
                hint = suggest(name, known) or f"Known: {', '.join(known[:8])}."
                yield declared.problem("unknown-receiver", (*at, index), f"this policy has no receiver `{name}`", hint=hint)
    yield from _unknown_words(declared, document)
    level = {receiver.name for receiver in spec.receivers if receiver.alertmanager is not None}
    for number, step in enumerate(spec.escalation):
        for index, name in enumerate(step.receivers):
            if name in level:
                where = ("spec", "escalation", number, "receivers", index)
                message = f"`{name}` is an Alertmanager: it is told everything that fires anyway, and calls people by its own routes"
                yield declared.problem("receiver-not-called", where, message, hint="Take it out of the step.", severity=Severity.WARNING)
    for index, name in enumerate(known):
        if name not in named:
            place: _At = ("spec", "receivers", index, "name")
            message, hint = f"nothing is ever told to the receiver `{name}`", "Name it in a route, or remove it."
            yield declared.problem("receiver-unused", place, message, hint=hint, severity=Severity.WARNING)


def _in_tree(objects: Objects, declared: Declared, document: AlertPolicy) -> Iterator[Problem]:
    """Specs are shared and committed, and each change below their folder is looked at."""
    root, folder = str(objects.root), folder_of(objects.root, declared)
    for at, secret in _secrets(document):
        if secret.file is not None and inside(absolute(folder, secret.file), root):
            message, hint = "the secret file lies inside the spec tree", "Specs are shared and committed; a secret is neither."
            yield declared.problem("key-in-tree", (*at, "file"), message, hint=hint, severity=Severity.WARNING)
    for index, receiver in enumerate(document.spec.receivers):
        if receiver.file is not None and inside(absolute(folder, receiver.file.path), root):
            message, hint = "the alerts would be written into the spec tree", "Every message would look like a change of the specs."
            yield declared.problem("alerts-in-tree", ("spec", "receivers", index, "file", "path"), message, hint=hint)


def _secrets(document: AlertPolicy) -> Iterator[tuple[_At, SecretFrom]]:
    blocks: list[tuple[_At, Block]] = [
        (("spec", "receivers", index, receiver.kind), getattr(receiver, receiver.kind))
        for index, receiver in enumerate(document.spec.receivers)
    ]
    if document.spec.dead_man is not None:
        blocks.append((("spec", "deadMan"), document.spec.dead_man))
    for at, block in blocks:
        for name in type(block).model_fields:
            value = getattr(block, name)
            if isinstance(value, SecretFrom):
                yield (*at, name), value
            elif isinstance(value, dict):
                yield from (((*at, name, key), inner) for key, inner in value.items())


def _unknown_words(declared: Declared, document: AlertPolicy) -> Iterator[Problem]:
    """A word that no alert bears: whoever it is a route for would never hear of anything."""
    from reconciler.model.status import ConditionType
    from reconciler.spec.explain import suggest

    known = {"kinds": KINDS, "conditions": tuple(condition.value for condition in ConditionType)}
    for block, matches in (("routes", document.spec.routes), ("escalation", document.spec.escalation)):
        for number, match in enumerate(matches):
            for field, words in known.items():
                for index, word in enumerate(getattr(match, field)):
                    if word not in words:
                        where: _At = ("spec", block, number, field, index)
                        hint = suggest(word, words) or f"Known: {', '.join(words)}."
                        message = f"no alert is about the {field.removesuffix('s')} `{word}`"
                        yield declared.problem("unknown-alert-word", where, message, hint=hint, severity=Severity.WARNING)


def _named(document: AlertPolicy) -> Iterator[tuple[_At, tuple[str, ...]]]:
    spec = document.spec
    for index, route in enumerate(spec.routes):
        yield ("spec", "routes", index, "receivers"), route.receivers
    for index, step in enumerate(spec.escalation):
        yield ("spec", "escalation", index, "receivers"), step.receivers
    if spec.heartbeat is not None:
        yield ("spec", "heartbeat", "receivers"), spec.heartbeat.receivers
