"""What is to be told survives SIGKILL: it arrives after the next start, and who was told is not told again."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from e2e_world import World

from tests.fakes.posts import Post, Reply, post_office

pytestmark = pytest.mark.slow

POLICY = """\
apiVersion: reconciler/v1
kind: AlertPolicy
metadata: {{name: duty}}
spec:
  receivers:
    - {{name: hook, webhook: {{url: "{url}"}}, timeout: 1m}}
  delay: null
"""
QUIET_SECONDS = 2.5  # two intervals: a message that comes twice would have come


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def about(office: Post) -> list[tuple[str, str]]:
    """(Kind, condition) of each message that arrived, of the repository that is not there."""
    seen = [(got.json["notice"], alert["condition"], alert["object_name"]) for got in office.got for alert in got.json["alerts"]]
    return [(kind, condition) for kind, condition, name in seen if name == "main"]


def test_a_kill_while_it_is_on_its_way_and_one_after_it_arrived(world: World) -> None:
    world.declare()
    told = ("firing", "RepositoryReachable")
    with post_office(Reply(hang_seconds=60), Reply(204)) as office:
        (world.specs / "alerts.yaml").write_text(POLICY.format(url=office.url))
        first = world.start("--watch")
        office.until(1, 30)
        kill(first)
        assert about(office) == [told]

        second = world.start("--watch")
        office.until(2, 30)
        time.sleep(QUIET_SECONDS)
        kill(second)
        assert about(office) == [told, told], "the one that nobody took, again, and no more"

        third = world.start("--watch")
        time.sleep(QUIET_SECONDS)
        assert third.poll() is None
        assert about(office) == [told, told], "a restart tells nobody twice"
        world.good("repository", "init", "main")
        deadline = time.monotonic() + 30
        while len(about(office)) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        kill(third)
        assert about(office)[2:] == [("recovered", "RepositoryReachable")]
