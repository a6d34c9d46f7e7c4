"""What a run of a tool took is that of all its processes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.measure import run

_CHILD = "kept = bytearray(80_000_000); import time; time.sleep(0.5)"
_STARTER = f"""
import subprocess, sys, threading
thread = threading.Thread(target=subprocess.run, args=([sys.executable, "-c", {_CHILD!r}],))
thread.start()
thread.join()
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are found in /proc")
def test_the_memory_of_a_process_that_a_thread_had_started_did_not_count() -> None:
    assert run([sys.executable, "-c", _STARTER], {}).memory_bytes > 80_000_000


_SHARED = """
import mmap, os, time
shared = mmap.mmap(-1, 80_000_000)
for _ in range(80):  # in pieces, which are memory, too
    shared.write(b"0" * 1_000_000)
if os.fork() == 0:
    shared.seek(0)
    for _ in range(80):
        shared.write(b"1" * 1_000_000)
    time.sleep(1)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="shares of memory are found in /proc")
def test_memory_that_two_processes_share_counted_twice() -> None:
    shared_bytes = 80_000_000
    assert shared_bytes < run([sys.executable, "-c", _SHARED], {}).memory_bytes < 2 * shared_bytes
