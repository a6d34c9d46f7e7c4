"""The copies of a system by the rule 3-2-1-1-0: each number with what it was counted from."""

from __future__ import annotations

from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.standing import rule_in_short
from reconciler.model.status import Digit, SystemStatus, Truth

_WORDS = {Truth.TRUE: ("yes", Style.GOOD), Truth.FALSE: ("no", Style.BAD), Truth.UNKNOWN: ("unknown", Style.WARN)}


def add_copies(page: Page, system: SystemStatus) -> None:
    """A line per number, and one for each thing that was looked at."""
    if not system.copied.digits:
        return
    page.blank()
    page.line((f"Copies of {system.name}", Style.STRONG), f"  {rule_in_short(system.copied.digits)}, where the rule asks for 3-2-1-1-0")
    rows: list[list[Cell]] = []
    for digit in system.copied.digits:
        first, *more = digit.evidence or ("",)
        wanted = f"at least {digit.rule}" if digit.rule else "none"
        rows.append([digit.what, _found(digit), wanted, _WORDS[digit.met], first])
        rows += [["", "", "", "", said] for said in more]
    page.table(["NUMBER", "FOUND", "ASKED FOR", "KEPT", "BECAUSE"], rows, right=".r", indent=2)


def _found(digit: Digit) -> str:
    return f"{digit.found} to {digit.found + digit.unknown}" if digit.unknown else str(digit.found)
