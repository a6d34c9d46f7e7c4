"""Ordinary lives of which every step happened: commits, upgrades, databases, logs and what people do to whole trees at once."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from tests.anomaly.sources import Sources
from tests.anomaly.trees import EMPTY, Content, Tree, jpeg, packed, prose, some

_STEPS = 37
_EDITED = (".py", ".go", ".md", ".txt", ".rst", ".html", ".toml", ".json", ".css", ".js")


def pulls(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """A checkout that is brought up to date every few days: each step is what really lies between two commits."""
    yield from _stretch(rng, sources.commits[rng.choice([name for name, states in sources.commits.items() if len(states) > 20])])


def repositories(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """The folder .git of such a checkout: objects come, and are packed now and then, which replaces nearly all files."""
    yield from _stretch(rng, sources.repositories[rng.choice(sorted(sources.repositories))])


def servers(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """The folder of a database server, stopped for each backup."""
    yield from _stretch(rng, sources.servers[rng.choice(sorted(sources.servers))])


def _stretch(rng: random.Random, states: list[Tree] | tuple[Tree, ...]) -> Iterator[Tree]:
    at = rng.randrange(max(1, min(len(states) - 24, 40)))
    yield from (dict(state) for state in states[at : at + _STEPS])


def real_dumps(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """Dumps of that database, some of them compressed, under their date or over the one before, beside a small program."""
    states = sources.dumps[rng.choice(sorted(sources.dumps))]
    keep, dated, small = rng.randrange(3, 15), rng.random() < 0.6, rng.random() < 0.6
    names = rng.sample(sorted(states[0]), rng.randrange(1, len(states[0]) + 1))
    tree: Tree = {f"app/{n}.py": Content.of(prose(rng, 900)) for n in range(rng.randrange(10, 60))}
    at = rng.randrange(len(states))
    for night in range(40):
        state = states[(at + night) % len(states)]
        for name in names:
            tight = small and not name.endswith(".dump")
            stem, ending = name.rsplit(".", 1)
            path = f"dump/{stem}-{night:03}.{ending}" if dated else f"dump/{name}"
            tree[path + ".gz" * tight] = Content.of(packed(state[name].data)) if tight else state[name]
            tree.pop(f"dump/{stem}-{night - keep:03}.{ending}{'.gz' * tight}", None)
        yield dict(tree)


def real_logs(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """Logs that hold lines of that database, rotated each night or week, by number or by date, compressed at once or one later."""
    states = sources.logs[rng.choice(sorted(sources.logs))]
    lines = [line for state in states for line in state["postgresql.log"].data.splitlines(keepends=True)]
    count, keep, every = rng.randrange(3, 15), rng.randrange(4, 15), rng.choice([1, 3, 7])
    dated, delayed = rng.random() < 0.5, rng.random() < 0.5
    tree: Tree = {f"log/{n}.log": EMPTY for n in range(count)} | {f"srv/{n}.html": Content.of(prose(rng, 700)) for n in range(40)}
    busy = [rng.random() for _ in range(count)]
    for night in range(40):
        for n in range(count):
            if night % every == every - 1:
                _rotate(tree, f"log/{n}.log", night, keep, dated=dated, delayed=delayed)
            if rng.random() < busy[n]:
                at = rng.randrange(len(lines) - 300)
                tree[f"log/{n}.log"] = Content.of(tree[f"log/{n}.log"].data + b"".join(lines[at : at + rng.randrange(5, 120)]))
        yield dict(tree)


def _rotate(tree: Tree, log: str, night: int, keep: int, *, dated: bool, delayed: bool) -> None:
    """As logrotate does it, with notifempty and copytruncate off."""
    if not tree[log].data:
        return
    old = sorted((path for path in tree if path.startswith((f"{log}.", f"{log}-"))), key=_age, reverse=not dated)
    if dated:
        for path in old[: max(0, len(old) - keep + 1)]:
            del tree[path]
        for path in [path for path in old if path in tree and not path.endswith(".gz")]:
            tree[f"{path}.gz"] = Content.of(packed(tree.pop(path).data))
        fresh = f"{log}-2026{night:04}"
    else:
        for path in old:
            number, content = _age(path), tree.pop(path)
            if number < keep:
                tight = path.endswith(".gz")
                tree[f"{log}.{number + 1}.gz"] = content if tight else Content.of(packed(content.data))
        fresh = f"{log}.1"
    tree[fresh if delayed else f"{fresh}.gz"] = tree[log] if delayed else Content.of(packed(tree[log].data))
    tree[log] = EMPTY


def _age(path: str) -> int:
    return int(re.findall(r"\d+", path)[-1])


def hosts(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """A host of Debian packages: some are upgraded in a night, once everything that can be, and beside them settings and a log of it."""
    names = rng.sample(sorted(sources.debs), min(len(sources.debs), rng.randrange(5, 12)))
    at = dict.fromkeys(names, 0)
    tree: Tree = {f"etc/{n}.conf": Content.of(prose(rng, 600)) for n in range(30)}
    everything = rng.randrange(8, 34)
    log = b""
    for night in range(_STEPS):
        wanted = names if night == everything else [name for name in names if rng.random() < 0.02]
        for name in wanted:
            at[name] = min(at[name] + 1, len(sources.debs[name]) - 1)
            log += f"2026-05-{night:02} status installed {name} {at[name]}\n".encode()
        for path in some(rng, tree, 0.02):
            tree[path] = Content.of(prose(rng, 600))
        system = {path: content for name in names for path, content in sources.debs[name][at[name]].items()}
        yield {**system, **tree, "var/log/dpkg.log": Content.of(log)}


def formatters(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """A tree that is edited by hand, and over which a formatter goes one day."""
    before, after = sources.formatted[rng.choice(sorted(sources.formatted))]
    tree, day = dict(before), rng.randrange(6, 34)
    for night in range(_STEPS):
        _edit(rng, tree)
        if night == day:
            tree |= {path: content for path, content in after.items() if path in tree}
        yield dict(tree)


def refactorings(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """A real tree that is edited by hand, and turned round on two days."""
    states = rng.choice([*sources.packages.values(), *sources.commits.values()])
    tree = dict(rng.choice(states))
    days = rng.sample(range(6, 34), 2)
    for night in range(_STEPS):
        _edit(rng, tree)
        if night in days:
            rng.choice([_move, _under, _convention, _rename_package, _flatten])(rng, tree)
        yield dict(tree)


def _edit(rng: random.Random, tree: Tree) -> None:
    for path in some(rng, [path for path in tree if path.endswith(_EDITED)], rng.uniform(0.001, 0.01)):
        tree[path] = Content.of(tree[path].data + b"\n# edited\n")


def _folders(tree: Tree) -> list[str]:
    return sorted({str(folder) for path in tree for folder in PurePosixPath(path).parents if str(folder) != "."})


def _renamed(tree: Tree, rename: Callable[[str], str]) -> None:
    for path in list(tree):
        name = rename(path)
        if name != path and name not in tree:
            tree[name] = tree.pop(path)


def _move(rng: random.Random, tree: Tree) -> None:
    """A folder into another place."""
    folder = rng.choice(_folders(tree))
    _renamed(tree, lambda path: f"internal/{path}" if path.startswith(f"{folder}/") else path)


def _under(_rng: random.Random, tree: Tree) -> None:
    """Everything below one new folder."""
    _renamed(tree, lambda path: f"src/{path}")


def _convention(rng: random.Random, tree: Tree) -> None:
    """All names by another convention."""
    kind = rng.randrange(3)

    def name(path: str) -> str:
        folder, slash, base = path.rpartition("/")
        if kind == 0:
            base = re.sub(r"(^test_)(.*)(\.py$)", r"\2_test\3", base)
        elif kind == 1:
            base = base.replace("_", "-")
        else:
            base = re.sub(r"_(\w)", lambda found: found[1].upper(), base)
        return f"{folder}{slash}{base}"

    _renamed(tree, name)


def _rename_package(rng: random.Random, tree: Tree) -> None:
    """A package gets another name, in its path and in all that uses it."""
    folder = rng.choice(_folders(tree))
    old, new = PurePosixPath(folder).name, "orchard"
    for path in list(tree):
        if old.encode() in tree[path].data and path.endswith((".py", ".go")):
            tree[path] = Content.of(tree[path].data.replace(old.encode(), new.encode()))
    after = f"{folder.removesuffix(old)}{new}/"
    _renamed(tree, lambda path: path.replace(f"{folder}/", after, 1) if path.startswith(f"{folder}/") else path)


def _flatten(rng: random.Random, tree: Tree) -> None:
    """The files of a folder and all below it into one, their folders in their names."""
    folder = rng.choice(_folders(tree))
    _renamed(tree, lambda path: f"{folder}/{path[len(folder) + 1 :].replace('/', '_')}" if path.startswith(f"{folder}/") else path)


def albums(rng: random.Random, _sources: Sources) -> Iterator[Tree]:
    """Photos by year: imported, named after what they show, an event at a time, and whole folders that are sorted elsewhere."""
    tree: Tree = {f"{2010 + n % 9}/IMG_{n:04}.jpg": Content.of(jpeg(rng, 1200)) for n in range(rng.randrange(300, 900))}
    number = 5000
    for week in range(_STEPS):
        if rng.random() < 0.35:
            for _ in range(rng.randrange(5, 40)):
                number += 1
                tree[f"import/DSC{number:05}.jpg"] = Content.of(jpeg(rng, 1200))
        if rng.random() < 0.25:
            _event(rng, tree, week)
        if rng.random() < 0.1:
            folder = rng.choice(_folders(tree))
            _renamed(tree, lambda path, folder=folder: f"sorted/{path}" if path.startswith(f"{folder}/") else path)  # type: ignore[misc]
        tree["albums.txt"] = Content.of(prose(rng, 400))
        yield dict(tree)


def _event(rng: random.Random, tree: Tree, week: int) -> None:
    fresh = sorted(path for path in tree if "DSC" in path)[-rng.randrange(5, 40) :]
    style = rng.randrange(3)
    for at, path in enumerate(fresh):
        name = path.rpartition("/")[2]
        found = (f"rome {at + 1:03}.jpg", f"2026-05-{week:02} 14.{at:02}.11.jpg", f"rome-{name}")[style]
        tree[f"events/{week}/{found}"] = tree.pop(path)
