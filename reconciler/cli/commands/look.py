"""Commands that only look: status, explain, snapshots, events, and the list of repositories."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command

if TYPE_CHECKING:
    from reconciler.app.reports import SnapshotList

System = Annotated[str | None, Argument(metavar="SYSTEM", help="Only this system.")]
Cached = Annotated[bool, Option("--cached", help="As the repositories were last seen, without looking at them.")]
Limit = Annotated[int, Option("--limit", min=1, max=10_000, help="How many at most.")]
_CACHED = frozenset({"cached"})


def status(
    words: Words,
    *,
    check: Annotated[
        bool, Option("--check", help="Exit 4 when an objective is breached or Unknown, 1 when a repository cannot be used.")
    ] = False,
    cached: Cached = False,
    uncovered: Annotated[bool, Option("--uncovered", help="Show what no system covers, below ROOT or the usual folders.")] = False,
    loop: Annotated[bool, Option("--loop", help="Who runs the loop, what it is at, and whether it is dead or only busy.")] = False,
    names: Annotated[
        list[str] | None, Argument(metavar="SYSTEM", help="Only these, with every promise in full; with --uncovered: folders to look in.")
    ] = None,
) -> ExitCode:
    """How things stand: age against RPO, what is not well, what is foreseen, what comes next."""
    from reconciler.cli.render.status import status_json, status_page
    from reconciler.model.standing import breaches

    if loop:
        return _loop(words, names)
    if uncovered:
        return _uncovered(words, names or [])
    folder = next((name for name in names or () if "/" in name), None)
    if folder is not None:
        raise Usage(f"'{folder}' is no system: a folder to look in needs --uncovered", hint="`reconcile status --uncovered /srv`")
    with words.session(read_only=True) as session:
        found = session.status(names or (), cached=cached or words.cached)
    words.answer(lambda: status_page(found, promises=bool(names)), lambda: status_json(found))
    if not check:
        return ExitCode.DONE
    seen = all(repository.reachable for repository in found.repositories)
    return ExitCode.BREACHED if breaches(found) else ExitCode.DONE if seen else ExitCode.FAILED


def _loop(words: Words, names: list[str] | None) -> ExitCode:
    """Exit 1 when nobody runs it, or its holder does not move."""
    from reconciler.cli.render.loop import loop_json, loop_page

    if names:
        raise Usage("--loop is about the loop, not about a system", hint="`reconcile status --loop`")
    with words.session(read_only=True) as session:
        found = session.loop()
    words.answer(lambda: loop_page(found), lambda: loop_json(found))
    return ExitCode.DONE if found.well else ExitCode.FAILED


def _uncovered(words: Words, roots: list[str]) -> ExitCode:
    from reconciler.cli.render.uncovered import uncovered_json, uncovered_page

    with words.session(read_only=True) as session:
        found = session.uncovered(roots)
    words.answer(lambda: uncovered_page(found), lambda: uncovered_json(found))
    return ExitCode.DONE


def explain(words: Words, *, system: Annotated[str, Argument(metavar="SYSTEM", help="Its name.")], cached: Cached = False) -> ExitCode:
    """Why a system is as it is: promises, conditions, what comes next, what retention does to each snapshot."""
    from reconciler.base.clock import SystemClock
    from reconciler.cli.render.explain import explain_json, explain_page

    with words.session(read_only=True) as session:
        found = session.explain(system, cached=cached or words.cached)
    words.answer(lambda: explain_page(found, SystemClock().now()), lambda: explain_json(found))
    return ExitCode.DONE


def snapshots(
    words: Words,
    *,
    system: System = None,
    repository: Annotated[str | None, Option("--repository", metavar="URL", help="Of this one, without specs; with --key.")] = None,
    key: Annotated[str | None, Option("--key", metavar="FILE", help="Its key file.")] = None,
    key_kind: Annotated[str, Option("--key-kind", metavar="raw|passphrase", help="What the key file holds.")] = "raw",
    cached: Cached = False,
) -> ExitCode:
    """The snapshots of a system, or of all."""
    from reconciler.base.clock import SystemClock
    from reconciler.cli.commands.bare import bare_repository
    from reconciler.cli.output import write
    from reconciler.cli.render.snapshots import snapshots_json, snapshots_page

    where = bare_repository(repository, key, key_kind)
    if where is not None:
        from reconciler.app.bare import snapshots_bare

        found = snapshots_bare(where)
    else:
        with words.session(read_only=True) as session:
            found = session.snapshots(system, cached=cached or words.cached)
    chosen = tuple(s for s in found.snapshots if where is None or system in (None, s.system))
    words.answer(lambda: snapshots_page(chosen, SystemClock().now(), realm=found.realm), lambda: snapshots_json(chosen))
    write("".join(_unseen(found)), error=True)
    return ExitCode.FAILED if found.failures else ExitCode.DONE


def _unseen(found: SnapshotList) -> list[str]:
    from reconciler.base.printable import escape

    return [f"warning: repository {escape(name)}: {escape(why)}; shown as last seen\n" for name, why in sorted(found.failures.items())]


def info(words: Words, *, snapshot: Annotated[str, Argument(metavar="ID", help="A snapshot, or the beginning of its id.")]) -> ExitCode:
    """Everything that is known about one snapshot."""
    from reconciler.base.clock import SystemClock
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.snapshots import snapshot_page

    with words.session(read_only=True) as session:
        found = session.snapshot(snapshot)
    verdict = (found.verdict.keep, found.verdict.reasons) if found.verdict else None
    words.answer(lambda: snapshot_page(found.copies, SystemClock().now(), verdict), lambda: document("snapshot", snapshot=found))
    return ExitCode.DONE


def events(words: Words, *, system: System = None, limit: Limit = 50) -> ExitCode:
    """What happened: attempts, failures, changes of condition."""
    from reconciler.cli.render.events import events_json, events_page

    with words.session(read_only=True) as session:
        found = session.events(limit, system)
    words.answer(lambda: events_page(found), lambda: events_json(found))
    return ExitCode.DONE


def repositories(words: Words) -> ExitCode:
    """The declared repositories and how they are."""
    from reconciler.cli.render.repositories import repositories_json, repositories_page

    with words.session(read_only=True) as session:
        desired, found = session.load().desired, session.status(cached=words.cached)
    words.answer(lambda: repositories_page(desired, found), lambda: repositories_json(desired, found))
    return ExitCode.DONE if all(r.reachable for r in found.repositories) else ExitCode.FAILED


def stats(words: Words, *, system: System = None, cached: Cached = False) -> ExitCode:
    """What the snapshots amount to: counts, sizes, ratios, growth, failures."""
    from reconciler.cli.render.statistics import statistics_json, statistics_page

    with words.session(read_only=True) as session:
        found = session.statistics(system, cached=cached or words.cached)
    words.answer(lambda: statistics_page(found), lambda: statistics_json(found))
    return ExitCode.FAILED if found.unseen else ExitCode.DONE


def health(words: Words, *, cached: Cached = False) -> ExitCode:
    """How well host, repositories and backups are now; exit 1 when something is bad or cannot be known."""
    from reconciler.cli.render.health import health_json, health_page

    with words.session(read_only=True) as session:
        found = session.health(cached=cached or words.cached)
    words.answer(lambda: health_page(found), lambda: health_json(found))
    return ExitCode.DONE if found.well else ExitCode.FAILED


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    command(root, "status", accepts=_CACHED)(status)
    command(root, "explain", accepts=_CACHED)(explain)
    command(root, "snapshots", accepts=_CACHED)(snapshots)
    command(root, "events")(events)
    command(root, "stats", accepts=_CACHED)(stats)
    command(root, "health", accepts=_CACHED)(health)
    command(groups("backup"), "list", accepts=_CACHED)(snapshots)
    command(groups("backup"), "info")(info)
    command(groups("repository"), "list", accepts=_CACHED)(repositories)
    command(groups("monitor"), "status", accepts=_CACHED)(status)
    command(groups("monitor"), "health", accepts=_CACHED)(health)
    command(groups("scheduler"), "status", accepts=_CACHED)(status)
