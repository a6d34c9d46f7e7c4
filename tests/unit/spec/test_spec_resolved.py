"""What came of a whole tree is kept, serves for exactly that tree, and everything else counts as nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from zoneinfo import TZPATH

import pytest

import reconciler
from reconciler.base import secret
from reconciler.model.problem import Severity
from reconciler.spec import Cache, LastGoodDocuments, Loaded, Parses, load
from reconciler.spec.origins import origins
from reconciler.spec.resolved import Resolved
from tests.unit.spec.exact import exact
from tests.unit.spec.trees import POLICY, SETTINGS, codes, good_tree, kept, system, write

EXAMPLES = [
    path
    for path in sorted((Path(__file__).parents[3] / "specs").iterdir())
    if not any(problem.severity is Severity.ERROR for problem in load(path).problems)
]
ZONED = POLICY + "  schedule: {incremental: {cron: '*/15 * * * *', timezone: Europe/Zurich}}\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return good_tree(tmp_path / "tree")


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    return tmp_path / "state" / "specs"


def _keep(tree: Path, beside: Path, last_good: LastGoodDocuments | None = None) -> Loaded:
    """As a process that may write: load, and keep."""
    parses = Parses(beside)
    loaded = load(tree, last_good=last_good, cache=Cache(parses))
    parses.keep()
    return loaded


def _file(beside: Path) -> Path:
    return beside.with_name("specs.resolved")


def _serves(tree: Path, beside: Path, last_good: LastGoodDocuments | None = None) -> bool:
    """Whether another process finds what was kept; what it loads is right in any case."""
    with pytest.MonkeyPatch.context() as patch:
        found: list[object] = []
        of = Resolved.of
        patch.setattr(Resolved, "of", lambda *asked: found.append(of(*asked)) or found[-1])
        loaded = load(tree, last_good=last_good, cache=Cache(Parses(beside)))
    assert exact(loaded.desired) == exact(load(tree, last_good=last_good).desired)
    assert loaded == load(tree, last_good=last_good)
    return any(whole is not None for whole in found)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_the_same_again_and_nothing_of_it_is_read(example: Path, beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _keep(example, beside)
    assert _serves(example, beside)
    assert _file(beside).stat().st_mode & 0o777 == 0o600, "the specs may be nobody else's to read"
    beside.unlink()
    monkeypatch.setattr("reconciler.spec.read.declare", lambda *_: pytest.fail("validated again"))
    again = load(example, cache=Cache(Parses(beside)))
    assert (exact(again.desired), again.problems) == (exact(first.desired), first.problems)
    assert (again.objects, again.files, again.good, again.removed) == (first.objects, first.files, first.good, first.removed)


def test_there_are_examples_without_a_fault() -> None:
    assert {path.name for path in EXAMPLES} >= {"quickstart", "company"}


def test_what_systems_share_is_one_object_again(tree: Path, beside: Path) -> None:
    for _ in range(2):
        one, other = _keep(tree, beside).desired.systems
        assert (one.retention is other.retention, one.objectives is other.objectives) == (True, True)


def test_only_what_is_asked_for_is_read(tree: Path, beside: Path) -> None:
    first = _keep(tree, beside)
    cache = Cache(Parses(beside))
    again = load(tree, cache=cache)
    assert not cache.texts
    assert origins(again, "orders") == origins(first, "orders")
    assert {name for name, _ in cache.texts} == {"orders.yaml", "standard.yaml"}
    assert again.documents == first.documents
    assert again.declared == first.declared


def test_an_edit_after_a_start_is_seen(tree: Path, beside: Path) -> None:
    _keep(tree, beside)
    cache = Cache(Parses(beside))
    load(tree, cache=cache)
    write(tree, orders=system("orders", "owner: us"))
    assert load(tree, cache=cache) == load(tree)
    write(tree, orders="torn: [")
    last_good = kept(load(tree, cache=cache))
    assert load(tree, cache=cache, last_good=last_good) == load(tree, last_good=last_good)


def _edit(tree: Path) -> Path:
    return write(tree, shop=system("shop", "owner: us"))


def _rename(tree: Path) -> Path:
    (tree / "shop.yaml").rename(tree / "store.yaml")
    return tree


def _move(tree: Path) -> Path:
    return Path(shutil.copytree(tree, tree.with_name("elsewhere")))


@pytest.mark.parametrize("change", [_edit, _rename, _move], ids=["edited", "renamed", "elsewhere"])
def test_another_tree_is_resolved_anew(change: Callable[[Path], Path], tree: Path, beside: Path) -> None:
    _keep(tree, beside)
    assert not _serves(change(tree), beside)
    assert change is _rename or _serves(good_tree(tree), beside), "back again"


def test_a_tree_with_a_fault_is_never_kept(tree: Path, beside: Path) -> None:
    write(tree, shop=system("shop", "policy: nobody"))
    last_good = kept(_keep(tree, beside))
    write(tree, shop="torn: [")
    _keep(tree, beside, last_good)
    (tree / "shop.yaml").unlink()
    (tree / "shop.yaml").symlink_to("/nowhere.yaml")
    _keep(tree, beside, last_good)
    assert not _file(beside).exists()


def test_a_tree_that_has_got_a_fault_is_told_so_beside_what_was_kept(tree: Path, beside: Path) -> None:
    _keep(tree, beside)
    (tree / "more.yaml").symlink_to("/nowhere.yaml")
    assert not _serves(tree, beside), "the files that were read are the same"


def test_warnings_are_told_again(tree: Path, beside: Path) -> None:
    write(tree, shop=system("shop", "copies: {count: 9}"))
    assert codes(_keep(tree, beside)) == ["copies-impossible"]
    assert _serves(tree, beside)
    assert codes(load(tree, cache=Cache(Parses(beside)))) == ["copies-impossible"]


def test_what_was_removed_is_told_whatever_was_kept(tree: Path, beside: Path) -> None:
    last_good = kept(load(tree))
    (tree / "shop.yaml").unlink()
    _keep(tree, beside)
    assert _serves(tree, beside, last_good)
    assert load(tree, cache=Cache(Parses(beside)), last_good=last_good).removed == (("System", "shop"),)


@pytest.mark.parametrize("without", ["a Settings object", "a realm", "anything"])
def test_what_may_not_vanish_is_an_error_whatever_was_kept(without: str, tree: Path, beside: Path) -> None:
    last_good = kept(load(tree))
    write(tree, settings=SETTINGS.replace("realm: test-realm", "interval: 1m"))
    if without != "a realm":
        (tree / "settings.yaml").unlink()
    if without == "anything":
        shutil.rmtree(tree)
        tree.mkdir()
    _keep(tree, beside)
    assert _serves(tree, beside)
    found = load(tree, cache=Cache(Parses(beside)), last_good=last_good)
    assert found == load(tree, last_good=last_good)
    assert not found.desired.clean
    assert found.removed == ()


@pytest.mark.parametrize("harm", ["torn", "flipped", "empty", "of somebody else", "no file"])
def test_what_is_not_whole_counts_as_nothing(harm: str, tree: Path, beside: Path) -> None:
    _keep(tree, beside)
    file, data = _file(beside), _file(beside).read_bytes()
    match harm:
        case "torn":
            file.write_bytes(data[: len(data) // 2])
        case "flipped":
            file.write_bytes(data[:-50] + bytes([data[-50] ^ 1]) + data[-49:])
        case "empty":
            file.write_bytes(b"")
        case "of somebody else":
            shutil.copy(beside, file)
        case _:
            file.unlink()
    assert not _serves(tree, beside)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this program takes its own modules to be."""
    package = tmp_path / "program"
    shutil.copytree(Path(reconciler.__file__).parent / "model", package / "model", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(reconciler, "__file__", str(package / "__init__.py"))
    return package


@pytest.mark.parametrize("change", ["touched", "longer", "one more", "one less", "version", "pydantic", "Python"])
def test_another_program_resolves_anew(change: str, program: Path, tree: Path, beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _keep(tree, beside)
    assert _serves(tree, beside)
    module = program / "model" / "cron.py"
    match change:
        case "touched":
            os.utime(module, ns=(0, module.stat().st_mtime_ns + 1))
        case "longer":
            before = module.stat()
            module.write_text(module.read_text() + "\n")
            os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))
        case "one more":
            (program / "model" / "more.py").touch()
        case "one less":
            module.unlink()
        case "version":
            monkeypatch.setattr("reconciler.__version__", "0.0.0")
        case "pydantic":
            monkeypatch.setattr("pydantic.VERSION", "0.0.0")
        case _:
            monkeypatch.setattr("sys.version", "0.0.0")
    assert not _serves(tree, beside)


def test_nothing_is_kept_where_nobody_can_say_which_program_this_is(program: Path, tree: Path, beside: Path) -> None:
    shutil.rmtree(program)
    assert _keep(tree, beside).objects == 5
    assert not _file(beside).exists()


def test_other_rules_of_a_time_zone_are_judged_anew(tree: Path, beside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zones = tmp_path / "zones"
    for name in ("UTC", "Europe/Zurich"):
        (zones / name).parent.mkdir(parents=True, exist_ok=True)
        (zones / name).write_bytes(b"rules")
    monkeypatch.setattr("reconciler.spec.resolved.TZPATH", (str(zones),))
    write(tree, standard=ZONED)
    _keep(tree, beside)
    assert _serves(tree, beside)
    (zones / "Europe/Zurich").write_bytes(b"other rules")
    assert not _serves(tree, beside)
    (zones / "Europe/Zurich").unlink()
    assert not _serves(tree, beside)


def test_nothing_is_kept_where_the_rules_of_a_time_zone_are_in_no_file(tree: Path, beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.spec.resolved.TZPATH", ())
    monkeypatch.setattr("reconciler.spec.resolved.find_spec", lambda name: None)
    _keep(tree, beside)
    assert not _file(beside).exists()


def test_a_line_with_a_secret_is_hidden_by_whoever_knows_it(tree: Path, beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tree, shop=system("shop", "copies: {count: 9} # hunter2hunter2"))
    _keep(tree, beside)
    assert _serves(tree, beside)
    monkeypatch.setattr(secret, "_known", {"hunter2hunter2"})
    assert not _serves(tree, beside)
    _file(beside).unlink()
    _keep(tree, beside)
    assert not _file(beside).exists(), "who does not know it has to show the line as it is"


def test_a_disk_that_refuses_is_no_error(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert _keep(tree, tmp_path / "state" / "specs").objects == 5


def test_a_load_looks_at_nothing_that_is_not_in_the_key(tmp_path: Path) -> None:
    """Whoever adds a check that looks at more has to put that into the key, or not keep such trees."""
    root = Path(__file__).parents[3]
    tree = shutil.copytree(root / "specs" / "company", tmp_path / "tree")
    command = [sys.executable, "-m", "tests.unit.spec.world_of_a_load", str(tree)]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(root)}).stdout
    code = (str(tree), str(root / "reconciler"), sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    code = (*code, sys.pycache_prefix) if sys.pycache_prefix else code
    seen = {line for line in told.splitlines() if not line.startswith(code) and line not in sys.path and line != str(root)}
    rules = {str(Path(folder, "Europe/Zurich")) for folder in TZPATH}
    assert seen - rules <= {"$RUAMEL_DEBUG", "$PYDANTIC_DISABLE_PLUGINS"}
