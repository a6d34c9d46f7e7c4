"""Key slots, what became of them, and the recovery kit as it is printed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from reconciler.cli.render.page import Page, Style

if TYPE_CHECKING:
    from reconciler.app.keyring import KeyChange, KeyList, Kit


def keys_page(found: KeyList) -> Page:
    """`reconcile repository key list`."""
    page = Page()
    rows = [
        (
            (slot.id[:8], Style.NAME),
            slot.kind or ("unreadable", Style.BAD),
            slot.created[:19],
            "the declared key" if slot.used else "",
            (slot.problem, Style.BAD),
        )
        for slot in found.slots
    ]
    page.table(["SLOT", "KIND", "CREATED", "", "PROBLEM"], rows)
    page.blank()
    page.line(("Repository ", Style.FAINT), found.id, ("  at ", Style.FAINT), found.url)
    return page


def change_page(change: KeyChange) -> Page:
    """`reconcile repository key add`, `remove` and `rotate`."""
    page = Page()
    if change.added is not None:
        what = "A new key" if change.created_key else "The key"
        page.line(f"{what} in {change.key_file} opens repository ", (change.repository, Style.NAME), f" (slot {change.added[:8]}).")
    if change.removed is not None:
        page.line(f"Slot {change.removed[:8]} of repository ", (change.repository, Style.NAME), " is removed: its key opens it no more.")
    if change.created_key:
        page.line(("Keep a second copy of the key somewhere else.", Style.STRONG))
    return page


def kit_page(kit: Kit) -> Page:
    """`reconcile repository key kit`: to be printed and locked away."""
    page = Page()
    page.line((f"RECOVERY KIT of repository {kit.repository}", Style.STRONG))
    page.blank()
    page.line("Whoever has this sheet and the repository can read every backup in it. Print it, lock it away, and save it nowhere.")
    page.blank()
    page.pairs([("repository id", kit.id), ("place", kit.url), ("systems", ", ".join(kit.systems)), ("key slot", kit.slot)])
    page.blank()
    page.line(("passphrase", Style.FAINT))
    words = kit.words.split("-")
    half = (len(words) + 1) // 2
    page.line("    ", ("-".join(words[:half]) + "-", Style.STRONG))
    page.line("    ", ("-".join(words[half:]), Style.STRONG))
    page.line("It is one line without spaces: both lines above, one directly after the other, in small letters.")
    page.blank()
    page.line(("To restore on a bare machine", Style.STRONG))
    url = shlex.quote(kit.url)
    page.line("1. Install reconciler (Python 3.11 or newer) and bring the repository, or mount it.")
    page.line("2. Write the passphrase into a file that only you can read:")
    page.line("       umask 077; cat > kit.txt")
    page.line("3. See what is there; in the place of the path write where the repository is now:")
    page.line(f"       reconcile restore --repository {url} --key kit.txt --key-kind passphrase")
    page.line("4. Bring it back, with more words at the end of that line: one of the systems, all of them, or what the host itself knew:")
    page.line("       SYSTEM --target DIR")
    page.line("       --all --target DIR")
    page.line("       --specs-to DIR --state-to DIR")
    page.blank()
    page.line(f"If this sheet is lost or seen by others: reconcile repository key remove {kit.repository} {kit.slot[:8]}")
    page.line("That takes the passphrase away, not what somebody already copied with it.")
    return page
