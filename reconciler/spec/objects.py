"""The declared objects of a tree, found by kind and name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import force_setattr

from reconciler.model.declared.envelope import BackupPolicy, DisasterScenario, Repository, Settings, System, Tier
from reconciler.model.declared.policy import BackupPolicySpec
from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.declared.tier import TierSpec
from reconciler.spec.declare import Declared, Key

D = TypeVar("D", System, Repository, BackupPolicy, DisasterScenario)


class Objects(Struct, frozen=True):
    """The declared objects of a tree, current or last good, by kind and name."""

    root: Path
    all: Mapping[Key, Declared]
    by_kind: Mapping[str, tuple[Declared, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        grouped: dict[str, list[Declared]] = {}
        for key in sorted(self.all):
            grouped.setdefault(key[0], []).append(self.all[key])
        force_setattr(self, "by_kind", {kind: tuple(members) for kind, members in grouped.items()})

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
