"""What the boards ask has an answer on a real run: a loop over several systems, some well and some not, and a real Prometheus beside it.

Each board is read as Grafana reads it: the choices at the top first, one after the other, then every query with what was chosen.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.dashboards import Query, annotations_of, boards, panels, queries_of, variables_of
from tests.real.conftest import Prometheus, Series, free_port

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

BASE = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec: {{realm: quiet-otter-41, records: {{repositories: []}}, listen: "127.0.0.1:{port}", interval: 1s, observeEvery: 2s}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: main}}
spec: {{url: ../main, key: {{file: ../main.key}}, failureDomain: {{site: office}}, maintenance: {{prune: {{every: 10s}}}}}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: offsite}}
spec: {{url: ../offsite, key: {{file: ../offsite.key}}, failureDomain: {{site: cellar}}}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: standard}}
spec:
  repositories: [main, offsite]
  schedule: {{incremental: {{every: 5s}}}}
  retention: {{keepWithin: 7d, minimum: 3}}
---
apiVersion: reconciler/v1
kind: AlertPolicy
metadata: {{name: duty}}
spec:
  receivers:
    - {{name: archive, file: {{path: {folder}/alerts.jsonl}}}}
    - {{name: nobody, webhook: {{url: "http://127.0.0.1:{closed}/hook"}}, timeout: 1s}}
  routes: [{{receivers: [archive, nobody]}}]
  delay: 2s
"""

SYSTEM = """\
apiVersion: reconciler/v1
kind: System
metadata: {{name: {name}}}
spec:
  tier: {tier}
  policy: standard
  owner: office
  sources: [{{path: ../data/{name}}}]
{more}"""

PROTECTED = "  failureDomain: {site: office}\n  copies: {count: 2, offsite: 1, lag: 1h}\n"
DRILLED = "  drill: {{every: 30d, assertions: [{{path: ../data/{name}/{file}, minFiles: 1}}]}}\n"

SYSTEMS = {
    "letters": ("critical", PROTECTED + DRILLED.format(name="letters", file="letter.txt")),  # everything is well
    "ledger": ("critical", PROTECTED + DRILLED.format(name="ledger", file="balance.txt")),  # its drill fails: there is no such file
    "photos": ("high", "  objectives: {rpo: 15s}\n"),  # its source goes away: its backups fail, its RPO breaks, an alert fires
    "attic": ("low", '  suspend: {reason: "moves house", until: 2100-01-01}\n'),  # never backed up
}

PLAN = """\
apiVersion: reconciler/v1
kind: RecoveryPlan
metadata: {name: letters}
spec:
  scenarios: [hardware_failure]
  test: {every: 30d}
  steps: [{name: restore, restore: {system: letters}}]
"""

FILES = 300

TOO_SHORT = "a forecast of space wants six hours of samples; its figures are tested on a made history"
NO_TLS = "no address of this run speaks TLS; what a certificate says is tested where it is looked at"
NOT_HELD = "no guard holds anything back in this run"
UNANSWERED = {
    "Reconciler / Repositories and capacity: First one full A": TOO_SHORT,
    "Reconciler / Repositories and capacity: Repositories E": TOO_SHORT,
    "Reconciler / Repositories and capacity: Free space in 30 days A": TOO_SHORT,
    "Reconciler / Internals: Held and out of reach A": NOT_HELD,
    "Reconciler / Internals: Certificates A": NO_TLS,
    "Reconciler / Internals: Certificates end in A": NO_TLS,
}
"""By query, why a run of a minute has no answer to it."""


def _written(folder: Path) -> Path:
    """The specs, in git, and data: so many files that a restore takes long enough to say something about speed."""
    specs = folder / "specs"
    specs.mkdir()
    base = BASE.format(port=free_port(), closed=free_port(), folder=folder)
    (specs / "base.yaml").write_text(base, encoding="utf-8")
    (specs / "plan.yaml").write_text(PLAN, encoding="utf-8")
    for name, (tier, more) in SYSTEMS.items():
        (specs / f"{name}.yaml").write_text(SYSTEM.format(name=name, tier=tier, more=more), encoding="utf-8")
        (folder / "data" / name).mkdir(parents=True)
        for number in range(FILES):
            (folder / "data" / name / f"letter{number or ''}.txt").write_text(f"dear {name} {number}\n" * 2000, encoding="utf-8")
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(specs), *words], check=True)
    return specs


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, prometheus: Callable[[str], Prometheus]) -> Iterator[Prometheus]:
    """Prometheus, when everything that this run can show has been scraped."""
    folder = tmp_path_factory.mktemp("boards")
    specs = _written(folder)
    address = next(
        line.split('listen: "')[1].split('"')[0] for line in (specs / "base.yaml").read_text().splitlines() if "listen: " in line
    )
    command = [*_reconcile(specs), "--watch", "--init"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder)
    try:
        scraped = prometheus(address)
        _until_all_happened(scraped, specs)
        yield scraped
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)
        print((folder / "log").read_text(encoding="utf-8", errors="replace"))  # shown by pytest beside a failure


def _reconcile(specs: Path) -> list[str]:
    return [sys.executable, "-m", "reconciler.cli.main", "--specs", str(specs), "--state", str(specs.parent / "state")]


def _until_all_happened(scraped: Prometheus, specs: Path) -> None:
    def some(answer: Series) -> bool:
        return bool(answer)

    scraped.until("reconciler_spec_last_load_successful == 1", some, seconds=60)
    scraped.until('reconciler_recovery_point_timestamp_seconds{system="photos"} > 0', some, seconds=60)
    (specs.parent / "data" / "photos").rename(specs.parent / "lost")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([*_reconcile(specs), "recovery", "test", "letters"], check=True, env=environment, capture_output=True)
    for happened in (
        'reconciler_drill_last_result{system="letters"} == 1',
        'reconciler_drill_last_result{system="ledger"} == 0',
        'reconciler_verified_timestamp_seconds{system="letters"} > 0',
        'reconciler_copies_offsite_held{system="letters"} == 1',
        'reconciler_actions_failed_total{action="backup"} > 0',
        'reconciler_rto_predicted_seconds{basis="own"} > 0',
        'reconciler_rpo_breach_predicted_timestamp_seconds{system="photos"} > 0',
        "sum(reconciler_alerts_firing) > 0",
        'reconciler_recovery_plan_test_last_result{plan="letters"} == 1',
        'reconciler_notifications_failed_total{receiver="duty/nobody"} > 0',
        'reconciler_repository_last_action_timestamp_seconds{repository="main", action="prune"} > 0',
    ):
        scraped.until(happened, some, seconds=60)
    (specs / "attic.yaml").write_text((specs / "attic.yaml").read_text() + "  # edited\n")
    scraped.until('reconciler_spec_info{dirty="true"}', some)


def _chosen(board: dict[str, Any], scraped: Prometheus) -> Iterator[dict[str, str]]:
    """What a reader can choose: everything, and on a board about one system each system in turn."""
    asked = variables_of(board)
    single = [variable["name"] for variable in board["templating"]["list"] if not variable.get("multi", True)]
    turns = [value for name in single for value in _offered(asked[name], {}, scraped)] or [""]
    for turn in turns:
        chosen: dict[str, str] = dict.fromkeys(single, turn)
        for name, query in asked.items():
            if name not in single:
                chosen[name] = "|".join(_offered(query, chosen, scraped))
        yield chosen


def _offered(query: Query, chosen: dict[str, str], scraped: Prometheus) -> list[str]:
    label = query.legend.strip("{}")
    offered = sorted(labels[label] for labels, _ in scraped.ask(query.filled(chosen)))
    assert offered, f"{query.where} offers nothing"
    return offered


@pytest.mark.parametrize("board", boards().values(), ids=boards())
def test_every_query_is_answered(run: Prometheus, board: dict[str, Any]) -> None:
    choices = list(_chosen(board, run))
    queries = [query for panel in panels(board) for query in queries_of(board, panel)] + annotations_of(board)
    silent = {query.where for query in queries if not any(run.ask_range(query.filled(chosen), 60) for chosen in choices)}
    assert silent == {where for where in UNANSWERED if where.startswith(f"{board['title']}: ")}


@pytest.mark.parametrize("board", boards().values(), ids=boards())
def test_the_answers_of_a_table_meet_in_one_line(run: Prometheus, board: dict[str, Any]) -> None:
    """Grafana joins them by the labels that all have: these must name each line once, and no column may stay empty."""
    for chosen in _chosen(board, run):
        for panel in panels(board):
            if panel["type"] == "table":
                answers = [run.ask(query.filled(chosen)) for query in queries_of(board, panel)]
                common = set.intersection(*(set(labels) for answer in answers for labels, _ in answer))
                for answer in answers:
                    lines = [tuple(labels[label] for label in sorted(common)) for labels, _ in answer]
                    assert len(set(lines)) == len(lines), panel["title"]
