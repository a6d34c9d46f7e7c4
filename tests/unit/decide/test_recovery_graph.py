"""The graph of a recovery plan, the chain of steps that decides, and plans made from what is declared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.decide.recovery import critical_path, ready
from reconciler.model.declared.recovery import Step
from reconciler.model.recovery import Timed
from reconciler.model.steps import Node, applying, before, circle, in_order


def step(name: str, *after: str, **more: Any) -> Step:
    return Step.model_validate({"name": name, "manual": {"instruction": "Do it."}, "dependsOn": list(after), **more}, by_alias=True)


def nodes(*steps: Step, scenario: str = "human_error") -> dict[str, tuple[str, ...]]:
    return {node.name: node.after for node in applying(steps, scenario)}


def timed(**seconds: float) -> dict[str, Timed]:
    return {name: Timed(value, "measured", "") for name, value in seconds.items()}


def test_a_step_that_does_not_apply_is_passed_through() -> None:
    steps = (step("a"), step("b", "a", appliesTo=["cyber_attack"]), step("c", "b"), step("d", "b", "a"))
    assert nodes(*steps) == {"a": (), "c": ("a",), "d": ("a",)}
    assert nodes(*steps, scenario="cyber_attack") == {"a": (), "b": ("a",), "c": ("b",), "d": ("b", "a")}


def test_several_that_do_not_apply_are_passed_through_at_once() -> None:
    off = {"appliesTo": ["cyber_attack"]}
    assert nodes(step("a"), step("b", "a", **off), step("c", "b", **off), step("d", "c")) == {"a": (), "d": ("a",)}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((step("a", "a"),), ("a",)),
        ((step("a", "b"), step("b", "a"), step("c", "b")), ("a", "b")),
        ((step("c", "b"), step("a", "d"), step("b", "a"), step("d", "b")), ("a", "d", "b")),
        ((step("a"), step("b", "a")), ()),
    ],
)
def test_a_circle_is_named_from_its_first_step(steps: tuple[Step, ...], expected: tuple[str, ...]) -> None:
    assert circle(steps) == expected


def test_what_may_begin_is_what_waits_for_nothing_any_more() -> None:
    graph = applying((step("a"), step("b", "a"), step("c", "a", "b"), step("d")), "human_error")
    assert ready(graph, (), ()) == ("a", "d")
    assert ready(graph, ("a",), ("a", "d")) == ("b",)
    assert ready(graph, ("a", "b"), ("a", "b", "d")) == ("c",)


def test_the_critical_path_is_the_longest_chain() -> None:
    graph = applying((step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")), "human_error")
    found = critical_path(graph, timed(a=10, b=1, c=5, d=2))
    assert (found.seconds, found.path) == (17, ("a", "c", "d"))
    assert found.finishes == {"a": 10, "b": 11, "c": 15, "d": 17}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[tuple[Step, ...], dict[str, float]]:
    """Without circles: each waits for some of those before it; some do not apply."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 9)))]
    steps = tuple(
        step(
            name,
            *draw(st.lists(st.sampled_from(names[:place]), unique=True) if place else st.just([])),
            **({"appliesTo": ["cyber_attack"]} if draw(st.booleans()) else {}),
        )
        for place, name in enumerate(names)
    )
    return tuple(draw(st.permutations(steps))), {name: float(draw(st.integers(0, 100))) for name in names}


@given(graphs(), st.sampled_from(["human_error", "cyber_attack"]))
def test_a_graph_is_walked_to_its_end_and_the_longest_chain_is_no_shorter_than_any_other(
    made: tuple[tuple[Step, ...], dict[str, float]], scenario: str
) -> None:
    steps, seconds = made
    assert len(in_order(steps)) == len(steps)
    graph = applying(steps, scenario)
    done: set[str] = set()
    while len(done) < len(graph):
        may = set(ready(graph, done, done))
        assert may, "something can always begin"
        done |= may
    found = critical_path(graph, timed(**{node.name: seconds[node.name] for node in graph}))
    after = {node.name: node.after for node in graph}
    assert found.seconds == sum(seconds[name] for name in found.path)
    assert all(first in after[then] for first, then in zip(found.path, found.path[1:], strict=False))
    assert found.seconds == max((_longest(name, after, seconds) for name in after), default=0)
    for node in graph:
        reached = before(steps, node.name) & set(after)
        assert _all_before(node.name, after) == reached, "passing through a step loses no order"


def _longest(name: str, after: dict[str, tuple[str, ...]], seconds: dict[str, float]) -> float:
    return seconds[name] + max((_longest(each, after, seconds) for each in after[name]), default=0)


def _all_before(name: str, after: dict[str, tuple[str, ...]]) -> set[str]:
    return {each for direct in after[name] for each in (direct, *_all_before(direct, after))}


def test_a_long_chain_is_no_recursion() -> None:
    off = {"appliesTo": ["cyber_attack"]}
    chain = [step("s0"), *(step(f"s{n}", f"s{n - 1}", **(off if n < 499 else {})) for n in range(1, 500))]
    assert applying(tuple(reversed(chain)), "human_error") == (Node(chain[499], ("s0",)), Node(chain[0], ()))
