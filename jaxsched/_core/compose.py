"""Operators on schedules: joining them in time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula
from jaxsched._core.operand import schedule_like, value_at
from jaxsched._core.per_piece import Few, settle, stack


@formula(
    checks.OneFewer("boundaries", "schedules"),
    schedules=checks.sequence_of(schedule_like, "schedules", at_least=1),
    boundaries=checks.boundaries,
)
def join_schedules(
    step: Any, schedules: Sequence[Callable[[Any], Any]], boundaries: Sequence[int]
) -> Any:
    r"""One schedule after the other, each on its own clock.

    .. math:: s_i(t - b_i) \quad\text{for}\quad b_i \le t < b_{i+1}, \qquad b_0 = 0

    A boundary belongs to the piece on its right, which is at its own step 0 there. The last piece
    goes on for ever. Pieces of the same form are evaluated once, with the active piece's
    hyperparameters: the compiled program does not grow with their number.

    Args:
      schedules: one or more schedules, or other callables from step to value.
      boundaries: the steps at which the next schedule takes over, one fewer than schedules, in
        ascending order. A piece between equal boundaries takes no step and is left out.

    Returns:
      A :class:`Schedule`. Before step 0 it is at step 0.

    Raises:
      ValueError: no schedule, a boundary that is negative, descending or not whole, or not one
        boundary fewer than schedules.
      TypeError: a schedule that is not callable, boundaries that are not integers.

    Source: ``optax.join_schedules``.

    Example:
      >>> import jaxsched
      >>> warmup = jaxsched.linear_schedule(0.0, 1.0, 10)
      >>> halves = jaxsched.exponential_decay(1.0, 10, 0.5, staircase=True)
      >>> schedule = jaxsched.join_schedules([warmup, halves], [10])
      >>> [schedule(step) for step in (0, 5, 10, 20, 30)]
      [0.0, 0.5, 1.0, 0.5, 0.25]
    """
    if not nx.is_host(step):
        return _join(step, schedules, boundaries)
    if len(schedules) <= WRITTEN_OUT:
        return _written_out(step, 0, schedules, boundaries)
    active = step.code.line("{}({}, {})", bisect_right, tuple(boundaries), step)
    begins = (0, *boundaries)
    return step.code.line("{0}[{2}]({3} - {1}[{2}])", schedules, begins, active, step)


WRITTEN_OUT = 8
"""How many pieces become part of one host function; of more, the active one is looked up and called."""


def _written_out(step: Any, begin: int, schedules: Sequence[Any], boundaries: Sequence[int]) -> Any:
    if not boundaries:
        return value_at(schedules[0], step.since(begin))
    middle = len(boundaries) // 2
    turn = boundaries[middle]
    return step.code.choose(
        step < turn,
        lambda: _written_out(step.until(turn), begin, schedules[: middle + 1], boundaries[:middle]),
        lambda: _written_out(step, turn, schedules[middle + 1 :], boundaries[middle + 1 :]),
    )


def _is_timeless(schedule: Any) -> bool:
    return schedule._form.timeless


join_schedules.form.is_held = lambda schedules, boundaries: (  # pyright: ignore[reportFunctionMemberAccess]
    all(map(_is_timeless, schedules)) and all(type(b) is int and b > 0 for b in boundaries)
)


def _join(step: Any, schedules: Sequence[Any], boundaries: Sequence[Any]) -> Any:
    if nx.is_whole(step):  # pieces that no step of this type reaches
        top = int(np.iinfo(step.dtype).max)
        reached = [b for b in boundaries if not (type(b) is int and b > top)]
        schedules, boundaries = schedules[: len(reached) + 1], reached
    if not boundaries:
        return schedules[0]._at(step)
    groups: dict[Any, list[int]] = {}
    flat = [jax.tree.flatten(s) for s in schedules]
    for i, (leaves, structure) in enumerate(flat):
        # A table is not copied for each step: a piece with one stands alone.
        key = structure if all(np.ndim(x) == 0 for x in leaves) else (i, structure)
        groups.setdefault(key, []).append(i)
    if len(schedules) == 2 and len(groups) == 2:  # warmup and decay: nothing to look up
        begin = nx.like_step(step, boundaries[0])
        later = schedules[1]._at(jnp.maximum(step - begin, 0))
        return jnp.where(step >= begin, nx.real(later), nx.real(schedules[0]._at(step)))
    index, begin = _locate(step, boundaries)
    local = step if all(map(_is_timeless, schedules)) else step - begin()
    values = []
    for members in groups.values():
        if len(members) == 1:
            piece = schedules[members[0]]
        else:
            # A piece outside the group borrows the hyperparameters of a member before it (or of the
            # first): any valid ones do, its value is not used.
            lender = np.maximum(np.searchsorted(members, np.arange(len(flat)), "right") - 1, 0)
            rows = [flat[members[j]][0] for j in lender]
            leaves = [stack(list(column), index) for column in zip(*rows, strict=True)]
            piece = jax.tree.unflatten(flat[members[0]][1], leaves)
        values.append(nx.real(piece._at(local)))
    if len(values) == 1:
        return values[0]
    which = np.zeros(len(flat), np.int32)
    for number, members in enumerate(groups.values()):
        which[members] = number
    if isinstance(index, Few):
        return index.pick([values[number] for number in which])
    chosen = jnp.asarray(which).at[index].get(mode="promise_in_bounds")
    result = values[0]
    for number, value in enumerate(values[1:], 1):
        result = jnp.where(chosen == number, value, result)
    return result


def _locate(step: Any, boundaries: Sequence[Any]) -> tuple[Any, Callable[[], Any]]:
    """The index of the active piece, and a function for where it begins."""
    numbers = [settle(b) for b in boundaries]
    if len(numbers) <= 2:
        numbers = [nx.like_step(step, b) for b in numbers]
        few = Few([step >= b for b in numbers])
        kept = [step.dtype.type(b) if nx.is_plain(b) else b for b in numbers]
        return few, lambda: few.pick([step.dtype.type(0), *kept])
    if all(type(b) is int for b in numbers):
        starts: Any = np.asarray([0, *numbers], step.dtype)
    elif any(np.ndim(b) for b in numbers):  # every step has boundaries of its own
        numbers = [jnp.broadcast_to(nx.like_step(step, b), step.shape) for b in [0, *numbers]]
        starts = jnp.stack([jax.lax.convert_element_type(b, step.dtype) for b in numbers], axis=-1)
        index = _reached(step, starts[..., 1:])
        return index, lambda: jnp.take_along_axis(starts, jnp.expand_dims(index, -1), axis=-1)[
            ..., 0
        ]
    else:
        numbers = [jax.lax.convert_element_type(b, step.dtype) for b in numbers]
        starts = jnp.stack([jnp.zeros((), step.dtype), *numbers])
    index = _count_reached(step, starts[1:])
    return index, lambda: jnp.asarray(starts).at[index].get(mode="promise_in_bounds")


def _count_reached(step: Any, ends: Any, at_once: int = 16) -> Any:
    """How many of the ascending ends the step has reached.

    Comparing with all of them is one fused reduction, without a loop. Of many, the rows of a square
    are counted first and then the ends in one row: the program is the same for any number up to
    1024, and the work grows with its root. (XLA sums up to 32 numbers at once; beyond 32 * 32 there
    is one level more.) The result is unsigned, so that a gather need not ask whether an index
    counts from the end.
    """
    many = ends.shape[0]
    if many <= at_once:
        return reached_of(step, ends)
    width = min(math.isqrt(many - 1) + 1, 32)
    # Padded with the last end, which is reached only after all others.
    where = np.minimum(np.arange(-(-many // width) * width), many - 1).reshape(-1, width)
    square = ends[where]
    row = jnp.maximum(_count_reached(step, square[:, 0], 32), 1) - 1
    if row.ndim:
        ends_of_row = jnp.asarray(square).at[row].get(mode="promise_in_bounds")
    else:  # of which JAX would ask in each dimension whether it counts from the end
        begin = row, row.dtype.type(0)
        ends_of_row = jax.lax.dynamic_slice(jnp.asarray(square), begin, (1, width)).reshape(width)
    return jnp.minimum(row * width + _reached(step, ends_of_row), many)


def reached_of(step: Any, ends: Any) -> Any:
    """How many of a few ascending ends the step has reached, as an unsigned index."""
    return _reached(step, jnp.asarray(ends).reshape((1,) * step.ndim + (-1,)))


def _reached(step: Any, ends: Any) -> Any:
    reached = (step if step.ndim == 0 else jnp.expand_dims(step, -1)) >= ends
    return jnp.sum(jax.lax.convert_element_type(reached, jnp.uint32), axis=-1, dtype=jnp.uint32)
