"""What a check found and what a repair does: objects, then the files that damage costs, then what to type next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.damage import Lost, add_lost_files
from reconciler.cli.render.page import Page, Style

if TYPE_CHECKING:
    from reconciler.app.care import CheckReport, RepairReport


def check_page(found: CheckReport) -> Page:
    """`reconcile check`."""
    page = Page()
    checked = found.checked
    for fault in checked.faults:
        page.line((f"damaged {fault.part}", Style.BAD), f"  {fault.error.message}", hang=2)
    _add_lost(page, checked.affected)
    page.blank()
    looked = f"{when.count(checked.objects, 'object')}, {when.count(checked.snapshots, 'snapshot')}, {when.count(checked.packs, 'pack')}"
    read = f"; {format_size(checked.bytes)} read, decrypted and hashed" if checked.bytes else ""
    page.line(("Looked at ", Style.FAINT), f"{looked}{read}")
    if checked.unindexed:
        count = when.count(checked.unindexed, "pack")
        page.line(
            ("note  ", Style.WARN), f"no index object names {count}: left by a killed run or written just now; a clean-up decides", hang=6
        )
    if checked.hidden:
        count = when.count(len(checked.hidden), "object")
        page.line(
            ("note  ", Style.WARN),
            f"somebody removed or overwrote {count}, such as {checked.hidden[0]}; the bucket kept what was there, and that is what is read",
            hang=6,
        )
    if checked.intact:
        depth = "" if checked.deep else "; --deep also reads every byte"
        page.line(("Sound", Style.GOOD), f": repository {found.repository} holds all that its snapshots need{depth}")
        return page
    page.line(("Damaged", Style.BAD), f": `reconcile repair {found.repository}{' --deep' if checked.deep else ''}` shows what can be done")
    return page


def repair_page(found: RepairReport) -> Page:
    """`reconcile repair`: the plan, or what became of it."""
    page = Page()
    for step in found.plan.steps:
        page.line((f"{step.kind:<23}", Style.NAME), step.name, (f"  {step.reason}", Style.FAINT), hang=25)
    page.blank()
    if found.repaired is None:
        _add_plan(page, found)
        return page
    done = found.repaired
    page.line(
        f"{when.count(done.moved, 'good segment')} moved, {when.count(done.healed, 'chunk')} brought back from other repositories, "
        f"{when.count(len(done.set_aside), 'object')} set aside in quarantine/"
    )
    for name in done.locked:
        page.line(
            ("locked     ", Style.WARN),
            f"{name} had to stay; a clean-up removes it once its lock is over",
            hang=11,
        )
    for why in found.silent:
        page.line(("not asked  ", Style.WARN), why, hang=11)
    _add_lost(page, done.affected)
    if done.affected:
        page.line(("Still lost here", Style.BAD), ": a full backup stores anew what the source still has", hang=2)
    else:
        page.line(("Whole again", Style.GOOD), f": repository {found.repository} holds all that its snapshots need")
    return page


def _add_plan(page: Page, found: RepairReport) -> None:
    _add_lost(page, found.plan.affected)
    if not found.plan.steps:
        deep = "" if found.plan.deep else "; with --deep, every byte is looked at"
        page.line(("Nothing to repair", Style.GOOD if not found.plan.affected else Style.WARN), deep)
        return
    if found.plan.affected:
        page.line("Other declared repositories are asked for what is lost when the plan is carried out.")
    flag = " --deep" if found.plan.deep else ""
    page.line(("To carry out exactly this: ", Style.FAINT), f"reconcile repair {found.repository}{flag} --apply {found.plan.digest}")


def _add_lost(page: Page, lost: Sequence[Lost]) -> None:
    for each in lost:
        page.line(
            ("cannot be restored whole  ", Style.BAD),
            f"snapshot {each.snapshot} of {each.system}: {when.count(each.files, 'file')}",
            hang=2,
        )
        add_lost_files(page, each)
        if each.manifest:
            page.line("    and files whose names are in the damaged part, too", hang=4)
