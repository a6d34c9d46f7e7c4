"""Commands that speak to the running loop: trigger, pause, resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from reconciler.base.errors import Usage
from reconciler.base.units import parse_duration
from reconciler.cli.commands.act import HiddenKind, Kind, one_of
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command


def trigger(
    words: Words,
    *,
    systems: Annotated[list[str], Argument(metavar="SYSTEM", help="Names.")],
    kind: Kind = None,
    type_: HiddenKind = None,
) -> ExitCode:
    """Let the running loop back up now, due or not. Returns at once; without a loop it says so."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.steer import trigger_page

    wanted = one_of("--kind", kind, "--type", type_)
    with words.session() as session:
        report = session.trigger(systems, wanted)
    words.answer(lambda: trigger_page(report), lambda: document("trigger", trigger=report))
    return ExitCode.DONE


def pause(
    words: Words,
    *,
    length: Annotated[str, Option("--for", metavar="DURATION", help="How long, such as 2h; at most 30d.")],
    reason: Annotated[str, Option("--reason", metavar="TEXT", help="Why; it stands in status, metrics and audit log.")],
) -> ExitCode:
    """Let the loop begin nothing for a while. It goes on looking and telling; ends by itself."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.steer import pause_page

    try:
        wanted = parse_duration(length)
    except ValueError as error:
        raise Usage(f"--for {error}") from None
    with words.session() as session:
        report = session.pause(wanted, reason)
    words.answer(lambda: pause_page(report), lambda: document("pause", pause=report))
    return ExitCode.DONE


def resume(words: Words) -> ExitCode:
    """End the pause of the loop."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.steer import resume_page

    with words.session() as session:
        report = session.resume()
    words.answer(lambda: resume_page(report), lambda: document("resume", resume=report))
    return ExitCode.DONE


def register(root: Group, _groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    command(root, "trigger")(trigger)
    command(root, "pause")(pause)
    command(root, "resume")(resume)
