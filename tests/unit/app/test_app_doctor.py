"""One page for a report of a defect: it tells the state of things, on the worst of days, and no secret."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.app.doctor import Diagnosis
from reconciler.catalog.tables import SCHEMA_VERSION
from reconciler.cli.render.doctor import doctor_json, doctor_page
from tests.fakes.houses import WholeHouse

DAY = timedelta(days=1)
PLANTED = (
    "hunter2-in-a-spec", "hunter2-in-a-url", "hunter2-in-the-path", "hunter2-in-env", "hunter2-in-a-key-file", "hunter2-user",
    "hunter2-of-a-proxy", "hunter2-of-a-bucket", "hunter2-in-a-header", "hunter2-of-a-command", "hunter2-in-a-reason", "hunter2-of-mail",
)  # fmt: skip
RECEIVERS = """\
apiVersion: reconciler/v1
kind: AlertPolicy
metadata: {name: duty}
spec:
  receivers:
    - {name: one, webhook: {url: {file: ../hook}, headers: {Authorization: {env: HOOK_HEADER}}}}
    - {name: two, webhook: {url: "http://127.0.0.1:9/hunter2-in-the-path"}}
    - {name: three, discord: {url: {command: [/nowhere/hook, hunter2-of-a-command]}}}
    - name: four
      email: {host: 127.0.0.1, port: 9, username: me, password: {file: ../mail}, from: a@example.org, to: [b@example.org]}
"""


def examined(house: WholeHouse) -> Diagnosis:
    with house.session(read_only=True) as session:
        return session.doctor()


def rows(found: Diagnosis, title: str) -> dict[str, str]:
    (section,) = [section for section in found.sections if section.title == title]
    return dict(section.rows)


def secret_file(house: WholeHouse, name: str, text: str) -> None:
    path = house.folder / name
    path.write_text(text + "\n")
    path.chmod(0o600)


def test_the_doctor_shows_no_secret(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted in specs, in addresses, in the environment, in key files, on command lines and in what went wrong."""
    monkeypatch.setenv("ORDERS_PASSWORD", "hunter2-in-env")
    monkeypatch.setenv("HOOK_HEADER", "Bearer hunter2-in-a-header")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2-of-a-proxy@127.0.0.1:9")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-of-a-bucket")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    house.one_pass(init=True)
    secret_file(house, "hook", "http://127.0.0.1:9/hunter2-in-a-key-file")
    secret_file(house, "mail", "hunter2-of-mail")
    house.write("alerts.yaml", RECEIVERS)
    far = "apiVersion: reconciler/v1\nkind: Repository\nmetadata: {name: far}\n"
    house.write("broken.yaml", f"{far}spec: {{url: x, password: hunter2-in-a-spec}}\n")
    house.write("odd.yaml", far.replace("far", "odd") + 'spec: {url: "s3://hunter2-user:hunter2-in-a-url@b/c"}\n')
    bucket = 'spec: {url: "s3://bucket/x", endpoint: "http://127.0.0.1:9", key: {file: ../keys/main.key}}\n'
    house.write("bucket.yaml", far.replace("far", "bucket") + bucket)
    (house.folder / "repository").rename(house.folder / "lost")
    house.one_pass()
    with house.session() as session:
        catalog = session.house.memory.writing()
        note = "POST https://hooks.example.org/hunter2-in-the-path?token=hunter2-in-a-url failed for hunter2-in-env"
        catalog.add_event("Warning", "Receiver", "duty/one", "DeliveryFailed", note, house.clock.now())
        session.pause(timedelta(hours=1), "hunter2-in-a-reason")
        found = session.doctor()
    shown = doctor_page(found).render() + doctor_json(found)
    assert [secret for secret in PLANTED if secret in shown] == []
    assert (house.folder / "keys" / "main.key").read_text().strip() not in shown
    for expected in ("DeliveryFailed", "broken.yaml", "catalog.sqlite", "sqlite", "pydantic", "not reachable", "bucket: place"):
        assert expected in shown, expected


def test_the_doctor_comes_also_where_nothing_works(house: WholeHouse) -> None:
    """Without specs, without state."""
    shutil.rmtree(house.folder / "specs")
    found = examined(house)
    assert found.sections[0].title == "Program"
    assert "cannot be read" in doctor_page(found).render()
    assert rows(found, "Catalog") == {"file": "not there: the next pass makes it from the repositories"}
    assert rows(found, "Loop")["lease"] == "held by nobody"
    assert not house.state.exists()


def test_of_each_repository_it_tells_format_objects_and_when_it_was_looked_after(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.clock.advance(timedelta(hours=1))
    with house.session() as session:
        session.verify(("orders",), deep=True)
    before = house.traces()
    found = rows(examined(house), "Repositories")
    assert found["main"].startswith("disk, id ")
    assert "1 snapshots" in found["main"]
    assert found["main: place"].startswith("format 1, suite 1; ")
    assert "1 packs, 1 index, 1 snapshots" in found["main: place"]
    assert found["main: verified"].startswith(f"content {house.clock.now():%Y-%m-%d %H:%M}")
    assert found["main: cleaned up"] == "never"
    assert house.traces() == before, "it changes nothing"


def test_a_clock_that_went_back_is_told(house: WholeHouse) -> None:
    house.one_pass(init=True)
    assert rows(examined(house), "Clock")["believed"] == "yes"
    house.clock.advance(-3 * DAY)
    found = rows(examined(house), "Clock")
    assert found["believed"].startswith(f"not since {house.clock.now():%Y-%m-%d %H:%M}")
    assert found["against the last pass"] == "behind the last pass by 3d"
    assert found["against repositories"].startswith("behind 1 snapshots")


def test_a_clock_that_leapt_ahead_is_told(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.clock.advance(60 * DAY)
    found = rows(examined(house), "Clock")
    assert found["believed"].startswith("not since")
    assert "against repositories" not in found


def test_a_catalog_with_a_page_of_something_else_is_told(house: WholeHouse) -> None:
    house.one_pass(init=True)
    whole = rows(examined(house), "Catalog")
    assert whole == {"version": f"{SCHEMA_VERSION}, this program writes {SCHEMA_VERSION}", "integrity": "whole"}
    path = house.state / "catalog.sqlite"
    content = bytearray(path.read_bytes())
    for page in range(4, len(content) // 4096, 2):
        content[page * 4096 : page * 4096 + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    assert rows(examined(house), "Catalog")["integrity"] != "whole"
    path.write_bytes(b"no database at all" * 500)
    assert rows(examined(house), "Catalog")["integrity"] == "cannot be read: file is not a database"


def test_for_programs_no_row_is_lost(house: WholeHouse, tmp_path: Path) -> None:
    house.one_pass(init=True)
    found = examined(house)
    sections = json.loads(doctor_json(found))["sections"]
    assert {section.title: len(section.rows) for section in found.sections} == {title: len(rows) for title, rows in sections.items()}
