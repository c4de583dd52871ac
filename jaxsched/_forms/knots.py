"""Transitions between points of time that need not be whole steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.compose import join_schedules
from jaxsched._core.decorators import formula
from jaxsched._core.per_piece import Few, PerPiece, is_concrete, lift
from jaxsched._core.periods import has_begun
from jaxsched._core.points import first_step, real_progress
from jaxsched._core.progress import Chosen
from jaxsched._core.schedule import Schedule
from jaxsched._core.shape import Shape, shape_like


@formula(
    init_value=checks.finite,
    end_value=checks.finite,
    begin=checks.finite,
    end=checks.finite,
    shape=shape_like,
)
def stretch(step: Any, init_value: Any, end_value: Any, begin: Any, end: Any, shape: Any) -> Any:
    """A transition between two points of time."""
    if nx.is_host(step) and 0 < begin < end:
        way = lambda: real_progress(step, begin, end, before=False)
        between = lambda: shape.between(init_value, end_value, way())
        return step.code.choose(step <= begin, lambda: float(init_value), between)
    return shape.between(init_value, end_value, real_progress(step, begin, end))


@formula(
    first_value=checks.finite,
    turn_value=checks.finite,
    end_value=checks.finite,
    turn=checks.finite,
    end=checks.finite,
    shape=shape_like,
)
def up_and_down(
    step: Any, first_value: Any, turn_value: Any, end_value: Any, turn: Any, end: Any, shape: Any
) -> Any:
    """Two transitions: along a symmetric shape one way, whose length and ends are chosen."""
    on_host = nx.is_host(step)
    up = real_progress(step, 0.0, turn, after=False)
    # An array's turn may be rounded, to where the way down has not begun yet.
    down = real_progress(step, turn, end, before=not (on_host or nx.is_whole(step)))
    if on_host:
        return step.code.choose(
            step < turn,
            lambda: shape.between(first_value, turn_value, up),
            lambda: shape.between(turn_value, end_value, down),
        )
    few = Few([has_begun(step, _first_step(turn) if nx.is_whole(step) else turn)])
    starts, ends = (first_value, turn_value), (turn_value, end_value)
    pieces = (PerPiece(np.asarray(x), few) for x in (starts, ends))
    return shape.between(*pieces, Chosen([up, down], few))


def through_points(points: Sequence[Any], values: Sequence[Any], shape: Shape) -> Schedule:
    """Transitions between values, the first at step 0, each other at its point of time."""
    if len(points) == 2 and all(map(nx.is_plain, (*points, *values))):
        (first, turned, last), (turn, end) = values, points
        return up_and_down(first, turned, last, turn, end, shape)
    return one_by_one(points, values, shape)


@formula(
    points=checks.sequence_of(checks.finite, "finite numbers"),
    values=checks.sequence_of(checks.finite, "finite numbers"),
    shape=shape_like,
)
def one_by_one(step: Any, points: Sequence[Any], values: Sequence[Any], shape: Any) -> Any:
    """One transition after the other, each of its own length."""
    if not nx.is_host(step) and nx.is_whole(step):  # the same at each, on the clock of one of them
        return _of_whole_steps(points, values, shape)._at(step)
    ways = list(zip((0.0, *points), points, values, values[1:], strict=False))
    on_host = nx.is_host(step)

    def since(number: int) -> Any:
        begin, end, first, last = ways[number]
        is_last = number == len(ways) - 1
        # What is not used on the host is not computed, and has no slope on the device.
        way = lambda: real_progress(step, begin, end, not on_host, is_last)
        value = lambda: shape.between(first, last, way())
        if is_last:
            return value()
        if on_host:
            return step.code.choose(step < end, value, lambda: since(number + 1))
        return jnp.where(has_begun(step, end), since(number + 1), value())

    return since(0)


def _of_whole_steps(points: Sequence[Any], values: Sequence[Any], shape: Shape) -> Schedule:
    pieces, boundaries, begin, boundary = [], [], 0.0, 0
    for point, start, end in zip(points, values, values[1:], strict=False):
        first, last = (nx.exact(x) - nx.exact(boundary) for x in (begin, point))
        pieces.append(stretch(start, end, first, last, shape))
        begin, boundary = point, _first_step(point)
        boundaries.append(boundary)
    return join_schedules(pieces, boundaries[:-1])


def _first_step(point: Any) -> Any:
    """The first step that is not before a point."""
    if not is_concrete(point):
        return lax.convert_element_type(jnp.maximum(jnp.ceil(point), 0), nx.int_dtype())
    return lift(lambda p: np.maximum(first_step(p), 0), point)
