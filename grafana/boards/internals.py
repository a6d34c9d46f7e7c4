"""The program itself: does the loop go round, what does it do and what fails, what does it cost, and do its messages arrive?"""

from __future__ import annotations

from boards import host, work
from boards.frame import Section, board
from boards.panels import Json, bars, lines, queries, query, stat, table, timeline, value
from boards.terms import INTERNALS, INTERVALS_LATE, LAST_PASS_AGE, counted, each, select
from boards.values import (
    BAD,
    COUNT_IS_A_WARNING,
    COUNT_IS_BAD,
    GOOD,
    QUIET,
    TRUTH,
    WARN,
    Column,
    dashed,
    mapped,
    steps,
    words,
)

OF_AGENT = "{{instance}}"
OURS = f"and on (instance, job) {select('reconciler_build_info')}"
"""After a metric that other programs export, too."""
PAUSED = words({0: ("runs", GOOD), 1: ("paused", WARN)})
SCRAPED = words({1: ("scraped", GOOD), 0: ("not scraped", BAD)})
VALID = words({1: ("valid", GOOD), 0: ("errors", BAD)})
SEVERITY = "{{severity}}"
RECEIVER = "{{receiver}}"


def dashboard() -> Json:
    return board(
        INTERNALS,
        "Internals",
        "The agents: loop, actions, specs, alerts and their delivery, what the process costs, and how its host is.",
        [],
        [
            Section("Now", [*_now(), *work.now()]),
            Section("Loop", [_agents(), _passes(), *_looks(), _paused(), _scraped()]),
            Section("Plan and queue", work.plan_and_queue()),
            Section("Actions", [*_actions(), work.durations()]),
            Section("Specs", _specs()),
            Section("Alerts and messages", [*_alerts(), *_messages()]),
            Section("Process", [*_process(), work.log_lines(), work.starts()]),
            Section("Hosts", host.panels()),
        ],
    )


def _now() -> list[Json]:
    failed, ended = (counted(f"reconciler_{name}_total", during="$__range") for name in ("actions_failed", "actions"))
    return [
        stat(
            "Intervals since the last pass",
            "Time since the last complete pass of the slowest loop, in units of its declared interval. About 1 is right.",
            "none",
            f"max({INTERVALS_LATE})",
            steps(GOOD, (2, WARN), (3, BAD)),
            decimals=1,
        ),
        stat(
            "Actions failed",
            "Share of the actions that failed, of those that ended in the time that is shown.",
            "percentunit",
            f"({failed} / ({ended} > 0)) or vector(0)",
            steps(GOOD, (0.01, WARN), (0.1, BAD)),
        ),
        stat(
            "Paused",
            "Loops that a person has paused. Nothing is begun there meanwhile.",
            "none",
            f"sum({select('reconciler_loop_paused')})",
            COUNT_IS_A_WARNING,
        ),
        stat(
            "Specs with errors",
            "Agents whose spec tree had an error when it was last read: broken objects are kept at their last good version.",
            "none",
            f"count({select('reconciler_spec_last_load_successful')} == 0) or vector(0)",
            COUNT_IS_BAD,
        ),
        stat(
            "Messages waiting",
            "Messages that wait for a receiver.",
            "none",
            f"sum({select('reconciler_notifications_waiting')})",
            COUNT_IS_A_WARNING,
            noValue="no receivers",
        ),
        stat(
            "Silences",
            "Silences in force: alerts that nobody is told about meanwhile.",
            "none",
            f"sum({select('reconciler_alert_silences')})",
            COUNT_IS_A_WARNING,
        ),
    ]


def _agents() -> Json:
    return table(
        "Agents",
        "One line for each agent. Versions that differ read one another's repositories; the older one may know less. "
        "Lease: greater with each process that has run the loop.",
        [
            Column("instance", "Agent"),
            Column("version", "Version"),
            Column("python", "Python"),
        ],
        [
            value(
                f"0 * {each('reconciler_build_info', 'instance', 'version', 'python')} + on (instance) group_left () ({LAST_PASS_AGE})",
                "Last pass ago",
                "s",
            ),
            value(each("reconciler_loop_interval_seconds", "instance"), "Interval", "s"),
            value(each("reconciler_lease_epoch", "instance"), "Lease"),
            value(each("reconciler_loop_paused", "instance"), "State", "none", mapped(PAUSED)),
            value(each("reconciler_spec_last_load_successful", "instance"), "Specs", "none", mapped(VALID)),
            value(f"time() - ({each('reconciler_spec_last_load_timestamp_seconds', 'instance')} > 0)", "Specs read ago", "s"),
        ],
        (24, 5),
        ("Last pass ago", True),
    )


def _passes() -> Json:
    return lines(
        "Since the last pass",
        "Time since the last complete pass; dashed: the declared interval. A growing line is a loop that hangs or is gone.",
        "s",
        queries((LAST_PASS_AGE, OF_AGENT), (select("reconciler_loop_interval_seconds"), "interval of {{instance}}")),
        (8, 8),
        [dashed("^interval of .*")],
    )


def _looks() -> list[Json]:
    passes, failed = counted("reconciler_loop_passes_total", "instance"), counted("reconciler_loop_passes_failed_total", "instance")
    return [
        lines(
            "How long a pass takes",
            "The newest pass of each loop: loading, looking, planning, recording. Actions run beside it. Dashed: the declared interval.",
            "s",
            queries(
                (each("reconciler_loop_pass_duration_seconds", "instance"), OF_AGENT),
                (select("reconciler_loop_interval_seconds"), "interval of {{instance}}"),
            ),
            (8, 8),
            [dashed("^interval of .*")],
        ),
        lines(
            "Passes",
            "Passes that ended, and those of them that ended in an error.",
            "none",
            queries((passes, "{{instance}}"), (failed, "{{instance}} failed")),
            (8, 8),
        ),
    ]


def _paused() -> Json:
    left = f"clamp_min({select('reconciler_loop_pause_end_timestamp_seconds')} - time(), 0)"
    return lines(
        "Pause",
        "Time until the loop begins anything again, where a person has paused it; 0 where it runs.",
        "s",
        [query(f"{left} * {select('reconciler_loop_paused')}", OF_AGENT)],
        (12, 6),
    )


def _scraped() -> Json:
    return timeline(
        "Scraped",
        "Whether Prometheus could read the metrics of each agent. Where it could not, everything else here is old.",
        f"max by (instance) ({select('up', where=_job())})",
        OF_AGENT,
        SCRAPED,
        (12, 6),
    )


def _job() -> str:
    """As in the example configuration and the rules: nothing else tells a dead agent from another program."""
    return 'job="reconciler"'


def _actions() -> list[Json]:
    ended, failed = counted("reconciler_actions_total", "action"), counted("reconciler_actions_failed_total", "action")
    return [
        lines(
            "Ended",
            "Actions that ended, failed ones included, by kind.",
            "none",
            [query(ended, "{{action}}")],
            (8, 8),
        ),
        lines(
            "Failed",
            "Actions that failed, by kind.",
            "none",
            [query(failed, "{{action}}")],
            (8, 8),
        ),
        lines(
            "Share that failed",
            "Of the actions that ended at that time, the share that failed, by kind; no line where none ended.",
            "percentunit",
            [query(f"{failed} / ({ended} > 0)", "{{action}}")],
            (8, 8),
            max=1,
        ),
    ]


def _specs() -> list[Json]:
    return [
        timeline(
            "Specs",
            "Whether the spec tree of each agent was free of errors when it was last read.",
            select("reconciler_spec_last_load_successful"),
            OF_AGENT,
            VALID,
            (8, 6),
        ),
        timeline(
            "Commit in force",
            "Which commit each agent follows, where the specs are in git; dirty: files differ from it.",
            each("reconciler_spec_info", "instance", "revision", "dirty"),
            "{{instance}}: {{revision}} dirty={{dirty}}",
            words({1: ("in force", GOOD)}),
            (8, 6),
        ),
        lines(
            "What the specs hold",
            "Objects in force and problems of the spec tree. Fewer objects than anybody meant: a part of the tree is not read.",
            "none",
            queries(
                (each("reconciler_spec_objects", "instance"), "{{instance}}: objects"),
                (each("reconciler_spec_problems", "instance", "severity"), "{{instance}}: {{severity}}"),
            ),
            (8, 6),
        ),
    ]


def _alerts() -> list[Json]:
    return [
        lines(
            "Alerts that fire",
            "Alerts that nobody has acknowledged, by severity; silenced ones and those of suspended systems count, too.",
            "none",
            [query(f"sum by (severity) ({select('reconciler_alerts_firing')})", SEVERITY)],
            (8, 8),
        ),
        lines(
            "Acknowledged alerts",
            "Alerts that stand and that a person has taken on, by severity.",
            "none",
            [query(f"sum by (severity) ({select('reconciler_alerts_acknowledged')})", SEVERITY)],
            (8, 8),
        ),
        timeline(
            "Conditions of catalog and receivers",
            "CatalogIntact: the memory of the agent is sound. AlertsDelivered: the receiver takes what it is told.",
            each("reconciler_condition", "kind", "name", "condition", where='kind=~"Catalog|Receiver"'),
            "{{kind}} {{name}}: {{condition}}",
            TRUTH,
            (8, 8),
        ),
    ]


def _messages() -> list[Json]:
    return [
        lines(
            "Delivered",
            "Messages that each receiver has taken.",
            "none",
            [query(counted("reconciler_notifications_total", "receiver"), RECEIVER)],
            (8, 8),
        ),
        lines(
            "Not delivered",
            "Attempts to tell a receiver that failed, and messages that were given up: refused for good, a day old, or too many.",
            "none",
            queries(
                (counted("reconciler_notifications_failed_total", "receiver"), "{{receiver}} failed"),
                (counted("reconciler_notifications_dropped_total", "receiver"), "{{receiver}} given up"),
            ),
            (8, 8),
        ),
        bars(
            "Waiting",
            "Messages that wait for each receiver.",
            "none",
            f"sum by (receiver) ({select('reconciler_notifications_waiting')})",
            RECEIVER,
            steps(QUIET, (1, WARN), (50, BAD)),
            (8, 8),
            min=0,
        ),
    ]


def _process() -> list[Json]:
    return [
        lines(
            "Processor",
            "Share of one processor that each agent takes, its working processes not included (Linux).",
            "percentunit",
            [query(f"rate({select('process_cpu_seconds_total')}[$__rate_interval]) {OURS}", OF_AGENT)],
            (6, 8),
        ),
        lines(
            "Memory",
            "Resident memory of each agent (Linux).",
            "bytes",
            [query(f"{select('process_resident_memory_bytes')} {OURS}", OF_AGENT)],
            (6, 8),
        ),
        lines(
            "Open files",
            "Open file descriptors of each agent; dashed: how many the system allows (Linux).",
            "none",
            queries(
                (f"{select('process_open_fds')} {OURS}", OF_AGENT),
                (f"{select('process_max_fds')} {OURS}", "allowed to {{instance}}"),
            ),
            (6, 8),
            [dashed("^allowed to .*")],
        ),
        lines(
            "Cost of a scrape",
            "How long Prometheus waits for the metrics of each agent, and how long it took the agent to write the newest status down.",
            "s",
            queries(
                (f"{select('scrape_duration_seconds')} {OURS}", OF_AGENT),
                (each("reconciler_collector_duration_seconds", "instance"), "written by {{instance}}"),
            ),
            (6, 8),
        ),
    ]
