"""The threat model keeps its word: every threat has its tests, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
WITHOUT_A_TEST = {"T21"}  # nothing to show but the rights of a user


def _shown() -> dict[str, list[str]]:
    """Number of a threat: the tests named for it."""
    items = re.findall(r"^\* \*\*(T\d+)\*\* (.*?)(?=^\* |^$)", PAGE + "\n\n", re.DOTALL | re.MULTILINE)
    return {number: re.findall(r"`(tests/[^`]+)`", text) for number, text in items}


def _tests_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)}


def test_every_threat_has_its_tests() -> None:
    threats = re.findall(r"^\| (T\d+) \|", PAGE, re.MULTILINE)
    assert threats == [f"T{number}" for number in range(1, len(threats) + 1)]
    assert {number for number, names in _shown().items() if names} == set(threats) - WITHOUT_A_TEST


def test_every_test_that_the_threat_model_names_exists() -> None:
    missing = []
    for names in _shown().values():
        for name in names:
            file, _, function = name.partition("::")
            if not (ROOT / file).is_file() or function not in _tests_of(ROOT / file):
                missing.append(name)
    assert missing == []
