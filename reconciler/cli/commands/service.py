"""`reconcile service print`: how the host keeps the loop running."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group
from reconciler.cli.words import Words, command


def show(
    words: Words, *, manager: Annotated[str, Argument(metavar="systemd|launchd|windows|cron", help="Which service manager.")]
) -> ExitCode:
    """Print a unit that keeps `reconcile --watch` running over these specs; nothing is installed."""
    from reconciler.app.service import service
    from reconciler.base.errors import Usage
    from reconciler.cli.output import write
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.service import Manager, render

    if manager not in set(Manager):
        raise Usage(f"there is no service manager '{manager}'", hint=f"One of: {', '.join(Manager)}.")
    with words.session(read_only=True) as session:
        found = service(session.house)
    text = render(found, Manager(manager))
    write(document("service", service=found, manager=manager, unit=text) if words.json else text)
    return ExitCode.DONE


def register(_root: Group, groups: Callable[[str], Group]) -> None:
    """Put the command where people look for it."""
    command(groups("service"), "print")(show)
