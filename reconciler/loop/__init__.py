"""When things happen: ticks, queue and workers, the lease, the watch over the spec tree, and how it all ends.

What happens in a tick, and what an action does, is given from above as a :class:`~reconciler.loop.loop.Pass`. The loop is level, not
edge: doubled, lost or late ticks are harmless, because each looks at the whole state again.
"""
