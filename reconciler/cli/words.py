"""The words of the command line that every command understands, and where they come from.

They may stand before or after the name of the command; the later one wins. Options of the bare `reconcile` (`--dry-run`, `--watch`, …)
are refused beside a command that could not honour them: a `--dry-run` that is silently ignored would act.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import click
from msgspec import Struct
from msgspec.structs import replace

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Group, Option, parameter, parameters

if TYPE_CHECKING:
    from reconciler.app.session import Session
    from reconciler.cli.render.page import Page


class Format(StrEnum):
    """How the answer is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    GITHUB = "github"
    HTML = "html"


class Level(StrEnum):
    """How much is logged to standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Words(Struct, frozen=True):
    """What was asked for, beside the command itself."""

    specs: Path = Path("specs")
    state: Path | None = None
    host: str | None = None
    allow_commands: tuple[Path, ...] = ()
    output: Format = Format.TEXT
    level: Level | None = None
    dry_run: bool = False
    detailed: bool = False
    cached: bool = False
    watch: bool = False
    init: bool = False
    base: str | None = None
    textfile: Path | None = None
    allow_hosts: tuple[str, ...] = ()

    @property
    def json(self) -> bool:
        return self.output is Format.JSON

    @property
    def retold(self) -> tuple[str, ...]:
        """The words that lead another command to the same place, without those that the environment tells it anyway."""
        told = (("--specs", "RECONCILER_SPECS", self.specs), ("--state", "RECONCILER_STATE", self.state))
        usual = {"--specs": "specs"}
        return tuple(
            word
            for flag, variable, value in told
            if value is not None and str(value) not in (os.environ.get(variable), usual.get(flag))
            for word in (flag, str(value))
        )

    def session(self, *, read_only: bool = False, waits: bool = True) -> Session:
        """The verbs, over these specs and this state. Nothing is read or made yet."""
        from reconciler.app.session import Session

        return Session.open(
            self.specs,
            state=self.state,
            agent=self.host,
            allow_commands=self.allow_commands,
            allow_hosts=self.allow_hosts,
            read_only=read_only or self.dry_run,
            waits=waits,
        )

    def answer(self, page: Callable[[], Page], json: Callable[[], str]) -> None:
        """Print the one that was asked for; only that one is made."""
        from reconciler.cli.output import write, write_page

        if self.json:
            write(json())
        else:
            write_page(page())


_FOR_ONE = {
    Format.MARKDOWN: "Markdown is for the plan and the report: `reconcile --dry-run -o markdown`, `reconcile report -o markdown`.",
    Format.HTML: "A page is for the report: `reconcile report -o html`.",
    Format.GITHUB: "Annotations are for faults of the specs: `reconcile validate -o github`.",
}
"""Formats of one command alone."""

Specs = Annotated[str | None, Option("--specs", metavar="DIR", help="The spec tree.")]
State = Annotated[str | None, Option("--state", metavar="DIR", help="Where the loop remembers.", hidden=True)]
Host = Annotated[str | None, Option("--host", metavar="NAME", help="Who this agent is.", hidden=True)]
Allow = Annotated[str | None, Option("--allow-commands", metavar="DIRS", hidden=True)]
Hosts = Annotated[str | None, Option("--allow-hosts", metavar="NAMES", hidden=True)]
Output = Annotated[Format | None, Option("--output", "-o", metavar="FORMAT", help="text or json.")]
LogLevel = Annotated[Level | None, Option("--log-level", help="How much is logged.", hidden=True)]

_SHARED: dict[str, Any] = {
    "specs": Specs,
    "state": State,
    "host": Host,
    "allow_commands": Allow,
    "allow_hosts": Hosts,
    "output": Output,
    "log_level": LogLevel,
}


def folder(flag: str, text: str | None) -> Path | None:
    """A path as given. Empty is a slip of a script (an unset variable), not the current directory."""
    if text == "":
        raise Usage(f"{flag} is empty", hint="Is a variable unset in the script that runs this?")
    return Path(text) if text is not None else None


def name_of(flag: str, text: str | None) -> str | None:
    """A name as given, never an empty one."""
    folder(flag, text)
    return text


def folders(text: str | None) -> tuple[Path, ...] | None:
    """A list of directories as in PATH; None when nothing was said."""
    if text is None:
        return None
    paths = tuple(Path(part) for part in text.split(os.pathsep) if part)
    for path in paths:
        if not path.is_absolute():
            raise Usage(f"'{path}' in the list of allowed command directories is not an absolute path")
    return paths


def hosts(text: str | None) -> tuple[str, ...] | None:
    """A list of names separated by commas; None when nothing was said."""
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def command(
    group: Group, name: str, *, hidden: bool = False, accepts: frozenset[str] = frozenset()
) -> Callable[[Callable[..., ExitCode]], Callable[..., ExitCode]]:
    """Register ``function(words, …own options)`` under ``name``, with the shared options added.

    Its docstring is the help, the first line of it also in the list of commands. ``accepts``: which of dry_run, detailed, cached, watch,
    init and base it honours when they stand before its name, and which formats beside text and JSON it knows.
    """

    def register(function: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
        def call(**given: Any) -> ExitCode:
            shared = {key: given.pop(key) for key in _SHARED}
            words = _merged(click.get_current_context().find_root().obj, shared)
            _refuse_unheard(words, name, accepts)
            begin_logging(words)
            return function(words, **given)

        text = inspect.getdoc(function) or ""
        params = [*parameters(function), *(parameter(key, hint, None) for key, hint in _SHARED.items())]
        group.add_command(click.Command(name, callback=call, params=params, help=text, short_help=text.partition("\n")[0], hidden=hidden))
        return function

    return register


def _merged(words: Words, shared: dict[str, Any]) -> Words:
    shared["specs"], shared["state"] = folder("--specs", shared["specs"]), folder("--state", shared["state"])
    shared["host"] = name_of("--host", shared["host"])
    shared["allow_commands"] = folders(shared["allow_commands"])
    shared["allow_hosts"] = hosts(shared["allow_hosts"])
    shared["level"] = shared.pop("log_level")
    return replace(words, **{key: value for key, value in shared.items() if value is not None})


def _refuse_unheard(words: Words, name: str, accepts: frozenset[str]) -> None:
    flags = {
        "dry_run": "--dry-run",
        "detailed": "--detailed-exitcode",
        "cached": "--cached",
        "watch": "--watch",
        "init": "--init",
        "base": "--base",
    }
    for field, flag in flags.items():
        if getattr(words, field) and field not in accepts:
            raise Usage(f"{flag} does not go with `{name}`", hint=f"Leave {flag} out; `reconcile {name} --help` shows what it takes.")
    if words.output in _FOR_ONE and words.output not in accepts:
        raise Usage(f"-o {words.output} does not go with `{name}`", hint=_FOR_ONE[words.output])


def begin_logging(words: Words, *, verbose: bool = False) -> None:
    """Console lines for a person, JSON elsewhere. On a terminal a command says itself what became of its actions."""
    import sys

    from reconciler.base import log
    from reconciler.cli.output import is_terminal
    from reconciler.cli.progress import LiveErrors

    terminal = is_terminal(sys.stderr)
    told = terminal and not verbose and words.level is None
    level = words.level or ("warning" if told else "info")
    silent = frozenset({"act"}) if told else frozenset()
    log.configure(level=level, stream=cast("TextIO", LiveErrors()), json=not terminal or words.json, without=silent)
