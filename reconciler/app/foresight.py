"""What disasters would do, kept while the loop runs: worked out anew when something changed, in a big tree no oftener than it is listed.

There the first pass goes without: what protects does not wait for what foretells.
"""

from __future__ import annotations

from reconciler.app.scene import Scene
from reconciler.base.log import get
from reconciler.decide.impact.report import impact
from reconciler.model.disaster import Tally
from reconciler.model.impact import Impact

SMALL = 1000
"""Answers (systems times scenarios) up to which it costs a pass next to nothing: some hundredths of a second."""
_log = get("app")


class Foresight:
    """Of one loop."""

    def __init__(self) -> None:
        self._begun = False
        self._known: Impact | None = None
        self._digest = ""
        self._tallied: tuple[Impact, tuple[Tally, ...]] | None = None

    def tallies(self) -> tuple[Tally, ...]:
        """Of what :meth:`of` said last, counted once."""
        if self._known is None:
            return ()
        if self._tallied is None or self._tallied[0] is not self._known:
            self._tallied = (self._known, self._known.tallies())
        return self._tallied[1]

    def of(self, scene: Scene, *, listed: bool) -> Impact | None:
        """As of now or of a little earlier. ``listed``: some repository was looked at in this pass.

        None: it could not be worked out, or is not yet.
        """
        if self._is_due(scene, listed=listed):
            try:
                self._known = impact(scene.desired, scene.observed, scene.now, mend=False)
            except Exception:  # noqa: BLE001 - a defect in what foretells must not end what protects
                _log.exception("the impact of disasters could not be worked out")
                self._known = None
            self._digest = scene.desired.digest
        return self._known

    def _is_due(self, scene: Scene, *, listed: bool) -> bool:
        small, begun = len(scene.desired.systems) * len(scene.desired.scenarios) <= SMALL, self._begun
        self._begun = True
        if not small and not begun:
            return False
        if self._known is None or self._digest != scene.desired.digest:
            return True
        return (listed and small) or abs(scene.now - self._known.at) >= scene.desired.settings.observe_every
