"""Commands about the specs themselves: init, validate, schema, config show."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Format, Words, command

if TYPE_CHECKING:
    from reconciler.model.desired import DesiredSystem


def init(words: Words) -> ExitCode:
    """Write commented starter specs for this machine, with a repository and its key."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.starter import starter_page

    with words.session() as session:
        made = session.init_specs()
    words.answer(lambda: starter_page(made), lambda: document("init", init=made))
    return ExitCode.DONE


def validate(words: Words) -> ExitCode:
    """Check the specs: every fault at once, with file, line and column."""
    from reconciler.cli.output import write
    from reconciler.cli.render.problems import counts, problems_github, problems_json, problems_page

    with words.session(read_only=True) as session:
        found = session.load()
    root, size = str(words.specs), {"objects": found.objects, "files": found.files}
    if words.output is Format.GITHUB:
        write(problems_github(found.problems, root))
    else:
        words.answer(lambda: problems_page(found.problems, root, **size), lambda: problems_json(found.problems, root, **size))
    return ExitCode.SPEC if counts(found.problems)["errors"] else ExitCode.DONE


def schema(
    words: Words,
    *,
    kind: Annotated[str | None, Argument(metavar="KIND", help="System, …, Plan or Report; all of the specs when left out.")] = None,
) -> ExitCode:
    """Print the JSON Schema of the specs, for editors, or of the plan or the report, for programs."""
    import json

    from reconciler.app.planning import schemas
    from reconciler.cli.output import write
    from reconciler.cli.render.plan_schema import plan_schema
    from reconciler.cli.render.report_schema import report_schema

    every = schemas() | {"plan.schema.json": plan_schema(), "report.schema.json": report_schema()}
    wanted = {name.removesuffix(".schema.json").lower(): text for name, text in every.items()}
    found = wanted.get((kind or "reconcile").lower())
    if found is None:
        raise Usage(
            f"there is no kind '{kind}'",
            hint=f"Kinds: {', '.join(sorted(str(wanted[name]['title']) for name in set(wanted) - {'reconcile'}))}.",
        )
    write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return ExitCode.DONE


def show(
    words: Words,
    *,
    system: Annotated[str | None, Argument(metavar="SYSTEM", help="Its name; all when left out.")] = None,
    origins: Annotated[bool, Option("--origins", help="Say where each value was written.")] = False,
) -> ExitCode:
    """What the specs amount to after tiers, policies and overrides are merged."""
    from reconciler.cli.render.configuration import configuration_json, configuration_page

    if origins and system is None:
        raise Usage("--origins needs the name of a system", hint="`reconcile config show SYSTEM --origins`")
    with words.session(read_only=True) as session:
        if system is not None:
            found = session.explain(system, cached=True)
            systems: tuple[DesiredSystem, ...] = (found.system,)
            sources = found.origins if origins else ()
        else:
            systems, sources = session.load().desired.systems, ()
    words.answer(lambda: configuration_page(systems, sources), lambda: configuration_json(systems, sources))
    return ExitCode.DONE


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    command(root, "init")(init)
    command(root, "validate", accepts=frozenset({Format.GITHUB}))(validate)
    command(root, "schema")(schema)
    command(groups("config"), "show")(show)
    command(groups("config"), "render", hidden=True)(show)
    command(groups("config"), "validate", hidden=True, accepts=frozenset({Format.GITHUB}))(validate)
