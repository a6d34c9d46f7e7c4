"""The changing door to the world: one file per kind of action, and :mod:`reconciler.act.run`, the one place that records them.

An action carries the facts that it was decided on. Its runner reads them again and refuses when they differ; it never decides.
Intent is recorded before the first side effect, the outcome after the last: an intent without an outcome is the trace of a crash.
"""
