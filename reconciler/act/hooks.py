"""Commands around a backup. One that fails before it stops it; those after it always run, and are told how it ended.

They learn it from their environment: ``RECONCILER_SYSTEM``, ``_REPOSITORY``, ``_KIND``, and afterwards ``_OUTCOME`` (succeeded, unchanged,
partial, failed, cancelled), ``_SNAPSHOT`` and ``_ERROR`` (a code). Names and codes only: nothing that a file or a repository holds.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence

from reconciler.act.context import Context, Done
from reconciler.base.errors import Cancelled, ReconcilerError
from reconciler.catalog.records import RunOutcome
from reconciler.model.declared.policy import Hook
from reconciler.model.desired import DesiredSystem
from reconciler.model.plan import Action
from reconciler.sources.commands import Permit, check_allowed, run_to_end
from reconciler.sources.errors import HookFailed


def permit(context: Context, *, stop: threading.Event | None = None, more: Mapping[str, str] | None = None) -> Permit:
    """Under what a command of this pass runs. The variables that hold keys of repositories are not passed on."""
    secret = {repository.key.env for repository in context.desired.repositories}
    inherited = {name: value for name, value in os.environ.items() if name not in secret}
    environment = inherited | dict(more or {})
    return Permit(context.allow_commands, environment, stop if stop is not None else context.stop, context.clock, context.beat)


def around(action: Action, context: Context, system: DesiredSystem, work: Callable[[], Done]) -> Done:
    """``work`` between the hooks of the system. What is not allowed on this host is refused before anything runs."""
    before, after = system.hooks.before or (), system.hooks.after or ()
    if not before and not after:
        return work()
    for hook in (*before, *after):
        check_allowed(hook.command, context.allow_commands)
    facts = {
        "RECONCILER_SYSTEM": action.system,
        "RECONCILER_REPOSITORY": action.repository,
        "RECONCILER_KIND": action.backup_kind.value if action.backup_kind is not None else "",
    }
    try:
        for hook in before:
            _run(hook, "before", permit(context, more=facts))
        done = work()
    except BaseException as error:
        _afterwards(after, context, facts | _failed(error), error)
        raise
    _afterwards(after, context, facts | {"RECONCILER_OUTCOME": done.outcome.value, "RECONCILER_SNAPSHOT": done.snapshot_id or ""}, None)
    return done


def _afterwards(hooks: Sequence[Hook], context: Context, facts: Mapping[str, str], error: BaseException | None) -> None:
    """Each of them, whatever became of the others. A stop does not stop them: what was frozen must thaw."""
    failures: list[str] = []
    for hook in hooks:
        try:
            _run(hook, "after", permit(context, stop=threading.Event(), more=facts))
        except ReconcilerError as failure:
            failures.append(failure.message)
    if not failures:
        return
    if isinstance(error, ReconcilerError):
        error.message = "; ".join([error.message, *failures])
    elif error is None:
        stored = facts.get("RECONCILER_SNAPSHOT")
        kept = f"; the snapshot {stored} is stored and good" if stored and facts["RECONCILER_OUTCOME"] == RunOutcome.SUCCEEDED else ""
        raise HookFailed("; ".join(failures) + kept)


def _run(hook: Hook, when: str, under: Permit) -> None:
    try:
        run_to_end(hook.command, under, hook.timeout)
    except Cancelled:
        raise
    except ReconcilerError as error:
        raise HookFailed(f"the hook {when} the backup failed: {error.message}", hint=error.hint) from error


def _failed(error: BaseException) -> dict[str, str]:
    cancelled = isinstance(error, (Cancelled, KeyboardInterrupt))
    return {
        "RECONCILER_OUTCOME": (RunOutcome.CANCELLED if cancelled else RunOutcome.FAILED).value,
        "RECONCILER_SNAPSHOT": "",
        "RECONCILER_ERROR": error.code if isinstance(error, ReconcilerError) else "internal",
    }
