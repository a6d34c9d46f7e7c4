"""Sandboxes of drills against what else has a place on the disk. By their words alone: no link is followed."""

from __future__ import annotations

import os
from collections.abc import Iterator

from reconciler.model.declared.drill import Drill
from reconciler.model.problem import Problem
from reconciler.spec.checks.paths import excluded, inside
from reconciler.spec.declare import Declared
from reconciler.spec.layers import sides
from reconciler.spec.objects import Objects
from reconciler.spec.resolve import absolute, folder_of

CODE = "drill-sandbox"


def check(objects: Objects) -> Iterator[Problem]:
    """A sandbox inside a source would be backed up, one inside a repository or the specs looks like a change of it."""
    stores = [(d.key[1], absolute(folder_of(objects.root, d), document.spec.url)) for d, document in objects.repositories()]
    for declared, system in objects.systems():
        layers = sides(objects, system.spec, declared)
        drill: Drill | None = layers[0].block("drill") if layers is not None else None
        if drill is None or drill.sandbox is None:
            continue
        place = absolute(folder_of(objects.root, declared), drill.sandbox)
        own = system.spec.drill is not None and "sandbox" in system.spec.drill.given()
        where = ("spec", "drill", "sandbox") if own else ("spec", "tier")
        for message, hint in _faults(objects, declared, place, stores):
            yield declared.problem(CODE, where, message, hint=hint)


def _faults(objects: Objects, declared: Declared, place: str, stores: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    if inside(place, str(objects.root)):
        yield f"the sandbox of drills, {place}, lies inside the spec tree", "Every drill would look like a change of the specs."
    for name, url in stores:
        if inside(place, url):
            yield f"the sandbox of drills, {place}, lies inside the Repository `{name}` ({url})", "Give it a folder of its own."
    host = next(system.spec.host for each, system in objects.systems() if each.key == declared.key)
    for other, system in objects.systems():
        if None not in (host, system.spec.host) and host != system.spec.host:
            continue  # another machine has other disks
        for source in system.spec.sources:
            if source.place is None:
                continue
            path, whose = absolute(folder_of(objects.root, other), source.place), f"the System `{other.key[1]}`"
            if inside(path, place):
                yield f"the sandbox of drills, {place}, holds {path}, a source of {whose}", "Give it a folder of its own."
            elif inside(place, path) and not excluded(os.path.relpath(place, path), source.exclude):
                hint = f'Put it elsewhere, or add "/{os.path.relpath(place, path)}/" to the `exclude` of that source.'
                yield f"the sandbox of drills, {place}, lies inside {path}, a source of {whose}", hint
