"""The composition root: picks the real repository, catalog and clock, and puts the other rooms together into verbs.

:class:`~reconciler.app.session.Session` is the synchronous core that the command line calls; :mod:`reconciler.app.api` is the public
asynchronous face of the same verbs. Nothing is decided here: ``decide/`` says what and why, ``act/`` does it.
"""
