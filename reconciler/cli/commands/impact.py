"""What disasters would do: the scenarios that are reckoned with, and what survives each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from reconciler.cli.commands.look import Cached
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Group, Option
from reconciler.cli.words import Words, command


def scenarios(words: Words) -> ExitCode:
    """The disasters that are reckoned with, and what each takes away in this tree."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.impact import scenarios_page

    with words.session(read_only=True) as session:
        found = session.scenarios()
    words.answer(lambda: scenarios_page(found), lambda: document("scenarios", scenarios=found))
    return ExitCode.DONE


def impact(
    words: Words,
    *,
    scenario: Annotated[str | None, Option("--scenario", metavar="NAME", help="Only this disaster, in full.")] = None,
    system: Annotated[str | None, Option("--system", metavar="NAME", help="Only this system, in full.")] = None,
    cached: Cached = False,
) -> ExitCode:
    """What survives each disaster, how much is lost, how long it takes, what would mend it. Exit 4 when a promise would be broken."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.impact import impact_page
    from reconciler.model.impact import Verdict

    full = scenario is not None or system is not None
    with words.session(read_only=True) as session:
        found = session.impact(scenario, system, cached=cached or words.cached, remedies=full or words.json)
    words.answer(lambda: impact_page(found, full=full), lambda: document("impact", impact=found))
    return ExitCode.BREACHED if found.worst.rank <= Verdict.UNKNOWN.rank else ExitCode.DONE


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    command(root, "impact", accepts=frozenset({"cached"}))(impact)
    command(root, "scenarios")(scenarios)
