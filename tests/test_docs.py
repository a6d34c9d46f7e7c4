"""The documents keep their word: links lead somewhere, commands exist, generated pages equal the code, CI runs what the README says."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.cli.main import build, run
from reconciler.model.plan import ActionKind, Lane
from reconciler.model.snapshot import BackupKind, Grade, MarkKind

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = _generator()


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """The anchors of a page, as the usual renderers make them from headings."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def _links(page: Path) -> list[str]:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`(?!\])", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(([^)\s]+)\)", prose)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in _links(page):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        goal = (page.parent / target).resolve() if target else page
        if not goal.exists() or (anchor and anchor not in _anchors(goal)):
            broken.append(link)
    assert broken == []


def test_the_readme_sets_up_in_two_commands_and_ci_runs_exactly_these() -> None:
    commands = [line for block in _blocks(README, "sh") for line in block.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [command for command in commands if command not in ci] == []


def test_the_page_of_errors_is_what_the_code_says() -> None:
    assert GENERATE.PAGE.read_text(encoding="utf-8") == GENERATE.render(), "run: python docs/generate.py"


def test_every_error_explains_itself() -> None:
    GENERATE.load_everything()
    for error in GENERATE.error_classes():
        assert (error.__doc__ or "").strip(), f"{error.__name__} does not say what happened"
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", error.code), f"{error.__name__}: {error.code} is not words"
        if not error.__subclasses__() and GENERATE.room(error) != "base":  # a family or a ground error gets its hint where it is raised
            assert error.hint, f"{error.__name__} has no hint"
        if error.hint:
            assert error.hint[-1] in ".?!`)", f"the hint of {error.__name__} is not a full sentence"


def test_documents_name_modules_that_exist() -> None:
    missing = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for name in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", page.read_text(encoding="utf-8"))
        if not any((place / name).is_file() for place in (ROOT, ROOT / "reconciler"))
    ]
    assert missing == []


def test_the_glossary_knows_the_words_of_the_model() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").lower()
    words = [*ActionKind, *Lane, *BackupKind, *Grade, *MarkKind]
    assert [str(word) for word in words if not re.search(rf"\b{word}\b", glossary)] == []


def _told_commands(page: Path) -> Iterator[list[str]]:
    """Every command line that a page tells a reader to type, as words."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in _blocks(text, "(?:sh|console|bash)") for line in block.splitlines()]
    lines += re.findall(r"`(reconcile(?: [^`\n]*)?)`", text)
    for line in lines:
        for part in re.split(r"&&|\|\|?|;", line.partition("#")[0]):
            words = shlex.split(part.strip().removeprefix("$ "))
            if words and words[0].removeprefix(".venv/bin/") == "reconcile":
                yield words[1:]


def _unknown_word(words: list[str]) -> str | None:
    """The first word that the program would not take: a command that it has not, an option that the command has not."""
    place: Any = build()
    wanting = 0
    for word in words:
        flag = word.partition("=")[0]
        if word.startswith("-"):
            found = next((p for p in place.params if flag in p.opts), None)
            if found is None and flag not in {"-h", "--help"}:
                return word
            wanting = 0 if found is None or found.is_flag or "=" in word else 1
        elif wanting:
            wanting -= 1
        elif hasattr(place, "commands"):
            names = re.split(r"\|", word.strip("()[]"))
            if any(name not in place.commands for name in names):
                return word
            place = place.commands[names[0]]
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_documents_exist(page: Path) -> None:
    told = [(" ".join(words), _unknown_word(words)) for words in _told_commands(page)]
    assert [f"reconcile {line}: {word}" for line, word in told if word is not None] == []


def test_the_hook_for_other_repositories_runs_a_command_that_exists() -> None:
    (hook,) = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    program, *words = shlex.split(hook["entry"])
    assert (program, hook["pass_filenames"]) == ("reconcile", False)
    assert run(["--specs", str(ROOT / "specs" / "quickstart"), *words]) == 0
    assert run([*words, "--specs", str(ROOT / "tests" / "specs" / "bad")]) == 3, "the control: words of `args` follow the entry"
    for name in ("specs/a.yaml", "specs/b.yml", "specs/.reconcilerignore"):
        assert re.search(hook["files"], name)
