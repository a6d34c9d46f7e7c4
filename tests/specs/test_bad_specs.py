"""One fault per file in ``bad/``, and the one problem that each must give, where it stands.

Each file is read beside ``good/base.yaml``, so nothing else is wrong; a file without a row, or a row without a file, fails.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reconciler.model.problem import Severity
from reconciler.spec import load
from reconciler.spec.codes import CODES

HERE = Path(__file__).parent
BAD = HERE / "bad"
EXPECTED = [
    # file, severity, code, line, column
    ("alerts-alertmanager-in-a-step", "warning", "receiver-not-called", 8, 32),
    ("alerts-cooldown-too-long", "error", "wrong-value", 4, 1),
    ("alerts-delay-too-long", "error", "wrong-value", 4, 1),
    ("alerts-condition-unknown", "warning", "unknown-alert-word", 8, 34),
    ("alerts-kind-unknown", "warning", "unknown-alert-word", 8, 16),
    ("alerts-file-in-tree", "error", "alerts-in-tree", 7, 20),
    ("alerts-ping-in-tree", "warning", "key-in-tree", 7, 25),
    ("alerts-secret-in-tree", "warning", "key-in-tree", 7, 78),
    ("alerts-discord-address-in-the-spec", "error", "wrong-type", 7, 22),
    ("alerts-group-unknown", "error", "wrong-value", 7, 13),
    ("alerts-mail-address", "error", "wrong-value", 7, 33),
    ("alerts-no-receiver", "error", "wrong-value", 5, 3),
    ("alerts-password-in-the-clear", "error", "wrong-value", 7, 7),
    ("alerts-password-in-the-spec", "error", "wrong-type", 7, 51),
    ("alerts-receiver-of-no-kind", "error", "wrong-value", 6, 7),
    ("alerts-receiver-of-two-kinds", "error", "wrong-value", 6, 7),
    ("alerts-receiver-twice", "error", "wrong-value", 4, 1),
    ("alerts-receiver-unused", "warning", "receiver-unused", 7, 14),
    ("alerts-severity-unknown", "error", "wrong-value", 8, 21),
    ("alerts-timeout-too-long", "error", "wrong-value", 6, 7),
    ("alerts-unknown-receiver", "error", "unknown-receiver", 8, 24),
    ("alerts-unknown-receiver-of-heartbeat", "error", "unknown-receiver", 7, 27),
    ("alerts-web-address", "error", "wrong-value", 7, 22),
    ("alerts-web-address-with-password", "error", "wrong-value", 7, 22),
    ("approval-change-cut", "error", "wrong-value", 5, 11),
    ("approval-empty", "error", "wrong-value", 8, 3),
    ("approval-no-end", "error", "missing-field", 4, 1),
    ("approval-no-reason", "error", "missing-field", 4, 1),
    ("approval-of-nothing", "warning", "approval-of-nothing", 6, 11),
    ("approval-same-twice", "error", "wrong-value", 8, 3),
    ("approval-short-ids", "error", "wrong-value", 8, 15),
    ("bandwidth-of-a-path", "error", "wrong-value", 4, 1),
    ("object-lock-of-a-path", "error", "wrong-value", 4, 1),
    ("object-lock-too-short", "error", "wrong-value", 6, 3),
    ("bandwidth-too-small", "error", "wrong-value", 6, 23),
    ("block-empty", "error", "empty-block", 6, 3),
    ("catch-up-unknown", "error", "wrong-value", 6, 23),
    ("checksum-twice", "error", "wrong-value", 6, 3),
    ("checksum-unknown", "error", "wrong-value", 6, 15),
    ("compression-gzip-level", "error", "wrong-value", 6, 3),
    ("compression-level-of-another", "error", "compression-level", 15, 24),
    ("compression-none-level", "error", "wrong-value", 6, 3),
    ("compression-unknown", "error", "wrong-value", 6, 28),
    ("connections-none", "error", "wrong-value", 6, 25),
    ("copies-negative", "error", "wrong-value", 5, 19),
    ("copies-no-offsite", "warning", "copies-impossible", 8, 21),
    ("copies-too-many", "warning", "copies-impossible", 8, 19),
    ("credentials-literal", "error", "wrong-type", 6, 25),
    ("cron-and-every", "error", "wrong-value", 6, 14),
    ("cron-four-fields", "error", "wrong-value", 6, 27),
    ("cron-impossible", "error", "wrong-value", 6, 27),
    ("cron-neither", "error", "wrong-value", 6, 14),
    ("cron-out-of-range", "error", "wrong-value", 6, 27),
    ("dependency-cycle", "error", "dependency-cycle", 8, 3),
    ("dependency-on-itself", "error", "dependency-cycle", 8, 3),
    ("disaster-unknown", "error", "wrong-value", 9, 17),
    ("document-empty-spec", "error", "wrong-type", 5, 1),
    ("document-extra-key", "error", "unknown-field", 8, 1),
    ("document-list", "error", "not-an-object", 1, 1),
    ("document-no-api-version", "error", "missing-field", 1, 1),
    ("document-no-kind", "error", "missing-field", 1, 1),
    ("document-no-metadata", "error", "missing-field", 1, 1),
    ("document-no-spec", "error", "missing-field", 1, 1),
    ("document-text", "error", "not-an-object", 1, 1),
    ("document-unknown-api-version", "error", "unknown-api-version", 1, 13),
    ("document-unknown-kind", "error", "unknown-kind", 2, 7),
    ("duplicate-name", "error", "duplicate-object", 11, 18),
    ("duration-clock", "error", "wrong-value", 5, 21),
    ("duration-negative", "error", "wrong-value", 5, 21),
    ("duration-no-unit", "error", "wrong-value", 5, 21),
    ("duration-too-long", "error", "wrong-value", 5, 21),
    ("duration-words", "error", "wrong-value", 5, 21),
    ("duration-zero", "error", "wrong-value", 5, 21),
    ("encoding-byte-order-mark", "error", "encoding", 1, 1),
    ("encoding-latin-1", "error", "encoding", 8, 11),
    ("encoding-utf-16", "error", "encoding", 1, 1),
    ("endpoint-no-address", "error", "wrong-value", 6, 13),
    ("endpoint-of-a-path", "error", "wrong-value", 4, 1),
    ("endpoint-with-bucket", "error", "wrong-value", 6, 13),
    ("exclude-pattern", "error", "exclude-pattern", 7, 43),
    ("exclude-two-lines", "error", "exclude-pattern", 7, 43),
    ("drill-sandbox-in-source", "error", "drill-sandbox", 8, 31),
    ("drill-sandbox-holds-source", "error", "drill-sandbox", 8, 31),
    ("drill-sandbox-is-source", "error", "drill-sandbox", 8, 31),
    ("drill-sandbox-in-repository", "error", "drill-sandbox", 8, 31),
    ("drill-sandbox-in-tree", "error", "drill-sandbox", 8, 31),
    ("drill-sandbox-empty", "error", "wrong-value", 8, 31),
    ("drill-every-a-number", "error", "wrong-value", 8, 18),
    ("drill-every-zero", "error", "wrong-value", 8, 18),
    ("drill-snapshot-unknown", "error", "wrong-value", 8, 32),
    ("drill-assertion-of-no-kind", "error", "wrong-value", 8, 35),
    ("drill-assertion-of-two-kinds", "error", "wrong-value", 8, 35),
    ("drill-assertion-count-of-a-command", "error", "wrong-value", 8, 35),
    ("drill-assertion-hash-cut", "error", "wrong-value", 8, 65),
    ("drill-assertion-expression", "error", "wrong-value", 8, 67),
    ("drill-assertion-no-files", "error", "wrong-value", 8, 67),
    ("drill-assertion-timeout-of-a-path", "error", "wrong-value", 8, 35),
    ("drill-assertion-command-as-text", "error", "wrong-type", 8, 45),
    ("drill-bandwidth-too-small", "error", "wrong-value", 8, 42),
    ("drill-limit-unknown", "error", "unknown-field", 8, 31),
    ("drill-window-empty", "error", "wrong-value", 8, 22),
    ("field-deep-typo", "error", "unknown-field", 7, 33),
    ("field-no-key", "error", "missing-field", 4, 1),
    ("field-no-path", "error", "wrong-value", 7, 13),
    ("field-no-sources", "error", "missing-field", 4, 1),
    ("field-no-tier", "error", "missing-field", 4, 1),
    ("field-snake-case", "error", "unknown-field", 6, 15),
    ("field-typo", "error", "unknown-field", 6, 3),
    ("file-blank", "error", "empty-file", 1, 1),
    ("file-empty", "error", "empty-file", 1, 1),
    ("guard-percent", "error", "wrong-value", 6, 29),
    ("hook-as-text", "error", "wrong-type", 6, 30),
    ("hook-not-a-full-path", "error", "wrong-value", 6, 21),
    ("hook-timeout-without-unit", "error", "wrong-value", 6, 51),
    ("hook-without-command", "error", "missing-field", 6, 19),
    ("hooks-empty", "error", "empty-block", 6, 3),
    ("hooks-unknown-moment", "error", "unknown-field", 6, 11),
    ("identity-of-a-bucket", "error", "wrong-value", 4, 1),
    ("impact-negative", "error", "wrong-value", 8, 19),
    ("key-bad-variable", "error", "wrong-value", 6, 14),
    ("key-empty-command", "error", "wrong-value", 6, 9),
    ("key-in-tree", "warning", "key-in-tree", 6, 15),
    ("key-literal", "error", "unknown-field", 6, 9),
    ("key-none", "error", "wrong-value", 6, 3),
    ("key-two", "error", "wrong-value", 6, 3),
    ("label-bad-key", "error", "wrong-value", 3, 35),
    ("label-number", "error", "wrong-type", 3, 38),
    ("maintenance-prune-every-zero", "error", "wrong-value", 7, 32),
    ("maintenance-prune-never", "error", "missing-field", 7, 17),
    ("maintenance-unknown", "error", "unknown-field", 7, 17),
    ("name-missing", "error", "missing-field", 3, 1),
    ("name-number", "error", "wrong-type", 3, 18),
    ("name-path", "error", "wrong-value", 3, 18),
    ("name-space", "error", "wrong-value", 3, 18),
    ("name-too-long", "error", "wrong-value", 3, 18),
    ("name-upper-case", "error", "wrong-value", 3, 18),
    ("never-backed-up", "error", "never-backed-up", 4, 1),
    ("no-repository", "error", "no-repository", 4, 1),
    ("path-home", "error", "wrong-value", 7, 20),
    ("path-newline", "error", "wrong-value", 7, 20),
    ("path-variable", "error", "wrong-value", 7, 20),
    ("name-reserved", "error", "reserved-name", 3, 18),
    ("place-inside-another", "error", "repository-overlap", 12, 8),
    ("place-unknown-kind", "error", "wrong-value", 5, 8),
    ("place-with-password", "error", "wrong-value", 5, 8),
    ("place-without-bucket", "error", "wrong-value", 5, 8),
    ("place-without-path", "error", "wrong-value", 5, 8),
    ("previous-name-alive", "error", "previous-name", 3, 40),
    ("previous-name-twice", "error", "previous-name", 11, 38),
    ("recovery-asks-nothing", "error", "assert-of-nothing", 8, 36),
    ("recovery-circle", "error", "step-cycle", 7, 45),
    ("recovery-command-in-one-text", "error", "wrong-type", 7, 27),
    ("recovery-dependency-left-out", "warning", "plan-dependency", 12, 7),
    ("recovery-no-steps", "error", "wrong-value", 6, 3),
    ("recovery-port-too-large", "error", "wrong-value", 7, 31),
    ("recovery-step-of-another-scenario", "error", "unknown-scenario", 7, 61),
    ("recovery-step-of-no-kind", "error", "wrong-value", 7, 7),
    ("recovery-step-of-two-kinds", "error", "wrong-value", 7, 7),
    ("recovery-step-twice", "error", "duplicate-step", 8, 14),
    ("recovery-takes-back-in-two-ways", "error", "wrong-value", 7, 49),
    ("recovery-two-hosts", "warning", "plan-hosts", 18, 7),
    ("recovery-unknown-scenario", "error", "unknown-scenario", 5, 15),
    ("recovery-unknown-step", "error", "unknown-step", 7, 61),
    ("recovery-unknown-system", "error", "unknown-system", 7, 38),
    ("recovery-waits-for-two", "error", "wrong-value", 7, 18),
    ("repository-in-tree", "error", "repository-in-tree", 5, 8),
    ("repository-of-an-unknown-format", "error", "wrong-value", 8, 11),
    ("repository-of-ours-contains", "error", "wrong-value", 8, 14),
    ("repository-of-restic-first", "error", "observed-primary", 15, 18),
    ("repository-of-restic-holds-an-unknown-system", "error", "wrong-value", 9, 14),
    ("repository-of-restic-maintained", "error", "wrong-value", 4, 1),
    ("repository-nested", "error", "repository-overlap", 5, 8),
    ("repository-same-folder", "error", "repository-overlap", 5, 8),
    ("retention-empty", "warning", "empty-retention", 8, 3),
    ("retention-negative", "error", "wrong-value", 6, 22),
    ("retention-no-minimum", "warning", "no-minimum", 8, 3),
    ("retention-too-big", "error", "wrong-value", 6, 22),
    ("rpo-shorter-than-cron", "error", "rpo-schedule", 8, 14),
    ("rpo-shorter-than-every", "error", "rpo-schedule", 8, 14),
    ("rpo-shorter-than-policy", "error", "rpo-schedule", 13, 11),
    ("rpo-without-margin", "warning", "rpo-margin", 8, 14),
    ("rto-longer-than-mtd", "error", "rto-mtd", 8, 3),
    ("rto-longer-than-mtd-in-a-disaster", "error", "rto-mtd", 8, 3),
    ("scenario-at-no-place", "warning", "scenario-matches-nothing", 4, 62),
    ("scenario-latency-not-a-duration", "error", "wrong-value", 4, 50),
    ("scenario-of-an-unknown-type", "error", "wrong-value", 4, 14),
    ("scenario-of-another-type", "error", "scenario-type", 4, 14),
    ("scenario-takes-nothing", "warning", "scenario-takes-nothing", 4, 27),
    ("scenario-without-a-type", "error", "missing-field", 4, 1),
    ("settings-second", "error", "two-settings", 3, 7),
    ("source-caches-as-text", "error", "wrong-type", 7, 48),
    ("source-command-with-largest", "error", "wrong-value", 7, 13),
    ("source-larger-than-words", "error", "wrong-value", 7, 52),
    ("source-sqlite-with-one-file-system", "error", "wrong-value", 7, 13),
    ("source-tag-as-path", "error", "wrong-value", 7, 52),
    ("source-tag-twice", "error", "wrong-value", 7, 33),
    ("source-command-as-text", "error", "wrong-type", 7, 23),
    ("source-command-empty", "error", "wrong-value", 7, 14),
    ("source-command-not-a-full-path", "error", "wrong-value", 7, 14),
    ("source-command-without-name", "error", "wrong-value", 7, 13),
    ("source-contains-repository", "error", "source-repository", 7, 20),
    ("source-in-repository", "error", "source-repository", 7, 20),
    ("source-is-repository", "error", "source-repository", 7, 20),
    ("source-name-without-command", "error", "wrong-value", 7, 13),
    ("source-of-two-systems", "warning", "shared-source", 7, 20),
    ("source-output-in-the-way", "error", "overlapping-sources", 7, 67),
    ("source-output-named-as-a-path", "error", "wrong-value", 7, 49),
    ("source-output-named-twice", "error", "overlapping-sources", 7, 98),
    ("source-path-with-timeout", "error", "wrong-value", 7, 13),
    ("source-sqlite-as-path-too", "error", "overlapping-sources", 7, 46),
    ("source-sqlite-in-repository", "error", "source-repository", 7, 22),
    ("source-sqlite-of-two-systems", "warning", "shared-source", 7, 22),
    ("source-sqlite-twice", "error", "overlapping-sources", 7, 48),
    ("source-sqlite-with-exclude", "error", "wrong-value", 7, 13),
    ("source-timeout-zero", "error", "wrong-value", 7, 68),
    ("source-two-kinds", "error", "wrong-value", 7, 13),
    ("sources-empty", "error", "wrong-value", 7, 3),
    ("sources-nested", "error", "overlapping-sources", 7, 41),
    ("sources-same", "error", "overlapping-sources", 7, 41),
    ("suspend-bad-date", "error", "wrong-value", 8, 36),
    ("suspend-boolean", "error", "wrong-type", 8, 12),
    ("suspend-no-end", "error", "missing-field", 8, 3),
    ("suspend-no-reason", "error", "missing-field", 8, 3),
    ("text-conflict-marker", "error", "conflict-marker", 1, 1),
    ("text-escape-character", "error", "control-character", 8, 12),
    ("text-line-separator", "error", "control-character", 8, 11),
    ("text-nul", "error", "control-character", 8, 12),
    ("tolerate-pattern", "error", "exclude-pattern", 7, 55),
    ("type-decimal-for-number", "error", "wrong-type", 6, 22),
    ("type-list-for-text", "error", "wrong-type", 8, 3),
    ("type-number-for-text", "error", "wrong-type", 8, 10),
    ("type-text-for-boolean", "error", "wrong-type", 7, 48),
    ("type-text-for-list", "error", "wrong-type", 7, 12),
    ("type-text-for-mapping", "error", "wrong-type", 6, 14),
    ("type-text-for-number", "error", "wrong-type", 6, 22),
    ("unknown-dependency", "error", "unknown-system", 8, 25),
    ("unknown-policy", "error", "unknown-policy", 6, 11),
    ("unknown-repository-of-system", "error", "unknown-repository", 8, 18),
    ("unknown-repository", "error", "unknown-repository", 5, 24),
    ("unknown-tier", "error", "unknown-tier", 5, 9),
    ("url-empty", "error", "wrong-value", 5, 8),
    ("url-scheme", "error", "wrong-value", 5, 8),
    ("window-bad-time", "error", "wrong-value", 6, 30),
    ("window-empty", "error", "wrong-value", 6, 14),
    ("yaml-alias-cycle", "error", "yaml-alias", 8, 21),
    ("yaml-alias-unknown", "error", "yaml-alias", 8, 10),
    ("yaml-base-60", "error", "ambiguous-scalar", 6, 30),
    ("yaml-billion-laughs", "error", "yaml-too-big", 5, 36),
    ("yaml-colon-in-text", "error", "yaml-syntax", 8, 18),
    ("yaml-deep", "error", "yaml-too-deep", 1, 35),
    ("yaml-directive", "error", "yaml-directive", 1, 1),
    ("yaml-duplicate-key-inline", "error", "duplicate-key", 8, 22),
    ("yaml-duplicate-key", "error", "duplicate-key", 10, 3),
    ("yaml-exponent", "error", "ambiguous-scalar", 8, 25),
    ("yaml-hexadecimal", "error", "ambiguous-scalar", 8, 19),
    ("yaml-huge-number", "error", "number-range", 8, 19),
    ("yaml-infinity", "error", "number-range", 8, 25),
    ("yaml-list-as-key", "error", "key-not-text", 8, 14),
    ("yaml-many-aliases", "error", "yaml-too-big", 2, 405),
    ("yaml-merge-key", "error", "yaml-merge-key", 8, 12),
    ("yaml-not-a-number", "error", "number-range", 8, 25),
    ("yaml-number-as-key", "error", "key-not-text", 8, 19),
    ("yaml-octal", "error", "ambiguous-scalar", 8, 19),
    ("yaml-old-boolean-key", "error", "ambiguous-scalar", 8, 19),
    ("yaml-old-boolean", "error", "ambiguous-scalar", 8, 10),
    ("yaml-python-tag", "error", "yaml-tag", 8, 10),
    ("yaml-reserved-character", "error", "yaml-syntax", 8, 10),
    ("yaml-str-tag", "error", "yaml-tag", 8, 10),
    ("yaml-tab", "error", "yaml-syntax", 4, 1),
    ("yaml-tagged-map", "error", "yaml-tag", 8, 11),
    ("yaml-unclosed-list", "error", "yaml-syntax", 8, 10),
    ("yaml-unclosed-quote", "error", "yaml-syntax", 8, 10),
    ("yaml-underscore-number", "error", "ambiguous-scalar", 8, 19),
    ("yaml-wrong-indent", "error", "yaml-syntax", 2, 6),
    ("zone-unknown", "error", "wrong-value", 6, 50),
    ("zone-without-cron", "error", "wrong-value", 6, 14),
]
ELSEWHERE = {
    "file-unreadable", "file-too-large", "tree-too-large", "file-name", "outside-tree", "ignore-pattern",  # tests/unit/spec/test_tree.py
    "last-good-unusable", "no-realm", "tree-emptied", "realm-lost",  # tests/unit/spec/test_load.py
    "live-database",  # tests/unit/app/test_app_sources.py
    "step-unreachable",  # below: it never comes alone
}  # fmt: skip


@pytest.mark.parametrize(("name", "severity", "code", "line", "column"), EXPECTED, ids=[row[0] for row in EXPECTED])
def test_one_fault_gives_one_problem_at_its_place(name: str, severity: str, code: str, line: int, column: int, tmp_path: Path) -> None:
    shutil.copy(BAD / f"{name}.yaml", tmp_path)
    shutil.copy(HERE / "good" / "base.yaml", tmp_path / "zz-base.yaml")
    loaded = load(tmp_path)
    assert [(p.severity, p.code, p.place.line, p.place.column) for p in loaded.problems] == [(severity, code, line, column)]
    (problem,) = loaded.problems
    assert problem.message
    assert not problem.message[0].isupper()
    assert not problem.message.endswith(".")
    assert problem.hint == "" or problem.hint[-1] in ".?"
    assert problem.snippet.isprintable() or "\n" in problem.snippet
    assert "correct-horse" not in problem.snippet + problem.message
    assert loaded.desired.clean == (problem.severity is Severity.WARNING)
    assert loaded.desired.system("identity") is not None, "a fault elsewhere takes nothing away"


def test_every_bad_file_has_its_row() -> None:
    assert sorted(row[0] for row in EXPECTED) == sorted(path.stem for path in BAD.iterdir())
    assert len(EXPECTED) >= 180


def test_every_code_is_shown_by_a_file_or_tested_elsewhere() -> None:
    assert {row[2] for row in EXPECTED} | ELSEWHERE == set(CODES)


def test_every_kind_of_place_is_good_and_files_count_from_the_spec(tmp_path: Path) -> None:
    shutil.copy(HERE / "good" / "places.yaml", tmp_path)
    shutil.copy(HERE / "good" / "base.yaml", tmp_path)
    loaded = load(tmp_path)
    assert [problem.message for problem in loaded.problems] == []
    bucket, server = loaded.desired.repository("bucket"), loaded.desired.repository("server")
    assert bucket is not None
    assert server is not None
    assert (bucket.url, bucket.endpoint, bucket.limits.bandwidth) == ("s3://backups/host1", "https://s3.example.com", 10 * 2**20)
    assert bucket.credentials.access is not None
    assert bucket.credentials.access.file == str(tmp_path.parent / "s3.access")
    assert server.credentials.known_hosts == str(tmp_path / "server.hosts")


def test_the_base_beside_them_is_good(tmp_path: Path) -> None:
    shutil.copy(HERE / "good" / "base.yaml", tmp_path)
    assert load(tmp_path).problems == ()


def test_a_step_behind_a_circle_is_named_beside_it(tmp_path: Path) -> None:
    steps = (("one", "two"), ("two", "one"), ("last", "two"))
    lines = [f"    - {{name: {name}, command: [/usr/bin/true], dependsOn: [{before}]}}" for name, before in steps]
    head = "apiVersion: reconciler/v1\nkind: RecoveryPlan\nmetadata: {name: office}\nspec:\n  scenarios: [hardware_failure]\n  steps:\n"
    (tmp_path / "plan.yaml").write_text(head + "\n".join(lines) + "\n")
    shutil.copy(HERE / "good" / "base.yaml", tmp_path)
    found = [(p.code, p.place.line) for p in load(tmp_path).problems]
    assert found == [("step-cycle", 7), ("step-unreachable", 9)]
