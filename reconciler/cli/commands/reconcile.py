"""The bare `reconcile`: one pass, `--dry-run` (stop after the plan), or `--watch` (keep going)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.base.errors import Fate, Usage
from reconciler.cli.exits import ExitCode, of_fate, worst
from reconciler.cli.options import Group
from reconciler.cli.words import Format, Words, begin_logging, command

if TYPE_CHECKING:
    from reconciler.cli.render.page import Page
    from reconciler.cli.render.results import Ended
    from reconciler.model.blast import BlastRadius
    from reconciler.model.desired import Desired
    from reconciler.model.plan import Gap, Plan


def run(words: Words) -> ExitCode:
    """Whichever of the three was asked for."""
    _check(words)
    begin_logging(words, verbose=words.watch)
    if words.watch:
        return _watch(words)
    return _plan(words) if words.dry_run else _one_pass(words)


def _check(words: Words) -> None:
    if words.watch and words.dry_run:
        raise Usage("--watch and --dry-run exclude each other", hint="`reconcile --dry-run` shows the plan once.")
    if words.init and words.dry_run:
        raise Usage("--init and --dry-run exclude each other", hint="A repository that is missing is named in the plan.")
    if words.base is not None and not words.dry_run:
        raise Usage("--base goes with --dry-run only", hint="`reconcile --dry-run --base REV` shows what the edit since REV changes.")
    if words.textfile is not None and (words.watch or words.dry_run):
        raise Usage("--textfile goes with a single pass", hint="`reconcile --watch` serves the same at /metrics.")
    for given, flag in ((words.cached, "--cached"), (words.detailed, "--detailed-exitcode")):
        if given and not words.dry_run:
            raise Usage(f"{flag} goes with --dry-run only", hint="A pass that acts looks at everything afresh.")
    if words.output is Format.GITHUB:
        raise Usage("-o github goes with `validate` only", hint="Annotations are for faults of the specs: `reconcile validate -o github`.")
    if words.output is Format.HTML:
        raise Usage("-o html goes with `report` only", hint="A page is for the report: `reconcile report -o html`.")
    if words.output is Format.MARKDOWN and not words.dry_run:
        raise Usage("-o markdown goes with --dry-run only", hint="Markdown is for the plan: `reconcile --dry-run -o markdown`.")


def _plan(words: Words) -> ExitCode:
    with words.session(read_only=True) as session:
        report = session.plan(cached=words.cached, base=words.base)
    print_plan(words, report.plan, report.desired, report.blast)
    pending = bool(report.plan.actions) if report.blast is None else not report.blast.empty  # with --base the question is the edit
    code = plan_code(report.plan, broken=report.broken)
    if report.blast is not None and words.cached:  # nothing was to be observed
        code = ExitCode.SPEC if report.broken else ExitCode.DONE
    return ExitCode.CHANGES if code is ExitCode.DONE and words.detailed and pending else code


def print_plan(words: Words, plan: Plan, desired: Desired, blast: BlastRadius | None = None) -> None:
    """The plan in the format that was asked for; faults of the specs stand first."""
    from reconciler.cli.output import write, write_page

    if words.output is Format.TEXT:
        from reconciler.cli.render.plan import plan_page

        write_page(_before_the_plan(desired, blast))
        write_page(plan_page(plan, desired))
    else:
        from reconciler.cli.render.plan_json import plan_json, plan_markdown

        write(plan_json(plan, desired, blast) if words.json else plan_markdown(plan, desired, blast))


def _before_the_plan(desired: Desired, blast: BlastRadius | None) -> Page:
    from reconciler.cli.render.page import Page

    page = Page()
    if desired.problems:
        from reconciler.cli.render.problems import add_problems

        add_problems(page, desired.problems, desired.root)
        page.line(" ")
    if blast is not None:
        from reconciler.cli.render.blast import add_blast

        add_blast(page, blast)
        page.line(" ")
    return page


def plan_code(plan: Plan, *, broken: bool) -> ExitCode:
    """What the plan alone says about the exit code; the same for --dry-run and for a pass."""
    codes = [ExitCode.FAILED] if not plan.complete or any(is_failure(gap) for gap in plan.gaps) else []
    codes += [ExitCode.REFUSED] if plan.held else []
    codes += [ExitCode.SPEC] if broken else []
    return worst(codes)


def is_failure(gap: Gap) -> bool:
    """Whether something that should work now does not, as against an objective that is not met yet."""
    return gap.code.startswith("source-") or gap.code in {"failing", "no-repository", "repository-unobserved"}


def results_code(results: Iterable[Ended]) -> ExitCode:
    """Every failure by its fate, and 7 for what was done in part."""
    codes = [of_fate(result.fate or Fate.FAILED) for result in results if result.failure is not None]
    codes += [ExitCode.PARTIAL for result in results if result.outcome == "partial"]
    return worst(codes)


def _one_pass(words: Words) -> ExitCode:
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.problems import counts
    from reconciler.cli.render.results import pass_json, pass_page
    from reconciler.cli.signals import StopSignals

    with StopSignals() as signals, words.session() as session:
        with Progress(quiet=words.json) as progress:
            report = session.run_once(init=words.init, stop=signals.stop, progress=progress.action)
        if words.textfile is not None:
            session.write_metrics(report.status, words.textfile)
        words.answer(lambda: pass_page(report, str(words.specs)), lambda: pass_json(report))
    failed = [ExitCode.FAILED] if any(is_failure(gap) for gap in report.gaps) else []
    broken = counts(report.problems)["errors"] > 0
    code = worst([plan_code(report.plan, broken=broken), results_code(report.results), *failed])
    return signals.outcome(code)


def _watch(words: Words) -> ExitCode:
    from reconciler.cli.output import write
    from reconciler.cli.progress import Progress
    from reconciler.cli.signals import StopSignals

    with StopSignals() as signals, words.session() as session:
        if not words.json:
            write(f"Watching {words.specs.absolute()}; Ctrl-C stops after the checkpoint.\n", error=True)
        with Progress(quiet=True) as progress:  # for hours, log lines: bars would push the log around
            session.watch(stop=signals.stop, progress=progress.action, init=words.init)
    return signals.outcome(ExitCode.DONE)


def start(words: Words) -> ExitCode:
    """The same as `reconcile --watch`."""
    return run(replace(words, watch=True))


def register(_root: Group, groups: Callable[[str], Group]) -> None:
    """The words under which people know it from elsewhere."""
    command(groups("monitor"), "start")(start)
    command(groups("scheduler"), "start")(start)
