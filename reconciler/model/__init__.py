"""The nouns of the house and their pure arithmetic.

Declared nouns (``declared/``) are frozen pydantic models: the classes that validate the YAML and generate ``schemas/``.
Everything else is a frozen dataclass with slots: desired (declared, merged and resolved), observed, plan, status.
"""
