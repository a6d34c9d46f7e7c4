"""The declared objects of a tree, found by kind and name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

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


class Unread(Mapping[Key, Declared]):
    """Objects of files of which is known already what they declare. A file is read when somebody asks for an object in it."""

    def __init__(self, files: Mapping[Key, SpecFile], read: Callable[[SpecFile], SpecText]) -> None:
        self._files = files
        self._read = read
        self._found: dict[Key, Declared] = {}

    def __getitem__(self, key: Key) -> Declared:
        if key not in self._found:
            self._found.update((declared.key, declared) for declared in self._read(self._files[key]).declared)
        return self._found[key]

    def __contains__(self, key: object) -> bool:
        return key in self._files

    def __iter__(self) -> Iterator[Key]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class _ByKind(Mapping[str, tuple[Declared, ...]]):
    """All objects of a kind, by name: put together when they are asked for."""

    def __init__(self, objects: Mapping[Key, Declared]) -> None:
        self._objects = objects
        self._names: dict[str, list[str]] = {}
        for kind, name in sorted(objects):
            self._names.setdefault(kind, []).append(name)
        self._found: dict[str, tuple[Declared, ...]] = {}

    def __getitem__(self, kind: str) -> tuple[Declared, ...]:
        if kind not in self._found:
            self._found[kind] = tuple(self._objects[kind, name] for name in self._names[kind])
        return self._found[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
