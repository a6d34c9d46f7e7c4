"""The screens of what was done, restored, explained and set up, against their golden files."""

from __future__ import annotations

import json
from collections.abc import Callable

import cli_reports as reports
import cli_samples as samples

from reconciler.cli.commands.reconcile import results_code
from reconciler.cli.render.configuration import configuration_json, configuration_page
from reconciler.cli.render.events import events_json, events_page
from reconciler.cli.render.explain import explain_json, explain_page
from reconciler.cli.render.health import health_json, health_page
from reconciler.cli.render.repositories import rebuild_page, repositories_json, repositories_page
from reconciler.cli.render.restored import restore_plan_page, restored_json, restored_page
from reconciler.cli.render.results import pass_json, pass_page, results_json, results_page
from reconciler.cli.render.starter import starter_page
from reconciler.cli.render.statistics import statistics_json, statistics_page

Golden = Callable[[str, str], None]


def test_a_pass_says_what_was_done_what_failed_and_what_a_person_must_do(golden: Golden) -> None:
    golden("pass.txt", pass_page(reports.passed(), "/srv/specs").render())


def test_a_pass_for_programs(golden: Golden) -> None:
    golden("pass.json", pass_json(reports.passed()))


def test_results_of_a_command(golden: Golden) -> None:
    golden("results.txt", results_page(reports.results()).render())
    golden("results.json", results_json("backup", reports.results()[:4]))


def test_damage_is_the_worst_of_all_results() -> None:
    results = reports.results()
    assert [results_code(results[:n]) for n in (2, 3, 4, 5)] == [0, 7, 1, 8]


def test_an_explanation_goes_from_the_promise_to_the_single_snapshot(golden: Golden) -> None:
    golden("explain.txt", explain_page(reports.explanation(), samples.NOW).render())
    assert json.loads(explain_json(reports.explanation()))["explanation"]["system"]["name"] == "orders"


def test_a_restore_says_first_which_snapshot_and_why(golden: Golden) -> None:
    golden("restore-plan.txt", restore_plan_page(reports.restore_plan(), samples.NOW).render())


def test_a_restore_says_afterwards_what_is_missing(golden: Golden) -> None:
    golden("restored.txt", restored_page(reports.restored(whole=True)).render())
    golden("restored-in-part.txt", restored_page(reports.restored(whole=False)).render())
    assert json.loads(restored_json(reports.restored(whole=False)))["whole"] is False


def test_events_count_what_happened_again(golden: Golden) -> None:
    golden("events.txt", events_page(reports.events()).render())
    assert json.loads(events_json(reports.events()))["events"][0]["count"] == 96
    assert events_page(()).render() == "No events.\n"


def test_what_the_snapshots_amount_to(golden: Golden) -> None:
    golden("stats.txt", statistics_page(reports.statistics()).render())
    found = json.loads(statistics_json(reports.statistics()))
    assert [row["failure_rate"] for row in found["systems"]] == [0.25, None, None]
    assert found["repositories"][0]["deduplication"] == 20.0
    assert found["repositories"][1]["stored"] is None


def test_health_says_the_worst_first(golden: Golden) -> None:
    golden("health.txt", health_page(reports.health()).render())
    found = json.loads(health_json(reports.health()))
    assert found["well"] is False
    assert [check["state"] for check in found["health"]["checks"]][:2] == ["bad", "unknown"]


def test_repositories_with_their_place_and_what_is_wrong(golden: Golden) -> None:
    golden("repositories.txt", repositories_page(samples.desired(), samples.status()).render())
    assert [r["name"] for r in json.loads(repositories_json(samples.desired(), samples.status()))["repositories"]] == ["main", "offsite"]


def test_a_rebuilt_catalog_says_what_it_could_not_read(golden: Golden) -> None:
    golden("rebuild.txt", rebuild_page(reports.rebuilt()).render())


def test_init_ends_with_the_three_commands_to_type(golden: Golden) -> None:
    golden("init.txt", starter_page(reports.starter()).render())


def test_the_merged_configuration_in_the_words_of_the_specs(golden: Golden) -> None:
    explanation = reports.explanation()
    golden("config.txt", configuration_page((explanation.system,), ()).render())
    golden("config-origins.txt", configuration_page((explanation.system,), explanation.origins).render())
    assert json.loads(configuration_json((explanation.system,), explanation.origins))["origins"][1]["value"] == "15m"
