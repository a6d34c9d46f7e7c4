"""A real Alertmanager learns from real passes what fires, and that it is over."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.base.clock import SystemClock
from tests.fakes.houses import WholeHouse, quick_folder
from tests.real.conftest import find, free_port

pytestmark = pytest.mark.real

POLICY = """\
apiVersion: reconciler/v1
kind: AlertPolicy
metadata: {{name: duty}}
spec:
  receivers:
    - name: manager
      alertmanager: {{url: "{url}", resend: 1s}}
"""


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program, folder = find("prometheus-alertmanager", "prometheus-alertmanager"), tmp_path_factory.mktemp("alertmanager")
    config, url = folder / "config.yml", f"http://127.0.0.1:{free_port()}"
    config.write_text(json.dumps({"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}))  # JSON is YAML, too
    address = url.removeprefix("http://")
    words = [f"--config.file={config}", f"--storage.path={folder / 'data'}", f"--web.listen-address={address}", "--cluster.listen-address="]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=subprocess.STDOUT)
    try:
        wait(url, folder / "log", process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def wait(url: str, log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"Alertmanager did not become ready: {log.read_text(errors='replace')[-2000:]}")


def shown(url: str) -> dict[str, dict[str, Any]]:
    """By name of the object: the alerts that are active."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts?active=true", timeout=5) as answer:
        return {alert["labels"].get("name", "test"): alert for alert in json.load(answer)}


def test_it_fires_stays_and_is_over(manager: str) -> None:
    with quick_folder() as folder:
        house = WholeHouse(folder)
        house.clock = SystemClock()  # type: ignore[assignment] - the Alertmanager has no other
        house.write("alerts.yaml", POLICY.format(url=manager))
        house.one_pass(init=True)
        assert shown(manager) == {}
        house.repository.rename(folder / "lost")
        house.one_pass()
        alert = shown(manager)["main"]
        assert alert["labels"]["alertname"] == "ReconcilerRepositoryReachable"
        assert alert["labels"]["severity"] == "low"
        assert "no repository" in alert["annotations"]["summary"]
        assert alert["endsAt"] > (house.clock.now() + timedelta(minutes=4)).isoformat()
        with house.session() as session:
            silence = session.silence(timedelta(hours=1), "moving", name="main").silence
            (trial,) = session.test_receivers()
            assert trial.failure is None
            session.end_silence(silence.id)
        (folder / "lost").rename(house.repository)
        status = house.one_pass().status
        deadline = time.monotonic() + 10
        while "main" in shown(manager) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "main" not in shown(manager)
        assert status.alerts.receivers[0].failed == 0
