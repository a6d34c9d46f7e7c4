"""What is read of a spec tree with all that was kept of earlier ones is what is read of it with nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.spec import Cache, Loaded, Parses, StoredDocument, digest, layers, load
from reconciler.spec.checks import promises
from reconciler.spec.shared import Shared
from tests.unit.spec.trees import POLICY, REPOSITORY, SETTINGS, kept, system

_RARELY = POLICY.replace("retention:", "schedule: {incremental: {every: 1d}}\n  retention:")
_TIER = "apiVersion: reconciler/v1\nkind: Tier\nmetadata: {name: high}\nspec: {objectives: {rpo: 2d}, drill: {sandbox: /srv/try}}\n"
_RENAMED = system("store").replace("{name: store}", "{name: store, previousName: shop}")
_CIRCLE = system("s1", "dependsOn: [s2]") + "---\n" + system("s2", "dependsOn: [s1]")
_OTHER = system("orders").replace("policy: standard", "policy: other")
TEXTS = {
    "settings": (SETTINGS, SETTINGS.replace("realm:", "interval: 1m, realm:"), "# nothing\n"),
    "main": (REPOSITORY, REPOSITORY.replace("/srv/backup/main", "elsewhere"), REPOSITORY.replace("file: /etc", "fiel: /etc")),
    "standard": (_RARELY, POLICY.replace("daily: 7", "weekly: 2"), POLICY, _RARELY + "  compression: {level: 99}\n", "torn: ["),
    "other": (POLICY.replace("standard", "other").replace("daily: 7", "monthly: 5"),),
    "tier": (_TIER, _TIER.replace("rpo: 2d", "rpo: 1h"), ""),
    "orders": (_OTHER, _OTHER + "  owner: us\n", system("orders", "objectives: {rpo: 9d}"), system("orders", path="here")),
    "shop": (system("shop"), system("shop", "retention: {daily: 9}\ncopies: {count: 2}"), system("shop", "dependsOn: [orders]\nhooks:")),
    "moved": ("# nothing\n", system("orders"), _RENAMED),
    "more/many": ("---\n".join(system(f"s{number}") for number in range(5)), _CIRCLE, "a: 1\n---\n- b\n---\nkind: {c: d}\n"),
}
"""What each file may say; the first is good by itself."""
_STEP = st.tuples(
    st.dictionaries(st.sampled_from(sorted(TEXTS)), st.none() | st.integers(0, 4), max_size=3),
    st.sampled_from(["goes on", "starts again", "is torn", "is of another version", "is gone"]),
)
"""Files that change (None: removed), and what becomes of the process and of what it keeps."""


_Steps = list[tuple[dict[str, int | None], str]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=25)
@given(st.lists(_STEP, min_size=1, max_size=6))
def test_a_tree_is_the_same_with_and_without_what_was_kept(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[dict[str, int | None], str]]
) -> None:
    folder = tmp_path_factory.mktemp("specs")
    root, beside = folder / "tree", folder / "parses"
    for name, texts in TEXTS.items():
        _write(root, name, texts[0])
    cache: Cache = Cache(Parses.read(beside))
    last_good: dict[tuple[str, str], StoredDocument] = {}
    for edits, fate in [({}, "goes on"), *steps]:
        for name, number in edits.items():
            _write(root, name, None if number is None else TEXTS[name][number % len(TEXTS[name])])
        if fate != "goes on":
            cache = Cache(_restarted(beside, fate))
        found, plain = load(root, last_good=last_good, cache=cache), _from_nothing(root, last_good)
        assert _said(found) == _said(plain)
        assert cache.parses is not None
        cache.parses.keep()
        last_good = {key: document for key, document in {**last_good, **kept(found)}.items() if key not in found.removed}


def _write(root: Path, name: str, text: str | None) -> None:
    path = root / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(text)


def _restarted(path: Path, fate: str) -> Parses:
    data = path.read_bytes() if path.exists() else b""
    if fate == "is torn":
        path.write_bytes(data[: len(data) // 2])
    elif fate == "is gone":
        path.unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        if fate == "is of another version":
            patch.setattr("reconciler.__version__", "0.0.0")
        return Parses.read(path)


def _from_nothing(root: Path, last_good: dict[tuple[str, str], StoredDocument]) -> Loaded:
    """Without anything that was kept, in this process or in a file."""
    with pytest.MonkeyPatch.context() as patch:
        for room, name in ((layers, "_SHARED"), (digest, "_TEXTS"), (promises, "_FAULTS"), (promises, "_SOUND")):
            patch.setattr(room, name, Shared(kept_max=0))
        return load(root, last_good=last_good)


def _said(loaded: Loaded) -> tuple[object, ...]:
    objects = {key: replace(declared, source=None, layout=None) for key, declared in loaded.declared.all.items()}
    return (loaded.desired, loaded.problems, loaded.objects, loaded.files, loaded.documents, loaded.removed, objects)
