"""Atoms that fall like a power of the step, and the recipes built on them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.compose import join_schedules
from jaxsched._core.decorators import formula, own_recipe
from jaxsched._core.geometric import real_power
from jaxsched._core.per_piece import is_concrete, settle
from jaxsched._core.periods import elapsed_since, periods
from jaxsched._core.progress import scaled
from jaxsched._core.schedule import Schedule
from jaxsched._forms.exponential import at_least_one
from jaxsched._forms.transition import linear_schedule
from jaxsched.checks import LARGEST, SMALLEST

ArrayLike = jax.typing.ArrayLike


@formula(
    init_value=checks.finite,
    decay_steps=checks.positive_steps,
    decay_rate=checks.nonnegative,
    staircase=checks.flag,
)
def inverse_time_decay(
    step: Any,
    init_value: ArrayLike,
    decay_steps: int,
    decay_rate: ArrayLike,
    staircase: bool = False,
) -> Any:
    r"""A value divided by a line that rises with time.

    .. math:: \frac{I}{1 + k\, t / T}

    With ``staircase`` the quotient :math:`t / T` is rounded down, in integers.

    Args:
      init_value: :math:`I`, the value at step 0.
      decay_steps: :math:`T`, at least 1: the steps in which the divisor grows by ``decay_rate``.
        Traced, 0 counts as 1.
      decay_rate: :math:`k`, at least 0.
      staircase: whether the value changes only every ``decay_steps`` steps.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number, or ``staircase`` not a bool.
      ValueError: a value is not finite, the rate is negative, or the length is not a positive integer.

    Source: ``tf.compat.v1.train.inverse_time_decay``, ``keras.optimizers.schedules.InverseTimeDecay``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.inverse_time_decay(1.0, decay_steps=10, decay_rate=1.0)
      >>> [schedule(step) for step in (0, 10, 15, 30)]
      [1.0, 0.5, 0.4, 0.25]
      >>> schedule.replace(staircase=True)(15)
      0.5
    """
    period = at_least_one(decay_steps)
    count, period = (periods(step, period), 1) if staircase else (step, period)
    both = None if nx.is_host(step) else _over_a_sum(init_value, period, decay_rate)
    if both is not None:
        return both[0] / (nx.real(count) + both[1])
    return nx.num(init_value) / (scaled(count, period, decay_rate) + 1.0)


def _over_a_sum(value: Any, period: Any, rate: Any) -> tuple[float, float] | None:
    """The a and b of a / (t + b) = value / (1 + rate * t / period), if a / b is exactly the value."""
    if not (nx.is_plain(value) and nx.is_plain(period) and nx.is_plain(rate) and rate > 0):
        return None
    dtype = nx.float_dtype().type
    least = np.finfo(dtype).tiny  # the device takes smaller ones for 0
    with np.errstate(over="ignore", invalid="ignore"):
        below, goal = dtype(period / rate), dtype(value)
        above = dtype(value * (period / rate))
        for near in (
            above,
            np.nextafter(above, dtype(-np.inf)),
            np.nextafter(above, dtype(np.inf)),
        ):
            if min(abs(near), below) >= least and near / below == goal:
                return float(near), float(below)
    return None


@own_recipe(init_value=checks.finite, decay=checks.nonnegative)
def time_based_decay(init_value: ArrayLike, decay: ArrayLike) -> Schedule:
    r"""What Keras's optimizers did with their old argument ``decay``.

    .. math:: \frac{I}{1 + d\, t}

    Args:
      init_value: :math:`I`, the value at step 0.
      decay: :math:`d`, per step, at least 0.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, or the decay is negative.

    Source: ``tf.keras.optimizers.legacy``. :func:`compounding_time_based_decay` is what tutorials do
    with the same name once per epoch.

    Example:
      >>> import jaxsched
      >>> jaxsched.time_based_decay(0.1, decay=0.01)(100)
      0.05
    """
    return inverse_time_decay(init_value, 1, decay)


@formula(
    init_value=checks.finite,
    timescale=checks.Number(minimum=1e-9),
    exponent=checks.nonnegative,
    transition_begin=checks.steps,
)
def power_law_schedule(
    step: Any,
    init_value: ArrayLike,
    timescale: ArrayLike,
    exponent: ArrayLike = 0.5,
    transition_begin: int = 0,
) -> Any:
    r"""A power of time that starts at a finite value.

    .. math:: I \left(1 + \frac{\max(t - B, 0)}{\tau}\right)^{-p}

    :math:`I\,(t / W)^{-p}` held at :math:`I` up to step :math:`W` has both ``timescale`` and
    ``transition_begin`` :math:`W`.

    Args:
      init_value: :math:`I`, the value up to step ``transition_begin``.
      timescale: :math:`\tau`, in steps, at least 1e-9.
      exponent: :math:`p`, at least 0.
      transition_begin: :math:`B`, the number of steps before the decay.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, the timescale is below 1e-9, the exponent negative, or
        ``transition_begin`` negative or not whole.

    Source: Shen et al., "Power Scheduler", 2024 (arXiv:2408.13359); ``power_lr`` of OLMo-core.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.power_law_schedule(1.0, timescale=100.0, exponent=0.5)
      >>> [schedule(step) for step in (0, 300, 800, 1500)]
      [1.0, 0.5, 0.3333333333333333, 0.25]
    """
    base = scaled(elapsed_since(step, transition_begin), timescale, 1.0) + 1.0
    return real_power(base, -nx.exact(exponent), nx.num(init_value))


@checks.Relation
def _timescale_known(arguments: Mapping[str, Any], where: str) -> None:
    if arguments["timescale"] is None and arguments["warmup_steps"] is not None:
        warmup = arguments["warmup_steps"]
        if nx.is_plain(warmup) and warmup == 0:
            raise ValueError(f"{where}: timescale must be given for warmup_steps=0, got None")


@own_recipe(
    _timescale_known,
    peak_value=checks.finite,
    warmup_steps=checks.steps,
    timescale=checks.optional(checks.Number(minimum=1e-9)),
    init_value=checks.finite,
    hold_steps=checks.steps,
    exponent=checks.nonnegative,
)
def inverse_sqrt_schedule(
    peak_value: ArrayLike,
    warmup_steps: int,
    timescale: ArrayLike | None = None,
    init_value: ArrayLike = 0.0,
    hold_steps: int = 0,
    exponent: ArrayLike = 0.5,
) -> Schedule:
    r"""A straight line up to the peak, then an inverse square root.

    .. math:: P \left(1 + \frac{t - W - H}{\tau}\right)^{-p} \quad\text{from step}\quad W + H

    The dialects are parameters. fairseq's, Megatron's and T5X's normalized
    :math:`P \sqrt{W / t}` is the default; T5's :math:`\min(W^{-1/2}, t^{-1/2})` is the peak
    :math:`W^{-1/2}` with ``warmup_steps=0``, ``hold_steps=W`` and ``timescale=W``; big_vision's and
    transformers' have their own ``timescale``; NeMo's is ``timescale=W + 1``; and its Noam with hold
    has ``hold_steps`` and ``exponent``.

    Args:
      peak_value: :math:`P`, the value at step ``warmup_steps``.
      warmup_steps: :math:`W`, the length of the warmup. With 0 there is none.
      timescale: :math:`\tau`, in steps, at least 1e-9. None for ``warmup_steps``.
      init_value: the value at step 0.
      hold_steps: :math:`H`, the steps at the peak before the decay.
      exponent: :math:`p`, at least 0.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, the timescale is below 1e-9 or is missing for a warmup of
        0 steps, the exponent is negative, or a length is negative or not whole.

    Source: ``inverse_sqrt`` of fairseq, ``get_inverse_sqrt_schedule`` of transformers,
    ``rsqrt`` of big_vision.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.inverse_sqrt_schedule(1.0, warmup_steps=100)
      >>> [schedule(step) for step in (0, 50, 100, 400, 900)]
      [0.0, 0.5, 1.0, 0.5, 0.3333333333333333]
    """
    numbers = (init_value, hold_steps, exponent)
    if (
        timescale is None
        and all(map(nx.is_plain, (warmup_steps, *numbers)))
        and numbers == (0, 0, 0.5)
    ):
        return _rise_and_root(peak_value, warmup_steps, 0)
    if timescale is None:
        timescale = warmup_steps if is_concrete(warmup_steps) else jnp.maximum(warmup_steps, 1)
    decay = power_law_schedule(peak_value, timescale, exponent, hold_steps)
    return join_schedules(
        [linear_schedule(init_value, peak_value, warmup_steps), decay], [warmup_steps]
    )


@own_recipe(
    checks.AtMost("step_offset", "warmup_steps"),
    d_model=checks.positive_steps,
    warmup_steps=checks.positive_steps,
    scale=checks.finite,
    step_offset=checks.steps,
)
def noam_schedule(
    d_model: int, warmup_steps: int = 4000, scale: ArrayLike = 1.0, step_offset: int = 1
) -> Schedule:
    r"""The schedule of "Attention is all you need".

    .. math:: \frac{c}{\sqrt d} \min\left(n^{-1/2}, n\, W^{-3/2}\right), \qquad n = t + o

    Args:
      d_model: :math:`d`, the width of the model, at least 1.
      warmup_steps: :math:`W`, the length of the warmup, at least 1.
      scale: :math:`c`, a factor on all values.
      step_offset: :math:`o`, the number of the first update: 1 as in the paper; with 0 the first
        value is 0, as in Paddle.

    Returns:
      A :class:`Schedule`. Its peak is :math:`c / \sqrt{d W}` at :math:`n = W`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: ``d_model`` or ``warmup_steps`` is not a positive integer, the scale is not finite,
        or ``step_offset`` is negative, not whole or above ``warmup_steps``.

    Source: Vaswani et al., 2017 (arXiv:1706.03762).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.noam_schedule(d_model=4, warmup_steps=100)
      >>> [round(schedule(step), 6) for step in (0, 49, 99, 399)]
      [0.0005, 0.025, 0.05, 0.025]
    """
    width, length = at_least_one(settle(d_model)), at_least_one(settle(warmup_steps))
    root = nx.sqrt(nx.exact(width) * 1.0) * nx.sqrt(nx.exact(length) * 1.0)
    peak = nx.exact(scale) / root
    return _rise_and_root(peak, length, step_offset)


@formula(peak_value=checks.finite, warmup_steps=checks.positive_steps, first_step=checks.steps)
def _rise_and_root(step: Any, peak_value: Any, warmup_steps: Any, first_step: Any) -> Any:
    """Peak * min(n / W, sqrt(W / n)) for the number n of the update, which may be 0."""
    if nx.is_host(step):
        turn, length = warmup_steps - first_step, math.sqrt(warmup_steps)
        rise = lambda: (step + first_step) * (peak_value / warmup_steps)
        fall = lambda: peak_value * length / nx.sqrt(step + first_step)
        return step.code.choose(step < turn, rise, fall)
    number = nx.real(step)
    if not (nx.is_plain(first_step) and first_step == 0):
        number = number + nx.num(first_step)
    within = number if nx.is_plain(first_step) and first_step > 0 else jnp.maximum(number, 1.0)
    if not (nx.is_plain(peak_value) and nx.is_plain(warmup_steps)) or not (
        SMALLEST * warmup_steps <= abs(peak_value) <= LARGEST / math.sqrt(warmup_steps)
    ):
        length = nx.real(warmup_steps)
        weight = jnp.minimum(number / length, jnp.sqrt(length) / jnp.sqrt(within))
        return nx.num(peak_value) * weight
    slope, height = _meeting(peak_value, warmup_steps)
    smaller = jnp.minimum if peak_value >= 0 else jnp.maximum
    return smaller(number * slope, height / jnp.sqrt(within))


def _meeting(peak: float, length: int) -> tuple[float, float]:
    """The factor of a line and the dividend of a root so that they meet in the peak and not above."""
    dtype = nx.float_dtype().type
    top, zero = dtype(peak), dtype(0)
    full, root = dtype(length), np.sqrt(dtype(length))
    slope, height = dtype(peak / length), dtype(peak * math.sqrt(length))
    if abs(full * slope) < abs(top):
        slope = np.nextafter(slope, dtype(math.copysign(math.inf, peak)))
    while abs(height / root) > abs(top):
        height = np.nextafter(height, zero)
    return float(slope), float(height)
