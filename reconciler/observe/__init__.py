"""The read-only door to the world: what repositories, catalog, sources and clock say at one instant.

Nothing here decides and nothing here changes anything. Bad news is a value: a repository that cannot be seen is an observation, too.
"""
