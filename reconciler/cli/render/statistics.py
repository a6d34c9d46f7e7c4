"""What the snapshots amount to, per system and per repository."""

from __future__ import annotations

from reconciler.base.plain import plain
from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.statistics import RepositoryStatistics, Statistics, SystemStatistics

_LEGEND = (
    "SIZE, FILES: of the newest good snapshot. CONTENT: of all snapshots, each counted whole. DIFFERENT: each chunk",
    "of that once. GROWS, STORES: a day over the last 30 days, the content and what is stored of it. FAILED: of the backups;",
    "where there are none, snapshots come as copies.",
)


def statistics_page(found: Statistics) -> Page:
    """`reconcile stats`."""
    page = Page()
    if found.systems:
        header = ["SYSTEM", "REPOSITORY", "SNAPSHOTS", "FILES", "SIZE", "GROWS", "STORES", "FAILED (7d)", "LAST SUCCESS"]
        page.table(header, [_system(row, found) for row in found.systems], right="..rrrrrr")
        page.blank()
    header = ["REPOSITORY", "SNAPSHOTS", "SYSTEMS", "CONTENT", "DIFFERENT", "STORED", "DEDUP", "COMPRESSION", "FREE"]
    page.table(header, [_repository(row) for row in found.repositories], right=".rrrrrrrr")
    for name, why in found.unseen:
        page.line(("note  ", Style.WARN), f"repository {name} could not be looked at: {why}", hang=6)
    page.blank()
    for line in _LEGEND:
        page.line((line, Style.FAINT))
    return page


def statistics_json(found: Statistics) -> str:
    """`reconcile stats -o json`, with the ratios."""
    systems = [{**plain(row), "failure_rate": row.failure_rate} for row in found.systems]
    repositories = [{**plain(row), "deduplication": row.deduplication, "compression": row.compression} for row in found.repositories]
    return document("statistics", at=found.at, systems=systems, repositories=repositories, unseen=found.unseen)


def _system(row: SystemStatistics, found: Statistics) -> list[Cell]:
    failed = f"{row.failed} of {row.backups}" if row.backups else "-"
    snapshots = f"{row.snapshots:,}" if row.good == row.snapshots else f"{row.good:,} good of {row.snapshots:,}"
    return [
        (row.system, Style.NAME),
        row.repository,
        snapshots,
        f"{row.files:,}" if row.good else "-",
        format_size(row.bytes) if row.good else "-",
        _pace(row.growth_bytes_per_day),
        _pace(row.added_bytes_per_day),
        (failed, Style.BAD) if row.failed else failed,
        when.ago(row.last_success_at, found.at) if row.backups or row.last_success_at else "-",
    ]


def _repository(row: RepositoryStatistics) -> list[Cell]:
    stored = row.stored
    return [
        (row.repository, Style.NAME),
        f"{row.snapshots:,}",
        f"{row.systems:,}",
        format_size(row.logical_bytes),
        format_size(stored.unique_bytes) if stored is not None else "-",
        format_size(stored.bytes) if stored is not None else "-",
        _ratio(row.deduplication),
        _ratio(row.compression),
        format_size(row.free_bytes) if row.free_bytes is not None else "-",
    ]


def _pace(amount: float | None) -> str:
    """Per day, with its sign where it shrinks."""
    if amount is None:
        return "-"
    return f"{'-' if amount < 0 else ''}{format_size(abs(amount))}/d"


def _ratio(value: float | None) -> str:
    return f"{value:.1f} ×" if value is not None else "-"
