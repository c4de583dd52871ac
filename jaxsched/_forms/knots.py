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
from jaxsched._core.per_piece import is_concrete, lift
from jaxsched._core.progress import real_progress
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
    return shape.between(init_value, end_value, real_progress(step, begin, end))


def through_points(points: Sequence[Any], values: Sequence[Any], shape: Shape) -> Schedule:
    """Transitions between values, the first at step 0, each other at its point of time."""
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
        return lax.convert_element_type(jnp.maximum(jnp.ceil(nx.real(point)), 0), nx.int_dtype())
    return lift(lambda p: np.maximum(np.ceil(p), 0).astype(np.int64), point * 1.0)
