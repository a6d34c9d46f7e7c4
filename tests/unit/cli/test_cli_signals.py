"""Stopping: the first signal asks, the second ends the process at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from reconciler.cli.exits import ExitCode
from reconciler.cli.signals import StopSignals

SLEEPER = """
import sys, time
from reconciler.cli.signals import StopSignals
with StopSignals() as signals:
    print("ready", flush=True)
    signals.stop.wait(30)
    if "stubborn" in sys.argv:
        print("stopping", flush=True)
        time.sleep(30)
sys.exit(signals.outcome(0))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_lets_the_work_end_by_itself(number: signal.Signals, code: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Stopping after the checkpoint" in said


def test_the_second_signal_ends_it_now() -> None:
    process = subprocess.Popen([sys.executable, "-c", SLEEPER, "stubborn"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.stop.wait(5)
    assert signal.getsignal(signal.SIGTERM) is before
    assert signals.outcome(ExitCode.DONE) is ExitCode.TERMINATED


HOLDER = """
import os, signal
from reconciler.cli.signals import StopSignals
with StopSignals() as signals:
    with signals.stop._cond:  # as in the first moment of a wait
        os.kill(os.getpid(), signal.SIGTERM)
    signals.stop.wait(30)
os._exit(signals.outcome(0))
"""


def test_a_signal_in_the_first_moment_of_a_wait_is_heard() -> None:
    """The handler runs in the thread that waits, and whoever sets an event takes the lock that a wait begins with."""
    done = subprocess.run([sys.executable, "-c", HOLDER], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 143
