"""Schedules from arrays of values, and from functions that only Python can run."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula
from jaxsched._core.periods import Cycle
from jaxsched._core.progress import progress
from jaxsched._core.schedule import Schedule

ArrayLike = jax.typing.ArrayLike
_number_list = checks.sequence_of(checks.finite, "finite numbers", at_least=1)


def _table(value: Any, where: str) -> Any:
    """A sequence becomes a tuple of numbers; an array stays one, on the host and immutable."""
    if checks.is_unknown(value) or not isinstance(value, (np.ndarray, jax.Array)):
        return value if checks.is_unknown(value) else _number_list(value, where)
    if value.ndim == 0 or value.shape[-1] == 0:
        raise checks.refuse(where, "a sequence of at least 1 finite numbers", value)
    host = np.array(checks.finite(value, where), np.float64)
    host.setflags(write=False)
    return host


@formula(values=_table, every=checks.positive_steps, interpolate=checks.flag)
def tabulated_schedule(
    step: Any, values: Sequence[float] | ArrayLike, every: int = 1, interpolate: bool = False
) -> Any:
    r"""Any list or array of values, one for each step or for every so many steps.

    .. math:: v_i, \qquad i = \min(\lfloor t / k \rfloor, n - 1)

    With ``interpolate`` a straight line leads from each value, at step :math:`ik`, to the next.

    Args:
      values: :math:`v`, the values. A list makes one leaf of the pytree for each, an array a single
        one: prefer an array for more than a few.
      every: :math:`k`, the number of steps from one value to the next.
      interpolate: whether the values are joined by lines instead of held.

    Returns:
      A :class:`Schedule`. After the last value that is held.

    Raises:
      TypeError: the values are not numbers, or ``interpolate`` is not a bool.
      ValueError: no values, one that is not finite, or a length that is not a positive integer.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.tabulated_schedule([1.0, 0.5, 0.25], every=10)
      >>> [schedule(step) for step in (0, 9, 10, 25, 100)]
      [1.0, 1.0, 0.5, 0.25, 0.25]
      >>> schedule.replace(interpolate=True)(5)
      0.75
    """
    cycle = Cycle(step, every)
    index = cycle.number
    if nx.is_host(step):
        table = values if isinstance(values, tuple) else array("d", np.asarray(values).tobytes())
        if not interpolate:
            last = len(table) - 1
            template = "{0}[int({1}) if {1} < {2} else {2}]"
            return step.code.line(template, table, index, last)
        return step.code.line("{}({}, {}, {}, {})", _on_line, table, index, cycle.rest, every)
    table = nx.stacked(values)
    last = table.shape[-1] - 1
    index = lax.convert_element_type(jnp.minimum(index, last), jnp.uint32)
    here = nx.picked(table, index)
    if not interpolate:
        return here
    there, way = nx.picked(table, jnp.minimum(index + 1, last)), progress(cycle.rest, every)
    rises = jnp.abs(here) <= jnp.abs(there)
    small, large = jnp.where(rises, here, there), jnp.where(rises, there, here)
    return small + (large - small) * jnp.where(rises, way.elapsed, way.remaining)


tabulated_schedule.form.tables = ("values",)  # pyright: ignore[reportFunctionMemberAccess]


def _on_line(table: Sequence[float], index: float, rest: float, length: float) -> float:
    last = len(table) - 1
    if index >= last:
        return table[last]
    here, there = table[int(index)], table[int(index) + 1]
    if abs(here) <= abs(there):
        return here + (there - here) * (rest / length)
    return there + (here - there) * ((length - rest) / length)


def tabulate_by_epoch(
    function: Callable[..., float],
    steps_per_epoch: int,
    epochs: int,
    init_value: float | None = None,
) -> Schedule:
    r"""Any Python function of the epoch as a schedule: called now, once for each epoch.

    .. math:: v_i = f(i) \quad\text{or}\quad v_i = f(i, v_{i-1}), \qquad v_{-1} = I

    The function may use ``math``, ``if`` and anything else; the schedule holds its values. A function
    that JAX can trace need not be tabulated: :func:`by_epoch`.

    Args:
      function: :math:`f`, from the epoch (from 0) to the value; with ``init_value`` from the epoch and
        the value of the epoch before.
      steps_per_epoch: the number of steps in an epoch.
      epochs: the number of epochs; the last one's value is held after it.
      init_value: :math:`I`, the value before the first epoch, or None for a function of the epoch
        alone.

    Returns:
      A :func:`tabulated_schedule`.

    Raises:
      TypeError: the function is not callable or returns no number, or a length is not a number.
      ValueError: a length is not a positive integer, or a value is not finite.

    Source: ``keras.callbacks.LearningRateScheduler``.

    Example:
      >>> import math
      >>> import jaxsched
      >>> schedule = jaxsched.tabulate_by_epoch(
      ...     lambda epoch: 0.1 if epoch < 2 else 0.1 * math.pow(0.5, epoch - 1), 100, epochs=4)
      >>> [schedule(step) for step in (0, 199, 200, 300, 10_000)]
      [0.1, 0.1, 0.05, 0.025, 0.025]
      >>> shrink = jaxsched.tabulate_by_epoch(
      ...     lambda epoch, rate: rate * 0.5, 100, epochs=3, init_value=1.0)
      >>> [shrink(step) for step in (0, 100, 200)]
      [0.5, 0.25, 0.125]
    """
    where = "tabulate_by_epoch"
    if not callable(function):
        raise checks.refuse(f"{where}: function", "a function of the epoch", function, TypeError)
    steps_per_epoch = checks.positive_steps(steps_per_epoch, f"{where}: steps_per_epoch")
    epochs = checks.positive_steps(epochs, f"{where}: epochs")
    value = checks.optional(checks.finite)(init_value, f"{where}: init_value")
    values = np.empty(epochs)
    for epoch in range(epochs):
        result = function(epoch) if init_value is None else function(epoch, value)
        value = checks.finite(result, f"{where}: function({epoch})")
        values[epoch] = value
    return tabulated_schedule(values, every=steps_per_epoch)
