"""The first lines of the process: until the program can stop in order, Ctrl-C simply ends it, without a traceback.

Loading the rest takes a moment, and Python's own answer to an interrupt in that moment is a traceback. The help of the root, and nothing
else, is answered before anything is loaded.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

# Values without cycles come by the ten thousand, and the collector would walk all of them again and again: with 10,000 snapshots a third of
# the CPU time of a backup of nothing, and a tenth of the time that it takes to import what a command needs. A short command makes some
# 200,000 while it starts: one look at half of them took 30 of its 400 ms. Memory stays the same.
COLLECTED_EVERY = 400_000


def main() -> None:
    """`reconcile`."""
    gc.set_threshold(COLLECTED_EVERY, 20, 20)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for them reads what every installed package says of itself
    try:
        _main()
    finally:
        gc.freeze()  # the end of the process frees what is left; searching it for cycles before took a tenth of a short command


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from reconciler.cli import help as root_help

    if root_help.is_asked(sys.argv[1:]):
        from reconciler.cli.output import prepare_streams, write

        prepare_streams()
        write(root_help.page())
        return
    from reconciler.cli.main import main as run

    run()
