"""Patterns of .gitignore: the cases of its manual, the odd ones, and those made to stall a matcher."""

from __future__ import annotations

import pytest

from reconciler.tree.excludes import Excludes

# pattern, what it matches ("/" at the end: a folder), what it leaves alone
CASES = [
    ("*.tmp", ["a.tmp", "deep/down/a.tmp", ".tmp"], ["a.tmp.bak", "atmp"]),
    ("cache/", ["cache/", "src/cache/"], ["cache", "src/cache"]),
    ("/cache", ["cache", "cache/"], ["src/cache"]),
    ("doc/frotz/", ["doc/frotz/"], ["a/doc/frotz/", "doc/frotz"]),
    ("foo/*", ["foo/a", "foo/b/"], ["foo/b/c", "foo/"]),
    ("**/foo", ["foo", "a/b/foo/"], ["foobar"]),
    ("abc/**", ["abc/a", "abc/b/c"], ["abc/", "x/abc/a"]),
    ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "b", "x/a/b"]),
    ("a/**/b/**/c", ["a/b/c", "a/1/b/2/3/c"], ["a/c", "a/b"]),
    ("[a-c]x", ["ax", "cx", "d/bx"], ["dx", "x"]),
    ("[!a-c]x", ["dx"], ["ax"]),
    ("[]x]y", ["]y", "xy"], ["y"]),
    ("[[:digit:]]*", ["1", "1a"], ["a1"]),
    ("[a-", [], ["a", "[a-"]),
    ("\\#note", ["#note"], ["note"]),
    ("\\!note", ["!note"], ["note"]),
    ("#comment", [], ["#comment", "comment"]),
    ("trailing  ", ["trailing"], ["trailing  "]),
    ("kept\\ ", ["kept "], ["kept"]),
    ("", [], ["a"]),
    ("/", [], ["a/"]),
    ("broken\\", [], ["broken", "broken\\"]),
    ("a//b", [], ["a/b"]),
    ("?", ["a"], ["ab"]),
    ("über*", ["über", "überall"], ["uber"]),
]


@pytest.mark.parametrize(("pattern", "matched", "left"), CASES, ids=[repr(case[0]) for case in CASES])
def test_a_pattern_matches_what_the_manual_says(pattern: str, matched: list[str], left: list[str]) -> None:
    excludes = Excludes([pattern])
    assert [path for path in matched if not _matches(excludes, path)] == []
    assert [path for path in left if _matches(excludes, path)] == []


def test_the_last_pattern_that_matches_decides() -> None:
    excludes = Excludes(["*.log", "!keep.log", "/archive/keep.log"])
    assert _matches(excludes, "a.log")
    assert not _matches(excludes, "keep.log")
    assert _matches(excludes, "archive/keep.log")


def test_everything_but_one_folder_can_be_said() -> None:
    excludes = Excludes(["/*", "!/etc/"])
    assert _matches(excludes, "usr/")
    assert not _matches(excludes, "etc/")
    assert not _matches(excludes, "etc/passwd")


def test_a_folder_covers_what_is_below_it() -> None:
    excludes = Excludes(["logs/"])
    assert excludes.covers(b"app/logs/today/x.log")
    assert not excludes.covers(b"app/logs")
    assert excludes.covers(b"app/logs", is_folder=True)


def test_bytes_that_are_no_text_can_be_matched() -> None:
    assert Excludes(["*.tmp"]).match(b"\xff\xfe.tmp", False)
    assert Excludes(["??.tmp"]).match(b"\xff\xfe.tmp", False)
    assert Excludes(["*"]).match(b"new\nline", False)


def test_no_patterns_match_nothing_and_are_false() -> None:
    assert not Excludes([])
    assert not Excludes(["# only a comment", ""])
    assert not Excludes([]).match(b"a", False)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("pattern", ["*a" * 120 + "b", "**/a/" * 120 + "b", "**/*a*" * 60 + "/b", "*?" * 200 + "b", "[!b]*" * 100 + "b"])
def test_no_pattern_stalls_a_scan(pattern: str) -> None:
    excludes = Excludes([pattern])
    for path in ("a" * 255, "/".join(["a" * 100] * 30), "a/" * 400 + "a"):
        assert not excludes.covers(path.encode()[:4000])


def _matches(excludes: Excludes, path: str) -> bool:
    return excludes.match(path.rstrip("/").encode(), path.endswith("/"))
