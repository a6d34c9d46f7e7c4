"""Log lines: names that others chose cannot command a terminal, and whoever tells it better can silence a room."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from reconciler.base import log
from reconciler.base.secret import Secret


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _leave_no_configuration() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_what_is_said_is_counted_by_level_and_what_is_not_said_is_not() -> None:
    log.configure(stream=io.StringIO(), level="info")
    before = log.said()
    log.get("act").warning("a", key="b")
    log.get("act").warning("c")
    log.get("act").debug("too quiet")
    after = log.said()
    assert {level: after[level] - before[level] for level in after} == {"debug": 0, "info": 0, "warning": 2, "error": 0}


def test_a_hostile_name_is_shown_not_obeyed_on_a_terminal() -> None:
    stream = Terminal()
    log.configure(stream=stream)
    log.get("act").info("backed up", path="a\x1b[2Jb", note="two words\x1b]0;owned\x07")
    try:
        raise ValueError("c\x1b[2Jd")
    except ValueError:
        log.get("act").exception("failed")
    assert "\x1b[2J" not in stream.getvalue()
    assert "\x1b]0" not in stream.getvalue()
    assert "a\\x1b[2Jb" in stream.getvalue()
    assert "ValueError: c\\x1b[2Jd" in stream.getvalue()


def test_a_silent_room_says_nothing_and_the_others_go_on() -> None:
    stream = io.StringIO()
    log.configure(stream=stream, without=frozenset({"act"}))
    log.get("act").error("backup failed")
    log.get("app").warning("waiting")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["waiting"]


def test_a_known_secret_disappears_by_value_and_by_name() -> None:
    stream = io.StringIO()
    log.configure(stream=stream)
    log.get("app").info("opened", url="sftp://me:hunter22@nas/x", key=Secret(b"sesame-open"), password="x", said="it is sesame-open")
    line = json.loads(stream.getvalue())
    assert "hunter22" not in line["url"]
    assert "sesame" not in stream.getvalue()
    assert line["password"] == "***"


def test_a_line_without_structlog_is_the_one_that_structlog_writes() -> None:
    facts = {
        "path": "a\x1b[2J\u00e4",
        "password": "x",
        "count": 3,
        "inner": {"key": "y", "at": datetime(2026, 1, 2, tzinfo=UTC)},
        "none": None,
    }
    written = []
    for by_hand in (True, False):
        stream = io.StringIO()
        log.configure(stream=stream)
        log.get("act").info("said", **facts, **({} if by_hand else {"exc_info": False}))
        line = json.loads(stream.getvalue())
        assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta(0)
        written.append(list(line.items()))
    assert written[0] == written[1]


def test_an_ordinary_line_of_json_loads_no_structlog() -> None:
    said = "from reconciler.base import log; log.configure(json=True); log.get('act').info('said')"
    code = f"import sys; {said}; sys.exit('structlog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr)["event"] == "said"
