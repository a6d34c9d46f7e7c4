"""Key slots: what opens a repository, and what is refused with which reason."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from reconciler.base.secret import Secret
from reconciler.repository import Damaged, Repository, WeakKey, WrongKey
from reconciler.repository.keys import new_slot, open_slots, with_digest

AT = datetime(2026, 3, 1, tzinfo=UTC)
MASTER = b"m" * 32
ID = "ab" * 16


def test_a_raw_key_opens_its_slot_and_no_other_key_does():
    name, slot = new_slot(MASTER, Secret(b"r" * 32), "raw", ID, AT)
    assert open_slots({f"keys/{name}": slot}, Secret(b"r" * 32), "raw", ID) == MASTER
    with pytest.raises(WrongKey):
        open_slots({f"keys/{name}": slot}, Secret(b"s" * 32), "raw", ID)


def test_a_passphrase_is_the_same_in_every_unicode_form():
    name, slot = new_slot(MASTER, Secret("Zürich".encode()), "passphrase", ID, AT)
    assert open_slots({f"keys/{name}": slot}, Secret("Zu\u0308rich".encode()), "passphrase", ID) == MASTER


def test_a_slot_of_another_repository_does_not_open():
    name, slot = new_slot(MASTER, Secret(b"r" * 32), "raw", ID, AT)
    with pytest.raises(WrongKey):
        open_slots({f"keys/{name}": slot}, Secret(b"r" * 32), "raw", "cd" * 16)


def test_a_flipped_byte_in_a_slot_is_damage_and_not_a_wrong_key():
    name, slot = new_slot(MASTER, Secret(b"r" * 32), "raw", ID, AT)
    flipped = slot.replace(b'"salt": "', b'"salt": "0', 1)
    with pytest.raises(Damaged, match=name):
        open_slots({f"keys/{name}": flipped}, Secret(b"r" * 32), "raw", ID)


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"memory": 8192}, "too little"), ({"time": 1}, "too little"), ({"memory": 2**26}, "more than"), ({"time": 10**6}, "more than")],
)
def test_a_slot_with_unsuitable_work_factors_is_refused_before_any_work_is_done(changed, words):
    name, slot = new_slot(MASTER, Secret(b"words of a phrase"), "passphrase", ID, AT)
    body = json.loads(slot)
    del body["sha256"]
    body["argon2id"] |= changed
    with pytest.raises(WeakKey, match=words):
        open_slots({f"keys/{name}": json.dumps(with_digest(body)).encode()}, Secret(b"words of a phrase"), "passphrase", ID)


@pytest.mark.parametrize("key", [b"", b"12", b"zz" * 32, b"ab" * 31, b"\xff" * 64])
def test_a_key_of_the_wrong_shape_is_refused_with_the_reason(tmp_path, key):
    with pytest.raises(WeakKey):
        Repository.init(str(tmp_path / "r"), Secret(key), created_at=AT)
    assert not (tmp_path / "r").exists()


def test_a_passphrase_repository_opens_with_the_line_end_of_an_editor(tmp_path):
    made = Repository.init(str(tmp_path / "r"), Secret(b"correct horse"), kind="passphrase", created_at=AT)
    assert Repository.open(str(tmp_path / "r"), Secret(b"correct horse\n"), kind="passphrase").id == made.id
    with pytest.raises(WrongKey, match="raw"):
        Repository.open(str(tmp_path / "r"), Secret(b"ab" * 32), kind="raw")


def test_a_machine_with_too_little_memory_for_the_kit_ended_in_a_traceback():
    if sys.platform != "linux":
        pytest.skip("memory is limited by RLIMIT_AS")
    text = """
import resource, sys
from datetime import UTC, datetime
from reconciler.base.secret import Secret
from reconciler.repository.keys import KIT, new_slot, open_slots
from reconciler.repository.errors import WeakKey
name, slot = new_slot(b"m" * 32, Secret(b"words"), "passphrase", "ab" * 16, datetime(2026, 3, 1, tzinfo=UTC), KIT)
resource.setrlimit(resource.RLIMIT_AS, (200 * 2**20,) * 2)
try:
    open_slots({f"keys/{name}": slot}, Secret(b"words"), "passphrase", "ab" * 16)
except WeakKey as error:
    print(error.message, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True)
    assert "takes 256 MiB of memory" in done.stdout
    assert "swap" in done.stdout
