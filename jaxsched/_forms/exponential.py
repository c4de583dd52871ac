"""Atoms that change by a factor in every period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula, own_recipe
from jaxsched._core.geometric import geometric, natural, times_two_to
from jaxsched._core.per_piece import is_concrete, numbers_of, settle
from jaxsched._core.periods import elapsed_since, has_begun, periods
from jaxsched._core.progress import progress
from jaxsched._core.schedule import Schedule

ArrayLike = jax.typing.ArrayLike


@checks.Relation
def decay_ends(arguments: Mapping[str, Any], where: str) -> None:
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


@formula(decay_ends, init_value=checks.finite, **EXPONENTIAL_CHECKS)
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
    count = lambda: elapsed_since(step, transition_begin)
    if _all_positive(transition_steps):
        value = _decay(decay_rate, count(), transition_steps, staircase, init_value)
    else:  # a decay of 0 steps is over when it begins; traced, it may be one
        period, start = settle(transition_steps), nx.num(init_value)
        if nx.is_plain(period):
            value = nx.where(has_begun(step, transition_begin), _limit(start, decay_rate), start)
        else:
            over = (period == 0) & (step >= nx.like_step(step, transition_begin))
            value = _decay(decay_rate, count(), jnp.maximum(period, 1), staircase, start)
            value = jnp.where(over, _limit(start, decay_rate), value)
    if end_value is None:
        return value
    bound = nx.num(end_value)
    if nx.is_plain(decay_rate):
        return (nx.maximum if decay_rate < 1 else nx.minimum)(value, bound)
    shrinks = nx.real(decay_rate) < 1
    return jnp.where(shrinks, jnp.maximum(value, bound), jnp.minimum(value, bound))


def _all_positive(period: Any) -> bool:
    """Whether a period is known not to be 0, in every piece."""
    return bool(is_concrete(period) and np.all(numbers_of(period) > 0))


def _decay(rate: Any, count: Any, period: Any, staircase: bool, start: Any) -> Any:
    if staircase:
        return geometric(rate, periods(count, period), 1, start)
    return geometric(rate, count, period, start)


def _limit(start: Any, rate: Any) -> Any:
    """The value after infinitely many periods; the largest float32 stands for infinity."""
    grown = (float(np.sign(start)) if nx.is_plain(start) else jnp.sign(start)) * checks.LARGEST
    if nx.is_plain(rate):
        return start * 0.0 if rate < 1 else start if rate == 1 else grown
    rate = nx.real(rate)
    return jnp.where(rate < 1, 0.0, jnp.where(rate == 1, start, grown)).astype(rate.dtype)


@formula(
    init_value=checks.finite,
    decay_steps=checks.positive_steps,
    decay_rate=checks.nonnegative,
    staircase=checks.flag,
)
def natural_exp_decay(
    step: Any,
    init_value: ArrayLike,
    decay_steps: int,
    decay_rate: ArrayLike,
    staircase: bool = False,
) -> Any:
    r"""An exponential decay with a natural rate.

    .. math:: I\, e^{-k t / T}

    With ``staircase`` the quotient :math:`t / T` is rounded down, in integers.

    Args:
      init_value: :math:`I`, the value at step 0.
      decay_steps: :math:`T`, at least 1: the steps in which the exponent grows by ``decay_rate``.
        Traced, 0 counts as 1.
      decay_rate: :math:`k`, at least 0.
      staircase: whether the value changes only every ``decay_steps`` steps.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number, or ``staircase`` not a bool.
      ValueError: a value is not finite, the rate is negative, or the length is not a positive integer.

    Source: ``tf.compat.v1.train.natural_exp_decay``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.natural_exp_decay(1.0, decay_steps=10, decay_rate=0.5)
      >>> [round(schedule(step), 4) for step in (0, 5, 10, 20)]
      [1.0, 0.7788, 0.6065, 0.3679]
    """
    period = at_least_one(decay_steps)
    if staircase:
        return natural(decay_rate, periods(step, period), 1, init_value)
    return natural(decay_rate, step, period, init_value)


def at_least_one(period: Any) -> Any:
    """A length whose check passes no 0, which a traced one may be."""
    return period if is_concrete(period) else jnp.maximum(period, 1)


@own_recipe(
    init_value=checks.finite,
    half_life_steps=checks.positive_steps,
    transition_begin=checks.steps,
    end_value=checks.optional(checks.finite),
)
def half_life_decay(
    init_value: ArrayLike,
    half_life_steps: int,
    transition_begin: int = 0,
    end_value: ArrayLike | None = None,
) -> Schedule:
    r"""A value that halves every so many steps, continuously.

    .. math:: I\, 2^{-\max(t - B, 0) / h}

    Args:
      init_value: :math:`I`, the value up to step ``transition_begin``.
      half_life_steps: :math:`h`, the steps in which the value halves, at least 1.
      transition_begin: :math:`B`, the number of steps before the decay.
      end_value: a lower bound that the value stops at.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, ``half_life_steps`` is not a positive integer, or
        ``transition_begin`` is negative or not whole.

    Source: ``ContinuousSchedule`` of lingvo and praxis.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.half_life_decay(1.0, 100, end_value=0.2)
      >>> [round(schedule(step), 4) for step in (0, 50, 100, 200, 1000)]
      [1.0, 0.7071, 0.5, 0.25, 0.2]
    """
    return exponential_decay(
        init_value, half_life_steps, 0.5, transition_begin, end_value=end_value
    )


@formula(
    init_value=checks.positive,
    end_value=checks.positive,
    transition_steps=checks.steps,
    transition_begin=checks.steps,
)
def geometric_schedule(
    step: Any,
    init_value: ArrayLike,
    end_value: ArrayLike,
    transition_steps: int,
    transition_begin: int = 0,
) -> Any:
    r"""From one value to another by the same factor in every step: linear in the logarithm.

    .. math:: I \left(\frac{E}{I}\right)^{s}, \qquad
      s = \mathrm{clip}\left(\frac{t - B}{T}, 0, 1\right)

    Falling it is an exponential decay that arrives; rising it is the ramp of a learning-rate finder.

    Args:
      init_value: :math:`I`, the value up to step ``transition_begin``, above 0.
      end_value: :math:`E`, the value from step ``transition_begin + transition_steps`` on, above 0.
      transition_steps: :math:`T`, the number of steps the transition takes. With 0 the value is
        ``end_value`` from ``transition_begin`` on.
      transition_begin: :math:`B`, the number of steps before the transition.

    Returns:
      A :class:`Schedule`. Both ends are exact, and no value lies outside their interval.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not positive and finite, or a length is negative or not whole.

    Source: ``exponential`` of axlearn, ``Exponential`` of praxis, ``SchedExp`` of fastai.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.geometric_schedule(1.0, 0.01, transition_steps=4)
      >>> [round(schedule(step), 4) for step in (0, 1, 2, 4, 100)]
      [1.0, 0.3162, 0.1, 0.01, 0.01]
    """
    way = progress(step, transition_steps, transition_begin)
    if not is_concrete(init_value, end_value):
        return _between(nx.real(init_value), nx.real(end_value), way.elapsed, way.remaining)
    ratio = end_value / init_value
    most = way.length if type(way.length) is int else None
    value = geometric(ratio, way.count, way.length, init_value, most)
    start, end = nx.num(init_value), nx.num(end_value)
    value = nx.where(way.over, end, value)
    if nx.is_plain(start) and nx.is_plain(end):  # no power is beyond the start
        return (nx.maximum if end < start else nx.minimum)(value, end)
    return jnp.clip(value, jnp.minimum(start, end), jnp.maximum(start, end))


@jax.custom_jvp
def _between(start: Any, end: Any, elapsed: Any, remaining: Any) -> Any:
    """The same for ends that are traced; their ratio may be beyond float32."""
    value = times_two_to(start, elapsed * (jnp.log2(end) - jnp.log2(start)))
    value = jnp.where(remaining <= 0, end, value)
    return jnp.clip(value, jnp.minimum(start, end), jnp.maximum(start, end))


@_between.defjvp
def _between_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """The slopes of the value's logarithm: no power and no bound is on their way."""
    start, end, elapsed, remaining = primals
    by_start, by_end, by_elapsed, _ = tangents  # what remains is 1 less what has elapsed
    value = _between(*primals)
    slope = _share(value, start, remaining) * by_start + _share(value, end, elapsed) * by_end
    return value, slope + value * (jnp.log(end) - jnp.log(start)) * by_elapsed


def _share(value: Any, end: Any, share: Any) -> Any:
    """Share * value / end, at most the largest number: an infinity times a slope of 0 would be NaN."""
    small = end < 1.0
    quotient = jnp.where(small, share, value) / end
    return jnp.minimum(jnp.where(small, value, share) * quotient, np.finfo(value.dtype).max)


@formula(init_value=checks.finite, k=checks.positive)
def inverse_sigmoid_decay(step: Any, init_value: ArrayLike, k: ArrayLike) -> Any:
    r"""A logistic curve that falls to 0: scheduled sampling's.

    .. math:: I \frac{k}{k + e^{t / k}}

    Args:
      init_value: :math:`I`; at step 0 the value is :math:`I k / (k + 1)`.
      k: the steepness in steps, above 0: the value has halved at step :math:`k \ln k`.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, or k not positive.

    Source: Bengio et al., "Scheduled Sampling", 2015 (arXiv:1506.03099); lingvo's
    ``InverseSigmoid``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.inverse_sigmoid_decay(1.0, k=100.0)
      >>> [round(schedule(step), 4) for step in (0, 460, 1000)]
      [0.9901, 0.5013, 0.0045]
    """
    # Divided by the exponential, which would overflow.
    weight = natural(1.0, step, k, k)
    return nx.num(init_value) * (weight / (weight + 1.0))
