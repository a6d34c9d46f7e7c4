"""Other processes of this program: one runs the ``main()`` of a module, found where this process finds its modules.

They are started without a shell and isolated (-I): neither the environment nor the working directory says what they load.
"""

from __future__ import annotations

import os
import sys
from typing import Final

_MAIN: Final = "import sys; sys.path[:] = sys.argv[2:]; import importlib; importlib.import_module(sys.argv[1]).main()"


def command(module: str) -> list[str]:
    """The words to start it with."""
    return [sys.executable, "-I", "-c", _MAIN, module, *sys.path]


def processors() -> int:
    """How many such processes could work at the same time, this one included; 1 where none can be started in a group of its own."""
    possible = bool(sys.executable) and os.name == "posix" and hasattr(os, "setpgid")
    if not possible:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
