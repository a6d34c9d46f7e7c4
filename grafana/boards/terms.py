"""The expressions that more than one board asks for.

Several agents may export the same system or repository, hence an aggregation by the labels that matter everywhere.
"""

from __future__ import annotations

from boards.frame import one_of, variable
from boards.values import Json, link

OVERVIEW, SYSTEM, RECOVERY, REPOSITORIES, INTERNALS = (
    "reconciler-overview",
    "reconciler-system",
    "reconciler-recovery",
    "reconciler-repositories",
    "reconciler-internals",
)
"""The boards by their uid."""

AGENT = 'instance=~"$instance"'
_OWN = 'basis="own"'
_OBJECTIVE = 'lane="objective"'
_CHOSEN = {"system": 'system=~"$system"', "repository": 'repository=~"$repository"'}


def select(metric: str, *by: str, where: str = "") -> str:
    """The series of the systems or repositories that are chosen at the top of the board, if ``by`` names them; ``where`` adds matchers."""
    return f"{metric}{{{', '.join([*filter(None, [where]), *(_CHOSEN[label] for label in by if label in _CHOSEN), AGENT])}}}"


def each(metric: str, *by: str, where: str = "") -> str:
    """One series for each combination of these labels, whoever exports it."""
    return f"max by ({', '.join(by)}) ({select(metric, *by, where=where)})"


def condition(name: str) -> str:
    """Of each chosen system: 1, 0 or -1."""
    matchers = f'kind="System", condition="{name}", name=~"$system"'
    return each("reconciler_condition", "name", where=matchers)


def condition_of_system(name: str) -> str:
    """The same with the name in the label ``system``, to be joined with what else is known of systems."""
    return f'label_replace({condition(name)}, "system", "$1", "name", "(.+)")'


def count(expression: str) -> str:
    """How many series; 0 where there is none."""
    return f"count({expression}) or vector(0)"


def counted(metric: str, *by: str, during: str = "$__rate_interval", where: str = "") -> str:
    """What a counter grew by between two points of the panel, or ``during`` a time, summed over all agents."""
    grown = f"increase({select(metric, *by, where=where)}[{during}])"
    return f"sum by ({', '.join(by)}) ({grown})" if by else f"sum({grown})"


RECOVERY_POINT = each("reconciler_recovery_point_timestamp_seconds", "system", "repository")
BEST_RECOVERY_POINT = f"max by (system) ({select('reconciler_recovery_point_timestamp_seconds', 'system')})"
AGE = f"time() - {BEST_RECOVERY_POINT}"
"""Of the newest good snapshot, wherever it is; enormous where there is none."""
RPO = each("reconciler_rpo_target_seconds", "system")
INSIDE_RPO = f"({AGE}) <= bool on (system) {RPO}"
INFO = each("reconciler_system_info", "system", "tier", "owner")
LABELLED = f"on (system) group_left (tier, owner) {INFO}"
"""After a ``*``: gives the series of a system the labels tier and owner."""

RTO_PREDICTED = (
    f"(max by (system) ({select('reconciler_rto_predicted_seconds', 'system', where=_OWN)})"
    f" or max by (system) ({select('reconciler_rto_predicted_seconds', 'system')}))"
)
"""What the drills of a system say counts before what another agent borrowed; as in the rules."""
DRILL_RESULT = (
    f"(min by (system) ({select('reconciler_drill_last_result', 'system')} >= 0)"
    f" or max by (system) ({select('reconciler_drill_last_result', 'system')}))"
)
"""An agent that knows of no drill says -1; of those that know one, a failure counts."""

LAST_PASS_AGE = f"time() - ({select('reconciler_loop_last_success_timestamp_seconds')} > 0)"
INTERVALS_LATE = f"(time() - {select('reconciler_loop_last_success_timestamp_seconds')}) / {select('reconciler_loop_interval_seconds')}"
QUEUE_WAIT = f"time() - ({select('reconciler_queue_oldest_timestamp_seconds', where=_OBJECTIVE)} > 0)"
"""Of what the RPO needs."""
OLDEST_ALERT = f"time() - ({select('reconciler_alerts_oldest_timestamp_seconds')} > 0)"

TO_SYSTEM = link("${__field.labels.system} in detail", SYSTEM, "system", "${__field.labels.system}")
TO_SYSTEM_BY_NAME = link("${__field.labels.name} in detail", SYSTEM, "system", "${__field.labels.name}")


def tier_variable() -> Json:
    return variable("tier", "Tier", select("reconciler_system_info"), "tier")


def system_variable() -> Json:
    """Those of the chosen tiers."""
    return variable("system", "System", select("reconciler_system_info", where='tier=~"$tier"'), "system", narrowed=True)


def one_system_variable() -> Json:
    return one_of("system", "System", select("reconciler_system_info"), "system")


def repository_variable() -> Json:
    return variable("repository", "Repository", select("reconciler_repository_up"), "repository")


def repository_of_system_variable() -> Json:
    """Those that the system is declared for."""
    return variable("repository", "Repository", select("reconciler_snapshots", "system"), "repository")
