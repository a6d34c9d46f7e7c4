"""The tree of commands, the words of the root, and the one door through which errors leave.

Whatever goes wrong, a person sees a sentence, a code and a hint, never a traceback; `--log-level debug` logs it for whoever repairs
the program.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, cast

import click

from reconciler.base.errors import ReconcilerError, Usage
from reconciler.cli import help as root_help
from reconciler.cli import index
from reconciler.cli.commands import reconcile
from reconciler.cli.exits import EndedBySignal, ExitCode, of_fate
from reconciler.cli.options import Group, ListingGroup, Option, parameters
from reconciler.cli.output import prepare_streams, write, write_page
from reconciler.cli.words import Format, Level, Words, folder, folders, hosts, name_of

FAMILIES = (
    "specs",
    "look",
    "past",
    "alerts",
    "act",
    "copy",
    "restore",
    "restores",
    "drill",
    "recovery",
    "queries",
    "keys",
    "adopt",
    "care",
    "audit",
    "report",
    "prune",
    "holds",
    "steer",
    "simulate",
    "impact",
    "service",
    "reconcile",
)
"""Modules of commands/, in the order of the help. Each has ``register(root, groups)``; one that is new is listed here, and
``python docs/generate.py`` then writes index.json anew."""
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": root_help.COLUMNS_MAX}
_GROUPS = {
    "backup": "Take backups now, list them.",
    "config": "What the specs amount to.",
    "repository": "Create and list repositories.",
    "restores": "What has been recovered.",
    "drill": "Rehearse recoveries, and what they have proven.",
    "recovery": "Plans for the day of a disaster: make, test, carry out.",
    "alerts": "What is wrong, who is told, and what people say to it.",
    "catalog": "The memory of what happened.",
    "audit": "The log of everything that was done.",
    "service": "How the host keeps the loop running.",
}
_LISTS = ("restores", "alerts")
"""Groups that list when nothing else is said."""
_Hosts = Annotated[
    str | None,
    Option(
        "--allow-hosts",
        metavar="NAMES",
        envvar="RECONCILER_ALLOW_HOSTS",
        help="Hosts that recovery plans may wait for beside this one, separated by commas.",
    ),
]
_ALIASES = ("monitor", "scheduler", "bcp")


def main() -> None:
    """`reconcile`."""
    prepare_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """One command line to its exit code. Prints; raises nothing but what the interpreter itself raises."""
    try:
        code = _root_command().main(list(arguments), prog_name="reconcile", standalone_mode=False)
        return int(code or 0)
    except ReconcilerError as error:
        return _tell(error, arguments)
    except EndedBySignal as ended:
        _tell(ended.error, arguments)
        return ended.code
    except click.Abort:
        return ExitCode.INTERRUPTED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last door: what nobody foresaw still ends as a sentence
        return _tell(_translated(error), arguments)


def build(families: Sequence[str] = FAMILIES) -> Root:
    """The tree of commands, or the part that these families register. A new one per call: tests and the entry share no state."""
    root = Root("reconcile")
    groups = {
        name: (ListingGroup if name in _LISTS else Group)(name, help=text, short_help=text, hidden=name in _ALIASES)
        for name, text in {**_GROUPS, **dict.fromkeys(_ALIASES, "")}.items()
    }
    for family in families:
        import_module(f"reconciler.cli.commands.{family}").register(root, groups.__getitem__)
    for group in groups.values():
        if group.commands:
            root.add_command(group)
    return root


class Root(Group):
    """The root: its help is drawn from the index, however it is asked for."""

    def __init__(self, name: str) -> None:
        def call(**given: Any) -> ExitCode:
            return _root(click.get_current_context(), **given)

        text = inspect.getdoc(_root)
        super().__init__(name, callback=call, params=parameters(_root), help=text, context_settings=_SETTINGS, invoke_without_command=True)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(root_help.page().rstrip())


class Commands(Mapping[str, click.Command]):
    """What stands behind `reconcile`: known by name from the index, made when it is asked for."""

    def __init__(self) -> None:
        self._known = index.load().commands
        self._made: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._made:
            self._made[name] = build(self._known[name].families).commands[name]
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def _root_command() -> Root:
    root = build(())
    root.commands = cast("dict[str, click.Command]", Commands())  # read only from here on
    return root


def _root(
    context: click.Context,
    specs: Annotated[str, Option("--specs", metavar="DIR", envvar="RECONCILER_SPECS", help="The spec tree.")] = "specs",
    state: Annotated[
        str | None,
        Option("--state", metavar="DIR", envvar="RECONCILER_STATE", help="Where the loop remembers; by default chosen per tree."),
    ] = None,
    host: Annotated[
        str | None, Option("--host", metavar="NAME", envvar="RECONCILER_HOST", help="Who this agent is; default: the host name.")
    ] = None,
    allow_commands: Annotated[
        str | None,
        Option(
            "--allow-commands",
            metavar="DIRS",
            envvar="RECONCILER_ALLOW_COMMANDS",
            help="Where commands that specs name may lie, as in PATH.",
        ),
    ] = None,
    allow_hosts: _Hosts = None,
    output: Annotated[
        Format,
        Option("--output", "-o", metavar="FORMAT", help="text or json; markdown (--dry-run, report), html (report), github (validate)."),
    ] = Format.TEXT,
    dry_run: Annotated[bool, Option("--dry-run", help="Print the plan and change nothing.")] = False,
    detailed: Annotated[bool, Option("--detailed-exitcode", help="With --dry-run: exit 2 when changes are pending.")] = False,
    cached: Annotated[bool, Option("--cached", help="With --dry-run: do not look at the repositories.")] = False,
    base: Annotated[
        str | None, Option("--base", metavar="REV", help="With --dry-run: what the edit since this revision in git changes.")
    ] = None,
    watch: Annotated[bool, Option("--watch", help="Keep going; serve /metrics, /healthz and /readyz.")] = False,
    init: Annotated[bool, Option("--init", help="First create repositories and keys that are missing.")] = False,
    textfile: Annotated[
        str | None, Option("--textfile", metavar="FILE", help="After the pass, write its metrics there, for node_exporter.")
    ] = None,
    log_level: Annotated[Level | None, Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")] = None,
    version: Annotated[bool, Option("--version", help="Print the version.")] = False,
) -> ExitCode:
    """Declarative backup and disaster recovery: compare what is declared with what is there, and close the gap.

    Without a command: one pass. Start with `reconcile init`, or look first with `reconcile --dry-run`.
    """
    if version:
        return _version(output)
    tree, memory = folder("--specs", specs) or Path("specs"), folder("--state", state)
    agent, allowed, base = name_of("--host", host), folders(allow_commands) or (), name_of("--base", base)
    words = Words(
        tree,
        memory,
        agent,
        allowed,
        output,
        log_level,
        dry_run,
        detailed,
        cached,
        watch,
        init,
        base,
        folder("--textfile", textfile),
        hosts(allow_hosts) or (),
    )
    context.obj = words
    return reconcile.run(words) if context.invoked_subcommand is None else ExitCode.DONE


def _version(output: Format) -> ExitCode:
    from reconciler import __version__

    write(
        f'{{"format_version": "1.0", "kind": "version", "version": "{__version__}"}}\n'
        if output is Format.JSON
        else f"reconcile {__version__}\n"
    )
    raise click.exceptions.Exit(0)


def _translated(error: Exception) -> ReconcilerError:
    """Typer's complaints are usage; anything else is a defect of ours, told as one."""
    if hasattr(error, "format_message"):
        context: Any = getattr(error, "ctx", None)
        where = context.command_path if context is not None else "reconcile"
        message = error.format_message().rstrip(".").replace("Value error, ", "")
        return Usage(message[:1].lower() + message[1:], hint=f"`{where} --help` lists what it understands.")
    from reconciler.base import log

    if not log.is_configured():  # it happened before the words were understood
        log.configure(level="warning")
    log.get("cli").debug("unexpected error", exc_info=error)
    return ReconcilerError(
        f"unexpected {type(error).__name__}: {error}",
        hint="This is a defect of the program. Run it again with --log-level debug and report what it logs.",
    )


def _tell(error: ReconcilerError, arguments: Sequence[str]) -> int:
    from reconciler.cli.render.error import error_json, error_page

    if _wants_json(arguments):
        write(error_json(error), error=True)
    else:
        write_page(error_page(error), error=True)
    return of_fate(error.fate)


def _wants_json(arguments: Sequence[str]) -> bool:
    """Also when the words could not be parsed."""
    joined = {"-ojson", "--output=json"} & set(arguments)
    return bool(joined) or any(word in {"-o", "--output"} and after == "json" for word, after in pairwise(arguments))


if __name__ == "__main__":
    from reconciler.cli.entry import main as enter

    enter()
