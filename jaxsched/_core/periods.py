"""Counting steps: those since another, and those of whole periods."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched._core import numerics as nx
from jaxsched._core.per_piece import is_concrete, lift, numbers_of


def elapsed_since(step: Any, begin: Any) -> Any:
    """The steps since `begin`, 0 before it."""
    if nx.is_plain(begin) and begin == 0:
        return step
    if nx.is_host(step):
        return step.code.line("{0} - {1} if {0} > {1} else 0", step, begin).as_step_if(step)
    if is_beyond(step, begin):
        return jnp.zeros_like(step)
    return jnp.maximum(step - nx.like_step(step, begin), 0)


def sum_of_steps(a: Any, b: Any) -> Any:
    """A + b; a traced sum beyond the int dtype becomes its largest number."""
    if is_concrete(a, b):
        return a + b
    top = int(np.iinfo(nx.int_dtype()).max)
    step = jnp.zeros((), nx.int_dtype())
    a, b = (min(x, top) if nx.is_plain(x) else nx.like_step(step, x) for x in (a, b))
    return jnp.where(a > top - b, top, a + b)


def share_of(part: Any, length: Any) -> Any:
    """The whole number of steps in a fraction of a length, rounded down."""
    if nx.is_plain(part) and nx.is_plain(length):
        return int(part * length)
    if is_concrete(part, length):
        return lift(lambda p, n: (p * n).astype(np.int64), part, length)
    dtype = getattr(length, "dtype", nx.int_dtype())  # of which it will be subtracted
    return lax.convert_element_type(nx.real(part) * nx.real(length), dtype)


def periods(count: Any, period: Any) -> Any:
    """How many whole periods of at least one step a non-negative count holds."""
    return Cycle(count, period).number


def has_begun(step: Any, begin: Any) -> Any:
    """Whether a step is at `begin` or past it."""
    if not nx.is_host(step) and is_beyond(step, begin):
        return jnp.zeros_like(step, bool)
    return step >= nx.like_step(step, begin)


def whole_step(step: Any) -> Any:
    """A step without its fraction, as an integer."""
    if nx.is_host(step):
        return step.code.line("{}({})", int, step)
    if nx.is_whole(step):
        return step
    last = np.nextafter(step.dtype.type(np.iinfo(nx.int_dtype()).max), step.dtype.type(0))
    return lax.convert_element_type(jnp.minimum(step, last), nx.int_dtype())


def is_beyond(step: Any, number: Any) -> bool:
    """Whether no step of this type reaches a number."""
    return nx.is_whole(step) and type(number) is int and number > np.iinfo(step.dtype).max


def is_within(step: Any, number: Any) -> bool:
    """Whether whole steps of this type are known to reach a number, or that of every piece; of a traced
    number it is not known.
    """
    if not (nx.is_whole(step) and is_concrete(number)):
        return False
    return bool(np.max(numbers_of(number)) <= np.iinfo(step.dtype).max)


class Cycle:
    """How many whole periods of at least one step a count holds, and the steps beyond them."""

    __slots__ = ("_count", "_number", "_period", "_rest")

    def __init__(self, count: Any, period: Any):
        self._count, self._period, self._number, self._rest = count, period, None, None

    @property
    def number(self) -> Any:
        if self._number is None:
            self._number = self._whole()
        return self._number

    @property
    def rest(self) -> Any:
        if self._rest is None:
            self._rest = self._beyond()
        return self._rest

    def _whole(self) -> Any:
        count, period = self._count, self._period
        if nx.is_host(count):
            return (count // period).as_step_if(count)
        if is_beyond(count, period):
            return jnp.zeros_like(count)
        period = nx.like_step(count, period)
        if nx.is_whole(count):
            return lax.div(*jnp.broadcast_arrays(count, period))
        # The remainder of floats is exact; a quotient of large ones may be rounded onto the next stair.
        return jnp.round((count - self.rest) / period)

    def _beyond(self) -> Any:
        count, period = self._count, self._period
        if nx.is_host(count):
            return count - self.number * period
        if is_beyond(count, period):
            return count
        return lax.rem(*jnp.broadcast_arrays(count, nx.like_step(count, period)))
