"""What comes again: cycles, restarts, and decays that start over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxsched import checks, shapes
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula
from jaxsched._core.geometric import geometric, times_power
from jaxsched._core.operand import schedule_like, value_at
from jaxsched._core.per_piece import is_concrete
from jaxsched._core.periods import Cycle, has_begun, is_beyond, is_within, sum_of_steps
from jaxsched._core.progress import Progress, progress
from jaxsched._core.shape import between, lifted
from jaxsched._forms.exponential import at_least_one
from jaxsched._forms.restarts import restarts

ArrayLike = jax.typing.ArrayLike


@formula(
    init_value=checks.finite,
    decay_steps=checks.positive_steps,
    end_value=checks.finite,
    power=checks.nonnegative,
    cycle=checks.flag,
)
def polynomial_decay(
    step: Any,
    init_value: ArrayLike,
    decay_steps: int,
    end_value: ArrayLike = 1e-4,
    power: ArrayLike = 1.0,
    cycle: bool = False,
) -> Any:
    r"""A power of the remaining way, once or in ever longer cycles.

    .. math:: E + (I - E)\left(1 - \frac{\min(t, N)}{N}\right)^p

    With ``cycle`` the length :math:`N` is the smallest multiple of ``decay_steps`` that is not below
    :math:`t` (at step 0 ``decay_steps``): at each end the value jumps up to a lower point.

    Args:
      init_value: :math:`I`, the value at step 0.
      decay_steps: :math:`N`, the length of the decay, at least 1. Traced, 0 counts as 1 with
        ``cycle``; without, the value is then ``end_value``.
      end_value: :math:`E`, the value at the end.
      power: :math:`p`, at least 0.
      cycle: whether a longer decay follows at the end, instead of the end value for ever.

    Returns:
      A :class:`Schedule`. No value lies outside the interval of its ends.

    Raises:
      TypeError: an argument is not a number, or ``cycle`` not a bool.
      ValueError: a value is not finite, the power is negative, or the length is not a positive
        integer.

    Source: ``tf.compat.v1.train.polynomial_decay``, ``keras.optimizers.schedules.PolynomialDecay``.
    Without ``cycle``, optax's :func:`polynomial_schedule` is the same.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.polynomial_decay(1.0, 10, end_value=0.1, cycle=True)
      >>> [round(schedule(step), 4) for step in (0, 5, 10, 11, 15, 20, 21)]
      [1.0, 0.55, 0.1, 0.505, 0.325, 0.1, 0.37]
    """
    way = _grown(step, at_least_one(decay_steps)) if cycle else progress(step, decay_steps)
    return between(init_value, end_value, way, shapes.power.form, power)


def _grown(step: Any, period: Any) -> Progress:
    """The progress on the first multiple of the period that is not below the step."""
    if not nx.is_host(step) and nx.is_whole(step) and type(period) is int:
        if is_beyond(step, period):
            return progress(step, period)  # no step of this type completes the period
        if period > 1:  # the remainder of -1 is -1: at step 0 a whole period is left
            left = period - 1 - lax.rem(step - 1, jnp.full_like(step, period))
            return _Grown(step, left, None)
    cycle = Cycle(step, period)
    # At a multiple the cycle that ends there goes on.
    number = nx.where(cycle.rest <= 0, nx.maximum(cycle.number - 1, 0), cycle.number)
    length = nx.like_step(step, period)
    left = number * length - step + length  # the product first: it does not exceed the step
    if nx.is_host(step):
        return Progress(step, left, (number + 1) * length)
    whole = (nx.real(number) + 1.0) * nx.real(period)
    return Progress(step, left, whole)


class _Grown(Progress):
    """A progress whose length is what has been done and what is left."""

    __slots__ = ()

    @property
    def _real_length(self) -> Any:
        return self._once("real length", lambda: self._real_count + self._real_left)

    def _share_elapsed(self) -> Any:
        return self._real_count / self._real_length

    def _share_remaining(self) -> Any:
        return self._real_left / self._real_length


def _scaled(
    base: Any, peak: Any, weight: Any, factor: Any, count: Any, most: int | None = None
) -> Any:
    """Base + (peak - base) * weight * factor ** count, for a weight from 0 to 1."""
    if nx.is_plain(factor) and factor <= 1:
        return lifted(base, peak, weight * geometric(factor, count, 1, most=most))
    if not nx.is_host(count) and nx.is_whole(count):
        count = lax.convert_element_type(count, nx.int_dtype())
    if nx.is_plain(base) and base == 0:
        return times_power(nx.num(peak) * weight, factor, count)
    base = nx.num(base)
    return base + times_power((nx.num(peak) - base) * weight, factor, count)


def _growth_factor(value: Any, where: str) -> Any:
    """1, or at least 1.01: the cycles up to the largest step are tabulated."""
    number = checks.positive(value, where)
    if nx.is_plain(number) and number != 1 and number < 1.01:
        raise checks.refuse(where, "1 or a finite number of at least 1.01", value)
    return number


@formula(
    init_value=checks.finite,
    first_decay_steps=checks.positive_steps,
    t_mul=_growth_factor,
    m_mul=checks.positive,
    alpha=checks.finite,
)
def cosine_decay_restarts(
    step: Any,
    init_value: ArrayLike,
    first_decay_steps: int,
    t_mul: ArrayLike = 2.0,
    m_mul: ArrayLike = 1.0,
    alpha: ArrayLike = 0.0,
) -> Any:
    r"""Half cosine waves one after the other, for ever: warm restarts (SGDR) in closed form.

    .. math::
      I \left[\alpha + (1 - \alpha)\, M^i\, \tfrac12 (1 + \cos \pi s)\right], \qquad
      s = \frac{t - b_i}{T c^i}, \quad b_i = T\,(1 + c + \dots + c^{i-1})

    in cycle :math:`i`, for :math:`b_i \le t < b_{i+1}`. Where the restarts lie is computed without
    rounding: no restart is missed or comes a step late.

    Args:
      init_value: :math:`I`, the value at step 0.
      first_decay_steps: :math:`T`, the length of the first cycle, at least 1.
      t_mul: :math:`c`, the length of a cycle divided by that of the one before: 1, or at least 1.01.
      m_mul: :math:`M`, the height of a cycle divided by that of the one before, above 0.
      alpha: :math:`\alpha`, the lowest value as a fraction of ``init_value``.

    Returns:
      A :class:`Schedule`. Where ``t_mul`` is traced, restarts beyond step 2**24 are not exact.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, a factor is out of bounds, or the length is not a positive
        integer.

    Source: ``tf.compat.v1.train.cosine_decay_restarts``,
    ``keras.optimizers.schedules.CosineDecayRestarts``; with a ``t_mul`` that is an integer
    ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``; Loshchilov and Hutter, 2017
    (arXiv:1608.03983).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.cosine_decay_restarts(1.0, 10, t_mul=2.0, m_mul=0.5)
      >>> [round(schedule(step), 4) for step in (0, 5, 10, 20, 30)]
      [1.0, 0.5, 0.5, 0.25, 0.25]
    """
    end_value = nx.exact(init_value) * nx.exact(alpha)
    equal = nx.is_plain(m_mul) and m_mul == 1
    number, most, way = restarts(step, first_decay_steps, t_mul, counted=not equal)
    if equal:
        return between(init_value, end_value, way, shapes.cosine.form, 1.0)
    fall = shapes.cosine.form.fall(way, 1.0)
    return _scaled(end_value, init_value, fall, m_mul, number, most)


def _optional_schedule(value: Any, where: str) -> Any:
    return None if value is None else schedule_like(value, where)


@formula(
    init_value=checks.finite,
    peak_value=checks.finite,
    steps_up=checks.positive_steps,
    steps_down=checks.optional(checks.positive_steps),
    mode=checks.one_of("triangular", "triangular2", "exp_range"),
    gamma=checks.positive,
    scale_function=_optional_schedule,
    scale_mode=checks.one_of("cycle", "iterations"),
)
def cyclic_schedule(
    step: Any,
    init_value: ArrayLike,
    peak_value: ArrayLike,
    steps_up: int = 2000,
    steps_down: int | None = None,
    mode: str = "triangular",
    gamma: ArrayLike = 1.0,
    scale_function: Callable[[Any], Any] | None = None,
    scale_mode: str = "cycle",
) -> Any:
    r"""Triangles between two values, for ever.

    .. math:: I + (P - I)\, f\, \min\left(\frac{u}{T_u}, \frac{T_u + T_d - u}{T_d}\right)

    with :math:`u` the step within its cycle and a factor :math:`f`: 1 for ``"triangular"``,
    :math:`2^{-c}` in cycle :math:`c = 0, 1, \dots` for ``"triangular2"``, :math:`\gamma^t` for
    ``"exp_range"``.

    Args:
      init_value: :math:`I`, the value at the feet of the triangles.
      peak_value: :math:`P`, the value at the top of the first.
      steps_up: :math:`T_u`, the steps up, at least 1.
      steps_down: :math:`T_d`, the steps down, at least 1. None for as many as up.
      mode: how the triangles shrink.
      gamma: :math:`\gamma`, above 0, for ``"exp_range"``.
      scale_function: a schedule or another traceable function that gives :math:`f`; then ``mode`` and
        ``gamma`` are not used.
      scale_mode: what ``scale_function`` is given: the number of the cycle, counted from 1
        (``"cycle"``), or the step (``"iterations"``).

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number, or ``scale_function`` not callable.
      ValueError: a value is not finite, gamma is not positive, a length is not a positive integer, or
        a mode is unknown.

    Source: ``torch.optim.lr_scheduler.CyclicLR``; Smith, "Cyclical Learning Rates for Training Neural
    Networks", 2017 (arXiv:1506.01186).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.cyclic_schedule(0.0, 1.0, steps_up=4, mode="triangular2")
      >>> [schedule(step) for step in (0, 2, 4, 6, 8, 12)]
      [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """
    up = at_least_one(steps_up)
    down = up if steps_down is None else at_least_one(steps_down)
    if is_concrete(up, down):
        whole = up + down
    else:
        up, down = nx.like_step(step, up), nx.like_step(step, down)
        whole = sum_of_steps(up, down) if nx.is_whole(step) else up + down
    cycle = Cycle(step, whole)
    local = cycle.rest
    if not nx.is_host(step) and nx.is_whole(step) and not is_within(step, whole):
        rise, fall = progress(local, up), progress(local, down, up).reverse()
    elif steps_down is None:  # the way up walked backwards
        height = nx.minimum(local, nx.like_step(step, whole) - local)
        rise = fall = Progress(height, lambda: nx.like_step(step, up) - height, up)
    else:
        rise = Progress(local, lambda: nx.like_step(step, up) - local, up)
        fall = Progress(
            lambda: nx.like_step(step, whole) - local, lambda: local - nx.like_step(step, up), down
        )
    if scale_function is None and mode == "triangular" and rise is fall:
        return between(init_value, peak_value, rise, shapes.linear.form)
    weight = rise.elapsed if rise is fall else nx.minimum(rise.elapsed, fall.elapsed)
    bounded = True
    if scale_function is not None:
        weight = weight * value_at(
            scale_function, step if scale_mode == "iterations" else cycle.number + 1
        )
        bounded = False
    elif mode == "triangular2":
        weight = weight * geometric(0.5, cycle.number, 1)
    elif mode == "exp_range":
        return _scaled(init_value, peak_value, weight, gamma, step)
    return lifted(init_value, peak_value, weight, bounded)


@formula(
    checks.AtMost("anneal_steps", "restart_steps"),
    checks.AtMost("warmup_steps", "restart_steps"),
    schedule=schedule_like,
    restart_steps=checks.positive_steps,
    warmup_steps=checks.steps,
    anneal_steps=checks.steps,
    min_scale=checks.fraction,
)
def jagged_restarts(
    step: Any,
    schedule: Callable[[Any], Any],
    restart_steps: int,
    warmup_steps: int,
    anneal_steps: int = 1,
    min_scale: ArrayLike = 0.001,
) -> Any:
    r"""A schedule multiplied by a sawtooth: ReLoRA's restarts.

    Every ``restart_steps`` steps the factor falls to ``min_scale`` along a straight line, and rises
    back to 1 along another. Before the first restart there is no rise. The schedule itself goes on.

    Args:
      schedule: a schedule, or another callable from step to value.
      restart_steps: the steps from one restart to the next, at least 1.
      warmup_steps: the steps of the rise after a restart.
      anneal_steps: the steps of the fall before a restart.
      min_scale: the smallest factor, from 0 to 1.

    Returns:
      A :class:`Schedule`. A traced ``restart_steps`` of 0 counts as 1.

    Raises:
      TypeError: ``schedule`` is not callable, or an argument not a number.
      ValueError: a length is negative, not whole or longer than ``restart_steps``, or ``min_scale`` is
        not from 0 to 1.

    Source: axolotl's ``JaggedLRRestartScheduler``; Lialin et al., "ReLoRA", 2023 (arXiv:2307.05695).

    Example:
      >>> import jaxsched
      >>> base = jaxsched.constant_schedule(1.0)
      >>> schedule = jaxsched.jagged_restarts(base, 100, warmup_steps=10, anneal_steps=10, min_scale=0.0)
      >>> [schedule(step) for step in (0, 50, 95, 100, 105, 150)]
      [1.0, 1.0, 0.5, 0.0, 0.5, 1.0]
    """
    period = at_least_one(restart_steps)
    place = Cycle(step, period).rest
    rise = nx.where(has_begun(step, period), progress(place, warmup_steps).elapsed, 1.0)
    fall = progress(place, anneal_steps, period - anneal_steps).remaining
    scale = lifted(min_scale, 1.0, nx.minimum(rise, fall))
    return value_at(schedule, step) * scale
