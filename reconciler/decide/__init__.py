"""The head of the house: what is to be done and why. Pure: values and ``now`` in, values with reasons out.

No clock, no file, no environment, no log, no random number. :func:`plan` decides, :func:`conditions` and :func:`status` say how
things stand, :func:`choose` picks what a restore takes, :func:`blast_radius` tells what an edit changes, :func:`settled_retention`
says which retention counts as accepted.
"""

from reconciler.decide.backups import Request
from reconciler.decide.blast import blast_radius
from reconciler.decide.choose import Choice, choose
from reconciler.decide.conditions import conditions
from reconciler.decide.guard import settled_retention
from reconciler.decide.plan import plan, plan_copy
from reconciler.decide.retention import Verdict
from reconciler.decide.status import status

__all__ = ["Choice", "Request", "Verdict", "blast_radius", "choose", "conditions", "plan", "plan_copy", "settled_retention", "status"]
