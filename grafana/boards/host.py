"""The hosts of the agents: have they room, memory and time, do the addresses answer, and could something be restored now?"""

from __future__ import annotations

from boards.panels import Json, lines, queries, query, timeline
from boards.terms import select
from boards.values import BAD, GOOD, dashed, words

_CHECK = "{{state}} on {{instance}}"
_PLACE = "{{role}} {{name}} on {{instance}}"
_CERTIFICATE = "reconciler_endpoint_certificate_"
_SIZE = (8, 8)


def panels() -> list[Json]:
    return [
        lines(
            "Checks",
            "How many checks of each host are bad, unknown, a warning or good, as `reconcile health` shows them.",
            "none",
            [query(select("reconciler_host_checks"), _CHECK)],
            _SIZE,
        ),
        lines(
            "Load",
            "Processes that run or wait to run, on average over five minutes; dashed: the cores of the host.",
            "none",
            queries((select("reconciler_host_load"), "{{instance}}"), (select("reconciler_host_cpu_cores"), "cores of {{instance}}")),
            _SIZE,
            [dashed("^cores of .*")],
        ),
        lines(
            "Memory left",
            "Share of the memory of each host that can be had without swapping.",
            "percentunit",
            [query(f"{select('reconciler_host_memory_available_bytes')} / {select('reconciler_host_memory_bytes')}", "{{instance}}")],
            _SIZE,
            max=1,
        ),
        *_room(),
        *_addresses(),
    ]


def _room() -> list[Json]:
    free, inodes = (f"reconciler_file_system_{name}" for name in ("free_bytes", "free_inodes"))
    return [
        lines(
            "Space left",
            "Share of each file system that is left, by what stands on it.",
            "percentunit",
            [query(f"{select(free)} / {select('reconciler_file_system_bytes')}", _PLACE)],
            _SIZE,
            max=1,
        ),
        lines(
            "Inodes left",
            "Share of the inodes of each file system that is left, where they are counted.",
            "percentunit",
            [query(f"{select(inodes)} / {select('reconciler_file_system_inodes')}", _PLACE)],
            _SIZE,
            max=1,
        ),
        lines(
            "Age of the look",
            "How long ago each host was looked at last; each `observeEvery` is right.",
            "s",
            [query(f"time() - ({select('reconciler_host_look_timestamp_seconds')} > 0)", "{{instance}}")],
            _SIZE,
        ),
    ]


def _addresses() -> list[Json]:
    return [
        timeline(
            "Addresses",
            "Whether the address of each repository and receiver answers within three seconds.",
            select("reconciler_endpoint_up"),
            _PLACE,
            words({1: ("answers", GOOD), 0: ("silent", BAD)}),
            _SIZE,
        ),
        timeline(
            "Certificates",
            "Whether the certificate behind each address is valid for its name.",
            select(f"{_CERTIFICATE}trusted"),
            _PLACE,
            words({1: ("trusted", GOOD), 0: ("not trusted", BAD)}),
            _SIZE,
        ),
        lines(
            "Certificates end in",
            "How long the certificate behind each address is still valid.",
            "s",
            [query(f"{select(f'{_CERTIFICATE}expiry_timestamp_seconds')} - time()", _PLACE)],
            _SIZE,
        ),
        timeline(
            "Can be restored from",
            "Whether the key of each repository opens it, and a block of its newest snapshot was read and verified.",
            select("reconciler_repository_recoverable"),
            "{{repository}} on {{instance}}",
            words({1: ("yes", GOOD), 0: ("no", BAD)}),
            (24, 6),
        ),
    ]
