"""Operators on values: the smaller, the larger, a value within bounds, one in proportion to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.compose import join_schedules
from jaxsched._core.decorators import formula, own_recipe
from jaxsched._core.operand import operand, schedule_like, value_at
from jaxsched._core.per_piece import is_concrete, numbers_of
from jaxsched._core.periods import share_of
from jaxsched._core.progress import share_to
from jaxsched._core.schedule import Schedule
from jaxsched._core.shape import Shape, shape_like
from jaxsched._forms.transition import transition_schedule
from jaxsched.shapes import cosine

ArrayLike = jax.typing.ArrayLike


def _smaller(step: Any, x: Any, y: Any) -> Any:
    if nx.is_host(step):
        return step.code.line("{0} if {0} < {1} else {1}", x, y)
    return jnp.minimum(x, nx.real(y))


def _larger(step: Any, x: Any, y: Any) -> Any:
    if nx.is_host(step):
        return step.code.line("{0} if {0} > {1} else {1}", x, y)
    return jnp.maximum(x, nx.real(y))


@formula(a=operand, b=operand)
def minimum(step: Any, a: Any, b: Any) -> Any:
    """The smaller of two schedules at each step: min(a(step), b(step)).

    Args:
      a: a schedule, another callable from step to value, or a number.
      b: likewise.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an operand is none of these.
      ValueError: a number is not finite.

    Source: lingvo ``CombinedMinimumSchedule``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.minimum(jaxsched.linear_schedule(0.0, 1.0, 4), 0.5)
      >>> [schedule(step) for step in range(5)]
      [0.0, 0.25, 0.5, 0.5, 0.5]
    """
    return _smaller(step, value_at(a, step), value_at(b, step))


@formula(a=operand, b=operand)
def maximum(step: Any, a: Any, b: Any) -> Any:
    """The larger of two schedules at each step: max(a(step), b(step)).

    With a number it is the floor of Megatron's and gpt-neox's decays.

    Args:
      a: a schedule, another callable from step to value, or a number.
      b: likewise.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an operand is none of these.
      ValueError: a number is not finite.

    Source: t5x ``min_learning_rate``; NeMo ``min_lr``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.maximum(jaxsched.linear_schedule(1.0, 0.0, 4), 0.5)
      >>> [schedule(step) for step in range(5)]
      [1.0, 0.75, 0.5, 0.5, 0.5]
    """
    return _larger(step, value_at(a, step), value_at(b, step))


@checks.Relation
def _in_order(arguments: Mapping[str, Any], where: str) -> None:
    if arguments["low"] is not None and arguments["high"] is not None:
        checks.AtMost("low", "high")(arguments, where)


@formula(
    _in_order,
    schedule=schedule_like,
    low=checks.optional(checks.finite),
    high=checks.optional(checks.finite),
)
def clip(
    step: Any, schedule: Any, low: ArrayLike | None = None, high: ArrayLike | None = None
) -> Any:
    """A schedule held within bounds: min(max(schedule(step), low), high).

    Args:
      schedule: a schedule, or another callable from step to value.
      low: the smallest value, or None for no bound.
      high: the largest value, or None for no bound.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: the schedule is not callable, or a bound not a number.
      ValueError: a bound is not finite, or low is above high.

    Source: thinc ``compounding`` (a stop); TensorFlow models (a floor).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.clip(jaxsched.linear_schedule(1.0, 0.0, 4), low=0.25, high=0.75)
      >>> [schedule(step) for step in range(5)]
      [0.75, 0.75, 0.5, 0.25, 0.25]
    """
    value = value_at(schedule, step)
    value = value if low is None else _larger(step, value, low)
    return value if high is None else _smaller(step, value, high)


@formula(schedule=schedule_like, peak=checks.positive, low=checks.finite, high=checks.finite)
def proportional(step: Any, schedule: Any, peak: ArrayLike, low: ArrayLike, high: ArrayLike) -> Any:
    r"""A value that moves in proportion to another schedule: a weight decay or a momentum with the rate.

    .. math:: L + (H - L) \cdot \mathrm{clip}(s(t) / P, 0, 1)

    With ``low`` above ``high`` it moves against the schedule, as momentum does in a one-cycle.

    Args:
      schedule: :math:`s`, the schedule that leads.
      peak: :math:`P`, the value of ``schedule`` at which this one is ``high``.
      low: :math:`L`, the value where ``schedule`` is 0.
      high: :math:`H`, the value where ``schedule`` is ``peak``.

    Returns:
      A :class:`Schedule`. No value lies outside the interval of ``low`` and ``high``.

    Raises:
      TypeError: the schedule is not callable, or an argument not a number.
      ValueError: a number is not finite, or the peak is not positive.

    Source: Smith, "A disciplined approach to neural network hyper-parameters", 2018
    (arXiv:1803.09820); Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019
    (arXiv:1711.05101).

    Example:
      >>> import jaxsched
      >>> rate = jaxsched.linear_schedule(0.0, 1e-3, 4)
      >>> weight_decay = jaxsched.proportional(rate, peak=1e-3, low=0.0, high=0.1)
      >>> weight_decay(2)
      0.05
      >>> momentum = jaxsched.proportional(rate, peak=1e-3, low=0.95, high=0.85)
      >>> round(momentum(2), 6)
      0.9
    """
    way, most = nx.exact(high) - nx.exact(low), float(np.finfo(nx.float_dtype()).max)
    if is_concrete(way) and np.max(np.abs(numbers_of(way))) > most:  # half of it is a number
        again: Any = proportional
        return again.form.function(step, schedule, peak, low * 0.5, high * 0.5) * 2.0
    leading = value_at(schedule, step)
    if nx.is_plain(peak) and peak > most / 8:  # pyright: ignore[reportOperatorIssue]
        leading, peak = leading * 0.25, peak * 0.25  # its reciprocal would be flushed to 0
    from_0 = nx.is_plain(low) and not low
    # The bound also keeps XLA from merging a factor before it with one after it.
    leading = nx.maximum(leading, 0.0)
    if not nx.is_host(leading) and _have_factor(way, peak):
        value = share_to(way, leading, peak, bounded=from_0)
    else:
        value = way * nx.minimum(leading / nx.num(peak), 1.0)
    if from_0:
        return value
    value = nx.num(low) + value  # which is beyond `high` at most by its rounding
    if nx.is_plain(low) and nx.is_plain(high):
        cut = nx.minimum if high >= low else nx.maximum  # pyright: ignore[reportOperatorIssue]
        return cut(value, high)
    low, high = nx.real(low), nx.real(high)
    return jnp.clip(value, jnp.minimum(low, high), jnp.maximum(low, high))


def _have_factor(way: Any, peak: Any) -> bool:
    """Whether two numbers have a quotient that float32 holds, as do its products."""
    return nx.is_plain(way) and nx.is_plain(peak) and 1e-37 < abs(way) / peak < 1e28


@own_recipe(
    transition_steps=checks.steps,
    high=checks.finite,
    low=checks.finite,
    pct_start=checks.fraction,
    shape=shape_like,
)
def onecycle_momentum_schedule(
    transition_steps: int,
    high: ArrayLike = 0.95,
    low: ArrayLike = 0.85,
    pct_start: float = 0.3,
    shape: Shape = cosine(),  # noqa: B008 (a shape is immutable)
) -> Schedule:
    r"""The momentum of a one-cycle: down while the rate rises, up again while it falls.

    .. math::
      \begin{cases}
      L + (H - L) f(t / b) & t < b = \lfloor p T \rfloor \\
      H + (L - H) f((t - b) / (T - b)) & t \ge b
      \end{cases}

    Args:
      transition_steps: :math:`T`, the number of steps of the cycle.
      high: :math:`H`, the momentum at both ends.
      low: :math:`L`, the momentum where the rate has its peak.
      pct_start: :math:`p`, the fraction of the cycle in which the rate rises.
      shape: :math:`f`, a shape from :mod:`jaxsched.shapes`.

    Returns:
      A :class:`Schedule`, for the same arguments in step with :func:`cosine_onecycle_schedule`.

    Raises:
      TypeError: an argument is not a number, or the shape not a shape.
      ValueError: a number is not finite, the fraction is not from 0 to 1, or the length is negative
        or not whole.

    Source: ``torch.optim.lr_scheduler.OneCycleLR`` (``base_momentum``, ``max_momentum``); Smith, 2018
    (arXiv:1803.09820).

    Example:
      >>> import jaxsched
      >>> momentum = jaxsched.onecycle_momentum_schedule(10, pct_start=0.5)
      >>> [round(momentum(step), 6) for step in (0, 5, 10)]
      [0.95, 0.85, 0.95]
    """
    turn: Any = share_of(pct_start, transition_steps)
    rest: Any = transition_steps - turn
    down = transition_schedule(high, low, turn, shape=shape)
    return join_schedules([down, transition_schedule(low, high, rest, shape=shape)], [turn])
