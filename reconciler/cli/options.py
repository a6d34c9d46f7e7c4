"""How a command says what it takes: each parameter carries its option in its annotation, and this reads them for the parser.

    def status(words: Words, *, check: Annotated[bool, Option("--check", help="…")] = False) -> ExitCode: ...

The types that are understood: bool (a flag), str, int, an enum of words, each of them or None, and a list of str. click parses; what
stands on top of click would cost as much again in every command (docs/adr, "click alone").
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import click
from msgspec import Struct


class Argument(Struct, frozen=True):
    """A word by its place."""

    metavar: str
    help: str = ""


class Option(Struct, frozen=True):
    """A word by its name. ``flag`` is the long form, ``short`` one letter with its dash; ``min`` and ``max`` bound a number."""

    flag: str
    short: str | None = None
    metavar: str | None = None
    help: str = ""
    envvar: str | None = None
    hidden: bool = False
    min: int | None = None
    max: int | None = None


class Group(click.Group):
    """Commands in the order of their registration."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


class ListingGroup(Group):
    """A group whose own name is that of its ``list``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if args and args[0] in known else ["list", *args])


class _Place(click.Argument):
    """An argument whose brackets and dots say whether it may be left out or repeated."""

    def make_metavar(self, ctx: click.Context) -> str:
        word = self.metavar if self.required else f"[{self.metavar}]"
        return f"{word}..." if self.nargs == -1 else f"{word}"

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        return f"{self.metavar}", self.help or ""


class _Word(click.ParamType[StrEnum]):
    """One of the words of an enum."""

    name = "word"

    def __init__(self, words: type[StrEnum]) -> None:
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> StrEnum:
        try:
            return self._words(value)
        except ValueError:
            self.fail(f"'{value}' is not one of {', '.join(self._words)}.", param, ctx)


def parameters(function: Callable[..., Any]) -> list[click.Parameter]:
    """What the parser must know of the annotated parameters of ``function``; its first one is not of them."""
    return [parameter(p.name, p.annotation, p.default) for p in list(inspect.signature(function, eval_str=True).parameters.values())[1:]]


def parameter(name: str, annotation: Any, default: Any) -> click.Parameter:
    """One of them. ``default`` is ``inspect.Parameter.empty`` when the word must be given."""
    kind, said = get_args(annotation) if get_origin(annotation) is Annotated else (None, None)
    if not isinstance(said, Argument | Option):
        raise TypeError(f"the parameter {name} has no Argument or Option in its annotation")
    optional = get_origin(kind) in (Union, UnionType)
    plain = next(part for part in get_args(kind) if part is not NoneType) if optional else kind
    several = get_origin(plain) is list
    required = default is inspect.Parameter.empty
    given: dict[str, Any] = {"required": required, "metavar": said.metavar, "help": said.help} | ({} if required else {"default": default})
    if isinstance(said, Argument):
        return _Place([name], nargs=-1 if several else 1, type=_type(plain), **given)
    given |= {"envvar": said.envvar, "show_envvar": said.envvar is not None, "hidden": said.hidden}
    if plain is bool:
        given |= {"is_flag": True}
    else:
        given |= {"type": _type(plain, said), "multiple": several, "show_default": not required and not several}
    return click.Option([*(flag for flag in (said.short, said.flag) if flag is not None), name], **given)


def _type(kind: Any, said: Option | None = None) -> click.ParamType[Any]:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _Word(kind)
    if kind is int:
        return click.IntRange(said.min, said.max) if said is not None else click.INT
    if kind is str or kind == list[str]:
        return click.STRING
    raise TypeError(f"a word of the command line cannot be a {kind}")
