"""What the histories of deletions did in this run; ``conftest.py`` prints it."""

from __future__ import annotations

from collections import Counter

counted: Counter[str] = Counter()
