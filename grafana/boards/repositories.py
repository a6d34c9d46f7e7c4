"""Repositories and capacity: can they be reached, how long will the space last, and what do they hold?"""

from __future__ import annotations

from boards.frame import Section, board
from boards.panels import Json, lines, matrix, queries, query, stat, table, timeline, value
from boards.terms import REPOSITORIES, count, each, repository_variable, select
from boards.values import (
    BAD,
    COUNT_IS_A_WARNING,
    COUNT_IS_BAD,
    GOOD,
    QUIET,
    SHARE_IS_GOOD,
    TRUTH,
    UP,
    WARN,
    Column,
    colored,
    dashed,
    from_on,
    mapped,
    steps,
    worded,
)

DAY = 86400
FAR = 3650 * DAY
"""Ten years: what would last longer is not in sight."""

IN_REPOSITORY = "{{repository}}"
BACK = "1d"
"""How far the forecast of space looks back: a whole day, so that the nightly backup counts once."""
ENOUGH = "6h"
"""A forecast from less is noise: one large backup would fill every disk within the hour."""


def _each_pair(metric: str) -> str:
    """Of each system in each chosen repository; no system is chosen on this board."""
    return f"max by (system, repository) ({select(metric, 'repository')})"


_SPACE = select("reconciler_repository_free_bytes", "repository")
_KNOWN_LONG = f"({_SPACE} and {_SPACE} offset {ENOUGH})"
FREE = f"min by (repository) ({select('reconciler_repository_free_bytes', 'repository')})"
SHRINKS_BY = f"-min by (repository) (deriv({_SPACE}[{BACK}]))"
"""Bytes per second, at the place where it is worst."""
LASTS = f"clamp_max(min by (repository) ({_KNOWN_LONG}) / clamp_min({SHRINKS_BY}, 1e-9), {FAR})"
REACHABLE = f"min by (repository) ({select('reconciler_repository_up', 'repository')})"
LISTED = each("reconciler_repository_listed_timestamp_seconds", "repository")
ORPHANED = each("reconciler_repository_orphaned_snapshots", "repository")
USED = each("reconciler_repository_used_bytes", "repository")
CLEANED = each("reconciler_repository_last_action_timestamp_seconds", "repository", where='action="prune"')
CLEANED_EVERY = each("reconciler_repository_prune_interval_target_seconds", "repository")
SNAPSHOTS = f"sum by (repository) ({_each_pair('reconciler_snapshots')})"


def dashboard() -> Json:
    return board(
        REPOSITORIES,
        "Repositories and capacity",
        "Whether repositories can be reached, how long their space lasts, what they hold and how far copies trail.",
        [repository_variable()],
        [
            Section("Now", _now()),
            Section("Repositories", [_repositories(), _reachable(), _conditions(), _listed()]),
            Section("Space", [_free(), _forecast(), _added(), _used(), _objects(), _cleaned()]),
            Section("Work", [_last()]),
            Section("Content", [_snapshots(), _orphaned(), _trails(), _unread()]),
        ],
    )


def _now() -> list[Json]:
    return [
        stat(
            "Reachable",
            "Share of the repositories that every agent could list at its last attempt.",
            "percentunit",
            f"avg({REACHABLE})",
            SHARE_IS_GOOD,
        ),
        stat(
            "Unreachable",
            "Repositories that an agent could not list at its last attempt.",
            "none",
            count(f"{REACHABLE} == 0"),
            COUNT_IS_BAD,
        ),
        stat(
            "First one full",
            "Time until the space of a repository ends, where it goes on shrinking as in the last day.",
            "s",
            f"min({LASTS})",
            steps(BAD, (7 * DAY, WARN), (30 * DAY, GOOD)),
            mappings=from_on(FAR, "not in sight"),
            noValue="not known yet",
        ),
        stat(
            "Least space",
            "Free space of the repository that has least of it.",
            "bytes",
            f"min({FREE})",
            steps(QUIET),
            plain=True,
            noValue="not known",
        ),
        stat(
            "Snapshots",
            "Snapshots of the declared systems in all repositories, of every grade.",
            "none",
            f"sum({SNAPSHOTS})",
            steps(QUIET),
            plain=True,
        ),
        stat(
            "Orphaned",
            "Snapshots whose system is declared no longer: kept, never forgotten by themselves.",
            "none",
            f"sum({ORPHANED})",
            COUNT_IS_A_WARNING,
        ),
    ]


def _repositories() -> Json:
    lasts = colored(steps(BAD, (7 * DAY, WARN), (30 * DAY, GOOD)))
    return table(
        "Repositories",
        "One line for each repository. Lasts: until its space ends, where it goes on shrinking as in the last day; empty while less than "
        "six hours are known. Takes: everybody's objects, as last counted. Content: of the newest backup of each system. Failures: in a "
        "row, of the system that has most.",
        [Column("repository", "Repository")],
        [
            value(REACHABLE, "State", "none", *worded(UP)),
            value(f"time() - ({LISTED} > 0)", "Listed ago", "s"),
            value(USED, "Takes", "bytes"),
            value(FREE, "Free", "bytes"),
            value(LASTS, "Lasts", "s", mapped(from_on(FAR, "not in sight")), *lasts),
            value(f"count by (repository) ({_each_pair('reconciler_snapshots')})", "Systems"),
            value(SNAPSHOTS, "Snapshots"),
            value(ORPHANED, "Orphaned", "none", *colored(steps("transparent", (1, WARN)))),
            value(f"sum by (repository) ({_each_pair('reconciler_backup_last_bytes')})", "Content", "bytes"),
            value(f"max by (repository) ({_each_pair('reconciler_backup_consecutive_failures')})", "Failures"),
        ],
        (24, 7),
        ("Lasts", False),
    )


def _reachable() -> Json:
    return timeline(
        "Reachable",
        "Whether each agent could list the repository at its last attempt.",
        each("reconciler_repository_up", "repository", "instance"),
        "{{repository}} from {{instance}}",
        UP,
        (8, 8),
    )


def _conditions() -> Json:
    return timeline(
        "Conditions",
        "What the loop judged of each repository: RepositoryReachable, and RepositoryCurrent, which is False when it went back in time.",
        each("reconciler_condition", "name", "condition", where='kind="Repository", name=~"$repository"'),
        "{{name}}: {{condition}}",
        TRUTH,
        (8, 8),
    )


def _listed() -> Json:
    return lines(
        "Since the last listing",
        "Time since each repository was last listed. What was seen then is what decisions rest on; no line for one that never was.",
        "s",
        [query(f"time() - ({LISTED} > 0)", IN_REPOSITORY)],
        (8, 8),
    )


def _free() -> Json:
    return lines(
        "Free space",
        "Space left where the repository is; no line where it is not known.",
        "bytes",
        [query(FREE, IN_REPOSITORY)],
        (8, 8),
    )


def _forecast() -> Json:
    return lines(
        "Free space in 30 days",
        "What will be left in 30 days where it goes on as in the last day. At 0 it is full by then. No line while less than "
        "six hours are known.",
        "bytes",
        [query(f"clamp_min(min by (repository) (predict_linear({_SPACE}[{BACK}], {30 * DAY}) and {_KNOWN_LONG}), 0)", IN_REPOSITORY)],
        (8, 8),
    )


def _added() -> Json:
    return lines(
        "Added by the newest backups",
        "What the newest backup of every system stored anew, compressed and encrypted, summed for each repository.",
        "bytes",
        [query(f"sum by (repository) ({_each_pair('reconciler_backup_last_added_bytes')})", IN_REPOSITORY)],
        (8, 8),
    )


def _used() -> Json:
    return lines(
        "What it takes",
        "All objects of the repository, everybody's, as last counted; no line for one of another program. Clean-ups are steps down.",
        "bytes",
        [query(USED, IN_REPOSITORY)],
        (8, 8),
    )


def _objects() -> Json:
    counted = each("reconciler_repository_counted_timestamp_seconds", "repository")
    return lines(
        "Objects",
        "How many objects the repository has, and how long ago they were counted.",
        "none",
        queries(
            (each("reconciler_repository_objects", "repository"), IN_REPOSITORY), (f"time() - {counted}", "{{repository}}: counted ago")
        ),
        (8, 8),
        [
            {
                "matcher": {"id": "byRegexp", "options": ".*: counted ago$"},
                "properties": [
                    {"id": "unit", "value": "s"},
                    {"id": "custom.axisPlacement", "value": "right"},
                    {"id": "custom.fillOpacity", "value": 0},
                ],
            }
        ],
    )


def _cleaned() -> Json:
    return lines(
        "Since the last clean-up",
        "Time since needless packs were last removed from each repository by an agent; dashed: how often that is declared. "
        "No line where none was ever made.",
        "s",
        queries((f"time() - {CLEANED}", IN_REPOSITORY), (CLEANED_EVERY, "declared for {{repository}}")),
        (8, 8),
        [dashed("^declared for .*")],
    )


def _last() -> Json:
    return matrix(
        "Last done, by kind",
        "How long ago an action of each kind last ended well in each repository. Empty: by none of the agents, as far as they remember.",
        f"time() - {each('reconciler_repository_last_action_timestamp_seconds', 'repository', 'action')}",
        "repository",
        "action",
        [],
        (24, 6),
        unit="s",
    )


def _snapshots() -> Json:
    return lines(
        "Snapshots",
        "Snapshots of the declared systems, of every grade.",
        "none",
        [query(SNAPSHOTS, IN_REPOSITORY)],
        (6, 8),
    )


def _orphaned() -> Json:
    return lines(
        "Orphaned snapshots",
        "Snapshots whose system is declared no longer. A step up is a system that was removed or renamed without `previousName`.",
        "none",
        [query(ORPHANED, IN_REPOSITORY)],
        (6, 8),
    )


def _trails() -> Json:
    return lines(
        "Copies trail by",
        "How far the copy that trails most lies behind the primary repository of its system; dashed: the strictest that is declared.",
        "s",
        queries(
            (f"max by (repository) ({_each_pair('reconciler_copy_lag_seconds')})", IN_REPOSITORY),
            (f"min({select('reconciler_copy_lag_target_seconds')})", "may trail by"),
        ),
        (6, 8),
        [dashed("^may trail by$")],
    )


def _unread() -> Json:
    verified = _each_pair("reconciler_verified_timestamp_seconds")
    return lines(
        "Longest unread",
        "Time since every byte was read of the system whose reading there is longest ago; those that never were read do not count.",
        "s",
        [query(f"max by (repository) (time() - ({verified} > 0))", IN_REPOSITORY)],
        (6, 8),
    )
