"""Names that must lead somewhere: tiers, policies, repositories, dependencies, previous names, the realm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from reconciler.model.declared.builtin import TIERS
from reconciler.model.declared.envelope import DeletionApproval
from reconciler.model.problem import Place, Problem, Severity
from reconciler.model.records import PREFIX, is_records
from reconciler.spec.declare import Declared, Key
from reconciler.spec.objects import Objects


def check(objects: Objects, broken: AbstractSet[Key]) -> Iterator[Problem]:
    """Problems of references; ``broken`` objects count as known."""
    known = {kind: _names(objects, broken, kind) for kind in ("Tier", "BackupPolicy", "Repository", "System")}
    known["Tier"] |= set(TIERS)
    known["BackupPolicy"].add("default")
    for declared, policy in objects.policies():
        yield from _repositories(declared, policy.spec.repositories or (), known["Repository"])
    for declared, system in objects.systems():
        spec = system.spec
        if spec.tier not in known["Tier"]:
            yield _missing(declared, "unknown-tier", ("spec", "tier"), "Tier", spec.tier, known["Tier"])
        if spec.policy not in known["BackupPolicy"]:
            yield _missing(declared, "unknown-policy", ("spec", "policy"), "BackupPolicy", spec.policy, known["BackupPolicy"])
        yield from _repositories(declared, spec.repositories or (), known["Repository"])
        for index, name in enumerate(spec.depends_on):
            if name not in known["System"]:
                yield _missing(
                    declared, "unknown-system", ("spec", "dependsOn", index), "System", name, known["System"] - {declared.key[1]}
                )
    yield from _contained(objects, known["System"])
    yield from _records(objects, known)
    yield from _approvals(objects, known)
    yield from _cycles(objects)
    yield from _previous_names(objects)
    yield from _realm(objects, broken)


def _contained(objects: Objects, systems: set[str]) -> Iterator[Problem]:
    """Whose snapshots another program holds, and that nobody is to write there."""
    observed = {declared.key[1] for declared, repository in objects.repositories() if repository.spec.format != "reconciler"}
    for declared, repository in objects.repositories():
        for index, one in enumerate(repository.spec.contains):
            if one.system not in systems:
                yield _missing(declared, "unknown-system", ("spec", "contains", index, "system"), "System", one.system, systems)
    chosen = [(declared, policy.spec.repositories) for declared, policy in objects.policies()]
    chosen += [(declared, system.spec.repositories) for declared, system in objects.systems()]
    for declared, given in chosen:
        names = given or ()
        if names and names[0] in observed and not observed.issuperset(names):
            message = f"`{names[0]}` is first, so backups would go there, and a repository of another program is never written to"
            yield declared.problem("observed-primary", ("spec", "repositories", 0), message, hint="Name a repository of ours first.")


def _names(objects: Objects, broken: AbstractSet[Key], kind: str) -> set[str]:
    return {name for other, name in (*objects.all, *broken) if other == kind}


def _repositories(declared: Declared, names: Iterable[str], known: set[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name not in known:
            yield _missing(declared, "unknown-repository", ("spec", "repositories", index), "Repository", name, known)


def _missing(declared: Declared, code: str, location: tuple[str | int, ...], kind: str, name: str, known: set[str]) -> Problem:
    from reconciler.spec.explain import suggest

    hint = suggest(name, sorted(known)) or (f"Known: {', '.join(sorted(known)[:8])}." if known else f"No {kind} is declared.")
    return declared.problem(code, location, f"there is no {kind} `{name}`", hint=hint)


def _records(objects: Objects, known: dict[str, set[str]]) -> Iterator[Problem]:
    for declared, _ in objects.systems():
        if is_records(declared.key[1]):
            hint = "Settings.records says how they are protected."
            yield declared.problem("reserved-name", ("metadata", "name"), f"`{PREFIX}…` is kept for the records of hosts", hint=hint)
    holder, settings = objects.settings()
    if holder is None:
        return
    wanted = settings.records
    if wanted.tier not in known["Tier"]:
        yield _missing(holder, "unknown-tier", ("spec", "records", "tier"), "Tier", wanted.tier, known["Tier"])
    if wanted.policy not in known["BackupPolicy"]:
        yield _missing(holder, "unknown-policy", ("spec", "records", "policy"), "BackupPolicy", wanted.policy, known["BackupPolicy"])
    for index, name in enumerate(wanted.repositories or ()):
        if name not in known["Repository"]:
            at = ("spec", "records", "repositories", index)
            yield _missing(holder, "unknown-repository", at, "Repository", name, known["Repository"])


def _approvals(objects: Objects, known: dict[str, set[str]]) -> Iterator[Problem]:
    """Only warnings: a System may go before somebody clears the approvals away that once were given for it."""
    for declared in objects.by_kind.get("DeletionApproval", ()):
        assert isinstance(declared.document, DeletionApproval)
        spec = declared.document.spec
        for kind, field, name in (("System", "system", spec.system), ("Repository", "repository", spec.repository)):
            if name not in known[kind] and not (kind == "System" and is_records(name)):
                message = f"there is no {kind} `{name}`: the approval approves nothing"
                yield declared.problem(
                    "approval-of-nothing", ("spec", field), message, hint="Remove the approval.", severity=Severity.WARNING
                )


def _cycles(objects: Objects) -> Iterator[Problem]:
    """One problem per circle, at its alphabetically first system. Iterative: a chain may be as long as the tree is big."""
    systems = {declared.key[1]: (declared, document.spec.depends_on) for declared, document in objects.systems()}
    done: set[str] = set()
    for start in systems:
        path: list[str] = [start]
        waiting = [iter(systems[start][1])] if start not in done else []
        while waiting:
            name = next(waiting[-1], None)
            if name is None:
                waiting.pop()
                done.add(path.pop())
            elif name in path:
                yield _cycle(systems[min(path[path.index(name) :])][0], path[path.index(name) :])
            elif name in systems and name not in done:
                path.append(name)
                waiting.append(iter(systems[name][1]))


def _cycle(declared: Declared, members: list[str]) -> Problem:
    begin = members.index(declared.key[1])
    circle = [*members[begin:], *members[:begin], declared.key[1]]
    return declared.problem(
        "dependency-cycle", ("spec", "dependsOn"), f"depends on itself: {' → '.join(circle)}", hint="Which of them can be recovered first?"
    )


def _previous_names(objects: Objects) -> Iterator[Problem]:
    claimed: dict[str, str] = {}
    for declared, system in objects.systems():
        old = system.metadata.previous_name
        if old is None or declared.last_good:
            continue
        at = ("metadata", "previousName")
        living = objects.all.get(("System", old))
        if living is not None and not living.last_good:
            yield declared.problem("previous-name", at, f"the System `{old}` still exists", hint="A history belongs to one System.")
        elif old in claimed:
            yield declared.problem("previous-name", at, f"the System `{claimed[old]}` claims the history of `{old}`, too")
        else:
            claimed[old] = declared.key[1]


def _realm(objects: Objects, broken: AbstractSet[Key]) -> Iterator[Problem]:
    message = "the tree names no realm, so the word `default` says whose snapshots these are"
    hint = "Write a random word into `spec.realm` of a Settings object, once and for ever, and commit it."
    declared, settings = objects.settings()
    if declared is not None and "realm" not in settings.model_fields_set:
        yield declared.problem("no-realm", ("spec",), message, hint=hint, severity=Severity.WARNING)
    elif declared is None and not any(kind == "Settings" for kind, _ in broken):
        yield Problem(Severity.WARNING, "no-realm", Place(".", 1, 1), message, hint)
