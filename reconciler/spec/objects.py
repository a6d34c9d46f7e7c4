"""The declared objects of a tree, found by kind and name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Struct, field
from msgspec.structs import force_setattr

from reconciler.model.declared.envelope import BackupPolicy, DisasterScenario, Repository, Settings, System, Tier
from reconciler.model.declared.policy import BackupPolicySpec
from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.declared.tier import TierSpec
from reconciler.spec.declare import Declared, Key
from reconciler.spec.read import SpecText
from reconciler.spec.tree import SpecFile

D = TypeVar("D", System, Repository, BackupPolicy, DisasterScenario)
K = TypeVar("K")
S = TypeVar("S")
V = TypeVar("V")


class Objects(Struct, frozen=True):
    """The declared objects of a tree, current or last good, by kind and name."""

    root: Path
    all: Mapping[Key, Declared]
    by_kind: Mapping[str, tuple[Declared, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        force_setattr(self, "by_kind", _ByKind(self.all))

    def of(self, kind: type[D]) -> Iterator[tuple[Declared, D]]:
        """All objects of one kind, by name."""
        for declared in self.by_kind.get(kind.__name__, ()):
            assert isinstance(declared.document, kind)
            yield declared, declared.document

    def systems(self) -> Iterator[tuple[Declared, System]]:
        return self.of(System)

    def repositories(self) -> Iterator[tuple[Declared, Repository]]:
        return self.of(Repository)

    def policies(self) -> Iterator[tuple[Declared, BackupPolicy]]:
        return self.of(BackupPolicy)

    def scenarios(self) -> Iterator[tuple[Declared, DisasterScenario]]:
        return self.of(DisasterScenario)

    def tier(self, name: str) -> tuple[Declared | None, TierSpec | None]:
        """The declared Tier of that name, if any."""
        declared = self.all.get(("Tier", name))
        return declared, declared.document.spec if declared and isinstance(declared.document, Tier) else None

    def policy(self, name: str) -> tuple[Declared | None, BackupPolicySpec | None]:
        """The declared BackupPolicy of that name, if any."""
        declared = self.all.get(("BackupPolicy", name))
        return declared, declared.document.spec if declared and isinstance(declared.document, BackupPolicy) else None

    def settings(self) -> tuple[Declared | None, SettingsSpec]:
        """The one Settings object (a current one before a last good one), else the defaults."""
        members = sorted(self.by_kind.get("Settings", ()), key=lambda declared: declared.last_good)
        if not members:
            return None, SettingsSpec()
        assert isinstance(members[0].document, Settings)
        return members[0], members[0].document.spec


class _Late(Mapping[K, V], Generic[K, S, V]):
    """Of which the keys are known; a value is made when somebody asks for it."""

    def __init__(self, sources: Mapping[K, S]) -> None:
        self._sources = sources
        self._found: dict[K, V] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._sources

    def __iter__(self) -> Iterator[K]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


class Unread(_Late[Key, SpecFile, Declared]):
    """Objects of files of which is known already what they declare. A file is read when somebody asks for an object in it."""

    def __init__(self, files: Mapping[Key, SpecFile], read: Callable[[SpecFile], SpecText]) -> None:
        super().__init__(files)
        self._read = read

    def __getitem__(self, key: Key) -> Declared:
        if key not in self._found:
            self._found.update((declared.key, declared) for declared in self._read(self._sources[key]).declared)
        return self._found[key]


class _ByKind(_Late[str, list[str], tuple[Declared, ...]]):
    """All objects of a kind, by name: put together when they are asked for."""

    def __init__(self, objects: Mapping[Key, Declared]) -> None:
        names: dict[str, list[str]] = {}
        for kind, name in sorted(objects):
            names.setdefault(kind, []).append(name)
        super().__init__(names)
        self._objects = objects

    def __getitem__(self, kind: str) -> tuple[Declared, ...]:
        if kind not in self._found:
            self._found[kind] = tuple(self._objects[kind, name] for name in self._sources[kind])
        return self._found[kind]
