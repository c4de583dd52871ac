"""Operators on the step: when and how fast a schedule is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula
from jaxsched._core.operand import schedule_like, value_at
from jaxsched._core.periods import Cycle, elapsed_since, is_beyond, periods
from jaxsched._core.progress import Progress, progress

ScheduleLike = Callable[[Any], Any]


@formula(schedule=schedule_like, steps=checks.steps)
def delay(step: Any, schedule: ScheduleLike, steps: int) -> Any:
    r"""A schedule that begins some steps later: its first value holds before.

    .. math:: s(\max(t - D, 0))

    Args:
      schedule: :math:`s`, a schedule, or another callable from step to value.
      steps: :math:`D`, the number of steps before its step 0.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: the schedule is not callable, or the delay not a number.
      ValueError: the delay is negative or not whole.

    Source: t5x ``step_offset``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.delay(jaxsched.linear_schedule(1.0, 0.0, 4), 10)
      >>> [schedule(step) for step in (0, 10, 12, 14)]
      [1.0, 1.0, 0.5, 0.0]
    """
    if nx.is_host(step) or not _is_late(schedule, steps) or is_beyond(step, steps):
        return value_at(schedule, elapsed_since(step, steps))
    begin = nx.like_step(step, steps)
    return value_at(schedule, jnp.maximum(step, begin) - begin)


def _is_late(schedule: Any, steps: Any) -> bool:
    """Whether any negative step is before the begin."""
    del schedule
    return type(steps) is int and steps > 0


delay.form.is_held = _is_late  # pyright: ignore[reportFunctionMemberAccess]


@formula(schedule=schedule_like, every=checks.positive_steps)
def staircase(step: Any, schedule: ScheduleLike, every: int) -> Any:
    r"""A schedule that changes only every so many steps and is held in between.

    .. math:: s(k \lfloor t / k \rfloor)

    Args:
      schedule: :math:`s`, a schedule, or another callable from step to value.
      every: :math:`k`, the number of steps that a value is held.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: the schedule is not callable, or the length not a number.
      ValueError: the length is not a positive integer.

    Source: ``staircase`` of ``optax.exponential_decay``, for any schedule.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.staircase(jaxsched.linear_schedule(1.0, 0.0, 4), 2)
      >>> [schedule(step) for step in range(6)]
      [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]
    """
    return value_at(schedule, step - Cycle(step, every).rest)


@formula(schedule=schedule_like, steps=checks.steps)
def reverse(step: Any, schedule: ScheduleLike, steps: int) -> Any:
    r"""A schedule walked backwards, from one of its steps to its first.

    .. math:: s(\max(T - t, 0))

    Args:
      schedule: :math:`s`, a schedule, or another callable from step to value.
      steps: :math:`T`, the step of ``schedule`` that comes first.

    Returns:
      A :class:`Schedule`. From step :math:`T` on it has the first value of ``schedule``.

    Raises:
      TypeError: the schedule is not callable, or the length not a number.
      ValueError: the length is negative or not whole.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.reverse(jaxsched.exponential_decay(1.0, 1, 0.5), 3)
      >>> [schedule(step) for step in range(5)]
      [0.125, 0.25, 0.5, 1.0, 1.0]
    """
    if nx.is_host(step):
        return value_at(schedule, step.code.line("{0} - {1} if {0} > {1} else 0", steps, step))
    if type(steps) is int and nx.is_whole(step):
        top = int(np.iinfo(step.dtype).max)
        if steps > top:  # steps of the schedule that this type does not hold count as its largest
            return value_at(schedule, top - elapsed_since(step, steps - top))
    return value_at(schedule, jnp.maximum(nx.like_step(step, steps) - step, 0))


@formula(schedule=schedule_like, steps_per_epoch=checks.positive_steps)
def by_epoch(step: Any, schedule: ScheduleLike, steps_per_epoch: int) -> Any:
    r"""A function of the epoch as a schedule: held within each epoch.

    .. math:: f(\lfloor t / N \rfloor)

    The epoch is counted exactly, in integers, from 0. A function that JAX cannot trace (``math.pow``,
    ``if epoch > 10``) is tabulated instead: :func:`tabulate_by_epoch`.

    Args:
      schedule: :math:`f`, a schedule whose steps are epochs, or another callable from epoch to value
        that JAX can trace.
      steps_per_epoch: :math:`N`, the number of steps in an epoch.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: the schedule is not callable, or the length not a number.
      ValueError: the length is not a positive integer.

    Source: ``keras.callbacks.LearningRateScheduler``; torch's schedulers, stepped once an epoch.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.by_epoch(lambda epoch: 0.5 ** epoch, steps_per_epoch=100)
      >>> [schedule(step) for step in (0, 99, 100, 250)]
      [1.0, 1.0, 0.5, 0.25]
    """
    return value_at(schedule, periods(step, steps_per_epoch))


@checks.Relation
def _product_fits(arguments: Mapping[str, Any], where: str) -> None:
    factor, divisor = arguments["factor"], arguments["divisor"]
    known = type(factor) is int and type(divisor) is int
    if known and divisor > 1 and factor * divisor >= 2**31:
        raise checks.refuse(f"{where}: factor * divisor", "at most 2147483647", factor * divisor)


class _Factor(checks.Number):
    """A positive integer, whose message says how a fraction is written."""

    @property
    def allowed(self) -> str:
        """What may be given, in the words of the message."""
        return f"{super().allowed} (1.5 times as long is factor=3, divisor=2)"


@formula(
    _product_fits,
    schedule=schedule_like,
    factor=_Factor(integer=True, above=0),
    divisor=checks.positive_steps,
)
def stretch(step: Any, schedule: ScheduleLike, factor: int, divisor: int = 1) -> Any:
    r"""A schedule that takes longer (or, with a divisor, shorter) by a factor.

    .. math:: s(t \cdot d / k)

    Between two steps of the schedule the value lies on the straight line through theirs. The
    position is counted in integers, so that the stretched schedule is as exact as the schedule. With a
    divisor the schedule's own step reaches 2**31 - 1 before the run does; on the device, without x64,
    it stays there. For values that are held instead of joined by lines, see :func:`by_epoch`.

    Args:
      schedule: :math:`s`, a schedule, or another callable from step to value.
      factor: :math:`k`, how many times as many steps it takes.
      divisor: :math:`d`, how many times as few: ``stretch(s, 3, 2)`` takes half as long again.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: the schedule is not callable, or a factor not a number.
      ValueError: a factor is not a positive integer, or their product is not below 2**31.

    Source: init2winit ``schedule_stretcher``; the scale schedule ratio of MosaicML's Composer.

    Example:
      >>> import jaxsched
      >>> line = jaxsched.linear_schedule(1.0, 0.0, 2)
      >>> [jaxsched.stretch(line, 2)(step) for step in range(5)]
      [1.0, 0.75, 0.5, 0.25, 0.0]
      >>> [jaxsched.stretch(line, 1, 2)(step) for step in range(2)]
      [1.0, 0.0]
    """
    if nx.is_plain(divisor) and divisor == 1:
        cycle = Cycle(step, factor)
        whole, rest = cycle.number, cycle.rest
    elif nx.is_host(step) or not nx.is_whole(step):
        cycle = Cycle(step * nx.like_step(step, divisor), factor)
        whole, rest = cycle.number, cycle.rest
    else:
        whole, rest = _scaled_step(step, factor, nx.like_step(step, divisor))
    if not nx.is_host(rest) and is_beyond(rest, factor):
        way = progress(rest, factor)  # what is left of it is a float
        return on_line(schedule, whole, Progress(nx.real(rest), lambda: way.left, factor))
    left = lambda: nx.like_step(rest, factor) - rest
    return on_line(schedule, whole, Progress(rest, left, factor))


def _scaled_step(step: Any, factor: Any, divisor: Any) -> tuple[Any, Any]:
    """Step * divisor / factor in integers; from the largest integer on it is that."""
    coarse = Cycle(step, factor)
    whole, fine = coarse.number, Cycle(coarse.rest * divisor, factor)
    base = whole * divisor
    place = base + fine.number
    if nx.is_plain(factor) and nx.is_plain(divisor) and divisor <= factor:
        return place, fine.rest  # which is not beyond the step
    top = int(np.iinfo(step.dtype).max)
    most = top // divisor if nx.is_plain(divisor) else periods(jnp.full_like(step, top), divisor)
    # Of what is beyond the largest integer neither the product nor the sum is looked at.
    over = (whole > most) | (fine.number >= top - base)
    return nx.where(over, top, place), nx.where(over, 0, fine.rest)


def on_line(schedule: Any, whole: Any, part: Any) -> Any:
    """The value on the straight line between a step's and the next one's.

    It is anchored at the value of the smaller magnitude, so that no digits are lost.
    """
    if nx.is_host(whole):
        code = whole.code
        following = code.line("{} + ({} > 0)", whole, part.count).as_step_if(whole)
        here, there = value_at(schedule, whole), value_at(schedule, following)
        return code.line(_ON_LINE, here, there, part.elapsed, part.remaining)
    following = whole + lax.convert_element_type(part.count > 0, whole.dtype)
    here, there = value_at(schedule, whole), value_at(schedule, following)
    rises = jnp.abs(here) <= jnp.abs(there)
    small, large = jnp.where(rises, here, there), jnp.where(rises, there, here)
    since = jnp.where(rises, part.count, part.left)
    # Some of the way is always left, or the two values are one.
    return small + (large - small) * Progress(since, lambda: part.left, part.length).elapsed


_ON_LINE = (
    "{0} + ({1} - {0}) * {2} if (-{1} <= {0} <= {1} if {1} > 0 else {1} <= {0} <= -{1}) "
    "else {1} + ({0} - {1}) * {3}"
)
