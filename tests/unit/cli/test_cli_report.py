"""The evidence report in every format, with names and sentences that others wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from msgspec.structs import replace

from reconciler.cli.render.report import DISCLAIMER, parts, report_json, report_markdown, report_page, share
from reconciler.cli.render.report_html import report_html
from reconciler.cli.render.report_schema import report_schema
from reconciler.decide.report import CONTROLS
from reconciler.model.alerts import AlertSeverity
from reconciler.model.drill import DrillOutcome
from reconciler.model.objective import ObjectiveStatus, Promise, Verdict
from reconciler.model.recovery import RecoveryOutcome, RunMode
from reconciler.model.report import (
    AuditEvidence,
    Compliance,
    Deed,
    DrillCounts,
    Incident,
    PlanRun,
    Recovery,
    Rehearsal,
    Report,
    SpecEdit,
    SystemEvidence,
    Target,
)
from reconciler.model.status import Copied
from tests.unit.cli.cli_samples import DAY, HOUR, MINUTE, NOW, identity
from tests.unit.cli.test_cli_commands import World, backed_up, world
from tests.unit.cli.test_plan_schema import strict

__all__ = ["backed_up", "world"]  # fixtures

Golden = Callable[[str, str], None]
HOME = Path(__file__).parents[3]
BEGINS, ENDS = NOW - 30 * DAY, NOW
HOSTILE = "</td><script>alert('x')</script>\x1b[31m\u202e|`<img src=x onerror=y>\n# boo"


def kept(outside: timedelta, **changes: Any) -> Compliance:
    judged = 29 * DAY
    plain = Compliance(
        inside=judged - outside,
        outside=outside,
        suspended=DAY,
        unpromised=timedelta(0),
        share=(judged - outside) / judged,
        misses=1 if outside else 0,
        longest=((NOW - 3 * DAY, NOW - 3 * DAY + outside),) if outside else (),
        targets=(Target(BEGINS, NOW - 9 * DAY, HOUR, recorded=False), Target(NOW - 9 * DAY, ENDS, 15 * MINUTE, recorded=True)),
        backups=2_784,
    )
    return replace(plain, **changes)


def evidence(name: str, outside: timedelta, **changes: Any) -> SystemEvidence:
    rto = ObjectiveStatus(Promise.RTO, HOUR, 10 * MINUTE, None, Verdict.MET, "a recovery was measured to take 10m, RTO 1h", "a drill")
    return SystemEvidence(
        name=name,
        tier="critical",
        owner="ops",
        host="shop1",
        compliance=kept(outside),
        drills=DrillCounts(proven=4, failed=1),
        proven_at=NOW - DAY,
        proven_until=NOW + 13 * DAY,
        verified_at=NOW - 2 * DAY,
        verify_every=30 * DAY,
        copied=Copied(declared=2, held=2, offsite_declared=1, offsite_held=0),
        objectives=(rto, replace(rto, objective=Promise.MTD, verdict=Verdict.UNKNOWN, disaster="cyber_attack", current=None)),
        **changes,
    )


def sample(words: str = "it was too old") -> Report:
    day = NOW - 3 * DAY
    return Report(
        at=NOW,
        begins=BEGINS,
        ends=ENDS,
        agent="shop1",
        realm="quiet-otter-41",
        version="0.1.0",
        audit=AuditEvidence(intact=True, lines=48_210, head="9be01f2c" * 8, fault="", since=NOW - 90 * DAY),
        notes=("Repository offsite could not be listed: its snapshots stand as they were last seen, or not at all.",),
        systems=(evidence("identity", timedelta(0)), evidence("orders", 47 * MINUTE)),
        drills=(
            Rehearsal(identity(1), "orders", "main", identity(9), day, DrillOutcome.FAILED, 0.0, None, words),
            Rehearsal(identity(2), "orders", "main", identity(8), day + HOUR, DrillOutcome.PROVEN, 612.4, day + 14 * DAY, ""),
            Rehearsal(identity(3), "orders", "main", identity(7), NOW, None, 0.0, None, ""),
        ),
        incidents=(
            Incident("System", "orders", "BackupFresh", AlertSeverity.CRITICAL, words, day, day + HOUR, 2, "maria", day + 5 * MINUTE, ""),
            Incident("Repository", "offsite", "RepositoryReachable", AlertSeverity.HIGH, words, day, None, 1, "", None, ""),
        ),
        recoveries=(
            Recovery(identity(4), "restore", "orders", identity(9), "/srv/back", "maria", day, day + 11 * MINUTE, "succeeded", 9, 2**30),
            Recovery(identity(5), "rollback", "orders", identity(9), "", "maria", day, None, "", 0, 0),
        ),
        plans=(
            PlanRun(
                identity(6),
                "shop",
                RunMode.RUN,
                "hardware_failure",
                "maria",
                day,
                day + 50 * MINUTE,
                RecoveryOutcome.RECOVERED,
                6,
                6,
                HOUR,
                True,
                "",
            ),
            PlanRun(identity(7), "shop", RunMode.TEST, "", "loop", day, day + MINUTE, RecoveryOutcome.FAILED, 6, 2, HOUR, None, words),
        ),
        deeds=(
            Deed(day, "forget", "orders@main", "maria", words, ("let-go-of-may",), 41, "succeeded"),
            Deed(day, "pause", "loop", "maria", "moving the disks"),
        ),
        edits=(SpecEdit(NOW - 9 * DAY, "c0ffee" * 6, ("orders: RPO 1h → 15m",), ("wiki",)),),
        controls=CONTROLS,
    )


class Seen(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_on_a_terminal(golden: Golden) -> None:
    golden("report.txt", report_page(sample()).render())


def test_the_report_as_markdown(golden: Golden) -> None:
    golden("report.md", report_markdown(sample()))


def test_the_report_as_a_page(golden: Golden) -> None:
    golden("report.html", report_html(sample()))


def test_the_page_is_one_file_that_loads_and_runs_nothing() -> None:
    page = report_html(sample(HOSTILE))
    seen = Seen(page)
    assert not seen.open, "every element is closed"
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & set(seen.tags)
    assert not {"src", "href", "srcset", "action", "data"} & {name for name, _ in seen.attributes}
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "url(" not in page and "@import" not in page  # noqa: PT018 - one claim
    assert "default-src 'none'" in page
    assert "@media print" in page


def test_hostile_names_stay_text_in_every_format() -> None:
    report = replace(sample(HOSTILE), agent=HOSTILE, systems=(evidence(HOSTILE, MINUTE),), notes=(HOSTILE,))
    page = Seen(report_html(report))
    assert "<script>alert('x')</script>" in page.text
    assert "script" not in page.tags
    for text in (report_html(report), report_markdown(report), report_page(report).render()):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert not re.search(r"(?<!\\)<(script|img)", report_markdown(report))
    assert "\n# boo" not in report_markdown(report)


def test_every_part_has_as_many_cells_as_columns() -> None:
    for part in parts(sample()):
        assert {len(row) for row in part.rows} <= {len(part.header)}, part.title
        assert set(part.key.split()) <= set(CONTROLS), part.title


def test_a_hundred_percent_means_always() -> None:
    assert share(kept(timedelta(0)))[0] == "100 %"
    assert share(kept(timedelta(seconds=1)))[0] == "99.99 %"
    assert share(kept(timedelta(seconds=1), share=1.0))[0] == "99.99 %"
    assert share(kept(29 * DAY))[0] == "0.00 %"
    assert share(kept(timedelta(0), share=None)) == "-"


def test_a_broken_log_is_said_on_top_and_ends_with_8(backed_up: World) -> None:
    (log,) = backed_up.root.rglob("audit.jsonl")
    log.write_bytes(log.read_bytes().replace(b"succeeded", b"Succeeded", 1))
    for form, mark in (("text", "BROKEN after"), ("markdown", "BROKEN after"), ("html", 'class="note broken"')):
        typed = backed_up("report", "-o", form)
        assert (typed.code, mark in typed.out) == (8, True)
    typed = backed_up("report", "-o", "json")
    assert (typed.code, typed.json["audit"]["intact"]) == (8, False)


def test_a_report_of_a_real_house_follows_its_schema(backed_up: World) -> None:
    validator = Draft202012Validator(strict(report_schema()), format_checker=FormatChecker())
    typed = backed_up("report", "--from", "2 hours ago", "--system", "letters", "-o", "json")
    assert typed.code == 0
    validator.validate(typed.json)
    assert [system["name"] for system in typed.json["systems"]] == ["letters"]
    assert typed.json["systems"][0]["compliance"]["inside_seconds"] > 0
    validator.validate(json.loads(report_json(sample())))
    Draft202012Validator(report_schema()).validate({**typed.json, "later": 1})


def test_the_schema_for_programs_is_as_committed(world: World) -> None:
    assert (HOME / "schemas" / "report.schema.json").read_text() == json.dumps(report_schema(), indent=2) + "\n"
    Draft202012Validator.check_schema(report_schema())
    assert world("schema", "report").json["title"] == "Report"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "now", "--to", "yesterday"], "must begin before it ends"),
        (["--from", "2999-01-01"], "in the future"),
        (["--to", "2999-01-01"], "in the future"),
        (["--from", "soon"], "--from: 'soon' is not a moment"),
        (["--system", "lettres"], "no system 'lettres' is declared"),
        (["-o", "github"], "does not go with `report`"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_a_sentence(backed_up: World, words: list[str], said: str) -> None:
    typed = backed_up("report", *words)
    assert typed.code == 64
    assert said in typed.err
    assert "Traceback" not in typed.err


def test_a_page_is_for_the_report_alone(backed_up: World) -> None:
    for words in (["status", "-o", "html"], ["-o", "html"], ["--dry-run", "-o", "html"]):
        typed = backed_up(*words)
        assert typed.code == 64
        assert "report" in typed.err


def test_a_time_without_an_offset_is_local_and_shown_with_its_offset(backed_up: World) -> None:
    typed = backed_up("report", "--from", "2020-03-01T12:00")
    assert re.search(r"period\s+2020-03-01 12:00:00 [+-]\d\d:\d\d to ", typed.out)


def test_before_anything_happened_everything_is_outside(world: World) -> None:
    typed = world("report", "-o", "json")
    assert typed.code == 0
    (letters,) = [system for system in typed.json["systems"] if system["name"] == "letters"]
    assert letters["compliance"]["share"] == 0.0
    assert "No audit log was found on this host" in typed.json["notes"][0]


def test_the_help_to_auditors_is_no_certification() -> None:
    for text in (report_markdown(sample()), report_html(sample())):
        assert "no certification" in DISCLAIMER
        assert DISCLAIMER in text
