"""Whether the program's own memory is what it was: a catalog that was found damaged is made anew, and that stays visible for a week."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.model.status import Condition, ConditionType, Truth

CATALOG, CATALOG_NAME = "Catalog", "catalog"
_TOLD_FOR = timedelta(days=7)
_CONSEQUENCE = "the history of runs and the last good specs begin anew, no snapshot is touched; does the disk report errors?"


def catalog_condition(recovered: tuple[datetime, str] | None, now: datetime) -> Condition:
    """``recovered``: when the catalog was last found damaged, and what was done."""
    if recovered is not None and now - recovered[0] < _TOLD_FOR:
        return Condition(CATALOG, CATALOG_NAME, ConditionType.CATALOG_INTACT, Truth.FALSE, "Recovered", f"{recovered[1]}; {_CONSEQUENCE}")
    return Condition(CATALOG, CATALOG_NAME, ConditionType.CATALOG_INTACT, Truth.TRUE, "Intact", "the catalog is whole")
