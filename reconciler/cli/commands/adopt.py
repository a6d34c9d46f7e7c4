"""`repository adopt`: take over what a repository holds, from another realm or after the memory was lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from reconciler.base.errors import Usage
from reconciler.cli.commands.bare import bare_repository
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command


def adopt(
    words: Words,
    *,
    name: Annotated[str, Argument(metavar="REPOSITORY", help="A declared one; or the URL of one that is not declared yet, with --key.")],
    realm: Annotated[str | None, Option("--realm", metavar="WORD", help="Only of this realm. None: of every other one.")] = None,
    rename: Annotated[
        list[str] | None, Option("--as", metavar="THERE=HERE", help="A system there and the declared one that gets its snapshots.")
    ] = None,
    confirm: Annotated[str | None, Option("--confirm", metavar="DIGEST", help="Do it: the digest that the look has shown.")] = None,
    reason: Annotated[str, Option("--reason", metavar="TEXT", help="Why; it stands beside the snapshots and in the audit log.")] = "",
    key: Annotated[str | None, Option("--key", metavar="FILE", help="The key file of a URL.")] = None,
    key_kind: Annotated[str, Option("--key-kind", metavar="raw|passphrase", help="What the key file holds.")] = "raw",
) -> ExitCode:
    """Look at what a repository holds of others; with --confirm take it over. Without it nothing is changed."""
    from reconciler.cli.render.adopt import adoption_page
    from reconciler.cli.render.as_json import document

    renamed = _renamed(rename or ())
    if key is not None or "/" in name:
        if confirm is not None or renamed or realm is not None:
            raise Usage("what is not declared cannot be adopted", hint="Declare it as a Repository first; without --confirm it is shown.")
        where = bare_repository(name, key, key_kind)
        assert where is not None, "a name is never empty here"
        with words.session(read_only=True) as session:
            found = session.look_into(where)
    elif confirm is None:
        with words.session(read_only=True) as session:
            found = session.plan_adoption(name, realm, renamed)
    else:
        with words.session() as session:
            found = session.adopt(name, realm, renamed, confirm=confirm, reason=reason)
    words.answer(lambda: adoption_page(found), lambda: document("adoption", adoption=found))
    return ExitCode.DONE


def _renamed(said: list[str] | tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in said:
        there, sign, here = text.partition("=")
        if not sign or not there or not here or there in found:
            raise Usage(f"--as '{text}' does not say which system there is which here", hint="`--as shop=orders`, once per system.")
        found[there] = here
    return found


def register(_root: Group, groups: Callable[[str], Group]) -> None:
    """Put the command where people look for it."""
    command(groups("repository"), "adopt")(adopt)
