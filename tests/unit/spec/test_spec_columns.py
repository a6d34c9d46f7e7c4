"""Values of the model come back from columns as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.declared.health import HealthSettings
from reconciler.model.declared.policy import Retention, Schedule, Trigger
from reconciler.model.declared.system import Source, Tolerate
from reconciler.model.disaster import DisasterType
from reconciler.model.problem import Place, Severity
from reconciler.spec.columns import FOREIGN, pack, unpack
from tests.unit.spec.exact import exact

_TEXTS = st.sampled_from(["", "a", "é", "a b"])
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | _TEXTS
    | st.timedeltas(timedelta(-90), timedelta(90))
    | st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0))  # it says nothing in UTC
    | st.sampled_from(DisasterType)
    | st.sampled_from(Severity)
    | st.frozensets(_TEXTS)
)


def _blocks(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    given = st.dictionaries(st.sampled_from(["path", "sqlite", "exclude", "tolerate"]), inner)
    return given.map(lambda values: Source.model_construct(_fields_set=set(values), **values))


_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(_TEXTS, inner, max_size=3)
        | _blocks(inner)
        | st.builds(Place, _TEXTS, st.integers(0, 9))
    ),
)


def _again(values: list[Any]) -> list[Any]:
    return unpack(msgspec.msgpack.decode(msgspec.msgpack.encode(pack(values))))


@given(st.lists(_VALUES, max_size=6), st.integers(1, 3))
def test_values_come_back_as_they_were(values: list[Any], times: int) -> None:
    assert exact(_again(values * times)) == exact(values * times)


def test_what_is_shared_is_shared_again_and_what_is_equal_is_not() -> None:
    one, twin = Retention.model_construct(daily=7), Retention.model_construct(daily=7)
    first, second, other = _again([one, one, twin])
    assert first is second
    assert other == first
    assert other is not first


def test_a_block_that_was_made_again_is_like_any_other() -> None:
    schedule = Schedule.model_construct(full=Trigger.model_construct(every=timedelta(days=7)))
    (again,) = _again([schedule])
    assert (again == schedule, hash(again)) == (True, hash(schedule))
    assert again.merged(Schedule.model_construct(full=None)) == schedule.merged(Schedule.model_construct(full=None))
    assert again.model_copy(update={"jitter": None}) == schedule
    with pytest.raises(ValueError, match="frozen"):
        again.full = None
    assert exact(_again([HealthSettings()])) == exact([HealthSettings()])


class _Word(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [b"bytes", [1], {1}, Path("/srv"), _Word("word"), datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))],  # noqa: DTZ001
)
def test_what_is_not_of_the_model_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no value of the model"):
        pack([Tolerate.model_construct(changing=(value,))])


@pytest.mark.parametrize(
    "column",
    [
        [],
        ["unknown", []],
        ["plain"],
        ["struct", "os:stat", []],
        ["struct", "reconciler.model.cron:longest_gap", []],
        ["struct", "reconciler.model.nothing:Place", []],
        ["struct", "reconciler.model.problem:Nothing", []],
        ["struct", "reconciler.model.problem:Place", [["plain", ["a"]]]],
        ["enum", "reconciler.model.problem:Severity", ["plain", ["worse"]]],
        ["mixed", b"\x05", [["plain", [1]]]],
        ["dict", [1], ["plain", ["a"]], ["plain", []]],
    ],
)
def test_what_nobody_packed_is_refused(column: list[Any]) -> None:
    with pytest.raises(FOREIGN):
        unpack(column)
