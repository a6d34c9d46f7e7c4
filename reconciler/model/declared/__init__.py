"""The declared nouns: the classes that validate the YAML and generate ``schemas/``.

A System ends up with: built-in tier or policy, then the Tier or BackupPolicy it names, then its own blocks, merged key by key.
"""
