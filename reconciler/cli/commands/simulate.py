"""`reconcile simulate`: months of the declared policy on a virtual clock, before anybody adopts it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Group, Option
from reconciler.cli.words import Words, command

if TYPE_CHECKING:
    from reconciler.app.simulate import SimulationReport


def simulate(
    words: Words,
    *,
    days: Annotated[int, Option("--days", min=1, max=3660, help="How far ahead.")] = 365,
    policy: Annotated[str | None, Option("--policy", metavar="FILE", help="Compare with the specs with these objects in them.")] = None,
    seed: Annotated[int, Option("--seed", min=0, max=2**31, help="Another draw of how long backups take.")] = 0,
    plot: Annotated[str | None, Option("--plot", metavar="FILE", help="Draw it, too: an SVG file, written over if it is there.")] = None,
    cached: Annotated[bool, Option("--cached", help="From the repositories as they were last seen.")] = False,
) -> ExitCode:
    """What the policy will come to: snapshots, storage, the longest age against the RPO. Exit 4 when an RPO would be broken."""
    from reconciler.cli.render.simulate import simulation_json, simulation_page

    edit = Path(policy) if policy is not None else None
    with words.session(read_only=True) as session:
        found = session.simulate(days=days, seed=seed, policy=edit, cached=cached or words.cached)
    if plot is not None:
        _draw(Path(plot), found)
    words.answer(lambda: simulation_page(found), lambda: simulation_json(found))
    judged = found.edited or found.today
    return ExitCode.BREACHED if any(system.at_risk for system in judged.systems) else ExitCode.DONE


def _draw(file: Path, found: SimulationReport) -> None:
    from reconciler.cli.render.simulate_picture import simulation_svg

    try:
        file.write_text(simulation_svg(found), encoding="utf-8")
    except OSError as error:
        raise Usage(f"the picture {file} cannot be written: {error.strerror}", hint="Is the path right?") from error


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the command where people look for it."""
    command(root, "simulate", accepts=frozenset({"cached"}))(simulate)
