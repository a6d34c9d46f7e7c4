"""Reads a whole spec tree into what is wanted, and never fails for a fault inside it.

Additions count per object, removals only per tree: a broken object stays at its last good version, and one that is missing counts as
removed only when the whole tree is free of errors. All problems are reported at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple, cast

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.desired import Desired, DesiredAlertPolicy, DesiredRecoveryPlan
from reconciler.model.problem import Place, Problem, Severity
from reconciler.spec import resolve
from reconciler.spec.checks import check
from reconciler.spec.declare import Declared, Key, revive
from reconciler.spec.objects import Objects, Unread
from reconciler.spec.read import Cache, SpecText, read_file
from reconciler.spec.scenarios import scenarios
from reconciler.spec.tree import SpecFile, Tree, read_tree


class StoredDocument(NamedTuple):
    """An object as it last was good; whoever keeps it gives it back to the next :func:`load`."""

    kind: str
    name: str
    file: str
    line: int
    text: str
    """The whole document as JSON."""


LastGoodDocuments = Mapping[tuple[str, str], StoredDocument]
"""By kind and name."""


class Loaded(Struct, frozen=True):
    """A tree as it was read once."""

    desired: Desired
    problems: tuple[Problem, ...]
    """In the order of the files."""
    objects: int
    """Objects in use, last good versions included; built-in ones are not counted."""
    files: int
    removed: tuple[tuple[str, str], ...]
    """Kept before, and certainly removed now."""
    declared: Objects
    """Of a tree that was kept resolved they are read when somebody asks for them."""
    good: frozenset[Key]
    """The objects that stand in the tree now and are in use."""

    @property
    def documents(self) -> tuple[StoredDocument, ...]:
        """The objects that are good now: to be kept as their last good version. Put into words when somebody keeps them."""
        return tuple(_stored(self.declared.all[key]) for key in sorted(self.good))


def load(
    root: Path,
    *,
    last_good: LastGoodDocuments | None = None,
    cache: Cache | None = None,
    stands_for: Path | None = None,
    overlay: SpecFile | None = None,
) -> Loaded:
    """The tree below ``root``. ``cache``: give the same one again and only changed files are parsed, and nothing where nothing changed.

    ``stands_for``: the folder whose earlier revision this is; relative paths count from there. ``overlay``: a file that is not in the
    tree; its objects take the place of those of the same kind and name, or are added.

    Raises SpecTreeMissing and SpecTreeUnreadable: then nothing at all is known about what is wanted.
    """
    tree = read_tree(root)
    place = stands_for.absolute() if stands_for is not None else tree.root
    if cache is None or overlay is not None:
        return _loaded(tree, place, last_good, None, overlay)
    about, kept = (place, tree.digest, tuple(tree.problems)), last_good if last_good is not None else {}
    if cache.whole is None or cache.whole[0] != about:
        before = _resolved_before(tree, place, cache)
    elif cache.whole[1] is kept or cache.whole[1] == kept:
        return cast("Loaded", cache.whole[2])
    else:
        before = cast("Loaded", cache.whole[2])
    loaded = (_beside(before, kept) if before is not None else None) or _loaded(tree, place, kept, cache)
    cache.whole = (about, kept, loaded)
    return loaded


def _resolved_before(tree: Tree, place: Path, cache: Cache) -> Loaded | None:
    """The same tree as an earlier process has loaded it, where that is known."""
    known = cache.parses.whole(tree, place) if cache.parses is not None else None
    if known is None:
        return None
    files = {file.name: file for file in tree.files}
    unread = Unread({key: files[name] for key, name in known.files.items()}, cache.read)
    return _put_together(tree, known.desired, Objects(place, unread), unread.keys(), ())


def _beside(loaded: Loaded, last_good: LastGoodDocuments) -> Loaded | None:
    """The same tree beside other last good versions, where all is well: then they say only what was removed. None: they may say more."""
    from reconciler.spec.vanished import is_there

    nothing_vanished = not last_good or is_there(loaded.good, loaded.desired.settings)
    return replace(loaded, removed=_removed(last_good, loaded.good)) if loaded.desired.clean and nothing_vanished else None


def _loaded(tree: Tree, place: Path, last_good: LastGoodDocuments | None, cache: Cache | None, overlay: SpecFile | None = None) -> Loaded:
    texts = [cache.read(file) if cache is not None else read_file(file) for file in tree.files]
    if cache is not None:
        cache.trim()
    if overlay is not None:
        texts = _overlaid(texts, read_file(overlay))
    problems = [*tree.problems, *(problem for text in texts for problem in text.problems)]
    current, doubles = _unique(texts)
    problems += doubles
    broken = {(p.kind, p.name) for p in problems if p.severity is Severity.ERROR and p.kind}
    missed = _missed(last_good, current, problems) if last_good else []
    problems += missed
    kept, _ = _revived(last_good or {}, current) if problems else ({}, [])
    found = check(Objects(place, {**kept, **current}), checked=current.keys(), broken=broken - kept.keys())
    problems += found
    faulty = {(p.kind, p.name) for p in (*missed, *found) if p.severity is Severity.ERROR}
    clean = not any(p.severity is Severity.ERROR for p in problems)
    good = {key: declared for key, declared in current.items() if key not in faulty and not declared.faulty}
    kept, lost = _revived(last_good or {}, [*good, *_renamed(good)]) if not clean else ({}, [])
    problems += lost
    objects = Objects(place, {**kept, **good})
    ordered = tuple(sorted(problems, key=lambda p: (p.place.file, p.place.line, p.place.column, p.code)))
    desired = _desired(objects, tree.digest, ordered, clean)
    if cache is not None and cache.parses is not None:
        cache.parses.note(tree, desired, good)
    return _put_together(tree, desired, objects, good.keys(), _removed(last_good or {}, good.keys()) if clean else ())


def _put_together(tree: Tree, desired: Desired, objects: Objects, good: AbstractSet[Key], removed: tuple[Key, ...]) -> Loaded:
    return Loaded(desired, desired.problems, len(objects.all), len(tree.files), removed, objects, frozenset(good))


def _missed(last_good: LastGoodDocuments, current: Mapping[Key, Declared], problems: Iterable[Problem]) -> list[Problem]:
    from reconciler.spec.vanished import vanished

    return list(vanished(last_good, current, broken=[(p.kind, p.name) for p in problems if p.severity is Severity.ERROR]))


def _removed(last_good: LastGoodDocuments, good: AbstractSet[Key]) -> tuple[Key, ...]:
    return tuple(sorted(last_good.keys() - good))


def _overlaid(texts: Iterable[SpecText], over: SpecText) -> list[SpecText]:
    keys = {declared.key for declared in over.declared}
    under = [replace(text, declared=tuple(d for d in text.declared if d.key not in keys)) for text in texts]
    return [*under, over]


def _desired(objects: Objects, digest: str, problems: tuple[Problem, ...], clean: bool) -> Desired:
    repositories = tuple(resolve.repository(objects, declared) for declared, _ in objects.repositories())
    stores = {repository.name: repository for repository in repositories}
    systems = [resolve.system(objects, stores, declared, document) for declared, document in objects.systems()]
    return Desired(
        root=str(objects.root),
        digest=digest,
        settings=objects.settings()[1],
        systems=tuple(system for system in systems if system is not None),
        repositories=repositories,
        approvals=tuple(resolve.approval(declared) for declared in objects.by_kind.get("DeletionApproval", ()) if not declared.last_good),
        alert_policies=_alert_policies(objects),
        recovery_plans=_recovery_plans(objects),
        scenarios=scenarios(objects),
        problems=problems,
        clean=clean,
    )


def _alert_policies(objects: Objects) -> tuple[DesiredAlertPolicy, ...]:
    declared = objects.by_kind.get("AlertPolicy", ())
    if not declared:
        return ()
    from reconciler.spec.alerts import alert_policy

    return tuple(alert_policy(objects.root, each) for each in declared)


def _recovery_plans(objects: Objects) -> tuple[DesiredRecoveryPlan, ...]:
    declared = objects.by_kind.get("RecoveryPlan", ())
    if not declared:
        return ()
    from reconciler.spec.recovery import recovery_plan

    return tuple(recovery_plan(objects.root, each) for each in declared)


def _unique(texts: Iterable[SpecText]) -> tuple[dict[Key, Declared], list[Problem]]:
    """Objects by key. Of two with one name neither counts: nobody can say which one is meant."""
    first: dict[Key, Declared] = {}
    twice: set[Key] = set()
    problems = []
    for declared in (declared for text in texts for declared in text.declared):
        other = first.setdefault(declared.key, declared)
        if other is not declared:
            twice.add(declared.key)
            message = f"another {declared.key[0]} has this name, at {other.place.file}:{other.place.line}"
            problems.append(declared.problem("duplicate-object", ("metadata", "name"), message, hint="Rename or remove one of them."))
    unique = {key: declared for key, declared in first.items() if key not in twice}
    settings = [declared for key, declared in unique.items() if key[0] == "Settings"]
    for extra in settings[1:]:
        message = f"a tree has one Settings object; the first is at {settings[0].place.file}:{settings[0].place.line}"
        problems.append(extra.problem("two-settings", ("kind",), message, hint="Merge the two."))
    if len(settings) > 1:
        unique = {key: declared for key, declared in unique.items() if key[0] != "Settings"}
    return unique, problems


def _revived(last_good: LastGoodDocuments, current: Iterable[Key]) -> tuple[dict[Key, Declared], list[Problem]]:
    """The last good versions of what is not there in a good version now."""
    there, kept, problems = set(current), {}, []
    for key, stored in last_good.items():
        if key in there:
            continue
        place = Place(stored.file, stored.line)
        declared = revive(stored.kind, json.loads(stored.text), place)
        if declared is not None:
            kept[key] = declared
        else:
            message = "the last good version of this object is not valid in this version of the program"
            problems.append(Problem(Severity.ERROR, "last-good-unusable", place, message, kind=stored.kind, name=stored.name))
    return kept, problems


def _renamed(good: Mapping[Key, Declared]) -> list[Key]:
    """The old names of Systems that were renamed: their history lives on under the new name, not beside it."""
    old = ((declared.key[0], declared.document.metadata.previous_name) for declared in good.values())
    return [(kind, name) for kind, name in old if name is not None]


def _stored(declared: Declared) -> StoredDocument:
    text = json.dumps(declared.value, sort_keys=True, separators=(",", ":"))
    return StoredDocument(*declared.key, declared.place.file, declared.place.line, text)
