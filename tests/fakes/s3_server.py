"""A real store that speaks S3: versitygw over a folder, on a free port of the loopback, with a bucket."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from reconciler.base.secret import Secret
from reconciler.repository import Access, Credentials, store_at
from reconciler.repository.remote.s3 import S3Store

ACCESS, SECOND, SECRET = "AKTESTER", "AKSECOND", "the-secret-of-the-tester"
"""Two users, both with this secret."""
_START_SECONDS = 20


class S3Server(Struct, frozen=True):
    """Where it is, and the folder that holds its buckets."""

    port: int
    folder: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def locked_bucket(self, name: str) -> str:
        """One with object lock, made the way everybody makes it."""
        store = store_at(f"s3://{name}", access_to(self.endpoint))
        assert isinstance(store, S3Store)
        store.ask("PUT", None, headers={"x-amz-bucket-object-lock-enabled": "true"}, good=(200, 409))
        store.close()
        return name

    def bucket(self, name: str) -> str:
        (self.folder / name).mkdir(exist_ok=True)
        return name


def access_to(endpoint: str, **changes: Any) -> Access:
    given = {"endpoint": endpoint, "credentials": lambda: Credentials(ACCESS, Secret(SECRET.encode()))}
    return Access(**(given | changes))


def find_versitygw() -> str:
    """Its program; without it a laptop skips the test, and CI fails."""
    places = os.pathsep.join([os.environ.get("PATH", ""), os.path.dirname(sys.executable)])
    program = shutil.which("versitygw", path=places)
    if program is None:
        missing = "versitygw is not installed (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return program


@contextmanager
def s3_server(folder: Path, port: int) -> Iterator[S3Server]:
    """Ends with the block."""
    buckets = folder / "buckets"
    buckets.mkdir(parents=True)
    program = find_versitygw()
    (folder / "users").mkdir()
    (folder / "versions").mkdir()
    root = ["--access", ACCESS, "--secret", SECRET]
    words = [*root, "--port", f"127.0.0.1:{port}", "--iam-dir", str(folder / "users"), "--keep-alive", "--quiet", "posix"]
    words += ["--versioning-dir", str(folder / "versions"), str(buckets)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait(process, port, folder / "log")
        admin = [program, "admin", *root, "--endpoint-url", f"http://127.0.0.1:{port}"]
        subprocess.run([*admin, "create-user", "--access", SECOND, "--secret", SECRET, "--role", "admin"], check=True, capture_output=True)
        yield S3Server(port, buckets)
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
            return
        except urllib.error.HTTPError as refused:  # it answers: that a stranger is refused is as it should be
            refused.close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"versitygw did not become ready: {log.read_text(errors='replace')[-2000:]}")
