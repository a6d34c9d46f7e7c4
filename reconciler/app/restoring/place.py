"""Where may be restored to: one clear sentence for each place that is none, before anything is read or written."""

from __future__ import annotations

import os

from reconciler.app.errors import TargetInside, TargetUnfit
from reconciler.app.house import House
from reconciler.app.scene import Scene


def check_target(house: House, scene: Scene, target: str) -> None:
    """Inside a repository or the state directory a restore would look like damage, inside a source like its content."""
    real = os.path.realpath(os.path.expanduser(target))
    places = [("the state directory", str(house.memory.state)), *((f"repository {r.name}", r.url) for r in scene.desired.repositories)]
    for what, place in places:
        if "://" not in place and _is_inside(real, place):
            raise TargetInside(f"the target {target} is inside {what}")
    for system in scene.desired.systems:
        for source in system.sources:
            if source.path is not None and source.path != "/" and _is_inside(real, source.path):
                hint = "--in-place brings files back to where they came from, and can be undone."
                raise TargetUnfit(f"the target {target} is inside {source.path}, a source of system {system.name}", hint=hint)
    check_folder(target)


def check_folder(target: str) -> None:
    """Whether it is a folder, or can become one, and this user may write there."""
    real = os.path.realpath(os.path.expanduser(target))
    above = real
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.path.isdir(above):
        what = "is a file, not a folder" if above == real else f"cannot be created: {above} is not a folder"
        raise TargetUnfit(f"the target {target} {what}")
    if not os.access(above, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise TargetUnfit(f"the target {target} cannot be written by this user", hint="Who owns it, and which user runs this?")


def _is_inside(real: str, place: str) -> bool:
    return (real.rstrip(os.sep) + os.sep).startswith(os.path.realpath(place).rstrip(os.sep) + os.sep)
