"""Schedules from values at given steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.compose import join_schedules
from jaxsched._core.decorators import own_recipe
from jaxsched._core.schedule import Schedule
from jaxsched._forms.transition import constant_schedule, cosine_interpolation, linear_schedule

ArrayLike = jax.typing.ArrayLike


def cumulative(init_value: Any, scales: Any) -> list[Any]:
    values = [nx.exact(init_value)]
    for scale in scales:
        values.append(values[-1] * nx.exact(scale))
    return values


@own_recipe(
    init_value=checks.finite, boundaries_and_scales=checks.mapping_by_step(checks.nonnegative)
)
def piecewise_constant_schedule(
    init_value: ArrayLike, boundaries_and_scales: Mapping[int, float] | None = None
) -> Schedule:
    r"""A value that is multiplied by a scale at each of some steps.

    .. math:: I \prod_{b_i \le t} f_i

    The scales accumulate: ``{100: 0.1, 200: 0.1}`` ends at a hundredth.

    Args:
      init_value: :math:`I`, the value before the first boundary.
      boundaries_and_scales: a mapping from step :math:`b_i` to scale :math:`f_i` of at least 0. The
        new value holds from the boundary on.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: not a mapping, or an entry that is not a number.
      ValueError: a negative or fractional step, a negative scale, a number that is not finite.

    Source: ``optax.piecewise_constant_schedule``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.piecewise_constant_schedule(1.0, {100: 0.5, 200: 0.5})
      >>> [schedule(step) for step in (0, 99, 100, 200)]
      [1.0, 1.0, 0.5, 0.25]
    """
    values = cumulative(init_value, boundaries_and_scales.values())  # pyright: ignore[reportOptionalMemberAccess]
    return join_schedules(
        [constant_schedule(v) for v in values],
        boundaries_and_scales.keys(),  # pyright: ignore[reportOptionalMemberAccess, reportArgumentType]
    )


@own_recipe(
    interpolate_type=checks.one_of("linear", "cosine"),
    init_value=checks.finite,
    boundaries_and_scales=checks.mapping_by_step(checks.nonnegative),
)
def piecewise_interpolate_schedule(
    interpolate_type: str,
    init_value: ArrayLike,
    boundaries_and_scales: Mapping[int, float] | None = None,
) -> Schedule:
    r"""Transitions from each of some values to the next.

    The values are those of :func:`piecewise_constant_schedule`, each reached at its boundary:
    :math:`v_i = I f_1 \cdots f_i` at step :math:`b_i`, with :math:`v_0 = I` at step 0.

    Args:
      interpolate_type: ``"linear"`` for straight lines, ``"cosine"`` for half cosine waves.
      init_value: :math:`I`, the value at step 0.
      boundaries_and_scales: a mapping from step :math:`b_i` to scale :math:`f_i` of at least 0.

    Returns:
      A :class:`Schedule`. After the last boundary it keeps the last value.

    Raises:
      TypeError: not a mapping, or an entry that is not a number.
      ValueError: an unknown type, a negative or fractional step, a negative scale, a number that is
        not finite.

    Source: ``optax.piecewise_interpolate_schedule``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.piecewise_interpolate_schedule("linear", 1.0, {4: 0.5, 8: 0.5})
      >>> [schedule(step) for step in (0, 2, 4, 6, 8, 100)]
      [1.0, 0.75, 0.5, 0.375, 0.25, 0.25]
    """
    knots = boundaries_and_scales or {}
    return through(interpolate_type, list(knots), cumulative(init_value, knots.values()))


def through(interpolate_type: str, boundaries: list[Any], values: list[Any]) -> Schedule:
    """Transitions between values, the first at step 0, each other at its boundary."""
    way = linear_schedule if interpolate_type == "linear" else cosine_interpolation
    if not boundaries:
        return constant_schedule(values[0])
    begins = [0, *boundaries[:-1]]
    pieces = [
        way(start, end, last - first)
        for start, end, first, last in zip(values, values[1:], begins, boundaries, strict=False)
    ]
    return join_schedules(pieces, begins[1:])
