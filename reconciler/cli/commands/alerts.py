"""Commands about alerts: list, show, ack, resolve, silence, test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command

Ids = Annotated[list[str], Argument(metavar="ID", help="Ids, or how they begin.")]
Note = Annotated[str | None, Option("--note", metavar="TEXT", help="What others should know.")]
By = Annotated[str | None, Option("--by", metavar="NAME", help="Who says so; default: the user of this shell.")]


def list_(
    words: Words,
    *,
    all_: Annotated[bool, Option("--all", help="Also those that are over.")] = False,
    limit: Annotated[int, Option("--limit", metavar="N", min=1, max=100_000, help="At most so many.")] = 100,
) -> ExitCode:
    """What is wrong now, the worst first; silences, and receivers that fail."""
    from reconciler.cli.render.alerts import alerts_page
    from reconciler.cli.render.as_json import document

    with words.session(read_only=True) as session:
        report, now = session.alerts(resolved=all_, limit=limit), session.house.clock.now()
    words.answer(
        lambda: alerts_page(report, now),
        lambda: document("alerts", alerts=report.alerts, silences=report.silences, receivers=report.receivers, more=report.more),
    )
    return ExitCode.DONE


def show(words: Words, *, id_: Annotated[str, Argument(metavar="ID", help="An id, or how it begins.")]) -> ExitCode:
    """One alert: its life, and who was told what."""
    from reconciler.cli.render.alerts import alert_page
    from reconciler.cli.render.as_json import document

    with words.session(read_only=True) as session:
        alert, now = session.alert(id_), session.house.clock.now()
    words.answer(lambda: alert_page(alert, now), lambda: document("alert", alert=alert))
    return ExitCode.DONE


def ack(words: Words, *, ids: Ids, note: Note = None, by: By = None) -> ExitCode:
    """Say that you have seen it: nobody is reminded or called any more, until it gets worse."""
    from reconciler.cli.render.alerts import changed_page
    from reconciler.cli.render.as_json import document

    with words.session() as session:
        alerts = session.acknowledge(ids, by=by, note=note or "")
    words.answer(lambda: changed_page(alerts), lambda: document("alerts", alerts=alerts))
    return ExitCode.DONE


def resolve(words: Words, *, ids: Ids, note: Note = None, by: By = None) -> ExitCode:
    """Say that it is over. Where the condition disagrees, it fires again with the next pass."""
    from reconciler.cli.render.alerts import changed_page
    from reconciler.cli.render.as_json import document

    with words.session() as session:
        alerts = session.resolve_alerts(ids, by=by, note=note or "")
    words.answer(lambda: changed_page(alerts), lambda: document("alerts", alerts=alerts))
    return ExitCode.DONE


def silence(
    words: Words,
    *,
    kind: Annotated[str | None, Option("--kind", metavar="KIND", help="Of this kind of object, such as System.")] = None,
    name: Annotated[str | None, Option("--name", metavar="NAME", help="Of this object; may end with *.")] = None,
    condition: Annotated[str | None, Option("--condition", metavar="NAME", help="Of this condition, such as BackupFresh.")] = None,
    length: Annotated[str | None, Option("--for", metavar="DURATION", help="How long, such as 2h; at most 30d.")] = None,
    reason: Annotated[str | None, Option("--reason", metavar="TEXT", help="Why; others read it.")] = None,
    end: Annotated[str | None, Option("--end", metavar="ID", help="End this silence instead.")] = None,
) -> ExitCode:
    """Let nobody be told about some alerts for a while. They fire and are counted all the same; without a word that narrows it: all."""
    from reconciler.cli.render.alerts import silence_page
    from reconciler.cli.render.as_json import document

    if end is not None and (length is not None or reason or kind or name or condition):
        raise Usage("--end stands alone", hint="It names the silence that ends.")
    if end is None and length is None:
        raise Usage("a silence needs an end", hint="Such as --for 2h.")
    with words.session() as session:
        if end is not None:
            made = session.end_silence(end)
        else:
            made = session.silence(_duration(length or ""), reason or "", kind=kind or "", name=name or "", condition=condition or "")
        now = session.house.clock.now()
    words.answer(lambda: silence_page(made, now), lambda: document("silence", silence=made.silence, covers=made.covers))
    return ExitCode.DONE


def try_out(
    words: Words,
    *,
    receivers: Annotated[list[str] | None, Argument(metavar="RECEIVER", help="policy/receiver; none: all.")] = None,
    severity: Annotated[str, Option("--severity", metavar="WORD", help="As which it is sent.")] = "low",
) -> ExitCode:
    """Send a message to each receiver now, and show what it answers."""
    from reconciler.cli.render.alerts import trials_page
    from reconciler.cli.render.as_json import document
    from reconciler.model.alerts import AlertSeverity

    if severity not in set(AlertSeverity):
        raise Usage(f"--severity '{severity}' is not one of {', '.join(AlertSeverity)}")
    with words.session() as session:
        trials = session.test_receivers(receivers or (), AlertSeverity(severity))
    words.answer(lambda: trials_page(trials), lambda: document("alert-test", receivers=trials))
    return ExitCode.FAILED if any(trial.failure is not None for trial in trials) else ExitCode.DONE


def _duration(text: str) -> timedelta:
    from reconciler.base.units import parse_duration

    try:
        return parse_duration(text)
    except (ValueError, OverflowError):
        raise Usage(f"--for '{text}' is not a duration", hint="Such as 30m, 2h or 3d.") from None


def register(_root: Group, groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    group = groups("alerts")
    command(group, "list")(list_)
    command(group, "show")(show)
    command(group, "ack")(ack)
    command(group, "resolve")(resolve)
    command(group, "silence")(silence)
    command(group, "test")(try_out)
    command(groups("monitor"), "alerts")(list_)
