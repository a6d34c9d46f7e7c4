"""The nouns of the house and their pure arithmetic.

Declared nouns (``declared/``) are frozen pydantic models: the classes that validate the YAML and generate ``schemas/``.
Everything else is a frozen struct (docs/adr/0041): desired (declared, merged and resolved), observed, plan, status.
"""
