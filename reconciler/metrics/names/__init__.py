"""The one table of every metric: name, type, labels, help. The collector, docs/metrics.md and the dashboards follow it.

One file per subject; what stands in any of them is in the table. Whoever projects or tests says ``names.RPO_TARGET``.

Rules: base units and the unit last; timestamps, never ages (an age freezes together with the process that exports it); objectives as
metrics beside the observation, so that one alert rule serves every system; no id, path or error text in a label.
A timestamp of 0 means never.
"""

# ruff: noqa: F403 - the table is everything that the files declare; naming each once more would be the place where one is forgotten

from __future__ import annotations

from typing import Final

from reconciler.metrics.metric import Metric
from reconciler.metrics.names.agent import *
from reconciler.metrics.names.alerts import *
from reconciler.metrics.names.host import *
from reconciler.metrics.names.live import *
from reconciler.metrics.names.protection import *
from reconciler.metrics.names.recovery import *
from reconciler.metrics.names.repositories import *
from reconciler.metrics.names.specs import *
from reconciler.metrics.names.systems import *

ALL: Final[tuple[Metric, ...]] = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""Every metric, file by file, in the order of each."""
