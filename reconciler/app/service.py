"""What a service manager of the host has to know to run the loop: the command, and the folders that it writes to."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from msgspec import Struct

from reconciler.app.house import House
from reconciler.app.planning import load


class Service(Struct, frozen=True):
    """The loop of one spec tree on this host. Paths are absolute."""

    name: str
    specs: Path
    state: Path
    agent: str
    program: tuple[str, ...]
    """The program and what Python needs to start it."""
    allow_commands: tuple[Path, ...]
    written: tuple[Path, ...]
    """Folders that the loop writes to: its memory, local repositories, and where SQLite keeps the log of a database that is read."""

    def command(self, *last: str) -> tuple[str, ...]:
        """argv of the program over this tree."""
        allowed = ("--allow-commands", os.pathsep.join(map(str, self.allow_commands))) if self.allow_commands else ()
        return (*self.program, "--specs", str(self.specs), "--state", str(self.state), "--host", self.agent, *allowed, *last)


def service(house: House) -> Service:
    """As the specs stand now; what they name later must be added by printing it again."""
    desired = load(house).desired
    local = [Path(repository.url) for repository in desired.repositories if "://" not in repository.url]
    databases = [Path(source.sqlite).parent for system in desired.systems for source in system.sources if source.sqlite is not None]
    written = sorted({house.memory.state, *local, *databases})
    outer = tuple(path for path in written if not any(other in path.parents for other in written))
    return Service("reconciler", house.specs, house.memory.state, house.agent, _program(), house.allow_commands, outer)


def _program() -> tuple[str, ...]:
    """The installed command beside this Python, else the one on the path, else the file that runs now."""
    beside = Path(sys.executable).with_name("reconcile")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("reconcile")
    return (os.path.abspath(found),) if found else (sys.executable, os.path.abspath(sys.argv[0]))
