"""The loop on a virtual clock: months of the declared policy in seconds, over repositories that exist in memory only.

What decides is the real thing: the plan with its guards, the back-off, the queue with its lanes and ages, the watch over the clock, the
arithmetic of histories. What is simulated is the world: sources that change, repositories, how long an action takes, and time.
:class:`Simulation` runs it, :class:`World` says how the world behaves, :class:`Witness` is told what happened, :func:`forecast`
asks it what a policy will come to.

Between two moments at which something is due or ends, nothing happens, so the clock jumps from one to the next. Upkeep (retention,
verification, clean-up, drills) is looked at every ``look_every`` and after verifications, not at every tick of the loop. What a backup
brings is copied at once: after backups and copies the newest snapshots are looked at for that.
"""

from reconciler.simulate.loop import Simulation
from reconciler.simulate.store import Store
from reconciler.simulate.world import Pace, Reading, Witness, World

__all__ = ["Pace", "Reading", "Simulation", "Store", "Witness", "World"]
