"""What a disaster would do to what is there now: pure, from what was observed and nothing else.

An *incident* is one thing that happens in a scenario: this site fails, this host is attacked. Each incident is looked at in two worlds. In
the *certain* one nothing counts that is not known: a repository that was not listed, a place that nobody named, a recovery that was never
timed. In the *hopeful* one all of that is well. Where both agree there is a verdict, where they do not it is `unknown`.

In each world, taking more away never makes anything better: a system is recovered from the fastest repository that keeps its RPO, or,
when none does, from the newest; and what depends on a system of which too old a state comes back is broken itself. Without that last
rule an old copy that is back quickly would help everybody who waits for it.
"""
