"""Disasters against the tree: names of types, places that nothing is at, scenarios that take nothing."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.declared.scenario import ANY
from reconciler.model.disaster import DisasterType
from reconciler.model.problem import Problem, Severity
from reconciler.spec.declare import Declared
from reconciler.spec.objects import Objects
from reconciler.spec.scenarios import merged_takes

_TYPES = {kind.value for kind in DisasterType}


def check(objects: Objects) -> Iterator[Problem]:
    """Problems of each DisasterScenario. Only its own words are judged, never what is built in."""
    places = _places(objects)
    for declared, document in objects.scenarios():
        spec, name = document.spec, declared.key[1]
        if name in _TYPES and name != spec.type:
            hint = f"Give it another name, or the type {name}."
            yield declared.problem("scenario-type", ("spec", "type"), f"the name is that of a type, and the type is {spec.type}", hint=hint)
        takes = merged_takes(spec)
        if not any((takes.failure_domain, takes.sources, takes.credentials, takes.reach, takes.unverified)):
            yield declared.problem("scenario-takes-nothing", ("spec", "takes"), "takes nothing away", severity=Severity.WARNING)
        if spec.takes is None:
            continue
        for key, values in (spec.takes.failure_domain or {}).items():
            yield from _nowhere(declared, ("spec", "takes", "failureDomain", key), key, values, places)
        yield from _nowhere(declared, ("spec", "takes", "credentials"), "host", spec.takes.credentials or (), places)


def _nowhere(declared: Declared, at: tuple[str, ...], key: str, values: tuple[str, ...], places: dict[str, set[str]]) -> Iterator[Problem]:
    from reconciler.spec.explain import suggest

    known = places.get(key, set())
    for value in values:
        if value in known or (value == ANY and known):
            continue
        what = f"no System and no Repository has a {key}" if not known else f"nothing is at {key} `{value}`"
        hint = suggest(value, sorted(known)) or (f"Known: {', '.join(sorted(known)[:8])}." if known else "Is the word right?")
        yield declared.problem("scenario-matches-nothing", at, what, hint=hint, severity=Severity.WARNING)


def _places(objects: Objects) -> dict[str, set[str]]:
    """Every named place, by its key; the hosts of systems and those that could delete a repository are places, too."""
    found: dict[str, set[str]] = {}
    for _, system in objects.systems():
        given = {"host": system.spec.host, **system.spec.failure_domain}
        for key, value in given.items():
            if value is not None:
                found.setdefault(key, set()).add(value)
    for _, repository in objects.repositories():
        for key, value in repository.spec.failure_domain.items():
            found.setdefault(key, set()).add(value)
        found.setdefault("host", set()).update(repository.spec.deletable_from or ())
    return {key: values for key, values in found.items() if values}
