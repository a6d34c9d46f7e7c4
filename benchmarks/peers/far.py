"""This program and restic with their repositories in a bucket, or on a server over SFTP."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.reconciler import Reconciler
from benchmarks.peers.restic import Restic
from benchmarks.servers import BUCKET, WHO, Server


class BucketReconciler(Reconciler):
    """What no spec says comes from the environment."""

    @property
    def place(self) -> str:
        return f"s3://{BUCKET}/{self.work.name}"


class BucketRestic(Restic):
    @property
    def place(self) -> str:
        return f"s3:{self.environment['AWS_ENDPOINT_URL']}/{BUCKET}/{self.work.name}"


class SshReconciler(Reconciler):
    @property
    def place(self) -> str:
        return self.environment["BENCHMARK_URL"]

    @property
    def reach(self) -> str:
        identity = self.environment["BENCHMARK_IDENTITY"]
        return f", credentials: {{identity: {{file: {identity}}}, knownHosts: {Path(identity).parent / 'known'}}}"


class SshRestic(Restic):
    """By the ssh of this machine, as always with restic."""

    @property
    def place(self) -> str:
        head, _, path = self.environment["BENCHMARK_URL"].removeprefix("sftp://").partition("/")
        return f"sftp://{head}//{path}"  # two slashes: an absolute path

    @property
    def options(self) -> list[str]:
        identity = self.environment["BENCHMARK_IDENTITY"]
        known = Path(identity).parent / "known"
        return ["-o", f"sftp.args=-F none -i {identity} -o UserKnownHostsFile={known} -o BatchMode=yes"]


PAIRS: dict[str, tuple[type[Reconciler], type[Restic]]] = {"s3": (BucketReconciler, BucketRestic), "sftp": (SshReconciler, SshRestic)}


def reach(kind: str, server: Server, port: int, name: str) -> dict[str, str]:
    """What of the environment says how to get to the repository ``name``, behind a wire that begins at ``port``."""
    if kind == "s3":
        return {**WHO, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    return {"BENCHMARK_URL": server.url(port, name), "BENCHMARK_IDENTITY": str(server.identity)}
