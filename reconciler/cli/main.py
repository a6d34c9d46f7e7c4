"""The entry of the process: the tree of commands, the words of the root, and the one door through which errors leave.

Whatever goes wrong, a person sees a sentence, a code and a hint, never a traceback; `--log-level debug` logs it for whoever repairs
the program.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.base.errors import ReconcilerError, Usage
from reconciler.cli.commands import act, care, copy, keys, look, prune, reconcile, restore, restores, service, specs
from reconciler.cli.exits import ExitCode, of_fate
from reconciler.cli.output import prepare_streams, write, write_page
from reconciler.cli.words import Format, Level, ListingGroup, Words, command, folder, folders, name_of

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
_GROUPS = {
    "backup": "Take backups now, list them.",
    "config": "What the specs amount to.",
    "repository": "Create and list repositories.",
    "restores": "What has been recovered.",
    "catalog": "The memory of what happened.",
    "service": "How the host keeps the loop running.",
}
_LISTS = ("restores",)
"""Groups that list when nothing else is said."""
_ALIASES = ("monitor", "scheduler")
# Values without cycles come by the ten thousand, and the collector would walk all of them again and again: with 10,000 snapshots a third of
# the CPU time of a backup of nothing. Memory stays the same.
_COLLECTED_EVERY = 100_000


def main() -> None:
    """`reconcile`."""
    gc.set_threshold(_COLLECTED_EVERY, 20, 20)
    prepare_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """One command line to its exit code. Prints; raises nothing but what the interpreter itself raises."""
    try:
        code = typer.main.get_command(build()).main(list(arguments), prog_name="reconcile", standalone_mode=False)
        return int(code or 0)
    except ReconcilerError as error:
        return _tell(error, arguments)
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last door: what nobody foresaw still ends as a sentence
        return _tell(_translated(error), arguments)


def build() -> typer.Typer:
    """The tree of commands. A typer object per call: tests and the entry share no state."""
    root = typer.Typer(name="reconcile", context_settings=_SETTINGS, rich_markup_mode=None, pretty_exceptions_enable=False)
    root.callback(invoke_without_command=True)(_root)
    groups = {
        name: typer.Typer(
            name=name,
            help=text,
            rich_markup_mode=None,
            no_args_is_help=name not in _LISTS,
            hidden=name in _ALIASES,
            cls=ListingGroup if name in _LISTS else None,
        )
        for name, text in {**_GROUPS, **dict.fromkeys(_ALIASES, "")}.items()
    }
    for family in (specs, look, act, copy, restore, restores, keys, care, prune, service):
        family.register(root, groups.__getitem__)
    for name in _ALIASES:
        command(groups[name], "start")(_start)
    for name, group in groups.items():
        root.add_typer(group, name=name)
    return root


def _root(
    context: typer.Context,
    specs: Annotated[str, typer.Option("--specs", metavar="DIR", envvar="RECONCILER_SPECS", help="The spec tree.")] = "specs",
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="DIR", envvar="RECONCILER_STATE", help="Where the loop remembers; by default chosen per tree."),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="NAME", envvar="RECONCILER_HOST", help="Who this agent is; default: the host name.")
    ] = None,
    allow_commands: Annotated[
        str | None,
        typer.Option(
            "--allow-commands",
            metavar="DIRS",
            envvar="RECONCILER_ALLOW_COMMANDS",
            help="Where commands that specs name may lie, as in PATH.",
        ),
    ] = None,
    output: Annotated[
        Format, typer.Option("--output", "-o", metavar="FORMAT", help="text, json, markdown (with --dry-run) or github (with validate).")
    ] = Format.TEXT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")] = False,
    detailed: Annotated[bool, typer.Option("--detailed-exitcode", help="With --dry-run: exit 2 when changes are pending.")] = False,
    cached: Annotated[bool, typer.Option("--cached", help="With --dry-run: do not look at the repositories.")] = False,
    base: Annotated[
        str | None, typer.Option("--base", metavar="REV", help="With --dry-run: what the edit since this revision in git changes.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep going; serve /metrics, /healthz and /readyz.")] = False,
    init: Annotated[bool, typer.Option("--init", help="First create repositories and keys that are missing.")] = False,
    log_level: Annotated[Level | None, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> ExitCode:
    """Declarative backup and disaster recovery: compare what is declared with what is there, and close the gap.

    Without a command: one pass. Start with `reconcile init`, or look first with `reconcile --dry-run`.
    """
    if version:
        return _version(output)
    tree, memory = folder("--specs", specs) or Path("specs"), folder("--state", state)
    agent, allowed, base = name_of("--host", host), folders(allow_commands) or (), name_of("--base", base)
    words = Words(tree, memory, agent, allowed, output, log_level, dry_run, detailed, cached, watch, init, base)
    context.obj = words
    return reconcile.run(words) if context.invoked_subcommand is None else ExitCode.DONE


def _start(words: Words) -> ExitCode:
    """The same as `reconcile --watch`."""
    from dataclasses import replace

    return reconcile.run(replace(words, watch=True))


def _version(output: Format) -> ExitCode:
    from reconciler import __version__

    write(
        f'{{"format_version": "1.0", "kind": "version", "version": "{__version__}"}}\n'
        if output is Format.JSON
        else f"reconcile {__version__}\n"
    )
    raise typer.Exit(0)


def _translated(error: Exception) -> ReconcilerError:
    """Typer's complaints are usage; anything else is a defect of ours, told as one."""
    if hasattr(error, "format_message"):
        context: Any = getattr(error, "ctx", None)
        where = context.command_path if context is not None else "reconcile"
        message = error.format_message().rstrip(".").replace("Value error, ", "")
        return Usage(message[:1].lower() + message[1:], hint=f"`{where} --help` lists what it understands.")
    import structlog

    from reconciler.base import log

    if not structlog.is_configured():  # it happened before the words were understood
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
    main()
