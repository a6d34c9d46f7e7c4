"""Memory of what happened: runs, conditions, events, claims, last good documents; and a cache of what repositories hold.

SQLite in one file of the state directory, reached through :class:`~reconciler.catalog.catalog.Catalog` alone. *Cache* tables can be
rebuilt from the repositories; *record* tables are also told in ``audit.jsonl``. The catalog never authorises a deletion: that
is decided from a listing of the same pass.
"""
