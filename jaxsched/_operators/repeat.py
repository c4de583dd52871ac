"""Repeating a schedule, each time from its own step 0."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula
from jaxsched._core.geometric import times_power
from jaxsched._core.operand import schedule_like, value_at
from jaxsched._core.periods import Cycle, is_beyond, whole_step
from jaxsched._core.progress import Progress
from jaxsched._operators.clock import ScheduleLike, on_line

ArrayLike = jax.typing.ArrayLike


@formula(
    schedule=schedule_like,
    period=checks.positive_steps,
    growth=checks.positive_steps,
    decay=checks.positive,
    limit=checks.optional(checks.positive_steps),
)
def repeat(
    step: Any,
    schedule: ScheduleLike,
    period: int,
    growth: int = 1,
    decay: ArrayLike = 1.0,
    limit: int | None = None,
) -> Any:
    r"""A schedule again and again, each time from its step 0.

    .. math:: r^i\, s\!\left(\frac{t - b_i}{g^i}\right)
       \quad\text{for}\quad b_i \le t < b_{i+1} = b_i + P g^i

    Each cycle is the schedule's first ``period`` steps, stretched as by :func:`stretch` where cycles
    grow. The clock is relative: a ramp is walked anew in each cycle.

    Args:
      schedule: :math:`s`, a schedule, or another callable from step to value.
      period: :math:`P`, the number of steps in the first cycle.
      growth: :math:`g`, how many times as long each next cycle is.
      decay: :math:`r`, the factor by which each next cycle is scaled.
      limit: the number of cycles, or None for no end. After the last one the value at its end is
        held: that of the schedule's step ``period``.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: the schedule is not callable, or an argument not a number.
      ValueError: the period, the growth or the limit is not a positive integer, or the decay not
        positive.

    Source: ``cycle_mul``, ``cycle_decay`` and ``cycle_limit`` of timm's schedulers; praxis
    ``CycleSchedule``.

    Example:
      >>> import jaxsched
      >>> fall = jaxsched.linear_schedule(1.0, 0.0, 2)
      >>> schedule = jaxsched.repeat(fall, 2, growth=2, decay=0.5, limit=2)
      >>> [schedule(step) for step in range(8)]
      [1.0, 0.5, 0.5, 0.375, 0.25, 0.125, 0.0, 0.0]
    """
    counted = not (nx.is_plain(decay) and decay == 1)
    if nx.is_plain(growth) and growth == 1:
        index, value = _equal_cycles(step, schedule, period, limit, counted)
    elif nx.is_host(step):
        place = step.code.line("{}({})", partial(_locate, period, growth, limit), step)
        index, whole, rest, factor = (
            step.code.line("{}[{}]", place, position) for position in range(4)
        )
        value = on_line(schedule, whole, Progress(rest, factor - rest, factor))
    else:
        index, value = _growing_cycles(step, schedule, period, growth, limit, counted)
    return times_power(value, decay, index) if counted else value


def _equal_cycles(
    step: Any, schedule: Any, period: Any, limit: Any, counted: bool
) -> tuple[Any, Any]:
    cycle = Cycle(step, period)
    if limit is None or (
        not nx.is_host(step) and (is_beyond(step, limit) or is_beyond(step, period))
    ):
        return cycle.number if counted else None, value_at(schedule, cycle.rest)
    index, local = cycle.number, cycle.rest
    held = nx.like_step(index, limit)
    over = index >= held
    if nx.is_host(step):
        local = local.code.line("{1} if {2} else {0}", local, period, over)
        index = index.code.line("{1} if {2} else {0}", index, held - 1, over)
    else:
        local = jnp.where(over, nx.like_step(local, period), local)
        index = jnp.where(over, held - 1, index) if counted else None
    return index, value_at(schedule, local)


def _locate(
    period: int, growth: int, limit: int | None, step: float
) -> tuple[int, int, float, int]:
    """The cycle, the step of the schedule, and the rest of it in shares of the cycle's factor."""
    whole, begin, factor, index = int(step), 0, 1, 0
    while whole >= begin + period * factor and (limit is None or index < limit - 1):
        begin, factor, index = begin + period * factor, factor * growth, index + 1
    local, fraction = whole - begin, step - whole
    if local >= period * factor:  # after the last cycle
        local, fraction = period * factor, 0
    return index, local // factor, local % factor + fraction, factor


def _growing_cycles(
    step: Any, schedule: Any, period: Any, growth: Any, limit: Any, counted: bool
) -> tuple[Any, Any]:
    """Jumps over many cycles at once, then over half as many, and so on: so few equations that a
    program of nested schedules stays one that XLA compiles and runs well.
    """
    given, step = step, whole_step(step)
    if is_beyond(step, period):  # the first cycle is the only one
        return jnp.zeros_like(step), value_at(schedule, given)
    top = jnp.full_like(step, np.iinfo(step.dtype).max)
    if is_beyond(step, limit):
        limit = None
    elif limit is not None:
        limit = nx.like_step(step, limit)
    period, growth = nx.like_step(step, period), nx.like_step(step, growth)
    if nx.is_plain(period):
        room = int(np.iinfo(step.dtype).max) // period
    else:
        room = lax.div(top, jnp.broadcast_to(period, step.shape))
    jumps = tuple(_jumps(step, period, growth, room))
    begin, factor, index = jnp.zeros_like(step), jnp.ones_like(step), jnp.zeros_like(step)
    beyond = jnp.zeros_like(step, bool)  # whether the type does not hold the factor
    weight = jnp.ones_like(step, nx.float_dtype())
    for jump in reversed(jumps):
        more = ~beyond & (factor <= lax.div(step - begin, jnp.full_like(step, jump.length)))
        if jump.fits is not None:
            more = more & jump.fits
        if limit is not None:
            more = more & (limit - index > jump.cycles)
        begin = jnp.where(more, begin + factor * jump.length, begin)
        weight = jnp.where(more, weight * jump.growth, weight)
        beyond = beyond | (more & (factor > jump.largest))
        factor = jnp.where(more, factor * jump.factor, factor)
        if counted or limit is not None:
            index = jnp.where(more, index + jump.cycles, index)
    if not nx.is_plain(growth):  # cycles that turn out not to grow are not walked but counted
        equal_index = Cycle(step, period).number
        if limit is not None:
            equal_index = jnp.minimum(equal_index, limit - 1)
        equal = jnp.broadcast_to(growth == 1, step.shape)
        if counted:
            index = jnp.where(equal, equal_index, index)
        begin = jnp.where(equal, equal_index * period, begin)
    ends = ~beyond & (factor <= room)
    end = jnp.where(ends, jnp.where(ends, factor, 0) * period, top)
    local = jnp.minimum(step - begin, end)
    cycle = Cycle(local, factor)
    whole, rest = cycle.number, cycle.rest
    whole, rest = jnp.where(beyond, 0, whole), jnp.where(beyond, local, rest)
    length = jnp.where(beyond, weight, nx.real(factor))
    real_rest = nx.real(rest)
    left = jnp.where(beyond, weight - real_rest, nx.real(factor - rest))
    if not nx.is_whole(given):
        fraction = jnp.where(step - begin < end, given - nx.real(step), 0.0)
        real_rest, left = real_rest + fraction, left - fraction
    return index, on_line(schedule, whole, Progress(real_rest, left, length))


class _Jump(NamedTuple):
    """Over some cycles at once."""

    cycles: int
    length: Any  # of all of them, if the first is as long as the period
    factor: Any  # what they multiply the length of a cycle by
    growth: Any  # the same as a real number
    largest: Any  # the largest number whose product with the factor the step's type holds
    fits: Any  # whether it holds the length; None if it does


def _jumps(step: Any, period: Any, growth: Any, room: Any) -> Iterator[_Jump]:
    """Over 1, 2, 4, ... cycles, as far as the step's type goes; it has room for so many periods."""
    top, cycles = int(np.iinfo(step.dtype).max), 1
    if nx.is_plain(period) and nx.is_plain(growth):
        share, factor = 1, growth
        while share * period <= top:
            yield _Jump(
                cycles, share * period, min(factor, top), float(factor), top // factor, None
            )
            cycles, share, factor = 2 * cycles, share * (1 + factor), factor**2
        return
    period, real = (jnp.broadcast_to(x, step.shape) for x in (period, nx.real(growth)))
    held = not is_beyond(step, growth)
    factor = jnp.broadcast_to(growth if held else 1, step.shape)
    top, share = jnp.full_like(step, top), jnp.ones_like(step)
    # Whether the type holds the length, and the factor: what it does not hold is not used.
    fits, exact = jnp.ones_like(step, bool), jnp.full_like(step, held, bool)
    while True:
        fits = fits & (share <= room)
        most = lax.div(top, factor)
        length = jnp.where(fits, share * period, 1)
        yield _Jump(cycles, length, factor, real, jnp.where(exact, most, 0), fits)
        if 4 * cycles > np.iinfo(step.dtype).bits:
            return
        fits = fits & exact & (factor <= lax.div(top - share, share))
        exact = exact & (factor <= most)
        share = jnp.where(fits, share * (1 + factor), 1)
        cycles, factor, real = 2 * cycles, jnp.where(exact, factor * factor, 1), real * real
