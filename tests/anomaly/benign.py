"""Ordinary lives of systems: each yields the trees that successive backups see."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator, Mapping

from tests.anomaly import real
from tests.anomaly.sources import Sources
from tests.anomaly.trees import EMPTY, Content, Tree, jpeg, office, packed, pages, prose, some

Life = Callable[[random.Random, Sources], Iterator[Tree]]


def commits(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """A checkout of a real source tree, brought from release to release by small commits."""
    versions = sources.packages[rng.choice(sorted(sources.packages))]
    at = rng.randrange(len(versions) - 1)
    tree = dict(versions[at])
    yield dict(tree)
    for wanted in versions[at + 1 :]:
        paths = [p for p in {*tree, *wanted} if (tree.get(p) or EMPTY).key != (wanted.get(p) or EMPTY).key or (p in tree) != (p in wanted)]
        rng.shuffle(paths)
        while paths:
            step = max(1, int(rng.lognormvariate(1.2, 1.0)))
            for path in paths[:step]:
                if path in wanted:
                    tree[path] = wanted[path]
                else:
                    tree.pop(path, None)
            del paths[:step]
            yield dict(tree)


def deployments(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """An application that is replaced by its next real release as a whole, between small changes of its data."""
    versions = sources.packages[rng.choice(sorted(sources.packages))]
    data: Tree = {f"data/{n}.json": Content.of(prose(rng, 900)) for n in range(40)}
    for version in versions[rng.randrange(len(versions) - 2) :]:
        for _ in range(rng.randrange(3, 12)):
            for path in some(rng, data, 0.05):
                data[path] = Content.of(prose(rng, 900))
            yield {**{f"app/{path}": content for path, content in version.items()}, **data}


def upgrades(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """A host: several real packages that are all upgraded in one night, once or twice, beside settings that are edited by hand."""
    releases = sources.packages
    names = rng.sample(sorted(releases), min(4, len(releases)))
    at = {name: rng.randrange(max(1, len(releases[name]) - 3)) for name in names}
    settings: Tree = {f"etc/{n}.conf": Content.of(prose(rng, 600)) for n in range(30)}
    nights = set(rng.sample(range(8, 32), 2))
    for night in range(36):
        if night in nights:
            at = {name: min(number + 1, len(releases[name]) - 1) for name, number in at.items()}
        for path in some(rng, settings, 0.02):
            settings[path] = Content.of(prose(rng, 600))
        yield {**{f"usr/{name}/{path}": content for name in names for path, content in releases[name][at[name]].items()}, **settings}


def logs(rng: random.Random, _sources: Sources) -> Iterator[Tree]:
    """Logs that grow, are rotated by number, and compressed."""
    count, keep = rng.randrange(4, 20), rng.randrange(3, 8)
    tree: Tree = {f"log/{n}.log": Content.of(prose(rng, 2000)) for n in range(count)} | {
        f"srv/{n}.html": Content.of(prose(rng, 700)) for n in range(rng.randrange(20, 120))
    }
    every = rng.randrange(2, 8)
    for night in range(40):
        for n in range(count):
            if night % every == 0:
                for age in range(keep, 1, -1):
                    old = tree.pop(f"log/{n}.log.{age - 1}.gz", None)
                    if old is not None:
                        tree[f"log/{n}.log.{age}.gz"] = old
                tree[f"log/{n}.log.1.gz"] = Content.of(packed(tree[f"log/{n}.log"].data))
                tree[f"log/{n}.log"] = Content.of(prose(rng, 500)) if rng.random() < 0.8 else EMPTY
            else:
                tree[f"log/{n}.log"] = Content.of(tree[f"log/{n}.log"].data + b"\n" + prose(rng, 800))
        yield dict(tree)


def dumps(rng: random.Random, _sources: Sources) -> Iterator[Tree]:
    """Nightly dumps, under their date or over the one before, compressed or not, of which the newest are kept."""
    count, keep = rng.randrange(2, 12), rng.randrange(3, 10)
    dated, small = rng.random() < 0.6, rng.random() < 0.6
    tree: Tree = {f"app/{n}.py": Content.of(prose(rng, 900)) for n in range(rng.randrange(10, 80))}
    for night in range(40):
        for n in range(count):
            name = f"dump/{n}-{night:03}.sql" if dated else f"dump/{n}.sql"
            data = prose(rng, 6000)
            tree[name + (".gz" if small else "")] = Content.of(packed(data) if small else data)
            for ending in (".sql", ".sql.gz"):
                tree.pop(f"dump/{n}-{night - keep:03}{ending}", None)
        yield dict(tree)


def documents(rng: random.Random, _sources: Sources) -> Iterator[Tree]:
    """A share of an office: edits, new documents and photos, a folder that moves, a project that is archived, a few renames."""
    tree: Tree = {}
    for n in range(rng.randrange(80, 300)):
        make, ending = rng.choice([(office, "docx"), (office, "xlsx"), (jpeg, "jpg"), (prose, "txt"), (prose, "csv")])
        tree[f"team{n % 7}/project{n % 13}/{n}.{ending}"] = Content.of(make(rng, rng.randrange(500, 3000)))
    for day in range(40):
        for path in some(rng, tree, rng.uniform(0.005, 0.04)):
            data = office(rng, 1500) if path.endswith(("docx", "xlsx")) else jpeg(rng, 1500) if path.endswith("jpg") else prose(rng, 1500)
            tree[path] = Content.of(data)
        for n in range(rng.randrange(4)):
            tree[f"team{rng.randrange(7)}/new/{day}-{n}.docx"] = Content.of(office(rng, 1200))
        if rng.random() < 0.08:
            team, project = f"team{rng.randrange(7)}", f"project{rng.randrange(13)}"
            for path in [p for p in tree if p.startswith(f"{team}/{project}/")]:
                tree[path.replace(project, f"archive/{project}")] = tree.pop(path)
        if rng.random() < 0.1:
            for path in some(rng, tree, 0.02):
                head, _, tail = path.rpartition("/")
                tree[f"{head}/final-{tail}"] = tree.pop(path)
        if rng.random() < 0.05:
            for path in some(rng, tree, 0.05):
                del tree[path]
        yield dict(tree)


def photos(rng: random.Random, _sources: Sources) -> Iterator[Tree]:
    """Pictures come by the hundred, and are never changed; now and then the last ones get names of their own."""
    tree: Tree = {f"2020/{n}.jpg": Content.of(jpeg(rng, 1200)) for n in range(rng.randrange(60, 250))}
    for week in range(36):
        if rng.random() < 0.3:
            fresh = [f"2021/IMG_{week}{n:03}.jpg" for n in range(rng.randrange(5, 60))]
            tree |= {path: Content.of(jpeg(rng, 1200)) for path in fresh}
        elif rng.random() < 0.2:
            wanted = [path for path in tree if "IMG_" in path][-12:]
            for path in wanted:
                tree[path.replace("IMG_", "holiday-")] = tree.pop(path)
        else:
            tree[f"albums/{week}.txt"] = Content.of(prose(rng, 300))
        yield dict(tree)


def letter(rng: random.Random) -> bytes:
    """Some have something attached, as programs for mail write it."""
    attached = base64.encodebytes(office(rng, 1500)) if rng.random() < 0.25 else b""
    return b"From: ada@example.org\n\n" + prose(rng, 700) + b"\n\n" + attached


def mail(rng: random.Random, _sources: Sources) -> Iterator[Tree]:
    """A mailbox as a folder of files: letters come, are read (which renames them) and are deleted."""
    tree: Tree = {f"cur/{n}.host:2,S": Content.of(letter(rng)) for n in range(rng.randrange(60, 300))}
    number = 1000
    for _ in range(40):
        for path in [p for p in tree if p.startswith("new/") and rng.random() < 0.7]:
            tree[path.replace("new/", "cur/") + ":2,"] = tree.pop(path)
        for path in [p for p in tree if p.endswith(":2,") and rng.random() < 0.6]:
            tree[path + "S"] = tree.pop(path)
        for path in some(rng, tree, rng.uniform(0, 0.03)):
            del tree[path]
        for _ in range(rng.randrange(1, 9)):
            number += 1
            tree[f"new/{number}.host"] = Content.of(letter(rng))
        yield dict(tree)


def databases(rng: random.Random, _sources: Sources) -> Iterator[Tree]:
    """A few large files of which some pages change, among many small ones that do not."""
    tree: Tree = {f"db/{n}.sqlite": Content.of(pages(rng, 30)) for n in range(rng.randrange(1, 6))}
    tree |= {f"etc/{n}.yaml": Content.of(prose(rng, 300)) for n in range(rng.randrange(40, 100))}
    for _ in range(36):
        for path in [p for p in tree if p.startswith("db/")]:
            data = bytearray(tree[path].data)
            for _ in range(4):
                at = 4096 * rng.randrange(1, len(data) // 4096)
                data[at : at + 2500] = prose(rng, 2500)[:2500].ljust(2500)
            tree[path] = Content.of(bytes(data))
        yield dict(tree)


def sealed(rng: random.Random, _sources: Sources) -> Iterator[Tree]:
    """A store of encrypted packs that another program keeps: noise by nature, added and cleaned up."""
    tree: Tree = {f"data/{rng.getrandbits(64):016x}": Content.of(rng.randbytes(2500)) for _ in range(rng.randrange(60, 200))}
    clean_up = rng.randrange(3, 7)
    for night in range(40):
        for _ in range(rng.randrange(1, 12)):
            tree[f"data/{rng.getrandbits(64):016x}"] = Content.of(rng.randbytes(2500))
        if night % clean_up == clean_up - 1:
            for path in some(rng, tree, rng.uniform(0.02, 0.1)):
                del tree[path]
        tree["index"] = Content.of(rng.randbytes(3000))
        yield dict(tree)


def builds(rng: random.Random, sources: Sources) -> Iterator[Tree]:
    """A working copy with what is built from it: made anew in part each day, and cleaned every few."""
    written = dict(sources.packages[rng.choice(sorted(sources.packages))][0])
    paths = rng.sample(sorted(written), min(120, len(written)))
    tree: Tree = {path: written[path] for path in paths}
    built: Tree = {}
    clean = rng.randrange(2, 5)
    for day in range(36):
        if day % clean == clean - 1:
            built = {}
        for path in paths[:80]:
            if f"build/{path}.o" not in built or rng.random() < 0.2:
                built[f"build/{path}.o"] = Content.of(b"\x7fELF" + rng.randbytes(20) + prose(rng, 900))
        for path in some(rng, tree, 0.03):
            tree[path] = Content.of(tree[path].data + b"\n# edited\n")
        yield {**tree, **built}


LIVES: Mapping[str, Life] = {
    "commits drawn between releases": commits,
    "deployments of real releases": deployments,
    "system upgrade": upgrades,
    "log rotation": logs,
    "nightly dumps": dumps,
    "office documents": documents,
    "photos": photos,
    "mailbox": mail,
    "databases": databases,
    "encrypted by nature": sealed,
    "builds": builds,
    "photo folders, moved and renamed": real.albums,
    "real commits": real.pulls,
    "real trees, refactored": real.refactorings,
    "real trees, formatted": real.formatters,
    "real Debian upgrades": real.hosts,
    "real repositories, packed": real.repositories,
    "real database folders": real.servers,
    "real nightly dumps": real.real_dumps,
    "real logs, rotated": real.real_logs,
}
OF_RANDOM_NUMBERS = [
    life for life, lived in LIVES.items() if not life.startswith("real") and lived not in {commits, deployments, upgrades, builds}
]
"""What needs no sources."""
