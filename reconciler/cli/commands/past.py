"""Commands about how it was and what is the matter: history, doctor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Group, Option
from reconciler.cli.words import Words, command


def history(
    words: Words,
    *,
    check: Annotated[str | None, Option("--check", metavar="NAME", help="Only this check of the host: cpu, memory, space, …")] = None,
    system: Annotated[str | None, Option("--system", metavar="SYSTEM", help="Only this system.")] = None,
    since: Annotated[str | None, Option("--since", metavar="DURATION", help="How far back; default 7d.")] = None,
) -> ExitCode:
    """How the host, the backups and the alerts were: small curves of what is kept."""
    from reconciler.cli.render.history import history_json, history_page

    with words.session(read_only=True) as session:
        found = session.history(check=check, system=system, since=_duration(since))
    words.answer(lambda: history_page(found), lambda: history_json(found))
    return ExitCode.DONE


def doctor(words: Words) -> ExitCode:
    """One page for a report of a defect: versions, places, state, errors; no secrets."""
    from reconciler.cli.render.doctor import doctor_json, doctor_page

    with words.session(read_only=True) as session:
        found = session.doctor()
    words.answer(lambda: doctor_page(found), lambda: doctor_json(found))
    return ExitCode.DONE


def _duration(text: str | None) -> timedelta | None:
    from reconciler.base.errors import Usage
    from reconciler.base.units import parse_duration

    if text is None:
        return None
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise Usage(f"--since {error}") from None
    if not found:
        raise Usage("--since must be longer than 0s")
    return found


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    command(root, "history")(history)
    command(root, "doctor")(doctor)
