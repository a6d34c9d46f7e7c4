"""The same metrics as a file, for passes that cron starts: node_exporter's textfile collector reads it and gives it to Prometheus."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from reconciler.base.errors import ReconcilerError
from reconciler.metrics.exposition import written
from reconciler.model.status import Status

MODE = 0o644
"""Another account reads it; it holds names and times, no secrets."""


class TextfileUnwritable(ReconcilerError):
    """The metrics of this pass could not be written where they were wanted."""

    code = "textfile-unwritable"
    hint = "--textfile names a file such as /var/lib/node_exporter/reconciler.prom, in a folder that this account may write to."


def write(status: Status, path: Path) -> None:
    """Replace ``path`` at once: a reader sees the old metrics or the new ones, never half of them. Raises TextfileUnwritable.

    Without the metrics of the process, which has ended by the time anybody reads them.
    """
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(written(status))
            os.fchmod(file.fileno(), MODE)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        raise TextfileUnwritable(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
