"""Stored results as a Markdown table of ratios, and as the part of `docs/performance.md` that stands between two comments."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers import ALL, BASE
from benchmarks.results import Results, Row, ratios

BEGIN, END = "<!-- figures: written by python -m benchmarks --show -->", "<!-- end of figures -->"
PICTURE = "![Wall time of each tool as a share of restic's](performance.svg)"
CORPORA = {
    "small": "many small files",
    "large": "one large file",
    "packed": "already compressed data",
    "tiny": "a million tiny files",
    "dense": "one dense file above 4 GiB",
    "list": "many snapshots",
}
_PEERS = [peer.name for peer in ALL]


def markdown(results: Results) -> str:
    """Everything that was measured."""
    return "\n\n".join(part for part in (_facts(results), comparison(results), many(results)) if part) + "\n"


def comparison(results: Results) -> str:
    """One line per piece of work and tool. Ratios are to restic: below 1 is less than restic takes."""
    rows = sorted(results.rows(), key=_order)
    if not rows:
        return ""
    compared = ratios(rows, BASE)
    lines = ["| corpus | work | tool | × restic | wall s | CPU s | peak MiB | stored MB | × restic | runs |", "|---|---|---|" + "---:|" * 7]
    for row in rows:
        wall, stored = compared[row.corpus, row.work, row.peer]
        cells = (
            CORPORA[row.corpus],
            row.work,
            f"**{row.peer}**" if row.peer == _PEERS[0] else row.peer,
            _shown(wall, ".2f"),
            f"{row.wall_seconds:.2f}",
            f"{row.cpu_seconds:.2f}",
            f"{row.memory_bytes / 2**20:.0f}",
            _shown(row.stored_bytes / 1e6 if row.stored_bytes is not None else None, ".1f"),
            _shown(stored, ".3f"),
            str(row.runs),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def many(results: Results) -> str:
    """Figures without a counterpart: name and value."""
    if not results.many:
        return ""
    return "\n".join(["| many snapshots | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in results.many.items())])


def write_page(results: Results, page: Path) -> None:
    """Put the figures into a document, between the comments; what people wrote around them stays."""
    text = page.read_text()
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise SystemExit(f"{page} has no place for figures: {BEGIN} … {END}")
    page.write_text(f"{before}{BEGIN}\n\n{PICTURE}\n\n{markdown(results)}\n{END}{after}")


def _facts(results: Results) -> str:
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    return "\n".join(
        [
            f"Measured {results.began_at} ({machine}; {results.share:g} × the full corpora; restored to {results.restored_to}). Medians;",
            "memory is the worst run. Versions: " + "; ".join(f"{name}: {version}" for name, version in results.versions.items()) + ".",
        ]
    )


def _order(row: Row) -> tuple[int, str, int]:
    from benchmarks.works import WORKS

    corpora, works = list(CORPORA), list(WORKS)
    return corpora.index(row.corpus), f"{works.index(row.work):02}" if row.work in works else f"99{row.work}", _PEERS.index(row.peer)


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
