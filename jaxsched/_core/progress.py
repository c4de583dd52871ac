"""Where a step is on a stretch of steps: counted in integers, divided last."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched._core import numerics as nx
from jaxsched._core.per_piece import Few, PerPiece, is_concrete, is_per_piece, lift, numbers_of
from jaxsched._core.periods import elapsed_since, has_begun, is_beyond, is_within


class Progress:
    """How far a step is on a stretch: `elapsed` + `remaining` = 1, each exact at its own end.

    The steps done and the steps left are counted in integers, and each is divided on its own: 1 -
    elapsed would have lost the end of every curve that goes to 0. What a shape does not ask for is
    not computed (either count may be given as a function), and what it asks for twice is computed
    once. A product that is cut at its end anyway takes the steps `since` the begin, if they are given,
    which are not held at the end.
    """

    __slots__ = ("_asked", "_count", "_left", "_over", "_since", "length", "on_host")
    is_counted = True
    """Whether the shares are those of the counts."""

    def __init__(
        self,
        count: Any,
        left: Any,
        length: Any,
        over: Any = None,
        on_host: bool | None = None,
        since: Any = None,
    ):
        self._count, self._left, self._over, self.length = count, left, over, length
        self._since = since
        self._asked: dict[str, Any] = {}
        # Where the count is a function it has to be said.
        self.on_host = nx.is_host(count) if on_host is None else on_host

    def _once(self, name: str, compute: Callable[[], Any]) -> Any:
        """What was asked for before under this name, or now for the first time."""
        if name not in self._asked:
            self._asked[name] = compute()
        return self._asked[name]

    @property
    def count(self) -> Any:
        return self._once("count", self._count) if callable(self._count) else self._count

    @property
    def left(self) -> Any:
        return self._once("left", self._left) if callable(self._left) else self._left

    @property
    def over(self) -> Any:
        """Whether nothing is left."""
        return self._once("over", self._over or self._is_over)

    def _is_over(self) -> Any:
        if nx.is_plain(self.length) and (self.on_host or not is_beyond(self.count, self.length)):
            count = self.count
            return count >= (self.length if self.on_host else nx.like_step(count, self.length))
        return self.left <= 0

    @property
    def elapsed(self) -> Any:
        return self._once("elapsed", self._share_elapsed)

    @property
    def remaining(self) -> Any:
        return self._once("remaining", self._share_remaining)

    def _share_elapsed(self) -> Any:
        return _share(self._real_count, lambda: self.left, self._real_length)

    def _share_remaining(self) -> Any:
        return _share(self._real_left, lambda: self.count, self._real_length)

    @property
    def _real_count(self) -> Any:
        return self._once("real count", lambda: nx.num(self.count))

    @property
    def _real_left(self) -> Any:
        return self._once("real left", lambda: nx.num(self.left))

    @property
    def _free_count(self) -> Any:
        """The steps done, or past the end more."""
        return nx.num(self._since()) if self._since else self._real_count

    @property
    def _free_left(self) -> Any:
        """The steps left, or, walked backwards, before the begin more."""
        return self._real_left

    @property
    def _real_length(self) -> Any:
        """The length, as a float where it is not concrete."""
        if self.on_host or is_concrete(self.length):
            return self.length
        return self._once("real length", lambda: nx.real(self.length))

    def elapsed_times(self, scale: Any) -> Any:
        """Elapsed * scale with two roundings fewer than the product; at the end it may miss `scale`
        by the last digit.
        """
        return scaled(self._real_count, self._real_length, scale)

    def remaining_times(self, scale: Any) -> Any:
        """Remaining * scale with two roundings fewer than the product; at the start it may miss
        `scale` by the last digit.
        """
        return scaled(self._real_left, self._real_length, scale)

    def remaining_to(self, goal: Any, bounded: bool = True) -> Any:
        """Remaining * goal, exactly `goal` at the start and never beyond it; not `bounded`, it may be
        beyond it, where it is cut afterwards.
        """
        if self._has_plain(goal, per_piece=True):
            return share_to(goal, self._free_left, self.length, bounded)
        return (goal if self.on_host else nx.num(goal)) * self.remaining

    def _has_plain(self, number: Any, per_piece: bool = False) -> bool:
        """Whether a product with a number can be counted with one factor (per piece), on the device."""
        known = nx.is_plain(self.length) or (per_piece and is_per_piece(self.length))
        if self.on_host or not (known and nx.is_plain(number) and self.is_counted):
            return False
        # The factor is no number that float32 flushes to 0, and its product with any step is a number.
        longest = np.max(numbers_of(self.length))
        return bool(longest * 1e-37 < abs(number) < 1e28)

    def remaining_squared_to(self, goal: Any) -> Any:
        """Remaining ** 2 * goal, exactly `goal` at the start and never beyond it."""
        if not self._has_plain(goal) or goal < 0:
            square = self.remaining * self.remaining
            return (goal if self.on_host else nx.num(goal)) * square
        dtype = nx.float_dtype().type
        full, top = dtype(self.length), dtype(goal)
        factor = dtype(math.sqrt(top) / self.length)
        while (full * factor) * (full * factor) < top:
            factor = np.nextafter(factor, dtype(np.inf))
        root = self._real_left * float(factor)
        return nx.minimum(root * root, float(top))

    def remaining_of_power(self, exponent: Any) -> Any:
        """1 - elapsed ** exponent without cancellation."""
        if self._has_plain(1.0) and nx.is_half_power(exponent):
            # What may be above 1 by the last digit is only added to 1.
            return nx.one_minus_power(self.remaining, self.elapsed_times(1.0), exponent)
        return nx.one_minus_power(self.remaining, self.elapsed, exponent)

    def remaining_of_power_to(self, goal: Any, bounded: bool, exponent: Any) -> Any:
        """(1 - elapsed ** exponent) * goal, exactly `goal` at the start and never beyond it; not
        `bounded`, it may miss it by the last digits.
        """
        if not (self._has_plain(goal) and nx.is_half_power(exponent)):
            return (goal if self.on_host else nx.num(goal)) * self.remaining_of_power(exponent)
        rest = share_to(goal, self._real_left, self.length, bounded=False)
        value = nx.one_minus_power(rest, self.elapsed_times(1.0), exponent)
        return _cut(value, goal) if bounded else value

    def reverse(self) -> Progress:
        """The same stretch walked backwards."""
        return _Backwards(self)

    def reversed_where(self, flags: PerPiece) -> Progress:
        """The same stretch, walked backwards where the active piece's flag says so."""
        count = lambda: flags.choose(*_alike(self.left, self.count))
        return Progress(count, lambda: flags.choose(*_alike(self.count, self.left)), self.length)


class Chosen(Progress):
    """The progress on the active one of a few stretches."""

    __slots__ = ("_few", "_parts")

    def __init__(self, parts: Sequence[Progress], few: Few):
        pick = lambda name: few.pick(_alike(*(getattr(part, name) for part in parts)))
        length = PerPiece(np.asarray([part.length for part in parts]), few)
        super().__init__(lambda: pick("count"), lambda: pick("left"), length, lambda: pick("over"))
        self._parts, self._few = parts, few

    def reversed_where(self, flags: PerPiece) -> Progress:
        parts = zip(self._parts, flags.numbers, strict=True)
        return Chosen([part.reverse() if flag else part for part, flag in parts], self._few)


class Warped(Progress):
    """A progress whose elapsed share is raised to a power."""

    __slots__ = ("_exponent", "_way")
    is_counted = False

    def __init__(self, way: Progress, exponent: Any):
        counts = lambda: way.count, lambda: way.left
        super().__init__(*counts, way.length, lambda: way.over, way.on_host)
        self._way, self._exponent = way, exponent

    def _share_elapsed(self) -> Any:
        return nx.power(self._way.elapsed, self._exponent)

    def _share_remaining(self) -> Any:
        return self._way.remaining_of_power(self._exponent)

    def elapsed_times(self, scale: Any) -> Any:
        return self.elapsed * scale

    def remaining_times(self, scale: Any) -> Any:
        if "remaining" in self._asked:
            return self.remaining * scale
        return self._way.remaining_of_power_to(scale, False, self._exponent)


class _Backwards(Progress):
    """A progress walked backwards: its counts and shares swap places, and what is known is kept."""

    __slots__ = ("_forward",)

    def __init__(self, forward: Progress):
        counts = lambda: forward.left, lambda: forward.count
        super().__init__(*counts, forward.length, on_host=forward.on_host)
        self._forward = forward

    @property
    def is_counted(self) -> bool:
        return self._forward.is_counted

    @property
    def _real_count(self) -> Any:
        return self._forward._real_left

    @property
    def _real_left(self) -> Any:
        return self._forward._real_count

    @property
    def _free_count(self) -> Any:
        return self._forward._free_left

    @property
    def _free_left(self) -> Any:
        return self._forward._free_count

    @property
    def _real_length(self) -> Any:
        return self._forward._real_length

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
        if not nx.is_host(step) and begin == 0:
            return Progress(jnp.ones_like(step), jnp.zeros_like(step), 1)
        passed = has_begun(step, begin)
        counts = lambda: nx.where(passed, 1, 0), lambda: nx.where(passed, 0, 1)
        return Progress(*counts, 1, on_host=nx.is_host(step))
    given = length, begin
    begin = lift(lambda b, n: b - (n == 0), begin, length)
    length = lift(np.maximum, length, 1)
    end = begin + length
    if (is_per_piece(begin) or is_per_piece(length)) and not is_within(step, end):
        # What begins beyond the largest step has not passed there, which is where its begin will be.
        top = np.iinfo(nx.int_dtype()).max
        length = lift(lambda n, b: n + ((n == 0) & (b > top)), *given)
        return _traced_progress(step, length, given[1])
    if nx.is_host(step):
        return _host_progress(step, begin, length)
    if not nx.is_whole(step):
        return _float_progress(step, begin, length)
    top = int(np.iinfo(step.dtype).max)
    if type(end) is int and end > top:
        return _endless_progress(step, begin, length, top)
    first, last = nx.like_step(step, begin), nx.like_step(step, end)
    at_once = nx.is_plain(begin) and begin == 0
    begun = step if nx.is_plain(begin) and begin <= 0 else jnp.maximum(step, first)
    counted = lambda reached: reached if at_once else reached - first
    reached = lambda: way._once("reached", lambda: jnp.minimum(begun, last))
    counts = lambda: counted(reached()), lambda: last - reached()
    way = Progress(*counts, length, since=lambda: counted(begun))
    return way


def _host_progress(step: Any, begin: int, length: int) -> Progress:
    end = begin + length
    reached = nx.minimum(step, end)
    if begin == 0:
        return Progress(reached, lambda: end - reached, length)
    reached = nx.maximum(reached, begin) if begin > 0 else reached
    return Progress(lambda: reached - begin, lambda: end - reached, length, on_host=True)


def _float_progress(step: Any, begin: int, length: int) -> Progress:
    """The steps since `begin` are counted first: as floats, `begin` and the end may be the same."""
    count = step if begin == 0 else step - float(begin)
    count = jnp.maximum(count, 0.0) if begin > 0 else count
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


def _alike(*counts: Any) -> Sequence[Any]:
    """Counts of which one is chosen: whole ones, or if not all are, floats."""
    kinds = {count.dtype for count in counts}
    return counts if len(kinds) == 1 else [nx.real(count) for count in counts]


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


def share_to(goal: float, count: Any, length: Any, bounded: bool) -> Any:
    """Goal * count / length with one factor, exactly the goal for the full length."""
    dtype = nx.float_dtype().type
    goal = float(dtype(goal))
    value = count * lift(lambda n: _reaching(np.asarray(n, np.float64), goal, dtype), length)
    # The bound also keeps XLA from merging the factor with a later one.
    return _cut(value, goal) if bounded else value


def _cut(value: Any, goal: float) -> Any:
    """A value on the way from 0 to the goal, which it may be beyond."""
    return (nx.minimum if goal > 0 else nx.maximum)(value, goal)


def _reaching(length: Any, goal: float, dtype: Any) -> Any:
    """The number whose product with a length is the goal, or what is next beyond it, as rounded."""
    full, factor = length.astype(dtype), (goal / length).astype(dtype)
    beyond = np.nextafter(factor, dtype(goal * np.inf))
    return np.where(abs(full * factor) >= abs(goal), factor, beyond).astype(np.float64)
