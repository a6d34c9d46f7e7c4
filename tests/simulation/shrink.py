"""The fewest faults with which a course still fails: what a person has to read."""

from __future__ import annotations

from reconciler.base.units import format_duration
from tests.simulation.driver import Ran, run
from tests.simulation.schedules import START, Course, Fault

TRIES_MAX = 60


def shrunk(course: Course) -> tuple[tuple[Fault, ...], Ran]:
    """Leave out halves, then quarters, then single faults, as long as something is still violated."""
    faults, ran = course.faults, run(course)
    size, tries = max(len(faults) // 2, 1), 0
    while ran.violations and size and tries < TRIES_MAX:
        smaller = None
        for begin in range(0, len(faults), size):
            rest = (*faults[:begin], *faults[begin + size :])
            tries += 1
            found = run(course, rest)
            if found.violations:
                smaller = (rest, found)
                break
        if smaller is not None:
            faults, ran = smaller
        else:
            size //= 2
    return faults, ran


def story(course: Course, ran: Ran, lines: int = 30) -> str:
    """What happened up to the first violation, for people."""
    systems = [
        f"  {s.name}: RPO {format_duration(s.objectives.rpo)} into {', '.join(s.repositories)}"
        for s in course.desired.systems
        if s.objectives.rpo is not None
    ]
    first = ran.violations[0][0] if ran.violations else None
    told = [(at, text) for at, text in ran.log if first is None or at <= first]
    events = [f"  day {(at - START).days:>2} {at:%H:%M:%S}  {text}" for at, text in told if text.startswith("fault")]
    events += [f"  day {(at - START).days:>2} {at:%H:%M:%S}  {text}" for at, text in told[-lines:] if not text.startswith("fault")]
    return "\n".join([f"seed {course.seed}", *systems, *sorted(events, key=lambda line: (int(line[6:8]), line[9:17]))])
