"""Nothing of what was backed up can be read in the repository, and no key can be read anywhere but in its file."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from e2e_world import World, describe, fill

pytestmark = pytest.mark.slow
PIECE = 8
HEX = frozenset(b"0123456789abcdef")


def _pieces(content: bytes) -> set[bytes]:
    """Every eight bytes in a row. Eight hex digits carry only four bytes, and an object holds ids and salts as hex digits in clear: such a
    piece meets one of them by chance once in a hundred runs, so of hex digits sixteen in a row are a piece."""
    found = set()
    for start in range(len(content) - PIECE + 1):
        piece = content[start : start + PIECE]
        if HEX.issuperset(piece):
            piece = content[start : start + 2 * PIECE]
            if len(piece) < 2 * PIECE or not HEX.issuperset(piece):
                continue
        found.add(piece)
    return found


def test_a_piece_of_hex_digits_is_longer_than_a_piece_of_anything_else() -> None:
    assert _pieces(b"a note:5464ecc2") == {b"a note:5"[start:] + b"464ecc2"[:start] for start in range(7)} | {b":5464ecc"}
    assert _pieces(b"5464ecc2") == set()
    assert _pieces(b"5464ecc25464ecc2") == {b"5464ecc25464ecc2"}


def _names(tree: Path) -> list[bytes]:
    found = []
    for _folder, folders, files in os.walk(os.fsencode(tree)):
        found += [name for name in (*folders, *files) if len(name) >= PIECE]
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("algorithm", ["zstd", "none"])
def test_no_eight_bytes_of_a_file_or_a_name_occur_in_any_object(world: World, report: list[str], algorithm: str) -> None:
    fill(world.source, small=150)
    (world.source / "tiny-note.txt").write_bytes(b"9 bytes!!")
    (world.source / "numbers-in-order.bin").write_bytes(bytes(range(256)) * 64)
    world.declare()
    base = world.specs / "base.yaml"
    base.write_text(base.read_text() + f"  compression: {{algorithm: {algorithm}}}\n")
    world.good("--init")
    (world.source / "second-document.txt").write_text("taken by an incremental backup, later")
    world.good("backup", "create", "orders")

    stored: set[bytes] = set()
    for path in world.objects():
        stored |= _pieces(path.read_bytes())
    wanted: set[bytes] = set()
    for path in world.source.rglob("*"):
        if path.is_file() and not path.is_symlink():
            wanted |= _pieces(path.read_bytes())
    names = _names(world.source)
    for name in [*names, os.fsencode(world.source), b"e2e-otter-7"]:
        wanted |= _pieces(name)
    found = wanted & stored
    report.append(
        f"{algorithm}: {len(wanted)} different pieces of {len(describe(world.source))} entries and {len(names)} names "
        f"searched in {len(world.objects())} objects ({len(stored)} pieces): {len(found)} found"
    )
    assert len(wanted) > 50_000
    assert found == set()


@pytest.mark.timeout(300)
def test_a_key_is_shown_by_no_command_and_kept_in_no_other_file(world: World, report: list[str]) -> None:
    fill(world.source, small=5)
    world.declare()
    commands: list[tuple[str, ...]] = [
        ("--log-level", "debug", "--init"),
        ("--log-level", "debug", "backup", "create", "orders"),
        ("--dry-run",),
        ("-o", "json", "--dry-run"),
        ("status",),
        ("-o", "json", "status"),
        ("explain", "orders"),
        ("-o", "json", "explain", "orders"),
        ("snapshots",),
        ("config", "show"),
        ("repository", "list"),
        ("events",),
        ("verify", "orders"),
        ("validate",),
    ]
    said = "".join(world.good(*words).text for words in commands)
    key = world.key.read_text().strip()
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    # A key of another repository: the error about it must not show it either.
    other = world.folder / "keys" / "other.key"
    other.write_text("ab" * 32)
    other.chmod(0o600)
    said += world.run("restore", "--repository", world.repository, "--key", other, "--target", world.folder / "nowhere").text
    assert key not in said
    assert "ab" * 32 not in said
    holders = []
    for path in sorted(world.folder.rglob("*")):
        if path.is_file() and path != world.key:
            content = path.read_bytes()
            holders += [path] if key.encode() in content or bytes.fromhex(key) in content else []
    report.append(f"{len(commands) + 1} commands, {len(said)} characters of output, every file of the world: the key was in 0 of them")
    assert holders == []
    for path in [world.state, *world.state.rglob("*"), world.key]:
        assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"
