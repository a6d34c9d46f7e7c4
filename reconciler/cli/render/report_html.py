"""The evidence report as one HTML file: nothing is loaded, nothing runs, everything that came from elsewhere is escaped, and it prints."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape as escape_html

from reconciler.base.printable import escape
from reconciler.cli.render.page import Cell, Style
from reconciler.cli.render.report import DISCLAIMER, Part, facts, parts, title
from reconciler.model.report import Report, SystemEvidence

_CLASSES = {Style.GOOD: "good", Style.WARN: "warn", Style.BAD: "bad", Style.NAME: "name", Style.FAINT: "faint", Style.STRONG: "name"}
_SIGNS = {Style.GOOD: "✓\u00a0", Style.WARN: "!\u00a0", Style.BAD: "✗\u00a0"}
"""Colour alone says nothing on paper, or to one in twelve men."""
_WORD_MAX = 40
"""Letters: a longer word may be broken, or one path would push a table off the paper."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root{color-scheme:light;--ink:#1b1f24;--faint:#59636e;--line:#d4dae1;--good:#116329;--warn:#7d4e00;--bad:#b3261e;--tint:#f5f7f9}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:2rem;background:#fff;color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.15rem;margin:2.2rem 0 .3rem}
p{margin:.3rem 0 .7rem;max-width:60rem;color:var(--faint)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0 0 1rem}
dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}
.note{border-left:4px solid var(--warn);background:var(--tint);color:var(--ink);padding:.5rem .8rem;margin:.4rem 0;max-width:none}
.broken{border-color:var(--bad);font-weight:600}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.87rem}
th{font-size:.74rem;text-align:left;color:var(--faint);letter-spacing:.03em;border-bottom:2px solid var(--line);
padding:.3rem .5rem;vertical-align:bottom}
td{border-bottom:1px solid var(--line);padding:.3rem .5rem;vertical-align:top}
.long{overflow-wrap:anywhere}
.r{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.name{font-weight:600}.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad);font-weight:600}.faint{color:var(--faint)}
.kept{display:grid;grid-template-columns:minmax(6rem,14rem) 1fr 5rem;gap:.25rem .8rem;align-items:center;
margin:.6rem 0 1rem;font-size:.87rem}
.kept svg{width:100%;height:.8rem;display:block}
footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:.6rem;font-size:.8rem;color:var(--faint)}
.controls{font-size:.8rem}
@page{size:A4 landscape;margin:14mm}
@media print{
body{max-width:none;padding:0;font-size:9.5pt}
h1{font-size:15pt}h2{font-size:11.5pt;margin-top:1.4rem}table,.kept{font-size:8pt}th,.controls{font-size:7pt}
.wide{overflow:visible}
thead{display:table-header-group}tr,.note{break-inside:avoid}h2,h2+p{break-after:avoid}
.note,svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
"""


def report_html(report: Report) -> str:
    """The whole file."""
    return "\n".join(_document(report)) + "\n"


def _document(report: Report) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_safe(title(report))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f"<h1>{_safe(title(report))}</h1>"
    for number, note in enumerate(report.notes):
        broken = " broken" if number == 0 and not report.audit.intact else ""
        yield f'<p class="note{broken}">{_safe(note)}</p>'
    yield "<dl>" + "".join(f"<dt>{_safe(name)}</dt><dd{_class(value)}>{_inside(value)}</dd>" for name, value in facts(report)) + "</dl>"
    for part in parts(report):
        yield from _part(report, part)
    yield f'<footer><p class="controls">{_safe(DISCLAIMER)}</p></footer>\n</body>\n</html>'


def _part(report: Report, part: Part) -> Iterator[str]:
    yield f"<section>\n<h2>{_safe(part.title)}</h2>\n<p>{_safe(part.lead)}</p>"
    if part.key == "compliance" and report.systems:
        yield '<div class="kept">' + "".join(_bar(system) for system in report.systems) + "</div>"
        yield '<p class="controls">Green: kept. Grey: suspended or not promised. Red: missed. Amounts, not their order.</p>'
    if part.rows:
        side = part.right.ljust(len(part.header), ".")
        head = "".join(f'<th scope="col"{_right(side[i])}>{_safe(text)}</th>' for i, text in enumerate(part.header))
        yield f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>'
        for row in part.rows:
            yield "<tr>" + "".join(f"<td{_class(cell, side[i])}>{_inside(cell)}</td>" for i, cell in enumerate(row)) + "</tr>"
        yield "</tbody></table></div>"
    else:
        yield f"<p>{_safe(part.empty)}</p>"
    if part.key in report.controls:
        yield f'<p class="controls">Controls: {_safe(", ".join(report.controls[part.key]))}</p>'
    yield "</section>"


def _bar(system: SystemEvidence) -> str:
    """The period of one system: kept, then what is not judged, then missed."""
    found = system.compliance
    parts = ((found.inside, "#2da44e"), (found.suspended + found.unpromised, "#c3cad2"), (found.outside, "#cf222e"))
    whole, at, drawn = sum((length.total_seconds() for length, _ in parts), 0.0), 0.0, ""
    for length, colour in parts:
        width = 100 * length.total_seconds() / whole if whole else 0.0
        drawn += f'<rect x="{at:.3f}" width="{width:.3f}" height="1" fill="{colour}"/>' if width else ""
        at += width
    text = "-" if found.share is None else "100 %" if not found.outside else f"{min(int(found.share * 10_000) / 100, 99.99):.2f} %"
    label = f"{system.name}: {text} kept"
    svg = f'<svg viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label="{_safe(label)}">{drawn}</svg>'
    return f'<span class="name">{_safe(system.name)}</span>{svg}<span class="r">{_safe(text)}</span>'


def _inside(cell: Cell) -> str:
    return _safe(cell) if isinstance(cell, str) else _SIGNS.get(cell[1], "") + _safe(cell[0])


def _class(cell: Cell, side: str = ".") -> str:
    names = ["r"] if side == "r" else []
    text = cell if isinstance(cell, str) else cell[0]
    names += ["long"] if max(map(len, text.split()), default=0) > _WORD_MAX else []
    names += [_CLASSES[cell[1]]] if not isinstance(cell, str) and cell[1] in _CLASSES else []
    return f' class="{" ".join(names)}"' if names else ""


def _right(side: str) -> str:
    return ' class="r"' if side == "r" else ""


def _safe(text: str) -> str:
    """Control characters shown as what they are, and nothing that a browser would take for markup."""
    return escape_html(escape(text), quote=True)
