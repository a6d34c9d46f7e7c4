"""The tools of Prometheus and Alertmanager read the rules and the examples, and every alert fires and keeps quiet as its tests say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fakes.dashboards import GRAFANA
from tests.real.conftest import find

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]  # a busy machine takes a minute for one file of tests
FOLDER = GRAFANA / "prometheus"
ALERTS, RECOVERY, HOST = "reconciler-rules-test.yml", "reconciler-rules-recovery-test.yml", "reconciler-rules-host-test.yml"
WORK, LONG = "reconciler-rules-work-test.yml", "reconciler-rules-long-test.yml"


@pytest.mark.parametrize(
    ("program", "package", "words"),
    [
        ("promtool", "prometheus", ["check", "rules", "--lint=all", "--lint-fatal", "reconciler-rules.yml"]),
        ("promtool", "prometheus", ["check", "config", "prometheus.yml"]),
        ("promtool", "prometheus", ["test", "rules", "reconciler-rules-test.yml"]),
        ("promtool", "prometheus", ["test", "rules", "reconciler-rules-long-test.yml"]),
        ("promtool", "prometheus", ["test", "rules", "reconciler-rules-recovery-test.yml"]),
        ("promtool", "prometheus", ["test", "rules", "reconciler-rules-host-test.yml"]),
        ("promtool", "prometheus", ["test", "rules", "reconciler-rules-work-test.yml"]),
        ("amtool", "prometheus-alertmanager", ["check-config", "alertmanager.yml"]),
    ],
    ids=[
        "rules",
        "configuration",
        "alerts",
        "slow alerts",
        "alerts about recoveries",
        "alerts about the host",
        "alerts about work",
        "alertmanager",
    ],
)
def test_their_tools_agree(program: str, package: str, words: list[str]) -> None:
    ran = subprocess.run([find(program, package), *words], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("was", "becomes", "tests"),
    [
        ('(reconciler_rto_predicted_seconds{basis="own"})', "(reconciler_rto_predicted_seconds)", RECOVERY),
        ("min by (job, system) (reconciler_drill_last_result >= 0)", "max by (job, system) (reconciler_drill_last_result)", RECOVERY),
        ("1.1 * system:reconciler_drill_interval", "system:reconciler_drill_interval", RECOVERY),
        (
            "(system:reconciler_drill_proof_expiry:timestamp_seconds > 0) > 0",
            "system:reconciler_drill_proof_expiry:timestamp_seconds",
            RECOVERY,
        ),
        (
            "on (job, system) max by (job, system) (reconciler_mtd_target",
            "on (job, system) max by (job, system) (reconciler_rto_target",
            RECOVERY,
        ),
        ("system:reconciler_recovery_point:age_seconds > on", "system:reconciler_recovery_point:age_seconds > 9 * on", ALERTS),
        ("(reconciler_backup_consecutive_failures) >= 3", "(reconciler_backup_consecutive_failures) >= 2", ALERTS),
        ('condition="Verified"}) == 0', 'condition="Verified"}) <= 0', ALERTS),
        ("(reconciler_file_system_free_bytes) < 50 * 2^30", "(reconciler_file_system_free_bytes) < 5000 * 2^30", HOST),
        ("> 2 * max by (job, instance) (reconciler_host_cpu_cores)", "> 3 * max by (job, instance) (reconciler_host_cpu_cores)", HOST),
        ('{lane="objective"}) > 0) > 3600', ") > 0) > 3600", WORK),
        (
            "(changes(reconciler_loop_start_timestamp_seconds[1h])) >= 4",
            "(changes(reconciler_loop_start_timestamp_seconds[1h])) >= 2",
            WORK,
        ),
        (
            '(reconciler_repository_last_action_timestamp_seconds{action="prune"})',
            "(reconciler_repository_last_action_timestamp_seconds)",
            LONG,
        ),
        ("- time()) < 14 * 86400", "- time()) < 24 * 86400", HOST),
        ("max_over_time(reconciler_spec_last_load_successful[5m]) == 0", "reconciler_spec_last_load_successful == 1", ALERTS),
    ],
)
def test_the_tests_notice_a_rule_that_is_wrong(was: str, becomes: str, tests: str, tmp_path: Path) -> None:
    rules = (FOLDER / "reconciler-rules.yml").read_text()
    assert rules.count(was) == 1
    (tmp_path / "reconciler-rules.yml").write_text(rules.replace(was, becomes))
    (tmp_path / "test.yml").write_text((FOLDER / tests).read_text())
    line = [find("promtool"), "test", "rules", "test.yml"]
    ran = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode != 0
