"""Restoring onto what is there already: compared and planned first, in place with a safety snapshot and a journal, and undone."""
