"""Looks for data that nobody declared: folders below given roots, and databases that run. Names and sizes only; no content is read.

A folder counts as covered when a source is it or lies above it, excluded files included: somebody decided that. Links are not followed,
other people's mounts are entered, pseudo file systems are not.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence

from reconciler.model.uncovered import Uncovered

COUNT_MAX = 100_000
"""Files of one folder; beyond, its size is "more than"."""
_SQLITE = b"SQLite format 3\0"
_SERVERS = {"postgres": "postgresql", "postmaster": "postgresql", "mysqld": "mysql", "mariadbd": "mysql"}
_PROOFS = {"postgresql": "PG_VERSION", "mysql": "ibdata1"}
_PSEUDO = frozenset({"proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "mqueue"})

Identities = Collection[tuple[int, int]]


class Search:
    """One search. ``covered``: places of the sources; ``skip``: (st_dev, st_ino) of what no backup enters."""

    def __init__(self, covered: Sequence[str], roots: Sequence[str], skip: Identities) -> None:
        self._covered = sorted({os.path.realpath(path) for path in covered})
        self._roots = [os.path.realpath(root) for root in roots]
        self._skip = skip
        self._pseudo = _pseudo_mounts()

    def run(self) -> tuple[Uncovered, ...]:
        """Everything found, by path."""
        found = {each.path: each for root in self._roots for each in self._look(root, is_root=True)}
        for database in self._databases():
            found.setdefault(database.path, database)
            found[database.path] = database
        return tuple(found[path] for path in sorted(found))

    def _look(self, folder: str, *, is_root: bool = False) -> Iterator[Uncovered]:
        if self._is_covered(folder) or self._is_passed_over(folder):
            return
        if not is_root and not self._has_source_below(folder):
            files, size, counted = self._measure(folder)
            if files:
                yield Uncovered(folder, "folder", files, size, counted)
            return
        folders, sizes = _listed(folder)
        loose = [size for path, size in sizes if not self._is_covered(path)]
        if loose:
            yield Uncovered(folder, "files", len(loose), sum(loose))
        for path in folders:
            yield from self._look(path)

    def _measure(self, top: str) -> tuple[int, int, bool]:
        files, size, waiting = 0, 0, [top]
        while waiting:
            folder = waiting.pop()
            if folder != top and self._is_passed_over(folder):
                continue
            folders, sizes = _listed(folder)
            waiting += folders
            files += len(sizes)
            size += sum(each for _, each in sizes)
            if files >= COUNT_MAX:
                return files, size, False
        return files, size, True

    def _is_covered(self, path: str) -> bool:
        return any(_is_within(path, source) for source in self._covered)

    def _has_source_below(self, folder: str) -> bool:
        return any(_is_within(source, folder) for source in self._covered)

    def _is_passed_over(self, folder: str) -> bool:
        try:
            info = os.lstat(folder)
        except OSError:
            return True
        tagged = os.path.exists(os.path.join(folder, "CACHEDIR.TAG"))
        return tagged or folder in self._pseudo or (info.st_dev, info.st_ino) in self._skip or not stat.S_ISDIR(info.st_mode)

    def _databases(self) -> Iterator[Uncovered]:
        import psutil

        for process in psutil.process_iter(["name", "cmdline", "cwd"]):
            name, words = process.info["name"] or "", process.info["cmdline"] or []
            kind = _SERVERS.get(name)
            try:
                places = [(kind, _data_folder(kind, words, process.info["cwd"]))] if kind else self._sqlite_files(process.open_files())
            except (psutil.Error, OSError):
                continue  # it ended meanwhile, or belongs to somebody else
            for sort, place in places:
                real = os.path.realpath(place) if place else ""
                if real and not self._is_covered(real) and not self._is_inside_skipped(real):
                    files, size, counted = self._measure(real) if os.path.isdir(real) else (1, os.path.getsize(real), True)
                    yield Uncovered(real, sort or "", files, size, counted, f"{name}[{process.pid}]")

    def _sqlite_files(self, opened: Sequence[object]) -> list[tuple[str | None, str]]:
        paths = [str(getattr(each, "path", "")) for each in opened]
        return [("sqlite", path) for path in paths if any(_is_within(path, root) for root in self._roots) and _is_sqlite(path)]

    def _is_inside_skipped(self, path: str) -> bool:
        while True:
            try:
                info = os.lstat(path)
            except OSError:
                return True
            if (info.st_dev, info.st_ino) in self._skip:
                return True
            if path == os.path.dirname(path):
                return False
            path = os.path.dirname(path)


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _listed(folder: str) -> tuple[list[str], list[tuple[str, int]]]:
    """Folders below, and the regular files that hold something with their sizes; what may not be read holds nothing to see."""
    folders, files = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False) and (size := entry.stat(follow_symlinks=False).st_size):
                    files.append((entry.path, size))
    except OSError:
        pass  # gone, or not ours to read: what was seen until then counts
    return folders, files


def _data_folder(kind: str, words: Sequence[str], cwd: str | None) -> str | None:
    """Both kinds of server work inside their data folder; the words of their command line name it as well."""
    named = [words[i + 1] for i, word in enumerate(words[:-1]) if word in ("-D", "--datadir", "-h")]
    named += [word.partition("=")[2] for word in words if word.startswith("--datadir=")]
    places = [place for place in (*named, cwd) if place and os.path.exists(os.path.join(place, _PROOFS[kind]))]
    return places[0] if places else None


def _is_sqlite(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _pseudo_mounts() -> frozenset[str]:
    import psutil

    return frozenset(mount.mountpoint for mount in psutil.disk_partitions(all=True) if mount.fstype in _PSEUDO)
