"""Repositories of restic: from their declaration to the program over them, and a restore out of one.

A restore by restic is told and recorded like any other; what restic cannot promise (a plan per entry, a rollback) is refused, not imitated.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.app import keys
from reconciler.app.house import House
from reconciler.app.reach import access_to
from reconciler.app.reports import RestorePlan, RestoreReport, RestoreRequest
from reconciler.model.desired import DesiredRepository

if TYPE_CHECKING:
    from reconciler.app.restoring.run import Reporter
    from reconciler.restic import Program

_OVERWRITE = {"refuse": "never", "keep": "never", "overwrite": "always"}
AMAZON = "https://s3.amazonaws.com"


def program_for(house: House, repository: DesiredRepository) -> Program:
    """restic with the password and the address of this repository. Raises ResticMissing, KeyMissing and their like."""
    from reconciler.restic import Program, find_program

    password = keys.load(repository.key.model_copy(update={"kind": "passphrase"}), allowed=house.allow_commands)
    cache = house.memory.state / "restic" if house.memory.state.is_dir() else None
    environment = _credentials(house, repository)
    program = find_program(os.environ.get("RECONCILER_RESTIC"))
    return Program(program, address(repository), password, environment, cache, options(repository), stopped=house.memory.stopping)


def address(repository: DesiredRepository) -> str:
    """The place as restic writes it."""
    scheme, _, rest = repository.url.partition("://")
    if not rest:
        return repository.url
    if scheme == "s3":
        endpoint = repository.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or AMAZON
        return f"s3:{endpoint.rstrip('/')}/{rest}"
    host, _, path = rest.partition("/")
    if path.startswith("~/"):
        return f"sftp://{host}/{path.removeprefix('~/')}"
    return f"sftp://{host}//{path}"  # two slashes: an absolute path


def options(repository: DesiredRepository) -> Sequence[str]:
    """How restic's ssh gets to the place: as the spec says, and never by asking somebody."""
    if not repository.url.startswith("sftp://"):
        return ()
    said = repository.credentials
    words = ["-o", "BatchMode=yes"]
    if said.identity is not None:
        words += ["-o", "IdentitiesOnly=yes", "-i", str(said.identity.file)]
    if said.known_hosts is not None:
        words += ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={said.known_hosts}"]
    return ("-o", f"sftp.args={shlex.join(words)}")


def _credentials(house: House, repository: DesiredRepository) -> Mapping[str, str]:
    if not repository.url.startswith("s3://"):
        return {}
    from reconciler.repository import Credentials

    access = access_to(repository, house.allow_commands)
    found = access.credentials() if access.credentials is not None else Credentials()
    said = {"AWS_ACCESS_KEY_ID": found.access, "AWS_SECRET_ACCESS_KEY": found.secret, "AWS_SESSION_TOKEN": found.token}
    values = {key: value if isinstance(value, str) else os.fsdecode(value.reveal()) for key, value in said.items() if value}
    return {**values, "AWS_DEFAULT_REGION": access.region or "us-east-1"}


def check_request(made: RestorePlan, request: RestoreRequest) -> None:
    """Raises ResticNotRestorable where restic cannot do what was asked for."""
    from reconciler.restic.errors import ResticNotRestorable

    asked = {
        "--in-place": request.in_place,
        "--on-conflict mirror": request.on_conflict == "mirror",
        "--changed-since": request.changed_since is not None,
        "--checksums": request.checksums is not None,
    }
    for words, wanted in asked.items():
        if wanted:
            raise ResticNotRestorable(f"snapshot {made.snapshot.id[:8]} is in a repository of restic, which has no {words}")
    if request.on_conflict == "refuse" and made.target_holds:
        what = f"the target {made.target} is not empty, and restic does not tell conflicts before it writes"
        raise ResticNotRestorable(what, hint="Name an empty folder, or say --on-conflict keep or overwrite.")


def restore_by_restic(
    house: House,
    repository: DesiredRepository,
    made: RestorePlan,
    request: RestoreRequest,
    stop: threading.Event,
    progress: Reporter | None,
) -> RestoreReport:
    """Into the target, read back by restic. All or an error: restic does not tell apart what came and what did not."""
    from reconciler.act.context import Amount
    from reconciler.app.restoring.apply import Applied
    from reconciler.app.restoring.record import Traces, who
    from reconciler.base.errors import ReconcilerError
    from reconciler.base.ids import new_id
    from reconciler.catalog.records import RestoreRecord
    from reconciler.repository import NoSuchPath
    from reconciler.restic import restore

    record = RestoreRecord(
        id=new_id(),
        kind="restore",
        system=made.snapshot.system,
        repository=made.repository,
        snapshot_id=made.snapshot.id,
        target=made.target,
        in_place=False,
        policy=request.on_conflict,
        actor=who(),
        started_at=house.clock.now(),
    )
    traces, began = Traces(house, record), house.clock.monotonic()
    traces.begin(paths=list(request.paths), policy=record.policy, program=repository.format)
    tell = None if progress is None else lambda files, size, total: progress(Amount(files, size, 0, total))
    try:
        include = [path if path.startswith("/") else f"**/{path}" for path in request.paths]
        policy = _OVERWRITE[request.on_conflict]
        done = restore(
            program_for(house, repository), made.snapshot.id, made.target, include=include, overwrite=policy, tell=tell, stop=stop
        )
        if request.paths and not done.files:
            raise NoSuchPath(f"nothing in snapshot {made.snapshot.id[:12]} matches {', '.join(request.paths)}")
    except ReconcilerError as error:
        traces.failed(error)
        raise
    applied = Applied(files=done.files, size=done.bytes, seconds=house.clock.monotonic() - began)
    traces.end(applied)
    note = f"written and read back by {repository.format}, which counts folders as files"
    report = RestoreReport(made, files=applied.files, bytes=applied.size, folders=0, seconds=applied.seconds, id=record.id)
    return replace(report, notes=(*made.notes, note, *traces.notes))
