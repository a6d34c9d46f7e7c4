"""What every board has: its identity, the choices at the top, links to the other boards, marks in time, and where its panels stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from boards.values import Json

SCHEMA_VERSION = 39
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24


class Section(NamedTuple):
    """A heading and its panels, which stand from left to right and then on the next line."""

    title: str
    panels: Sequence[Json]


def board(uid: str, title: str, description: str, variables: Sequence[Json], sections: Sequence[Section]) -> Json:
    """A whole dashboard. ``uid`` never changes: links and provisioning go by it."""
    return {
        "uid": uid,
        "title": f"Reconciler / {title}",
        "description": description,
        "tags": ["reconciler"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [_spec_changes()]},
        "links": [_other_boards()],
        "templating": {"list": [_data_source(), _agent(), *variables]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(_placed(sections), start=1)],
    }


def variable(name: str, label: str, series: str, of: str, *, narrowed: bool = False) -> Json:
    """Several values of the label ``of``, all of them to begin with.

    ``narrowed``: by another variable, so that All has to mean "all that it offers" and not "all that there are".
    """
    everything = {} if narrowed else {"allValue": ".*"}
    chosen = {"multi": True, "includeAll": True, "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    return {**_choice(name, label, series, of), **chosen, **everything}


def one_of(name: str, label: str, series: str, of: str) -> Json:
    """One value of the label ``of``, the first to begin with."""
    return {**_choice(name, label, series, of), "multi": False, "includeAll": False}


def _choice(name: str, label: str, series: str, of: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": f"label_values({series}, {of})", "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "hide": 0,
    }


def _data_source() -> Json:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "hide": 0}


def _agent() -> Json:
    return variable("instance", "Agent", "reconciler_build_info", "instance")


def _other_boards() -> Json:
    return {
        "type": "dashboards",
        "title": "Reconciler",
        "tags": ["reconciler"],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }


def _spec_changes() -> Json:
    """A mark where an agent took up another commit of its specs, or an edit that is not committed."""
    revision = 'reconciler_spec_info{revision!="", instance=~"$instance"}'
    return {
        "name": "Specs changed",
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "blue",
        "expr": f"{revision} unless on (instance, revision, dirty) ({revision} offset $__interval)",
        "titleFormat": "Specs at {{revision}}, dirty={{dirty}}",
        "textFormat": "taken up by {{instance}}",
        "step": "60s",
    }


def _placed(sections: Sequence[Section]) -> Iterator[Json]:
    y = 0
    for section in sections:
        yield {"type": "row", "title": section.title, "collapsed": False, "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}, "panels": []}
        x, y, tallest = 0, y + 1, 0
        for panel in section.panels:
            width, height = panel["gridPos"]["w"], panel["gridPos"]["h"]
            if x + width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            yield {**panel, "gridPos": {"x": x, "y": y, "w": width, "h": height}}
            x, tallest = x + width, max(tallest, height)
        y += tallest
