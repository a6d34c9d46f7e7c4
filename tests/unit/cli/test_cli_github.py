"""`validate -o github`: annotations that nothing in a spec can break out of."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.main import run
from reconciler.cli.render.problems import problems_github
from reconciler.model.problem import Place, Problem, Severity


def test_each_fault_stands_beside_its_line() -> None:
    fault = Problem(
        Severity.ERROR,
        "unknown-field",
        Place("systems.yaml", 9, 3),
        "there is no field `teir` here",
        "Did you mean `tier`?",
        "System",
        "web",
    )
    warning = Problem(Severity.WARNING, "rpo-close", Place("a/b.yaml", 1, 1), "100% of the RPO")
    assert problems_github([fault, warning], "specs") == (
        "::error file=specs/systems.yaml,line=9,col=3,title=unknown-field::"
        "System/web: there is no field `teir` here%0ADid you mean `tier`?\n"
        "::warning file=specs/a/b.yaml,line=1,col=1,title=rpo-close::100%25 of the RPO\n"
    )


def test_a_name_cannot_begin_a_command_of_its_own() -> None:
    evil = Problem(Severity.ERROR, "x", Place("a,line=1::b.yaml", 1, 1), "first\n::warning::second\r::error::third")
    text = problems_github([evil], "")
    assert text.count("\n") == 1
    assert "file=a%2Cline=1%3A%3Ab.yaml," in text


def test_a_valid_tree_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    specs = Path(__file__).parents[3] / "specs" / "quickstart"
    assert run(["--specs", str(specs), "validate", "-o", "github"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("words", [["status", "-o", "github"], ["-o", "github"], ["--dry-run", "-o", "github"]])
def test_other_commands_refuse_the_format(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 64
    assert "validate -o github" in capsys.readouterr().err
