"""`reconcile impact` and `reconcile scenarios` as typed: over the example of a company that is run, and over a world told in values."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.base.units import format_duration
from reconciler.cli.main import run
from reconciler.cli.render.impact import impact_page
from reconciler.decide.impact.report import impact
from reconciler.model.declared.builtin import SCENARIOS
from reconciler.model.disaster import DisasterType
from reconciler.model.impact import Verdict
from tests.fakes.worlds import NOW, ago, listed, repository, snapshot
from tests.unit.decide.test_impact import ALL, FAR, NAS, orders, seen, tree

COMPANY = Path(__file__).parents[3] / "specs" / "company"
WIDE = 100


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example with its paths below a folder, after one pass of the host core1."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(COMPANY, tmp_path / "specs")
    for file in (tmp_path / "specs").glob("*.yaml"):
        text = re.sub(r"(?<=[ \[])/(srv|etc|var|mnt)/", rf"{tmp_path}/\1/", file.read_text())
        file.write_text(text)
    for source in ("etc/company", "srv/config", "var/lib/messaging", "etc/reconciler"):
        (tmp_path / source).mkdir(parents=True)
        (tmp_path / source / "file").write_text(source)
    return tmp_path


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = run(["--specs", "specs", "--state", "state", "--host", "core1", *words])
    return code, capsys.readouterr().out


def test_the_example_of_a_company_runs_and_says_what_survives(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(capsys, "validate")[0] == 0
    assert typed(capsys, "--dry-run")[0] == 1, "repositories are not there yet"
    code, out = typed(capsys, "--init")
    assert (code, "core-configuration" in out) == (0, True), out
    assert typed(capsys, "--dry-run")[0] == 0
    assert typed(capsys, "copy", "messaging", "--to", "datacentre")[0] == 0, "the loop would wait for the night"

    code, out = typed(capsys, "-o", "json", "impact")
    found = json.loads(out)["impact"]
    cells = {(each["scenario"], each["system"]): each for each in found["systems"]}
    assert code == 4
    assert len(cells) == 11 * 14, "with the records of this host"
    fire = cells["natural_disaster", "messaging"]
    assert {c["repository"]: c["survival"] for c in fire["copies"]} == {"office": "taken", "datacentre": "survives"}
    assert fire["snapshot_id"] is not None
    attack = cells["cyber_attack", "messaging"]
    assert {c["repository"]: c["survival"] for c in attack["copies"]} == {"office": "taken", "datacentre": "survives"}
    assert cells["natural_disaster", "logs"]["verdict"] == "lost"
    assert any("datacentre" in remedy["what"] for remedy in cells["natural_disaster", "logs"]["remedies"]), "logs were never backed up here"
    assert cells["fire-beside-the-store", "core-configuration"]["verdict"] == "exposed", "the store burns, the server does not"


def test_every_type_of_the_example_is_listed_with_what_it_takes(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = typed(capsys, "scenarios")
    assert code == 0
    assert all(kind.value in out for kind in DisasterType)
    assert "device rack3 gone; device nas1 gone" in out
    listed = json.loads(typed(capsys, "-o", "json", "scenarios")[1])["scenarios"]
    assert len(listed) == 11
    site = next(each for each in listed if each["name"] == "natural_disaster")
    assert site["worst"] == "site office: 13 systems, repository office"


def test_what_is_not_there_is_refused(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("--scenario", "flood"), ("--system", "ghost")):
        assert run(["--specs", "specs", "--state", "state", "impact", "--cached", *words]) == 64
        assert f"'{words[1]}'" in capsys.readouterr().err


def test_the_matrix_fits_a_hundred_columns_and_needs_no_colour() -> None:
    systems = [orders(name=f"a-system-with-a-long-name-{n}", host=f"h{n}") for n in range(3)]
    page = impact_page(impact(tree(*systems, NAS, FAR), seen(*(s.name for s in systems)), NOW), full=False).render()
    table = page.split("\n\n")[0].splitlines()
    assert len(table) == 4
    assert max(map(len, table)) <= WIDE
    assert len({verdict.letter for verdict in Verdict}) == len(Verdict)
    assert table[1].split()[2:] == ["ok", "B", "B", "B", "ok", "ok", "ok", "B", "ok", "ok"]


def test_one_answer_in_full_says_why_and_what_would_mend_it() -> None:
    found = impact(tree(orders(repositories=("main",)), NAS, scenarios=ALL), seen("orders"), NOW, scenarios=["natural_disaster"])
    page = impact_page(found, full=True).render()
    assert "orders under natural_disaster, site office: lost" in page
    assert "main taken: it is at site office" in page
    assert "mends" in page
    assert "0 of 1 well: 1 lost." in page


DOCUMENTED = (Path(__file__).parents[3] / "docs" / "impact.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of the page, without its head."""
    table = re.search(rf"^## {heading}$.*?^(\|.*?)\n\n", DOCUMENTED, re.MULTILINE | re.DOTALL)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()[2:]]


def test_the_matrix_on_the_page_is_what_is_printed() -> None:
    """Three systems: all is well with the first; the second has an old copy; the third has one copy, never verified, never drilled."""
    systems = (
        orders(name="core-configuration", tier="critical"),
        orders(name="messaging", tier="critical"),
        orders(name="logs", tier="medium", repositories=("attic",), host="shop2"),
    )
    attic = repository("attic", failure_domain={"site": "office", "device": "nas2"})
    have = seen("core-configuration", "messaging")
    far = have.repositories["far"].snapshots
    have = replace(
        have,
        repositories={
            "main": have.repositories["main"],
            "attic": listed("attic", [snapshot(ago("30m"), system="logs", repository="attic")]),
            "far": listed("far", [s for s in far if s.id != "messaging-30m"]),
        },
    )
    shown = impact_page(impact(tree(*systems, NAS, FAR, attic), have, NOW), full=False).render()
    written = re.search(r"^\$ reconcile impact\n(.*?)^```", DOCUMENTED, re.MULTILINE | re.DOTALL)
    assert written is not None
    assert shown.startswith(written[1].rstrip("\n")), shown


def test_the_page_tells_what_each_type_takes_as_it_is_built_in() -> None:
    told = {cells[0].strip("`"): cells[1:] for cells in rows("The ten types")}
    assert list(told) == [kind.value for kind in DisasterType]
    for kind in DisasterType:
        spec, (takes, unnoticed, back) = SCENARIOS[kind], told[kind.value]
        assert spec.takes is not None
        assert unnoticed == (format_duration(spec.detection_latency) if spec.detection_latency else ""), kind
        assert back == ("yes" if spec.temporary else "no"), kind
        words = {
            "sources": "the data of a system",
            "credentials": "its credentials can delete",
            "reach": "the reach",
            "unverified": "verified",
        }
        named = {key: word in takes for key, word in words.items()} | {key: f"any one {key}" in takes for key in ("site", "device")}
        given = {key: getattr(spec.takes, key) is not None for key in words}
        assert named == given | {key: key in (spec.takes.failure_domain or {}) for key in ("site", "device")}, kind


def test_the_page_has_every_verdict_with_its_letter() -> None:
    assert [(cells[0].strip("`"), cells[1].strip("`")) for cells in rows("The verdicts")] == [(v.letter, v.value) for v in Verdict]
