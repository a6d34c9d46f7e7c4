"""The program restic, as it must not hurt us: silent, talkative, hostile, absent. A small script stands in for it."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app.foreign import address, options
from reconciler.base.clock import SystemClock
from reconciler.base.errors import Cancelled
from reconciler.base.secret import Secret
from reconciler.model.declared.repository import Contained, Credentials, RepositorySpec
from reconciler.model.declared.secret import SecretFrom
from reconciler.model.snapshot import Grade, Snapshot
from reconciler.restic import Program, find_program, listed, restore
from reconciler.restic.errors import ResticError, ResticMissing, ResticSilent, ResticUnreadable, ResticWrongPassword
from tests.fakes.programs import program as script
from tests.fakes.worlds import repository

ID = "a" * 64
ENTRY: dict[str, Any] = {
    "id": "b" * 64,
    "time": "2026-05-04T11:30:00.123456789+02:00",
    "hostname": "shop1",
    "paths": ["/srv/orders"],
    "tags": ["nightly"],
    "summary": {"backup_end": "2026-05-04T09:33:00Z", "total_files_processed": 7, "total_bytes_processed": 900, "data_added_packed": 40},
}
ORDERS = (Contained(system="orders", host="shop1", path="/srv/orders/"),)


def over(folder: Path, text: str) -> Program:
    return Program(script(folder / "bin", text), "/srv/restic", Secret(b"words"))


def answering(folder: Path, snapshots: object, config: object = {"id": ID}) -> Program:
    """A restic whose two answers are these; bytes stand as they are."""
    for name, answer in (("config", config), ("snapshots", snapshots)):
        (folder / name).write_bytes(answer if isinstance(answer, bytes) else json.dumps(answer).encode())
    return over(folder, f'for word; do :; done; cat "{folder}/$word"')


def is_gone(pid: int) -> bool:
    """Whether it has ended; waits a moment while it has not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    threading.Event().wait(0.05)
    return False


def seen(folder: Path, *entries: object) -> tuple[Snapshot, ...]:
    return listed(answering(folder, list(entries)), "old", ORDERS, "quiet-otter-41")[1]


def test_a_listing_becomes_snapshots(tmp_path: Path) -> None:
    (one,) = seen(tmp_path, ENTRY)
    assert (one.realm, one.system, one.host, one.grade, one.repository) == ("quiet-otter-41", "orders", "shop1", Grade.OBSERVED, "old")
    assert f"{one.as_of:%H:%M:%S.%f %Z}" == "09:30:00.123456 UTC"
    assert (one.files, one.bytes, one.added_bytes, f"{one.ended_at:%H:%M}") == (7, 900, 40, "09:33")
    assert one.good


def test_what_no_entry_fits_is_foreign_and_an_old_restic_tells_no_sizes(tmp_path: Path) -> None:
    bare = {"id": "c" * 64, "time": "2026-05-04T11:30:00Z", "hostname": "shop2", "paths": ["/srv/orders"], "tree": "d" * 64}
    (one,) = seen(tmp_path, bare)
    assert (one.realm, one.system, one.files, one.bytes) == ("restic", "shop2:/srv/orders", 0, 0)
    assert one.ended_at == one.as_of
    assert seen(tmp_path) == ()
    assert listed(answering(tmp_path, b"null"), "old", ORDERS, "r")[1] == ()


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"not json",
        b"{}",
        b"[" * 100_000,
        [None],
        [{**ENTRY, "id": "../../etc/passwd"}],
        [{**ENTRY, "id": 7}],
        [{**ENTRY, "time": "yesterday"}],
        [{**ENTRY, "time": "2026-13-04T11:30:00Z"}],
        [{**ENTRY, "time": "0001-01-01T00:00:00+14:00"}],
        [{**ENTRY, "hostname": ["shop1"]}],
        [{**ENTRY, "paths": "x/y"}, {**ENTRY, "paths": 7}],
        [{**ENTRY, "tags": [1]}],
        [{**ENTRY, "summary": []}, {**ENTRY, "summary": "x"}],
        [{**ENTRY, "summary": {"total_files_processed": -1}}],
        [{**ENTRY, "summary": {"total_bytes_processed": 10**30}}],
        [{**ENTRY, "summary": {"total_bytes_processed": True}}],
        [{"id": "b" * 64}],
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_refused_as_a_whole(tmp_path: Path, hostile: object) -> None:
    with pytest.raises(ResticUnreadable):
        listed(answering(tmp_path, hostile), "old", ORDERS, "r")


@pytest.mark.parametrize("config", [b"", {}, {"id": "short"}, {"id": 7}, []])
def test_a_repository_without_an_id_is_none(tmp_path: Path, config: object) -> None:
    with pytest.raises(ResticUnreadable):
        listed(answering(tmp_path, [], config), "old", ORDERS, "r")


def test_names_of_a_megabyte_and_signs_for_terminals_do_no_harm(tmp_path: Path) -> None:
    (one,) = seen(tmp_path, {**ENTRY, "hostname": "\x1b[2Jevil" + "x" * 2**20, "paths": ["/\x07" + "y" * 2**20]})
    assert len(one.host) < 1000
    assert len(one.system) < 1000
    assert "\x1b" not in one.host + one.system
    assert "\x07" not in one.system


def test_a_flood_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.restic.program.OUTPUT_BYTES_MAX", 2**20)
    with pytest.raises(ResticUnreadable, match="printed more than"):
        over(tmp_path, "yes '[[[['").output("snapshots")


def test_one_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    began = SystemClock().monotonic()
    with pytest.raises(ResticSilent, match="did not end `snapshots` of /srv/restic within 1 s"):
        over(tmp_path, f"sleep 600 & echo $! > {pid}; wait").output("snapshots", seconds_max=1.0)
    assert SystemClock().monotonic() - began < 10
    assert any(is_gone(int(pid.read_text())) for _ in range(100))


def test_stopping_ends_a_look_that_takes_its_time(tmp_path: Path) -> None:
    began = time.monotonic()
    program = replace(over(tmp_path, "sleep 600"), stopped=lambda: time.monotonic() - began > 0.3)
    with pytest.raises(Cancelled):
        program.output("snapshots")
    assert time.monotonic() - began < 10


def test_stopping_ends_it(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        restore(over(tmp_path, "sleep 600"), ID, str(tmp_path / "out"), stop=stop)


def test_what_it_complains_of_is_one_printable_sentence(tmp_path: Path) -> None:
    said = '{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}'
    with pytest.raises(ResticWrongPassword, match=r"restic could not do `snapshots` of /srv/restic: wrong password or no key found$"):
        over(tmp_path, f"echo '{said}' >&2; exit 12").output("snapshots")
    with pytest.raises(ResticWrongPassword):  # before 0.17 everything ends with 1
        over(tmp_path, "echo 'Fatal: wrong password or no key found' >&2; exit 1").output("snapshots")
    with pytest.raises(ResticError) as caught:
        over(tmp_path, "printf '\\033[31mred\\n' >&2; head -c 100000 /dev/zero | tr '\\0' z >&2; exit 1").output("snapshots")
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 1000


def test_it_gets_the_password_and_no_word_of_somebody_elses_restic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC_REPOSITORY", "/nowhere")
    monkeypatch.setenv("RESTIC_PASSWORD_COMMAND", "false")
    printed = over(tmp_path, 'env | grep ^RESTIC_; echo "$@"').output("snapshots").decode()
    assert printed == "RESTIC_PASSWORD=words\n--repo /srv/restic --no-lock --json --no-cache snapshots\n"


def test_a_program_that_is_not_there_or_no_program_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResticMissing):
        find_program("/not/restic")
    with pytest.raises(ResticMissing):
        Program(str(tmp_path), "/srv/restic", Secret(b"words")).output("snapshots")


def test_progress_that_is_no_progress_is_left_out(tmp_path: Path) -> None:
    lines = [
        "not json",
        "[1]",
        '{"message_type":"status","files_restored":"many"}',
        '{"message_type":"summary","files_restored":2,"bytes_restored":9}',
    ]
    told: list[tuple[int, int, int]] = []
    text = "\n".join(f"echo '{line}'" for line in lines)
    done = restore(over(tmp_path, text), ID, str(tmp_path / "out"), tell=lambda *now: told.append(now))
    assert (done.files, done.bytes, told) == (2, 9, [(0, 0, 0)])


def test_places_are_written_as_restic_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert address(repository(url="/srv/restic")) == "/srv/restic"
    assert address(repository(url="sftp://me@host:2222/srv/restic")) == "sftp://me@host:2222//srv/restic"
    assert address(repository(url="sftp://me@host/~/srv/restic")) == "sftp://me@host/srv/restic", "from the home of the user"
    assert address(repository(url="s3://bucket/a/b", endpoint="https://store.example/")) == "s3:https://store.example/bucket/a/b"
    assert address(repository(url="s3://bucket")) == "s3:https://s3.amazonaws.com/bucket"


@pytest.mark.parametrize(
    "more",
    [
        {"contains": [{"system": "orders"}], "format": "restic"},
        {"contains": [{"system": "orders", "tag": "x"}]},
        {"format": "restic", "maintenance": {"prune": {"every": "1d"}}},
        {"format": "restic", "url": "sftp://host/x", "credentials": {"identity": {"env": "KEY"}}},
        {"format": "borg"},
    ],
    ids=str,
)
def test_a_declaration_that_promises_more_than_looking_is_an_error(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must have|which only|never worked on|host's `ssh`, which takes neither|Input should be"):
        RepositorySpec.model_validate({"url": "/x", "key": {"file": "/k"}, **more})


def test_ssh_is_told_which_key_and_which_hosts_and_never_asks_a_person() -> None:
    url = "sftp://me@host/srv/restic"
    assert options(repository(url="/srv/restic")) == ()
    assert options(repository(url=url)) == ("-o", "sftp.args=-o BatchMode=yes")
    known = Credentials(identity=SecretFrom(file="/etc/a key"), knownHosts="/etc/hosts.known")
    (_, said) = options(repository(url=url, credentials=known))
    assert said.endswith("-i '/etc/a key' -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/etc/hosts.known")
