"""`impact` and `scenarios`: what disasters would do to what is there now. Nothing is written."""

from __future__ import annotations

from reconciler.app.errors import NotFound
from reconciler.app.house import House
from reconciler.app.names import require_systems
from reconciler.app.scene import NOTHING, Scene, load, look
from reconciler.decide.impact import report
from reconciler.model.impact import Impact, ScenarioOutlook


def impact(house: House, scenario: str | None, system: str | None, *, cached: bool, remedies: bool) -> Impact:
    """See :meth:`Session.impact`."""
    scene = _scene(house, cached=cached)
    known = [each.name for each in scene.desired.scenarios]
    if scenario is not None and scenario not in known:
        raise NotFound(f"no scenario '{scenario}' is known", hint=f"`reconcile scenarios` lists them: {', '.join(known)}.")
    require_systems(scene.desired, (system,) if system is not None else ())
    return report.impact(
        scene.desired,
        scene.observed,
        scene.now,
        scenarios=(scenario,) if scenario is not None else None,
        systems=(system,) if system is not None else None,
        mend=remedies,
    )


def scenarios(house: House) -> tuple[ScenarioOutlook, ...]:
    """See :meth:`Session.scenarios`. What a scenario takes is declared, so no repository is asked."""
    scene = _scene(house, cached=True)
    return report.outlooks(scene.desired, scene.observed, scene.now)


def _scene(house: House, *, cached: bool) -> Scene:
    with house.memory.reading() as catalog:
        return look(house, catalog, load(house, catalog), refresh=NOTHING if cached else None)
