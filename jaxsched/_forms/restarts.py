"""Cycles that grow by a factor: which one a step is in, and how far on it.

The cycles of concrete hyperparameters are tabulated to 60 digits. Where one begins between two steps,
its whole part is subtracted from the step in integers and the rest is added after that.
"""

from __future__ import annotations

import decimal
import functools
import math
from bisect import bisect_right
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched._core import numerics as nx
from jaxsched._core.compose import reached_of
from jaxsched._core.per_piece import PerPiece
from jaxsched._core.periods import Cycle, is_beyond
from jaxsched._core.progress import Progress, progress
from jaxsched._forms.exponential import at_least_one

LAST = 2**63 - 1
EVEN = 1.005
"""A growth below it is none: a checked one is 1 or at least 1.01."""


def restarts(step: Any, first: Any, growth: Any, counted: bool) -> tuple[Any, int | None, Progress]:
    """The number of the cycle if it is to be counted, what it is at most, if that is known, and the
    progress on it; cycle i has the length first * growth ** i.
    """
    if nx.is_plain(growth) and growth < EVEN:
        period = at_least_one(first)
        cycle = Cycle(step, period)
        if nx.is_plain(period) and (nx.is_host(step) or not is_beyond(step, period)):
            way = Progress(cycle.rest, lambda: nx.like_step(step, period) - cycle.rest, period)
        else:
            way = progress(cycle.rest, period)
        return cycle.number if counted else None, None, way
    if not (nx.is_plain(first) and nx.is_plain(growth)):
        number, way = _traced(nx.real(step), nx.real(first), nx.real(growth))
        return number, None, way
    table = _table(first, growth)
    if nx.is_host(step):
        number = step.code.line("{}({}, {}) - 1", bisect_right, table.turns, step)
        count = step.code.line(
            "{} - {}[{}] + {}[{}]", step, table.begins, number, table.done, number
        )
        left = step.code.line("{}[{}] - {} + {}[{}]", table.lasts, number, step, table.rest, number)
        length = step.code.line("{}[{}]", table.lengths, number)
        return number, None, Progress(count, left, length)
    return _tabulated(step, table)


class _Table:
    """Per cycle the first step in it, the last before the next, the parts beyond them, the length.

    And where it begins, between two steps: rounded up, where no float is there.
    """

    def __init__(self) -> None:
        self.begins: tuple[int, ...] = ()
        self.turns: tuple[float, ...] = ()
        self.lasts: tuple[int, ...] = ()
        self.done: tuple[float, ...] = ()
        self.rest: tuple[float, ...] = ()
        self.lengths: tuple[float, ...] = ()


@functools.lru_cache(maxsize=64)
def _table(first: int, growth: float) -> _Table:
    rows, turns = [], []
    with decimal.localcontext() as context:
        context.prec = 60
        begin, length = decimal.Decimal(0), decimal.Decimal(first)
        while begin <= LAST:
            end = begin + length
            start, last = math.ceil(begin), math.ceil(end) - 1
            rows.append((start, last, float(start - begin), float(end - last), float(length)))
            near = float(begin)
            near = near if near >= begin else math.nextafter(near, math.inf)
            turns.append(near if near < start else start)
            # No step gets far in a cycle of 1e37 steps, and float32 holds no longer one.
            begin, length = end, min(length * decimal.Decimal(growth), decimal.Decimal("1e37"))
    table = _Table()
    table.begins, table.lasts, table.done, table.rest, table.lengths = zip(*rows, strict=True)
    table.turns = tuple(turns)
    return table


def _tabulated(step: Any, table: _Table) -> tuple[Any, int, Progress]:
    top = int(np.iinfo(step.dtype).max) if nx.is_whole(step) else LAST
    used = bisect_right(table.begins, top)
    begins = np.asarray(table.begins[:used])
    whole = nx.is_whole(step)
    turns = begins.astype(step.dtype) if whole else _up(table.turns[:used], step.dtype)
    index = reached_of(step, turns[1:])

    def pick(numbers: Any) -> Any:
        return PerPiece(np.asarray(numbers), index)

    def count() -> Any:
        since = step - nx.like_step(step, pick(begins))
        return (
            nx.real(since) + nx.real(pick(table.done[:used])) if any(table.done[:used]) else since
        )

    ends = [last + 1 for last in table.lasts[:used]]
    # The last end is beyond the largest step: this step is an int32.
    if all(r == 1 for r in table.rest[:used]) and ends[-1] < 2**32:
        left = pick(ends).gather(np.uint32) - lax.convert_element_type(step, np.uint32)
        return index, used - 1, Progress(count, left, pick(table.lengths[:used]))
    lasts = [min(last, top) for last in table.lasts[:used]]
    beyond = [float(last - kept) for last, kept in zip(table.lasts, lasts, strict=False)]
    rest = [a + b for a, b in zip(table.rest, beyond, strict=False)]
    left = nx.like_step(step, pick(lasts)) - step
    left = nx.real(left) + nx.real(pick(rest))
    return index, used - 1, Progress(count, left, pick(table.lengths[:used]))


def _up(numbers: tuple[float, ...], dtype: Any) -> np.ndarray:
    """Numbers in a type of floats, none of them below what it was."""
    exact = np.asarray(numbers, np.float64)
    near = exact.astype(dtype)
    return np.where(near < exact, np.nextafter(near, dtype.type(np.inf)), near)


def _traced(step: Any, first: Any, growth: Any) -> tuple[Any, Progress]:
    # No step gets far in a cycle that is longer by 2**52, and its end is to be a number.
    most = 2.0**52 if growth.dtype == np.float32 else 2.0**128
    first, growth = jnp.maximum(first, 1.0), jnp.clip(growth, 1.0, most)
    even = growth < EVEN
    growth = jnp.where(even, 1.0, growth)
    excess = jnp.where(even, 1.0, growth - 1.0)
    guess = jnp.log1p(lax.stop_gradient(step / first * excess)) / jnp.log1p(excess)
    number = lax.stop_gradient(jnp.where(even, jnp.floor(step / first), jnp.floor(guess)))
    powers = _doublings(growth)

    def begin(i: Any, power: Any) -> Any:
        """Times the excess: not divided, as XLA multiplies by the reciprocal of what it knows."""
        return first * jnp.where(even, i, power - 1.0)

    power, now = _whole_power(powers, number), step * excess
    number = jnp.where(begin(number, power) > now, number - 1.0, number)
    after = number + 1.0
    number = jnp.where(begin(after, _whole_power(powers, after)) <= now, after, number)
    power, after = _whole_power(powers, number), number + 1.0
    left = begin(after, _whole_power(powers, after)) / excess - step
    count = lambda: jnp.maximum(step - begin(number, power) / excess, 0.0)
    length = first * power
    way = Progress(count, jnp.clip(left, 0.0, length), length)
    return lax.convert_element_type(number, nx.int_dtype()), way


PLACES = 12


def _doublings(base: Any) -> list[Any]:
    """Base ** 1, 2, 4, ..., as far as its type goes: what is beyond is not used, but is a number."""
    powers, root = [base], 2.0 ** (np.finfo(base.dtype).maxexp // 2 - 1)
    while len(powers) < PLACES:
        powers.append(jnp.minimum(powers[-1], root) ** 2)
    return powers


def _whole_power(powers: list[Any], exponent: Any) -> Any:
    """The product of the powers for the bits of an exponent: exact where it is a number of its type."""
    bits = lax.convert_element_type(jnp.minimum(exponent, 2.0**PLACES - 1.0), jnp.int32)
    shape = jnp.broadcast_shapes(powers[0].shape, exponent.shape)
    result = jnp.ones(shape, powers[0].dtype)
    for place, power in enumerate(powers):
        result = jnp.where((bits & (1 << place)) != 0, result * power, result)
    return result
