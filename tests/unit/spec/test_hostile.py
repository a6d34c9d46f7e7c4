"""Texts that try to crash, stall or mislead the reader."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.spec import Cache, Parses, load
from reconciler.spec.explain import got
from reconciler.spec.node import Scalar, Spot
from reconciler.spec.read import read_file
from reconciler.spec.scalar import resolve
from reconciler.spec.source import Source, mask
from reconciler.spec.tree import SpecFile
from tests.unit.spec.trees import codes, good_tree, system, write

HOSTILE = {
    "a thousand open lists": "[" * 1000,
    "a million open lists": "[" * 1_000_000,
    "open mappings": "{a: " * 200_000,
    "nested block lists": "- " * 500_000,
    "nested question marks": "? " * 500_000,
    "a million small values": "[" + "a," * 500_000 + "]",
    "lists in a list": "[" + "[]," * 300_000 + "]",
    "one long word": "a" * 1_000_000,
    "one long quoted word": '"' + "a" * 1_000_000 + '"',
    "one long key": "a" * 1_000_000 + ": 1",
    "only blanks": " " * 1_000_000 + "a",
    "many documents": "---\n" * 200_000,
    "anchors": "&a " * 300_000 + "x",
    "comments": "#\n" * 500_000,
    "dashes that are dates": "a: " + "1" * 500_000 + ":1" * 100_000,
}


@pytest.mark.parametrize("where", ["kind: {}\nmetadata: {{name: a}}", "kind: System\nmetadata: {{name: {}}}"], ids=["kind", "name"])
def test_an_endless_name_makes_no_endless_message(tmp_path: Path, where: str) -> None:
    loaded = load(write(tmp_path / "specs", long=f"apiVersion: reconciler/v1\n{where.format('x' * 900_000)}\nspec: {{}}\n"))
    assert loaded.problems
    assert max(len(repr(problem)) for problem in loaded.problems) < 2_000


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.slow
def test_a_hostile_file_is_read_in_bounded_time(text: str) -> None:
    begin = time.monotonic()
    read_file(SpecFile("a.yaml", text.encode(), ""))
    assert time.monotonic() - begin < 60, "a megabyte is read in seconds, also on a busy machine"


def test_aliases_that_explode_are_counted_not_expanded() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 49)]
    text = read_file(SpecFile("a.yaml", "\n".join(lines).encode(), ""))
    assert [problem.code for problem in text.problems] == ["yaml-too-big"]


@pytest.mark.parametrize("line", ['owner: "\\ud800"', 'failureDomain: {"\\udc80": x}', 'owner: "\\ud83d\\ude00"'])
def test_half_a_character_is_a_problem_of_its_object_and_stops_nobody(line: str, tmp_path: Path) -> None:
    root = good_tree(tmp_path / "tree")
    write(root, orders=system("orders", line))
    parses = Parses(tmp_path / "kept")
    loaded = load(root, cache=Cache(parses))
    assert [(problem.code, problem.name) for problem in loaded.problems] == [("encoding", "orders")]
    assert loaded.desired.system("shop") is not None
    parses.keep()
    assert load(root, cache=Cache(Parses(tmp_path / "kept"))).problems == loaded.problems


def test_a_few_aliases_are_fine(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, orders=system("orders", "owner: &who platform\nhost: *who"))
    loaded = load(root)
    assert loaded.problems == ()
    assert loaded.desired.system("orders").host == "platform"  # type: ignore[union-attr]


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    text = read_file(SpecFile("a.yaml", data, ""))
    assert text.problems or not text.declared


PIECES = st.sampled_from(
    ["apiVersion", ": ", "reconciler/v1", "\n", "kind", "System", "metadata", "{name: a}", "spec", "  ", "- ", "[", "]", "{", "}", ",",
     "*a", "&a ", "!!str ", "<<", "|\n", ">-\n", '"', "'", "#", "?", "---\n", "...\n", "%", "@", "no", "1:30", "0x", "\t", "null", "~",
     "sources", "path", "/srv", "tier", "high", "é", "\u2028"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60))
def test_no_mixture_of_pieces_makes_the_reader_fail(pieces: list[str]) -> None:
    text = read_file(SpecFile("a.yaml", "".join(pieces).encode(), ""))
    for problem in text.problems:
        assert problem.place.line >= 1
        assert problem.place.column >= 1
        assert problem.message


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_cut_anywhere_never_brings_the_loader_down(tmp_path: Path, data: st.DataObject) -> None:
    root = good_tree(tmp_path / "specs")
    whole = system("orders", "retention: {daily: 3}\nowner: 'a: b'")
    write(root, orders=whole[: data.draw(st.integers(0, len(whole)))])
    loaded = load(root)
    assert loaded.desired.clean or loaded.problems


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("~", None), ("null", None), ("true", True), ("False", False), ("7", 7), ("-7", -7), ("0", 0), ("1.5", 1.5), (".5", 0.5),
        ("15m", "15m"), ("7d", "7d"), ("127.0.0.1", "127.0.0.1"), ("2026-12-01", "2026-12-01"), ("1h30m", "1h30m"), ("nope", "nope"),
        ("yes-man", "yes-man"), ("a:b", "a:b"), ("-rf", "-rf"), (".tmp", ".tmp"), ("0.0.0.0:80", "0.0.0.0:80"), ("1.2.3", "1.2.3"),
    ],
)  # fmt: skip
def test_what_every_reader_agrees_on_is_read_so(word: str, value: object) -> None:
    assert resolve(word) == value
    assert type(resolve(word)) is type(value)


@pytest.mark.parametrize(
    "word", ["y", "N", "Yes", "NO", "On", "off", "017", "08", "0o17", "0b1", "1:30", "12:30:45", "190:20:30.15", "1_0", "1e3", "1.5E+3"]
)
def test_what_readers_disagree_on_is_never_guessed(word: str) -> None:
    with pytest.raises(ValueError, match="some YAML readers"):
        resolve(word)


def test_a_secret_in_a_spec_is_never_repeated(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    text = (root / "main.yaml").read_text()
    for wrong in ("key: {password: hunter22}", 'key:\n    passphrase: "hunter22 and more"', "key: {file: /k, secretToken: [hunter22]}"):
        write(root, main=text.replace("key: {file: /etc/reconciler/main.key}", wrong))
        problems = load(root).problems
        assert problems
        for problem in problems:
            assert "hunter22" not in problem.snippet + problem.message + problem.hint
    assert mask("url: sftp://me:hunter22@host/path") == "url: sftp://me:***@host/path"
    assert got(Scalar("hunter22", Spot(1, 1, 2)), ("spec", "password")) == "got ***"


def test_a_snippet_shows_the_line_and_points_at_the_value() -> None:
    source = Source("a.yaml", ("  tier: hihg  # a comment",))
    assert source.snippet(Spot(1, 9, 13)) == "  tier: hihg  # a comment\n        ^^^^"
    assert source.snippet(Spot(7, 1, 2)) == ""
    assert len(Source("a.yaml", ("x" * 5000,)).snippet(Spot(1, 1, 2))) < 200


def test_an_escape_sequence_does_not_reach_the_terminal(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, orders=system("orders", 'host: "\\e[31m"\nowner: "\\u202e"\nhsot: "a"'))
    loaded = load(root)
    assert codes(loaded) == ["unknown-field"]
    for problem in loaded.problems:
        assert (problem.message + problem.hint + problem.snippet.replace("\n", "")).isprintable()
