"""Atoms: schedules that are one formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsched import _numerics as nx
from jaxsched import _shapes as shapes
from jaxsched import checks
from jaxsched._geometric import geometric
from jaxsched._per_piece import settle
from jaxsched._progress import elapsed_since, periods, progress
from jaxsched._schedule import formula

ArrayLike = jax.typing.ArrayLike


@formula(value=checks.finite)
def constant_schedule(step: Any, value: ArrayLike) -> Any:
    """The same value at every step.

    Args:
      value: the value.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: value is not a number.
      ValueError: value is not finite.

    Source: ``optax.constant_schedule``.

    Example:
      >>> import jaxsched
      >>> jaxsched.constant_schedule(0.1)(1000)
      0.1
    """
    return value if nx.is_host(step) else nx.spread(nx.real(value), step)


@formula(
    init_value=checks.finite,
    end_value=checks.finite,
    transition_steps=checks.steps,
    transition_begin=checks.steps,
)
def linear_schedule(
    step: Any,
    init_value: ArrayLike,
    end_value: ArrayLike,
    transition_steps: int,
    transition_begin: int = 0,
) -> Any:
    r"""A straight line from one value to another.

    .. math:: I + (E - I)\, s, \qquad s = \mathrm{clip}\left(\frac{t - B}{T}, 0, 1\right)

    Args:
      init_value: :math:`I`, the value up to step ``transition_begin``.
      end_value: :math:`E`, the value from step ``transition_begin + transition_steps`` on.
      transition_steps: :math:`T`, the number of steps the transition takes. With 0 the value is
        ``end_value`` from ``transition_begin`` on.
      transition_begin: :math:`B`, the number of steps before the transition.

    Returns:
      A :class:`Schedule`. Both ends are exact, and no value lies outside their interval.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, or a length is negative or not whole.

    Source: ``optax.linear_schedule``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.linear_schedule(1.0, 0.0, transition_steps=4)
      >>> [schedule(step) for step in (0, 1, 2, 4, 100)]
      [1.0, 0.75, 0.5, 0.0, 0.0]
    """
    way = progress(step, transition_steps, transition_begin)
    return shapes.between(init_value, end_value, way, shapes.linear.form)


@formula(
    init_value=checks.finite,
    end_value=checks.finite,
    power=checks.nonnegative,
    transition_steps=checks.steps,
    transition_begin=checks.steps,
)
def polynomial_schedule(
    step: Any,
    init_value: ArrayLike,
    end_value: ArrayLike,
    power: ArrayLike,
    transition_steps: int,
    transition_begin: int = 0,
) -> Any:
    r"""A power of the remaining way from one value to another.

    .. math:: E + (I - E)(1 - s)^p, \qquad s = \mathrm{clip}\left(\frac{t - B}{T}, 0, 1\right)

    Args:
      init_value: :math:`I`, the value up to step ``transition_begin``.
      end_value: :math:`E`, the value from step ``transition_begin + transition_steps`` on.
      power: :math:`p`, at least 0; above 1 it is steepest at the start. With 0 the value stays
        ``init_value``.
      transition_steps: :math:`T`, the number of steps the transition takes. With 0 the value is
        ``end_value`` from ``transition_begin`` on.
      transition_begin: :math:`B`, the number of steps before the transition.

    Returns:
      A :class:`Schedule`. Both ends are exact, and no value lies outside their interval.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, the power is negative, or a length is negative or not whole.

    Source: ``optax.polynomial_schedule``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.polynomial_schedule(1.0, 0.0, power=2, transition_steps=4)
      >>> [schedule(step) for step in (0, 1, 2, 4, 100)]
      [1.0, 0.5625, 0.25, 0.0, 0.0]
    """
    way = progress(step, transition_steps, transition_begin)
    return shapes.between(init_value, end_value, way, shapes.power.form, power)


@formula(
    init_value=checks.finite,
    decay_steps=checks.steps,
    alpha=checks.finite,
    exponent=checks.nonnegative,
)
def cosine_decay_schedule(
    step: Any,
    init_value: ArrayLike,
    decay_steps: int,
    alpha: ArrayLike = 0.0,
    exponent: ArrayLike = 1.0,
) -> Any:
    r"""Half a cosine wave from a value down to a fraction of it.

    .. math::
      I \left[\alpha + (1 - \alpha)
      \left(\tfrac12 (1 + \cos \pi s)\right)^p\right], \qquad s = \min(t / T, 1)

    Args:
      init_value: :math:`I`, the value at step 0.
      decay_steps: :math:`T`, the number of steps to the end. With 0 the value is the final one.
      alpha: :math:`\alpha`, the final value as a fraction of ``init_value``.
      exponent: :math:`p`, at least 0; above 1 it falls earlier.

    Returns:
      A :class:`Schedule`. Both ends are exact, and no value lies outside their interval.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, the exponent is negative, or the length is negative or not
        whole.

    Source: ``optax.cosine_decay_schedule``; Loshchilov and Hutter, "SGDR", 2017 (arXiv:1608.03983).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.cosine_decay_schedule(1.0, decay_steps=4, alpha=0.1)
      >>> [round(schedule(step), 4) for step in (0, 1, 2, 3, 4, 100)]
      [1.0, 0.8682, 0.55, 0.2318, 0.1, 0.1]
    """
    way = progress(step, decay_steps)
    end_value = init_value * alpha
    return shapes.between(init_value, end_value, way, shapes.cosine.form, exponent)


@formula(
    init_value=checks.finite,
    end_value=checks.finite,
    transition_steps=checks.steps,
    exponent=checks.nonnegative,
)
def cosine_interpolation(
    step: Any, init_value: Any, end_value: Any, transition_steps: Any, exponent: Any = 1.0
) -> Any:
    """Half a cosine wave from one value to another: cosine_decay_schedule with an absolute end."""
    way = progress(step, transition_steps)
    return shapes.between(init_value, end_value, way, shapes.cosine.form, exponent)


def _reachable(arguments: Mapping[str, Any], where: str) -> None:
    """A growth that takes no steps needs a value to end at."""
    rate, end_value = arguments["decay_rate"], arguments["end_value"]
    period = arguments["transition_steps"]
    if nx.is_plain(rate) and nx.is_plain(period) and rate > 1 and period == 0 and end_value is None:
        raise ValueError(
            f"{where}: end_value must be given for a decay_rate above 1 ({rate!r}) over "
            "transition_steps=0, got None"
        )


EXPONENTIAL_CHECKS: dict[str, checks.Constraint] = {
    "transition_steps": checks.steps,
    "decay_rate": checks.positive,
    "transition_begin": checks.steps,
    "staircase": checks.flag,
    "end_value": checks.optional(checks.finite),
}


@formula(_reachable, init_value=checks.finite, **EXPONENTIAL_CHECKS)
def exponential_decay(
    step: Any,
    init_value: ArrayLike,
    transition_steps: int,
    decay_rate: float,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: ArrayLike | None = None,
) -> Any:
    r"""A fixed factor every so many steps, continuously or in stairs.

    .. math:: I\, r^{\max(t - B, 0) / T}

    With ``staircase`` the exponent is rounded down to a whole number, counted in integers.

    Args:
      init_value: :math:`I`, the value up to step ``transition_begin``.
      transition_steps: :math:`T`, the steps in which the value is multiplied by ``decay_rate``. With
        0 the decay is over at ``transition_begin``: the value is ``end_value``, or 0.
      decay_rate: :math:`r`, above 0. Above 1 the value grows.
      transition_begin: :math:`B`, the number of steps before the decay.
      staircase: whether the value changes only every ``transition_steps`` steps.
      end_value: a bound that the value stops at: a lower one if ``decay_rate`` is below 1, else an
        upper one.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number, or ``staircase`` not a bool.
      ValueError: a value is not finite, the rate is not positive, a length is negative or not whole,
        or a growth over 0 steps has no ``end_value``.

    Source: ``optax.exponential_decay``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.exponential_decay(1.0, transition_steps=10, decay_rate=0.5)
      >>> [round(schedule(step), 4) for step in (0, 5, 10, 20)]
      [1.0, 0.7071, 0.5, 0.25]
      >>> schedule.replace(staircase=True, end_value=0.4)(19), schedule.replace(end_value=0.4)(100)
      (0.5, 0.4)
    """
    count = elapsed_since(step, transition_begin)
    if nx.is_plain(transition_steps) and transition_steps > 0:
        factor = _decay(decay_rate, count, transition_steps, staircase)
    else:  # a decay of 0 steps is over when it begins; traced, it may be one
        period = settle(transition_steps)
        if nx.is_plain(period):
            factor, over = _limit(decay_rate), step >= transition_begin
            factor = nx.where(over, factor, 1.0)
        else:
            over = (period == 0) & (step >= nx.like_step(step, transition_begin))
            factor = _decay(decay_rate, count, jnp.maximum(period, 1), staircase)
            factor = jnp.where(over, _limit(decay_rate), factor)
    value = nx.num(init_value) * factor
    if end_value is None:
        return value
    bound = nx.num(end_value)
    if nx.is_plain(decay_rate):
        return (nx.maximum if decay_rate < 1 else nx.minimum)(value, bound)
    shrinks = nx.real(decay_rate) < 1
    return jnp.where(shrinks, jnp.maximum(value, bound), jnp.minimum(value, bound))


def _decay(rate: Any, count: Any, period: Any, staircase: bool) -> Any:
    if staircase:
        return geometric(rate, periods(count, period), 1)
    return geometric(rate, count, period)


def _limit(rate: Any) -> Any:
    """The factor after infinitely many periods; the largest float32 stands for infinity."""
    largest = float(np.finfo(np.float32).max)
    if nx.is_plain(rate):
        return 0.0 if rate < 1 else 1.0 if rate == 1 else largest
    rate = nx.real(rate)
    return jnp.where(rate < 1, 0.0, jnp.where(rate == 1, 1.0, largest)).astype(rate.dtype)
