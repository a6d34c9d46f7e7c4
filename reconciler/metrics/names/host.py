"""Metrics of the host, as it was when it was last looked at."""

from __future__ import annotations

from reconciler.metrics.metric import Subject
from reconciler.metrics.metric import gauge as _gauge

_WHERE = ("role", "name")
_ROLES = (
    "`role` is state, sandbox, repository or source, `name` that of the repository or system, else empty. One sample per file system for "
    "all sources on it."
)
_ADDRESSES = "`role` is repository or receiver, `name` its name."
_NOT_LOOKED = "Absent until the host was looked at."
HOST_LOOKED = _gauge(
    "host_look_timestamp_seconds", Subject.HOST, "When the host was last looked at; 0 is never.", note="Each `observeEvery`."
)
HOST_CHECKS = _gauge(
    "host_checks",
    Subject.HOST,
    "Checks of the host, by state: bad, unknown, warning, good.",
    ("state",),
    note="With hysteresis, as `reconcile health` shows them. " + _NOT_LOOKED,
)
HOST_CORES = _gauge("host_cpu_cores", Subject.HOST, "Cores of the host.", note=_NOT_LOOKED)
HOST_LOAD = _gauge("host_load", Subject.HOST, "Processes that run or wait to run, on average over five minutes.", note=_NOT_LOOKED)
HOST_MEMORY = _gauge("host_memory_bytes", Subject.HOST, "Memory of the host.", note=_NOT_LOOKED)
HOST_MEMORY_AVAILABLE = _gauge("host_memory_available_bytes", Subject.HOST, "Memory that can be had without swapping.", note=_NOT_LOOKED)
FILE_SYSTEM = _gauge("file_system_bytes", Subject.HOST, "Size of the file system.", _WHERE, _ROLES)
FILE_SYSTEM_FREE = _gauge(
    "file_system_free_bytes", Subject.HOST, "Space left on it for this program.", _WHERE, "Absent where it did not answer. " + _ROLES
)
FILE_SYSTEM_INODES = _gauge("file_system_inodes", Subject.HOST, "Inodes of the file system.", _WHERE, "Absent where they are not counted.")
FILE_SYSTEM_INODES_FREE = _gauge("file_system_free_inodes", Subject.HOST, "Inodes left.", _WHERE, "Absent where they are not counted.")
ENDPOINT_UP = _gauge("endpoint_up", Subject.HOST, "1 when the address answered within 3 s, else 0.", _WHERE, _ADDRESSES)
ENDPOINT_TRUSTED = _gauge(
    "endpoint_certificate_trusted",
    Subject.HOST,
    "1 when its certificate is valid for its name now, else 0.",
    _WHERE,
    "Absent without TLS, and where it does not answer. " + _ADDRESSES,
)
ENDPOINT_EXPIRY = _gauge(
    "endpoint_certificate_expiry_timestamp_seconds",
    Subject.HOST,
    "When its certificate ends, trusted or not.",
    _WHERE,
    "Absent without TLS, and where it does not answer. " + _ADDRESSES,
)
RECOVERABLE = _gauge(
    "repository_recoverable",
    Subject.HOST,
    "1 when the key opens the repository and a block of its newest snapshot was read and verified, else 0.",
    ("repository",),
    "A repository that holds no snapshot yet counts as 1.",
)
