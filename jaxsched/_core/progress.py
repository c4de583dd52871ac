"""Where a step is on a stretch of steps: counted in integers, divided last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched._core import numerics as nx
from jaxsched._core.per_piece import PerPiece, is_concrete, is_per_piece, lift, settle


class Progress:
    """How far a step is on a stretch: `elapsed` + `remaining` = 1, each exact at its own end.

    The steps done and the steps left are counted in integers, and each is divided on its own: 1 -
    elapsed would have lost the end of every curve that goes to 0. What a shape does not ask for is
    not computed (either count may be given as a function), and what it asks for twice is computed
    once.
    """

    __slots__ = ("_count", "_elapsed", "_left", "_remaining", "length")

    def __init__(self, count: Any, left: Any, length: Any):
        self._count, self._left, self.length = count, left, length
        self._elapsed = self._remaining = None

    @property
    def count(self) -> Any:
        if callable(self._count):
            self._count = self._count()
        return self._count

    @property
    def left(self) -> Any:
        if callable(self._left):
            self._left = self._left()
        return self._left

    @property
    def elapsed(self) -> Any:
        if self._elapsed is None:
            self._elapsed = self._share_elapsed()
        return self._elapsed

    @property
    def remaining(self) -> Any:
        if self._remaining is None:
            self._remaining = self._share_remaining()
        return self._remaining

    def _share_elapsed(self) -> Any:
        return _share(self.count, lambda: self.left, self.length)

    def _share_remaining(self) -> Any:
        return _share(self.left, lambda: self.count, self.length)

    def elapsed_times(self, scale: Any) -> Any:
        """Elapsed * scale with two roundings fewer than the product; at the end it may miss `scale`
        by the last digit.
        """
        return scaled(self.count, self.length, scale)

    def remaining_times(self, scale: Any) -> Any:
        """Remaining * scale with two roundings fewer than the product; at the start it may miss
        `scale` by the last digit.
        """
        return scaled(self.left, self.length, scale)

    def reverse(self) -> Progress:
        """The same stretch walked backwards."""
        return Progress(lambda: self.left, lambda: self.count, self.length)


class Warped(Progress):
    """A progress whose elapsed share is raised to a power."""

    __slots__ = ("_exponent", "_way")

    def __init__(self, way: Progress, exponent: Any):
        super().__init__(lambda: way.count, lambda: way.left, way.length)
        self._way, self._exponent = way, exponent

    def _share_elapsed(self) -> Any:
        return nx.power(self._way.elapsed, self._exponent)

    def _share_remaining(self) -> Any:
        way = self._way
        return nx.one_minus_power(way.remaining, way.elapsed, self._exponent)

    def elapsed_times(self, scale: Any) -> Any:
        return self.elapsed * scale

    def remaining_times(self, scale: Any) -> Any:
        return self.remaining * scale

    def reverse(self) -> Progress:
        return _Backwards(self)


class _Backwards(Progress):
    """A warped progress walked backwards: its shares swap places."""

    __slots__ = ("_forward",)

    def __init__(self, forward: Progress):
        super().__init__(lambda: forward.left, lambda: forward.count, forward.length)
        self._forward = forward

    def _share_elapsed(self) -> Any:
        return self._forward.remaining

    def _share_remaining(self) -> Any:
        return self._forward.elapsed

    def elapsed_times(self, scale: Any) -> Any:
        return self._forward.remaining_times(scale)

    def remaining_times(self, scale: Any) -> Any:
        return self._forward.elapsed_times(scale)

    def reverse(self) -> Progress:
        return self._forward


def progress(step: Any, length: Any, begin: Any = 0) -> Progress:
    """How far `step` is on the `length` steps from `begin` on; at an end it stays there.

    A length of 0 has passed at `begin`.
    """
    if not is_concrete(length, begin):
        return _traced_progress(step, length, begin)
    if nx.is_plain(length) and length == 0:
        passed = has_begun(step, begin)
        return Progress(nx.where(passed, 1, 0), nx.where(passed, 0, 1), 1)
    given = length, begin
    begin = lift(lambda b, n: b - (n == 0), begin, length)
    length = lift(np.maximum, length, 1)
    end = begin + length
    if is_per_piece(end) and not (
        nx.is_whole(step) and np.max(end.numbers) <= np.iinfo(step.dtype).max
    ):
        # What begins beyond the largest step has not passed there, which is where its begin will be.
        top = np.iinfo(nx.int_dtype()).max
        length = lift(lambda n, b: n + ((n == 0) & (b > top)), *given)
        return _traced_progress(step, length, given[1])
    if not nx.is_host(step):
        if not nx.is_whole(step):
            return _float_progress(step, begin, length)
        top = int(np.iinfo(step.dtype).max)
        if type(end) is int and end > top:
            return _endless_progress(step, begin, length, top)
    last = nx.like_step(step, end)
    reached = nx.minimum(step, last)
    if nx.is_plain(begin) and begin == 0:
        return Progress(reached, lambda: last - reached, length)
    first = nx.like_step(step, begin)
    if not nx.is_plain(begin) or begin > 0:
        reached = nx.maximum(reached, first)
    return Progress(lambda: reached - first, lambda: last - reached, length)


def _float_progress(step: Any, begin: int, length: int) -> Progress:
    """The steps since `begin` are counted first: as floats, `begin` and the end may be the same."""
    count = step if begin == 0 else jnp.maximum(step - float(begin), 0.0)
    count = jnp.minimum(count, float(length))
    return Progress(count, lambda: float(length) - count, length)


def _endless_progress(step: Any, begin: int, length: int, top: int) -> Progress:
    """A stretch whose end no step of this type reaches.

    The way from the largest step to the end is added in floating point: both summands are positive.
    """
    if begin > top:
        return Progress(jnp.zeros_like(step), jnp.full_like(step, length, nx.float_dtype()), length)
    reached = jnp.maximum(step, begin)
    left = lambda: nx.real(top - reached) + float(begin + length - top)
    return Progress(lambda: reached - begin, left, length)


def _traced_progress(step: Any, length: Any, begin: Any) -> Progress:
    if nx.is_whole(step):
        top = int(np.iinfo(step.dtype).max)
        if type(length) is int and length > top:
            count = elapsed_since(step, begin)
            left = lambda: nx.real(top - count) + float(length - top)
            return Progress(count, left, length)
        if type(begin) is int and begin > top:
            length = jnp.maximum(nx.like_step(step, length), 1)
            return Progress(jnp.zeros_like(step), jnp.broadcast_to(length, step.shape), length)
    length, begin = jnp.maximum(nx.like_step(step, length), 0), nx.like_step(step, begin)
    count = jnp.minimum(elapsed_since(step, begin), length)
    passed = (length == 0) & (step >= begin)
    count = count + lax.convert_element_type(passed, step.dtype)
    length = jnp.maximum(length, 1)
    return Progress(count, lambda: length - count, length)


def scaled(count: Any, length: Any, scale: Any) -> Any:
    """Count * scale / length."""
    if is_concrete(length, scale):
        return nx.num(count) * nx.num(scale / length)
    if nx.is_host(count):
        return count / length * scale
    return nx.real(count) / nx.real(length) * nx.num(scale)


def _share(count: Any, rest: Callable[[], Any], length: Any) -> Any:
    """Count / length for count + rest() = length: exactly 1 where nothing is left, never above."""
    if nx.is_host(count):
        return count / length
    count = nx.real(count)
    if not is_concrete(length):
        # A division by what turns out to be a constant may be compiled into a product with its
        # reciprocal, which misses 1 at the end.
        return jnp.where(rest() == 0, count.dtype.type(1), count / nx.real(length))
    # The clamp also keeps XLA from merging the reciprocal with a later constant factor.
    return jnp.minimum(count * nx.num(_reciprocal(length, count.dtype.type)), 1)


def _reciprocal(length: Any, dtype: Any) -> Any:
    """The reciprocal that turns a count into a share: rounded so that the full length gives 1.

    XLA compiles a division by a constant as a product with its reciprocal, and 49 * (1/49) is not 1.
    So the reciprocal is chosen here: the nearest if the full length times it is at least 1, else the
    next above.
    """
    n = length.numbers if is_per_piece(length) else np.float64(length)
    full, factor = n.astype(dtype), (1 / n).astype(dtype)
    factor = np.where(full * factor < 1, np.nextafter(factor, dtype(np.inf)), factor)
    return PerPiece(factor, length.index) if is_per_piece(length) else float(factor)


def elapsed_since(step: Any, begin: Any) -> Any:
    """The steps since `begin`, 0 before it."""
    if nx.is_plain(begin) and begin == 0:
        return step
    if nx.is_host(step):
        return step.code.line("{0} - {1} if {0} > {1} else 0", step, begin).as_step_if(step)
    if _is_beyond(step, begin):
        return jnp.zeros_like(step)
    return jnp.maximum(step - nx.like_step(step, begin), 0)


def sum_of_steps(a: Any, b: Any) -> Any:
    """A + b; a traced sum beyond the int dtype becomes its largest number."""
    if is_concrete(a, b):
        return a + b
    top = int(np.iinfo(nx.int_dtype()).max)
    step = jnp.zeros((), nx.int_dtype())
    a, b = (min(x, top) if nx.is_plain(x) else nx.like_step(step, settle(x)) for x in (a, b))
    return jnp.where(a > top - b, top, a + b)


def share_of(part: Any, length: Any) -> Any:
    """The whole number of steps in a fraction of a length, rounded down."""
    if nx.is_plain(part) and nx.is_plain(length):
        return int(part * length)
    if is_concrete(part, length):
        return lift(lambda p, n: (p * n).astype(np.int64), part, length)
    return lax.convert_element_type(nx.real(part) * nx.real(length), nx.int_dtype())


def periods(count: Any, period: Any) -> Any:
    """How many whole periods of at least one step a non-negative count holds."""
    if nx.is_host(count):
        return (count // period).as_step_if(count)
    if not nx.is_whole(count):
        period = nx.like_step(count, period)
        # The quotient may be rounded onto the next stair; the remainder tells.
        quotient = jnp.floor(count / period)
        quotient = jnp.where(quotient * period > count, quotient - 1, quotient)
        return jnp.where((quotient + 1) * period <= count, quotient + 1, quotient)
    if _is_beyond(count, period):
        return jnp.zeros_like(count)
    period = nx.like_step(count, period)
    if nx.is_plain(period):
        return lax.div(count, jnp.full_like(count, period))
    return lax.div(*jnp.broadcast_arrays(count, period))


def has_begun(step: Any, begin: Any) -> Any:
    """Whether a step is at `begin` or past it."""
    if not nx.is_host(step) and _is_beyond(step, begin):
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


def _is_beyond(step: Any, number: Any) -> bool:
    """Whether no step of this type reaches a number."""
    return nx.is_whole(step) and type(number) is int and number > np.iinfo(step.dtype).max


def cycle(count: Any, period: Any) -> tuple[Any, Any]:
    """How many whole periods of at least one step a count holds, and the steps beyond them."""
    number = periods(count, period)
    if not nx.is_host(count) and _is_beyond(count, period):
        return number, count
    return number, count - number * nx.like_step(count, period)


def real_progress(step: Any, begin: Any, end: Any) -> Progress:
    """How far `step` is between two points of time that need not be whole steps; held at both.

    The whole parts are subtracted from the step first, in integers.
    """
    if not is_concrete(begin, end):
        return _traced_real_progress(step, nx.real(begin), nx.real(end))
    first = lift(lambda b: np.ceil(b).astype(np.int64), begin * 1.0)
    last = lift(lambda e: np.ceil(e).astype(np.int64) - 1, end * 1.0)
    done, rest = first - begin, end - last
    length = lift(lambda b, e: np.where(e > b, np.maximum(e - b, 1e-30), 1.0), begin, end)
    rest = lift(np.maximum, rest, 1e-30)  # not 0 in float32
    length = length if is_per_piece(length) else float(length)
    if not nx.is_host(step) and nx.is_whole(step):
        top = int(np.iinfo(step.dtype).max)
        if not is_per_piece(first) and first > top:
            zero = jnp.zeros(step.shape, nx.float_dtype())
            return Progress(zero, zero + length, length)
        rest = rest + lift(lambda n: np.maximum(n - top, 0), last)
        last = lift(lambda n: np.minimum(n, top), last)
    start, stop = nx.like_step(step, first), nx.like_step(step, last)
    count = nx.num(step - start) + nx.num(done)
    left = nx.num(stop - step) + nx.num(rest)
    full, begun, over = nx.num(length), count >= 0.0, left <= 0.0
    count = nx.where(over, full, nx.where(begun, count, 0.0))
    return Progress(count, nx.where(over, 0.0, nx.where(begun, left, full)), length)


def _traced_real_progress(step: Any, begin: Any, end: Any) -> Progress:
    step = nx.real(step)
    length, over = jnp.where(end > begin, end - begin, 1.0), step >= end
    count = jnp.where(step >= begin, step - begin, 0.0)
    left = jnp.where(step >= begin, end - step, length)
    return Progress(jnp.where(over, length, count), jnp.where(over, 0.0, left), length)
