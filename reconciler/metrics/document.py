"""docs/metrics.md from names: ``python -m reconciler.metrics.document > docs/metrics.md``; a test keeps the file equal."""

from __future__ import annotations

import sys
from typing import Final

from reconciler.metrics import names
from reconciler.metrics.metric import Metric, Subject

_HEAD: Final = """\
# Metrics

`reconcile --watch` serves them on `listen` (`metricsListen` where Settings give one; default `127.0.0.1:9477`) under `/metrics`,
in the Prometheus text format. Beside them `/healthz` answers 200 while the loop is alive, however busy, and
503 when it stalls, and `/readyz` answers 200 once everything was observed for the first time. An example configuration of
Prometheus and dashboards are in [`grafana/`](../grafana/README.md).

This page is generated from the table that the code uses; do not edit it by hand.

 * Everything comes from the status that the last pass published. A restart loses nothing; what is no longer declared is gone with the
   next scrape. However often somebody scrapes, a status is written down once.
 * Times are Unix timestamps, never ages: an age would stand still together with the process. **0 means never**, so a rule compares
   `> 0` before it subtracts.
 * Passes that cron starts write the same with `--textfile /var/lib/node_exporter/reconciler.prom`, for the textfile collector of
   node_exporter. Declare `interval` as often as cron runs it: the alert about a loop that stands still goes by it.
 * Objectives are exported beside the observations: one rule serves every system, whatever its RPO.
 * Labels hold names from the specs, never ids, paths or error texts. A system costs at most $SYSTEM samples and one for each of its
   conditions; each of its repositories adds at most $PAIR.
 * A repository that several agents observe is exported by each of them; aggregate with `max by (system, repository)`.
"""

_TAIL: Final = """\
## Queries to begin with

How old the recovery point of each system is, in seconds:

```promql
time() - max by (system, repository) (reconciler_recovery_point_timestamp_seconds > 0)
```

Older than its RPO allows, with tier and owner for routing; suspended systems left out:

```promql
(time() - max by (system) (reconciler_recovery_point_timestamp_seconds > 0)
  > on (system) max by (system) (reconciler_rpo_target_seconds))
* on (system) group_left (tier, owner) max by (system, tier, owner) (reconciler_system_info)
unless on (system) reconciler_system_suspended == 1
```

Never backed up:

```promql
max by (system) (reconciler_recovery_point_timestamp_seconds) == 0
```

The loop is late (three intervals without a complete pass), whether the process hangs or is gone:

```promql
time() - reconciler_loop_last_success_timestamp_seconds > 3 * reconciler_loop_interval_seconds
  or up{job="reconciler"} == 0
```

A recovery that will take longer than promised; what was borrowed from other systems counts only where there are no drills of its own:

```promql
(max by (system) (reconciler_rto_predicted_seconds{basis="own"}) or max by (system) (reconciler_rto_predicted_seconds))
  > on (system) max by (system) (reconciler_rto_target_seconds)
```

Proofs that run out within two weeks:

```promql
max by (system) (reconciler_drill_proof_expiry_timestamp_seconds > 0) - time() < 14 * 86400
```

Share of the systems that meet their RPO; Unknown counts as not met:

```promql
avg(reconciler_condition{kind="System", condition="BackupFresh"} == bool 1)
```
"""


def render() -> str:
    """The whole page."""
    sections = [_section(subject) for subject in Subject]
    per_system = sum(metric.labels[:1] == ("system",) and "repository" not in metric.labels for metric in names.ALL)
    per_pair = sum(metric.labels == ("system", "repository") for metric in names.ALL)
    head = _HEAD.replace("$SYSTEM", str(per_system)).replace("$PAIR", str(per_pair))
    return "\n".join([head, *sections, _TAIL])


def _section(subject: Subject) -> str:
    rows = [_row(metric) for metric in names.ALL if metric.subject is subject]
    return "\n".join([f"## {subject.value}\n", "| metric | type | labels | meaning |", "|---|---|---|---|", *rows, ""])


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    meaning = f"{metric.help} {metric.note}".strip()
    return f"| `{metric.name}` | {metric.type.value} | {labels} | {meaning} |"


if __name__ == "__main__":
    sys.stdout.write(render())
