"""What is read of a spec tree with all that was kept of earlier ones is what is read of it with nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.base.kept import write
from reconciler.spec import Cache, Loaded, Parses, StoredDocument, digest, layers, load
from reconciler.spec.checks import promises
from reconciler.spec.shared import Shared
from tests.unit.spec.exact import exact
from tests.unit.spec.trees import POLICY, REPOSITORY, SETTINGS, kept, system

_RARELY = POLICY.replace("retention:", "schedule: {incremental: {every: 1d}}\n  retention:")
_TIER = "apiVersion: reconciler/v1\nkind: Tier\nmetadata: {name: high}\nspec: {objectives: {rpo: 2d}, drill: {sandbox: /srv/try}}\n"
_RENAMED = system("store").replace("{name: store}", "{name: store, previousName: shop}")
_CIRCLE = system("s1", "dependsOn: [s2]") + "---\n" + system("s2", "dependsOn: [s1]")
_OTHER = system("orders").replace("policy: standard", "policy: other")
TEXTS = {
    "settings": (SETTINGS, SETTINGS.replace("realm:", "interval: 1m, realm:"), "# nothing\n", SETTINGS.replace("realm: test-realm", "")),
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
_FATES = (
    "goes on", "starts again", "knows nothing good", "knows what was good at first",
    "finds its files torn", "finds no files", "finds files of somebody else",
    "is of another version", "has other modules", "reads another tree",
)  # fmt: skip
"""What becomes of a process and of what it keeps."""
_STEP = st.tuples(st.dictionaries(st.sampled_from(sorted(TEXTS)), st.none() | st.integers(0, 4), max_size=3), st.sampled_from(_FATES))
"""Files that change (None: removed), and a fate."""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=40)
@given(st.lists(_STEP, min_size=1, max_size=8))
@example([({"settings": None}, "knows nothing good"), ({}, "knows what was good at first")])
@example([({"settings": 3}, "knows nothing good"), ({}, "starts again"), ({}, "knows what was good at first")])
def test_a_tree_is_the_same_with_and_without_what_was_kept(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[dict[str, int | None], str]]
) -> None:
    folder = tmp_path_factory.mktemp("specs")
    root, other, beside = folder / "tree", folder / "other", folder / "state" / "parses"
    for name, texts in TEXTS.items():
        _write(root, name, texts[0])
    cache: Cache = Cache(Parses(beside))
    last_good: dict[tuple[str, str], StoredDocument] = {}
    at_first = kept(load(root))
    for edits, fate in [({}, "goes on"), ({}, "starts again"), *steps]:
        for name, number in edits.items():
            _write(root, name, None if number is None else TEXTS[name][number % len(TEXTS[name])])
        if fate == "reads another tree":
            root, other = shutil.copytree(root, other, dirs_exist_ok=True), root
        if fate not in {"goes on", "knows nothing good", "reads another tree"}:
            _harm(beside, fate)
            cache = Cache(Parses(beside))
        if fate in {"knows nothing good", "knows what was good at first"}:
            last_good = {} if fate == "knows nothing good" else at_first
        with pytest.MonkeyPatch.context() as patch:
            if fate == "is of another version":
                patch.setattr("reconciler.__version__", "0.0.0")
            elif fate == "has other modules":
                patch.setattr("reconciler.base.kept.program", lambda *_: "of others")
            found, plain = load(root, last_good=last_good, cache=cache), _from_nothing(root, last_good)
            _compare(found, plain)
            assert cache.parses is not None
            cache.parses.keep()
        last_good = {key: document for key, document in {**last_good, **kept(found)}.items() if key not in found.removed}


def _compare(found: Loaded, plain: Loaded) -> None:
    """In this order: what is kept is compared before anything of it is read anew."""
    assert exact(found.desired) == exact(plain.desired)
    assert (found.problems, found.objects, found.files, found.removed) == (plain.problems, plain.objects, plain.files, plain.removed)
    assert found.good == plain.good
    assert found.documents == plain.documents
    assert exact(dict(sorted(found.declared.all.items()))) == exact(dict(sorted(plain.declared.all.items())))
    assert found == plain


def _write(root: Path, name: str, text: str | None) -> None:
    path = root / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(text)


def _harm(beside: Path, fate: str) -> None:
    for path in beside.parent.glob("*"):
        match fate:
            case "finds its files torn":
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            case "finds files of somebody else":
                write(path, [b"what others keep"])
            case "finds no files":
                path.unlink()


def _from_nothing(root: Path, last_good: dict[tuple[str, str], StoredDocument]) -> Loaded:
    """Without anything that was kept, in this process or in a file."""
    with pytest.MonkeyPatch.context() as patch:
        for room, name in ((layers, "_SHARED"), (digest, "_TEXTS"), (promises, "_FAULTS"), (promises, "_SOUND")):
            patch.setattr(room, name, Shared(kept_max=0))
        return load(root, last_good=last_good)
