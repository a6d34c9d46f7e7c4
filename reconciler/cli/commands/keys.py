"""`reconcile repository key …`: who can open a repository, and the recovery kit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command

if TYPE_CHECKING:
    from reconciler.app.keyring import KeyChange

Name = Annotated[str, Argument(metavar="NAME", help="A declared repository.")]


def listed(words: Words, *, name: Name) -> ExitCode:
    """The key slots of a repository."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.keys import keys_page

    with words.session(read_only=True) as session:
        found = session.keys(name)
    words.answer(lambda: keys_page(found), lambda: document("keys", keys=found))
    return ExitCode.DONE


def add(
    words: Words,
    *,
    name: Name,
    file: Annotated[str, Option("--key", metavar="FILE", help="The further key; a raw one is made there when the file is missing.")],
    kind: Annotated[str, Option("--key-kind", metavar="raw|passphrase", help="What the file holds.")] = "raw",
) -> ExitCode:
    """Let a further key open the repository."""
    if not file:
        raise Usage("--key is empty", hint="Name the file of the further key.")
    if kind not in {"raw", "passphrase"}:
        raise Usage(f"--key-kind is raw or passphrase, not '{kind}'")
    known: Literal["raw", "passphrase"] = "raw" if kind == "raw" else "passphrase"
    with words.session() as session:
        return _tell(words, session.add_key(name, Path(file).expanduser().absolute(), known))


def remove(
    words: Words, *, name: Name, slot: Annotated[str, Argument(metavar="SLOT", help="A slot, or the beginning of its id.")]
) -> ExitCode:
    """Remove a key slot; the one of the declared key stays."""
    with words.session() as session:
        return _tell(words, session.remove_key(name, slot))


def rotate(
    words: Words,
    *,
    name: Name,
    keep: Annotated[bool, Option("--keep-old", help="Let the old key open it, too, until every host has the new one.")] = False,
) -> ExitCode:
    """Replace the declared key file by a new key."""
    with words.session() as session:
        return _tell(words, session.rotate_key(name, keep=keep))


def kit(words: Words, *, name: Name) -> ExitCode:
    """A text to print: with it and the repository alone, everything can be restored on a bare machine."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.keys import kit_page

    with words.session() as session:
        made = session.recovery_kit(name)
    words.answer(lambda: kit_page(made), lambda: document("kit", kit=made))
    return ExitCode.DONE


def _tell(words: Words, change: KeyChange) -> ExitCode:
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.keys import change_page

    words.answer(lambda: change_page(change), lambda: document("key", key=change))
    return ExitCode.DONE


def register(_root: Group, groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    group = Group("key", help="Who can open a repository.")
    command(group, "list")(listed)
    command(group, "add")(add)
    command(group, "remove")(remove)
    command(group, "rotate")(rotate)
    command(group, "kit")(kit)
    groups("repository").add_command(group)
