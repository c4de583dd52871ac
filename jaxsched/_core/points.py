"""Where a step is between two points of time that need not be whole steps."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsched._core import numerics as nx
from jaxsched._core.per_piece import is_concrete, is_per_piece, lift, numbers_of
from jaxsched._core.progress import Progress

INSTANT = 1e-20
"""The length of a way that takes no time: whose reciprocal is a number in float32."""
LAST = 2.0**63 - 1024.0
"""The largest float that is a number of int64."""


def first_step(point: Any) -> Any:
    """The first whole step, of numbers known now, that is not before a point."""
    return np.minimum(np.ceil(point), LAST).astype(np.int64)


def real_progress(
    step: Any, begin: Any, end: Any, before: bool = True, after: bool = True
) -> Progress:
    """How far `step` is between two points of time that need not be whole steps; held at both.

    The whole parts are subtracted from the step first, in integers. It need not be held at a point
    on whose other side (`before`, `after`) it is not used.
    """
    if not is_concrete(begin, end):
        return _traced_real_progress(step, nx.real(begin), nx.real(end))
    first = lift(first_step, begin)
    last = lift(lambda e: first_step(e) - 1, end)
    done, rest = first - begin, end - last
    length = lift(lambda b, e: np.maximum(e - b, INSTANT), begin, end)
    rest = lift(np.maximum, rest, INSTANT)  # not 0 in float32
    dtype = np.float64 if nx.is_host(step) else nx.float_dtype().type
    reaching = lambda steps, part, length: _reaching_sum(steps, part, length, dtype)
    # As the first step past an end, and the last one not after the begin, are counted; where no time
    # is between them, the first step past both may be between two whole ones.
    past = lift(lambda b, e, f, n: np.where(e > b, n + 1 - f, e - f), begin, end, first, last)
    done, ends_whole = lift(reaching, past, done, length), False
    if not nx.is_host(step) and nx.is_whole(step):
        top = int(np.iinfo(step.dtype).max)
        if not is_per_piece(first) and first > top:
            zero = jnp.zeros(step.shape, nx.float_dtype())
            return Progress(zero, zero + length, length)
        rest = rest + lift(lambda n: np.maximum(n, top) - top, last)
        last = lift(lambda n: np.minimum(n, top), last)
        ends_whole = np.all(numbers_of(rest) == 1) and np.all(numbers_of(last) < top)
    if ends_whole:
        last, rest = last + 1, 0.0
    else:
        to_come = lift(lambda b, n: np.maximum(n - np.floor(b), 0), begin, last)
        rest = lift(reaching, to_come, rest, length)
    full = nx.num(length)

    def within(steps: Any, part: Any, least: bool, most: bool) -> Any:
        steps = steps if nx.is_plain(part) and part == 0 else nx.num(steps) + nx.num(part)
        steps = nx.maximum(steps, 0) if least else steps
        return nx.minimum(nx.num(steps), full) if most else steps

    before = before and not np.all(numbers_of(begin) <= 0)
    start, stop = nx.like_step(step, first), nx.like_step(step, last)
    since = lambda: step if nx.is_plain(start) and start == 0 else step - start
    # Near the end of a long way the count may be rounded up to its length.
    over = lambda: way.left <= 0
    count = lambda: within(since(), done, before, after)
    left = lambda: within(stop - step, rest, after, before)
    way = Progress(count, left, length, over, on_host=nx.is_host(step))
    return way


def _reaching_sum(steps: Any, part: Any, length: Any, dtype: Any) -> Any:
    """The part of a step, rounded so that steps plus it are a length at least, which they exactly are."""
    steps, part, length = (np.asarray(x, np.float64).astype(dtype) for x in (steps, part, length))
    while np.any(short := steps + part < length):
        part = np.where(short, np.nextafter(part + (length - (steps + part)), dtype(np.inf)), part)
    return part.astype(np.float64)


def _traced_real_progress(step: Any, begin: Any, end: Any) -> Progress:
    step = nx.real(step)
    length, over = jnp.where(end > begin, end - begin, 1.0), step >= end
    count = jnp.where(step >= begin, step - begin, 0.0)
    left = jnp.where(step >= begin, end - step, length)
    return Progress(jnp.where(over, length, count), jnp.where(over, 0.0, left), length)
