"""The first lines of the process: until the program can stop in order, Ctrl-C simply ends it, without a traceback.

Loading the rest takes a moment, and Python's own answer to an interrupt in that moment is a traceback.
"""

from __future__ import annotations

import signal


def main() -> None:
    """`reconcile`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from reconciler.cli.main import main as run

    run()
