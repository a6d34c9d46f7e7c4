"""The one place where actions run: claim, intent, side effect, outcome. And the one place that logs a failed one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from reconciler.act.context import Context, Done, Result
from reconciler.act.errors import Claimed, DamageFound
from reconciler.base.errors import Cancelled, Fate, ReconcilerError
from reconciler.base.log import get
from reconciler.catalog.audit import Stage
from reconciler.catalog.records import Claim, Holder, RunOutcome
from reconciler.model.observed import Failure, Pace
from reconciler.model.plan import Action, ActionKind

Runner = Callable[[Action, Context], Done]

_RUNNERS: Mapping[ActionKind, str] = {
    ActionKind.BACKUP: "backup",
    ActionKind.COPY: "copy",
    ActionKind.VERIFY: "verify",
    ActionKind.SUSPECT: "suspect",
    ActionKind.DRILL: "drill",
    ActionKind.TEST: "exercise",
    ActionKind.MARK: "mark",
    ActionKind.UNMARK: "unmark",
    ActionKind.FORGET: "forget",
    ActionKind.PRUNE: "prune",
}
"""The module of each kind, loaded when the first of them is done: a command does one of ten."""
_OWN_HISTORY = frozenset({ActionKind.BACKUP, ActionKind.TEST})
"""How long they take is known from elsewhere."""
_log = get("act")


def run(action: Action, context: Context) -> Result:
    """Carry out one action and record it. A failure is a value: one bad system must not stop the others.

    When the process dies anywhere in here, the intent stays without an outcome and the next start finds it.
    """
    claim = _claim(action, context)
    if isinstance(claim, Holder):
        busy = Claimed(f"{_subject(action)} is being worked on: {claim}")
        return Result(action, "", Done(RunOutcome.CANCELLED, busy.message), 0.0, Failure.of(busy), busy.fate)
    try:
        return _run(action, context)
    finally:
        context.catalog.release(claim)


def _subject(action: Action) -> str:
    match action.subject:
        case "System", name:
            return f"system {name} in repository {action.repository}"
        case "RecoveryPlan", name:
            return f"recovery plan {name}"
        case _, name:
            return f"repository {name}"


def _claim(action: Action, context: Context) -> Claim | Holder:
    while True:
        what = f"{action.kind} of {action.subject[1]}"
        claim = context.catalog.claim(action.system, action.repository, action.lane.value, what=what, at=context.clock.now())
        if isinstance(claim, Claim) or not context.patience(claim):
            return claim


def _run(action: Action, context: Context) -> Result:
    began = context.clock.monotonic()
    run_id = context.catalog.begin_run(
        kind=action.kind.value,
        system=action.system,
        repository=action.repository,
        lane=action.lane.value,
        backup_kind=action.backup_kind.value if action.backup_kind is not None else None,
        generation=action.generation,
        reason=action.reason,
        at=context.clock.now(),
        lease=context.lease,
    )
    done, failure, fate = _try(action, context, run_id)
    result = Result(action, run_id, done, context.clock.monotonic() - began, failure, fate)
    _record(result, context)
    return result


def _try(action: Action, context: Context, run_id: str) -> tuple[Done, Failure | None, Fate | None]:
    try:
        _audit("intent", action, context, run_id, why=action.why)
        return _runner(action.kind)(action, context), None, None
    except Cancelled as error:
        return Done(RunOutcome.CANCELLED, error.message), Failure.of(error), error.fate
    except DamageFound as error:
        return Done(RunOutcome.FAILED, error.message, affected=error.affected), Failure.of(error), error.fate
    except ReconcilerError as error:
        return Done(RunOutcome.FAILED, error.message), Failure.of(error), error.fate
    except Exception as error:  # noqa: BLE001 - one broken action must not take the pass with it
        _log.exception("action ended with an unexpected error", action=action.kind.value, system=action.system)
        sentence = f"unexpected {type(error).__name__} while running {action.kind} of {_subject(action)}: {error}"
        failure = Failure("internal", sentence, "This is a defect of the program. The log holds the details.")
        return Done(RunOutcome.FAILED, sentence), failure, Fate.FAILED


def _runner(kind: ActionKind) -> Runner:
    runner: Runner = import_module(f"reconciler.act.{_RUNNERS[kind]}").run
    return runner


def _record(result: Result, context: Context) -> None:
    action, done, at = result.action, result.done, context.clock.now()
    context.catalog.end_run(
        result.run_id,
        outcome=done.outcome,
        at=at,
        snapshot_id=done.snapshot_id,
        bytes=done.bytes,
        added_bytes=done.added_bytes,
        files=done.files,
        failure=result.failure,
        as_of=done.as_of,
    )
    if done.outcome is RunOutcome.SUCCEEDED and action.kind not in _OWN_HISTORY:
        moved = done.added_bytes if action.kind is ActionKind.COPY else done.bytes
        context.catalog.paces.put(action.pace_kind, action.repository, Pace(round(result.seconds, 3), moved, len(action.snapshots)))
    facts: dict[str, object] = {"as_of": done.as_of.isoformat()} if done.as_of is not None else {}
    facts |= {"code": result.failure.code} if result.failure is not None else {}
    facts |= {"damaged": sorted({each.snapshot for each in done.affected})} if done.affected else {}
    _audit(
        "complete",
        action,
        context,
        result.run_id,
        outcome=done.outcome.value,
        snapshot=done.snapshot_id,
        message=result.message,
        **facts,
    )
    context.catalog.add_event(
        "Warning" if result.failure is not None or done.outcome is RunOutcome.PARTIAL else "Normal",
        *action.subject,
        _event_reason(action, done),
        f"{action.kind} into {action.repository}: {result.message}"
        if action.kind is ActionKind.BACKUP
        else f"{action.kind}: {result.message}",
        at,
    )
    _say(result)


def _audit(stage: Stage, action: Action, context: Context, run_id: str, **facts: object) -> None:
    context.audit.append(
        stage,
        action.kind.value,
        action.plan or f"{action.system}@{action.repository}",
        run=run_id,
        actor=context.actor,
        reason=action.reason,
        generation=action.generation,
        snapshots=list(action.snapshots),
        **({"approvals": list(action.approvals)} if action.approvals else {}),
        **facts,
    )


def _event_reason(action: Action, done: Done) -> str:
    """CamelCase, such as BackupSucceeded: of a closed set, kinds times outcomes."""
    return f"{action.kind.value.capitalize()}{done.outcome.value.capitalize()}"


def _say(result: Result) -> None:
    """One line per action."""
    action, failure = result.action, result.failure
    where = {"plan": action.plan} if action.plan else {"system": action.system, "repository": action.repository}
    facts = {**where, "reason": action.reason, "seconds": round(result.seconds, 3)}
    if failure is None:
        _log.info(f"{action.kind} {result.outcome.value}", snapshot=result.done.snapshot_id, **facts)
    elif result.outcome is RunOutcome.CANCELLED:
        _log.warning(f"{action.kind} cancelled", **facts)
    else:
        _log.error(f"{action.kind} failed", code=failure.code, error=failure.message, hint=failure.hint, **facts)
