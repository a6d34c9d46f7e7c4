"""Commands that look into snapshots: files, diff, find, dump. With specs, or with nothing but a repository and its key."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

from reconciler.base.errors import Usage
from reconciler.cli.commands.bare import bare_repository
from reconciler.cli.commands.restore import At, Repository, Snapshot
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command

if TYPE_CHECKING:
    from reconciler.app.choice import Wanted
    from reconciler.app.queries.queries import Dump, Queries

System = Annotated[str | None, Argument(metavar="SYSTEM", help="Whose files; or name a snapshot.")]
Key = Annotated[str | None, Option("--key", metavar="FILE", help="The key file of the repository at URL.")]
KeyKind = Annotated[str, Option("--key-kind", metavar="raw|passphrase", help="What the key file holds.")]
Patterns = Annotated[list[str] | None, Argument(metavar="PATTERN...", help="Only these files or folders, as for `restore --path`.")]


def files(
    words: Words,
    *,
    system: System = None,
    patterns: Patterns = None,
    snapshot: Snapshot = None,
    at: At = None,
    repository: Repository = None,
    key: Key = None,
    key_kind: KeyKind = "raw",
) -> ExitCode:
    """What a snapshot holds: mode, owner, size, time and path of each entry."""
    from reconciler.cli.output import write, write_page
    from reconciler.cli.render.files import choice_page, file_lines, files_json

    with _queries(words, repository, key, key_kind) as queries:
        wanted = _wanted(queries, system, snapshot, at, repository if key is None else None)
        listing = queries.files(wanted, tuple(patterns or ()))
        if not words.json:
            write_page(choice_page(listing.chosen), error=True)
        for text in files_json(listing.chosen, listing.entries) if words.json else file_lines(listing.entries):
            write(text)
    return ExitCode.DONE


def diff(
    words: Words,
    *,
    named: Annotated[
        list[str],
        Argument(metavar="[SYSTEM] FROM TO", help="Two snapshots; of a SYSTEM also two moments, such as '2 hours ago' latest."),
    ],
    summary: Annotated[bool, Option("--summary", help="Only what it amounts to.")] = False,
    repository: Repository = None,
    key: Key = None,
    key_kind: KeyKind = "raw",
) -> ExitCode:
    """What differs between two snapshots: added, removed, changed, and metadata only."""
    from collections import deque

    from msgspec.structs import replace

    from reconciler.app.queries.values import Tally
    from reconciler.cli.output import write, write_page
    from reconciler.cli.render.diff import diff_json, diff_lines, diff_summary
    from reconciler.cli.render.files import choice_page

    if len(named) not in {2, 3}:
        raise Usage(
            "two snapshots are compared, or two moments of a system", hint="`reconcile diff SYSTEM FROM TO`, or `reconcile diff ID ID`."
        )
    system, (older, newer) = (named[0] if len(named) == 3 else None), named[-2:]
    with _queries(words, repository, key, key_kind) as queries:
        read_from = repository if key is None else None
        wanted = [replace(queries.meant(word, system), repository=read_from) for word in (older, newer)]
        comparison, tally = queries.diff(*wanted), Tally()
        if words.json:
            for text in diff_json(comparison, tally, summary=summary):
                write(text)
            return ExitCode.DONE
        write_page(choice_page(comparison.older, "from"), error=True)
        write_page(choice_page(comparison.newer, "to"), error=True)
        changes = tally.along(comparison.changes)
        for text in () if summary else diff_lines(changes):
            write(text)
        deque(changes, maxlen=0)  # --summary: none was taken yet
        write_page(diff_summary(tally, comparison))
    return ExitCode.DONE


def find(
    words: Words,
    *,
    pattern: Annotated[str, Argument(metavar="PATTERN", help="A name, a path, or a pattern such as '*.pdf' or '/srv/**/*.pdf'.")],
    system: Annotated[str | None, Argument(metavar="SYSTEM", help="Only in this system.")] = None,
    repository: Annotated[str | None, Option("--repository", metavar="URL", help="In this one, without specs; with --key.")] = None,
    key: Key = None,
    key_kind: KeyKind = "raw",
) -> ExitCode:
    """Which versions of a file the snapshots hold, from when to when, and how to restore each."""
    from reconciler.cli.render.versions import find_json, find_page

    bare_repository(repository, key, key_kind)
    with _queries(words, repository, key, key_kind) as queries:
        report = queries.find(pattern, system)
    words.answer(lambda: find_page(report, ["reconcile", *words.retold]), lambda: find_json(report))
    return ExitCode.DAMAGE if report.problems else ExitCode.DONE if report.files else ExitCode.FAILED


def dump(
    words: Words,
    *,
    system: Annotated[str, Argument(metavar="SYSTEM", help="Whose file.")],
    path: Annotated[str, Argument(metavar="PATH", help="As it was on the source.")],
    snapshot: Snapshot = None,
    at: At = None,
    force: Annotated[bool, Option("--force", help="Also write what is no text to a terminal.")] = False,
    repository: Repository = None,
    key: Key = None,
    key_kind: KeyKind = "raw",
) -> ExitCode:
    """One file to standard output, each piece checked before it is written."""
    from reconciler.cli.output import write_page
    from reconciler.cli.render.files import choice_page

    if words.json:
        raise Usage("-o json does not go with `dump`", hint="The answer is the file itself; `reconcile files -o json` describes it.")
    with _queries(words, repository, key, key_kind) as queries:
        found = queries.dump(_wanted(queries, system, snapshot, at, repository if key is None else None), path)
        write_page(choice_page(found.chosen), error=True)
        _pour(found, force=force)
    return ExitCode.DONE


def _pour(found: Dump, *, force: bool) -> None:
    import sys

    from reconciler.base.printable import is_text
    from reconciler.cli.errors import BinaryToTerminal
    from reconciler.cli.output import is_terminal, write_bytes

    guarded = is_terminal(sys.stdout) and not force
    for piece in found.pieces:
        if guarded and not is_text(bytes(piece)):
            raise BinaryToTerminal(f"{found.entry.path} is no text")
        if not write_bytes(piece):
            return


def _queries(words: Words, repository: str | None, key: str | None, kind: str) -> AbstractContextManager[Queries]:
    where = bare_repository(repository, key, kind) if key is not None else None
    if where is not None:
        from reconciler.app.queries.queries import bare_queries

        return bare_queries(where)
    return words.session(read_only=True).queries()


def _wanted(queries: Queries, system: str | None, snapshot: str | None, at: str | None, repository: str | None) -> Wanted:
    from reconciler.app.choice import Wanted, moment_said

    if snapshot is not None and at is not None:
        raise Usage("--snapshot and --at exclude each other", hint="A snapshot is one moment already.")
    moment, verified = moment_said(at, queries.now)
    return Wanted(system, snapshot, moment, verified, repository)


def register(root: Group, _groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    command(root, "files")(files)
    command(root, "diff")(diff)
    command(root, "find")(find)
    command(root, "dump")(dump)
