"""The answers of the loop beside the catalog: what it decided when it ended, for the process that goes on after it."""

from __future__ import annotations

from pathlib import Path

import reconciler
from reconciler.base import kept
from reconciler.base.log import get
from reconciler.decide.keepsake import Keepsake
from reconciler.decide.remembered import Remembered

_DECIDING = ("base", "model", "decide")
"""The rooms whose code an answer comes from."""
_log = get("app")


class Answers:
    """Of one state directory. The file may be deleted at any moment."""

    def __init__(self, state: Path) -> None:
        self._path = state / "cache" / "answers"
        self._program = kept.program(Path(reconciler.__file__).parent, reconciler.__version__, *_DECIDING)

    def read(self) -> Keepsake | None:
        """What the last loop has left to this very program."""
        found = kept.read(self._path) if self._program else None
        return Keepsake.read(found, self._program) if found is not None else None

    def keep(self, remembered: Remembered) -> None:
        """A disk that refuses costs only the time, and so does a defect in here: it must not be in the way of a loop that ends."""
        try:
            if self._program and (data := remembered.keepsake(self._program)):
                kept.write(self._path, [data])
        except OSError:
            return
        except Exception:  # noqa: BLE001
            _log.exception("answers were not kept")
