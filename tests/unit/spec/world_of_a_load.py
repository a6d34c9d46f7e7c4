"""Prints what the loading of a spec tree looks at: run by a test in a process of its own, for nobody can end an audit.

That of the interpreter, which tells of files, folders, sockets and processes, and beside it whoever asks for a file's state or the
environment. Importing a module asks in another way.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from reconciler.spec import load

_TOLD = ("open", "os.", "socket.", "subprocess.", "glob.", "ctypes.", "shutil.", "tempfile.", "urllib.", "fcntl.")


def main(root: Path) -> None:
    seen: list[str] = []
    asked, stat = type(os.environ).__getitem__, os.stat

    def heard(event: str, words: tuple[Any, ...]) -> None:
        if event.startswith(_TOLD):
            seen.append(str(words[0]) if words else event)

    def looked_up(environment: Any, key: str) -> str:
        seen.append(f"${key}")
        return asked(environment, key)

    def looked_at(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        seen.append(str(path))
        return stat(path, *args, **kwargs)

    type(os.environ).__getitem__ = looked_up  # type: ignore[method-assign,assignment]
    os.stat = looked_at  # type: ignore[assignment]
    sys.addaudithook(heard)
    load(root)
    sys.stdout.write("\n".join(dict.fromkeys(seen)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
