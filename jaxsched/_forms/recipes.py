"""What people ask for by name: compositions, without arithmetic of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from jaxsched import checks
from jaxsched._core.compose import join_schedules
from jaxsched._core.decorators import own_recipe
from jaxsched._core.frozen import FrozenDict
from jaxsched._core.periods import sum_of_steps
from jaxsched._core.schedule import Schedule
from jaxsched._forms.exponential import EXPONENTIAL_CHECKS, decay_ends, exponential_decay
from jaxsched._forms.transition import cosine_interpolation, linear_schedule

ArrayLike = jax.typing.ArrayLike


@own_recipe(init_value=checks.finite, peak_value=checks.finite, warmup_steps=checks.steps)
def warmup_constant_schedule(
    init_value: ArrayLike, peak_value: ArrayLike, warmup_steps: int
) -> Schedule:
    """A straight line up to a value that is then kept.

    Args:
      init_value: the value at step 0.
      peak_value: the value from step ``warmup_steps`` on.
      warmup_steps: the length of the warmup. With 0 there is none.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, or the length is negative or not whole.

    Source: ``optax.warmup_constant_schedule``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.warmup_constant_schedule(0.0, 1.0, warmup_steps=4)
      >>> [schedule(step) for step in (0, 1, 4, 100)]
      [0.0, 0.25, 1.0, 1.0]
    """
    return linear_schedule(init_value, peak_value, warmup_steps)


@own_recipe(
    checks.AtMost("warmup_steps", "decay_steps"),
    init_value=checks.finite,
    peak_value=checks.finite,
    warmup_steps=checks.steps,
    decay_steps=checks.steps,
    end_value=checks.finite,
    exponent=checks.nonnegative,
)
def warmup_cosine_decay_schedule(
    init_value: ArrayLike,
    peak_value: ArrayLike,
    warmup_steps: int,
    decay_steps: int,
    end_value: ArrayLike = 0.0,
    exponent: ArrayLike = 1.0,
) -> Schedule:
    r"""A straight line up to the peak, then half a cosine wave down.

    Args:
      init_value: the value at step 0.
      peak_value: the value at step ``warmup_steps``.
      warmup_steps: the length of the warmup. With 0 there is none.
      decay_steps: the length of the whole schedule, warmup included.
      end_value: the value from step ``decay_steps`` on.
      exponent: at least 0; the decay is :math:`(\tfrac12(1 + \cos \pi s))^p` with this power.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, the exponent is negative, a length is negative or not whole,
        or the warmup is longer than the whole.

    Source: ``optax.warmup_cosine_decay_schedule``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.warmup_cosine_decay_schedule(0.0, 1.0, 10, decay_steps=110)
      >>> [round(schedule(step), 4) for step in (0, 5, 10, 60, 110)]
      [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return join_schedules(
        [
            linear_schedule(init_value, peak_value, warmup_steps),
            cosine_interpolation(peak_value, end_value, decay_steps - warmup_steps, exponent),
        ],
        [warmup_steps],
    )


@own_recipe(
    decay_ends,
    init_value=checks.finite,
    peak_value=checks.finite,
    warmup_steps=checks.steps,
    **EXPONENTIAL_CHECKS,
)
def warmup_exponential_decay_schedule(
    init_value: ArrayLike,
    peak_value: ArrayLike,
    warmup_steps: int,
    transition_steps: int,
    decay_rate: float,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: ArrayLike | None = None,
) -> Schedule:
    """A straight line up to the peak, then an exponential decay.

    Args:
      init_value: the value at step 0.
      peak_value: the value at step ``warmup_steps``.
      warmup_steps: the length of the warmup. With 0 there is none.
      transition_steps: as in :func:`exponential_decay`, whose clock starts after the warmup.
      decay_rate: likewise.
      transition_begin: likewise.
      staircase: likewise.
      end_value: likewise.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number, or ``staircase`` not a bool.
      ValueError: a value is not finite, the rate is not positive, a length is negative or not whole.

    Source: ``optax.warmup_exponential_decay_schedule``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.warmup_exponential_decay_schedule(0.0, 1.0, 10, 100, 0.5)
      >>> [round(schedule(step), 4) for step in (0, 5, 10, 110, 210)]
      [0.0, 0.5, 1.0, 0.5, 0.25]
    """
    decay = exponential_decay(
        peak_value, transition_steps, decay_rate, transition_begin, staircase, end_value
    )
    return join_schedules(
        [linear_schedule(init_value, peak_value, warmup_steps), decay], [warmup_steps]
    )


def _cycle(value: Any, where: str) -> FrozenDict:
    """The arguments of one warmup_cosine_decay_schedule."""
    if not isinstance(value, Mapping):
        raise checks.refuse(
            where, "a mapping of warmup_cosine_decay_schedule's arguments", value, TypeError
        )
    try:
        return FrozenDict(warmup_cosine_decay_schedule(**value).hyperparameters.items())
    except (TypeError, ValueError) as error:
        raise type(error)(f"{where}: {error}") from None


@own_recipe(cosine_kwargs=checks.sequence_of(_cycle, "cycles", at_least=1))
def sgdr_schedule(cosine_kwargs: Sequence[Mapping[str, Any]]) -> Schedule:
    """Warm restarts: one warmup and cosine decay after another.

    Args:
      cosine_kwargs: for each cycle the arguments of :func:`warmup_cosine_decay_schedule`. Its
        ``decay_steps`` is the cycle's length; the last cycle keeps its final value.

    Returns:
      A :class:`Schedule`, evaluated as one cycle however many there are.

    Raises:
      TypeError: a cycle is not a mapping, or an argument is missing, unknown or not a number.
      ValueError: there is no cycle, or an argument is out of bounds.

    Source: ``optax.sgdr_schedule``; Loshchilov and Hutter, "SGDR", 2017 (arXiv:1608.03983).

    Example:
      >>> import jaxsched
      >>> cycle = dict(init_value=0.0, peak_value=1.0, warmup_steps=0, decay_steps=10)
      >>> schedule = jaxsched.sgdr_schedule([cycle, {**cycle, "decay_steps": 20}])
      >>> [round(schedule(step), 4) for step in (0, 5, 10, 20, 30)]
      [1.0, 0.5, 1.0, 0.5, 0.0]
    """
    boundaries, end = [], 0
    for cycle in cosine_kwargs[:-1]:
        end = sum_of_steps(end, cycle["decay_steps"])
        boundaries.append(end)
    return join_schedules(
        [warmup_cosine_decay_schedule(**cycle) for cycle in cosine_kwargs], boundaries
    )
