"""Values that change in stairs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.compose import join_schedules
from jaxsched._core.decorators import formula, own_recipe
from jaxsched._core.geometric import geometric
from jaxsched._core.per_piece import Few, PerPiece, is_concrete, is_per_piece, saturated, settle
from jaxsched._core.periods import Cycle, is_beyond, periods
from jaxsched._core.schedule import Schedule
from jaxsched._forms.exponential import at_least_one
from jaxsched._forms.table import cumulative
from jaxsched._forms.transition import constant_schedule

ArrayLike = jax.typing.ArrayLike


@formula(
    init_value=checks.finite,
    epochs_per_drop=checks.positive_steps,
    decay_rate=checks.positive,
    steps_per_epoch=checks.positive_steps,
    count_from_one=checks.flag,
)
def step_decay(
    step: Any,
    init_value: ArrayLike,
    epochs_per_drop: int,
    decay_rate: ArrayLike = 0.5,
    steps_per_epoch: int = 1,
    count_from_one: bool = False,
) -> Any:
    r"""A value that is multiplied by a factor every so many epochs.

    .. math:: I\, r^{\lfloor e / N \rfloor}, \qquad e = \lfloor t / S \rfloor

    Args:
      init_value: :math:`I`, the value of the first epoch.
      epochs_per_drop: :math:`N`, the epochs between two drops, at least 1.
      decay_rate: :math:`r`, the factor, above 0; 0.5 halves.
      steps_per_epoch: :math:`S`, the updates in an epoch, at least 1. With 1 epochs are steps.
      count_from_one: whether the exponent is :math:`\lfloor (1 + e) / N \rfloor`, as in many
        tutorials: then the first drop comes an epoch early.

    Returns:
      A :class:`Schedule`. A traced length of 0 counts as 1.

    Raises:
      TypeError: an argument is not a number, or ``count_from_one`` not a bool.
      ValueError: a value is not finite, the rate is not positive, or a length is not a positive
        integer.

    Source: ``torch.optim.lr_scheduler.StepLR``; Keras's tutorials.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.step_decay(1.0, epochs_per_drop=10, steps_per_epoch=100)
      >>> [schedule(step) for step in (0, 999, 1000, 2000)]
      [1.0, 1.0, 0.5, 0.25]
      >>> schedule.replace(count_from_one=True)(900)
      0.5
    """
    width, length = at_least_one(steps_per_epoch), at_least_one(epochs_per_drop)
    start = nx.exact(init_value)
    if not count_from_one:
        if nx.is_plain(width) and nx.is_plain(length):
            number = periods(step, width * length)
        else:  # the product of what is traced may be beyond the type
            number = periods(periods(step, width), length)
        return geometric(decay_rate, number, 1, start)
    epoch = periods(step, width)
    cycle = Cycle(epoch, length)
    early = _last_of(cycle.rest, epoch, length)
    return geometric(decay_rate, cycle.number, 1, start) * nx.where(early, nx.num(decay_rate), 1.0)


def _last_of(rest: Any, count: Any, period: Any) -> Any:
    """Whether one step more would complete the period."""
    if nx.is_host(count) or not nx.is_whole(count):
        return rest >= nx.num(period) - 1
    last = period - 1
    if is_beyond(count, last):
        return jnp.zeros_like(count, bool)
    return rest >= nx.like_step(count, last)


@own_recipe(init_value=checks.finite, milestones=checks.boundaries, decay_rate=checks.nonnegative)
def multistep_schedule(
    init_value: ArrayLike, milestones: Sequence[int], decay_rate: ArrayLike = 0.1
) -> Schedule:
    r"""A value that is multiplied by a factor at each of some steps.

    .. math:: I\, r^{\#\{m_i \le t\}}

    Args:
      init_value: :math:`I`, the value before the first milestone.
      milestones: the steps :math:`m_i`, ascending. One that stands twice multiplies twice.
      decay_rate: :math:`r`, the factor, at least 0.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number, or the milestones are not integers.
      ValueError: a milestone is negative, descending or not whole, the rate is negative, or a value
        is not finite.

    Source: ``torch.optim.lr_scheduler.MultiStepLR``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.multistep_schedule(1.0, [100, 200], decay_rate=0.5)
      >>> [schedule(step) for step in (0, 99, 100, 200)]
      [1.0, 1.0, 0.5, 0.25]
    """
    values = cumulative(init_value, [decay_rate] * len(milestones))
    return join_schedules([constant_schedule(v) for v in values], milestones)


EPOCHS = 4096
"""How far :func:`compounding_time_based_decay` goes."""


@formula(init_value=checks.finite, decay=checks.nonnegative, steps_per_epoch=checks.positive_steps)
def compounding_time_based_decay(
    step: Any, init_value: ArrayLike, decay: ArrayLike, steps_per_epoch: int = 1
) -> Any:
    r"""A value divided by 1 + decay * epoch once more in every epoch.

    .. math:: \frac{I}{\prod_{i=1}^{e} (1 + d\, i)}, \qquad e = \lfloor t / S \rfloor

    That is what ``lr / (1 + decay * epoch)`` does in a callback that is given the previous rate.

    Args:
      init_value: :math:`I`, the value of the first epoch.
      decay: :math:`d`, at least 0.
      steps_per_epoch: :math:`S`, the updates in an epoch, at least 1. Traced, 0 counts as 1.

    Returns:
      A :class:`Schedule`. After 4096 epochs the value is held.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, the decay is negative, or ``steps_per_epoch`` is not a
        positive integer.

    Source: Keras's ``LearningRateScheduler`` with ``schedule(epoch, lr)``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.compounding_time_based_decay(0.1, decay=0.001)
      >>> [round(schedule(epoch), 10) for epoch in (0, 1, 2, 3)]
      [0.1, 0.0999000999, 0.0997006985, 0.099402491]
    """
    epoch = nx.minimum(periods(step, at_least_one(steps_per_epoch)), EPOCHS)
    if nx.is_host(step):
        table = tuple(_compounded(decay).tolist())
        return nx.num(init_value) * step.code.line("{}[int({})]", table, epoch)
    if nx.is_plain(decay) and nx.is_plain(init_value):
        return _read(init_value * _compounded(decay), epoch)
    place = lax.convert_element_type(epoch, jnp.uint32)
    if is_per_piece(decay):
        decay_: PerPiece = decay  # pyright: ignore[reportAssignmentType]
        tables = jnp.asarray(_compounded(decay_.numbers), nx.float_dtype())
        index = decay_.index.number() if isinstance(decay_.index, Few) else decay_.index
        factor = tables.at[index, place].get(mode="promise_in_bounds")
    elif is_concrete(decay):
        table = jnp.asarray(_compounded(decay), nx.float_dtype())
        factor = table.at[place].get(mode="promise_in_bounds")
    else:
        rates = nx.real(decay)
        read = lambda rate, at: _traced(rate).at[at].get(mode="promise_in_bounds")
        factor = read(rates, place) if rates.ndim == 0 else jnp.vectorize(read)(rates, place)
    return nx.num(init_value) * factor


def _compounded(decay: Any) -> Any:
    """The factors of all epochs, along a new last axis."""
    divisors = 1.0 + np.asarray(decay, np.float64)[..., None] * np.arange(EPOCHS + 1)
    return np.cumprod(1.0 / divisors, axis=-1)


def _traced(rate: Any) -> Any:
    epochs = jnp.arange(EPOCHS + 1, dtype=rate.dtype)
    return lax.cumprod(1.0 / (1.0 + rate * epochs))


_MOST_EPOCHS = 2**30
_TABULATED = 1024
"""So many epochs are computed at once for the host."""


@formula(
    checks.AtMost("low", "high"),
    init_value=checks.finite,
    num_epochs=checks.positive_steps,
    low=checks.positive,
    high=checks.positive,
    steps_per_epoch=checks.positive_steps,
)
def chebyshev_schedule(
    step: Any,
    init_value: ArrayLike,
    num_epochs: int,
    low: ArrayLike = 0.05,
    high: ArrayLike = 1.0,
    steps_per_epoch: int = 1,
) -> Any:
    r"""Chebyshev's step sizes in fractal order.

    .. math:: \frac{I}{\frac{M + m}{2} - \frac{M - m}{2} \cos\left(\pi \frac{2 p_e + 1}{2 N}\right)}

    with :math:`N` epochs, rounded up to a power of two, and the order :math:`p` that keeps every
    partial product stable: :math:`(0)`, then :math:`(p_0, 2n - 1 - p_0, p_1, 2n - 1 - p_1, \dots)`.

    Args:
      init_value: :math:`I`, a factor on all values.
      num_epochs: :math:`N`, at least 1; above 2**30 it counts as that. After them the last value
        is held.
      low: :math:`m`, the smallest curvature, above 0: no value is above :math:`I / m`.
      high: :math:`M`, the largest curvature: no value is below :math:`I / M`.
      steps_per_epoch: the updates in an epoch, at least 1. Traced, 0 counts as 1.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, a curvature is not positive, ``low`` is above ``high``, or a
        length is out of bounds.

    Source: Agarwal et al., "Acceleration via Fractal Learning Rate Schedules", 2021
    (arXiv:2103.01338); ``get_chebyshev_schedule`` of pytorch_optimizer.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.chebyshev_schedule(1.0, num_epochs=4)
      >>> [round(schedule(epoch), 4) for epoch in range(5)]
      [11.6067, 1.0375, 2.9135, 1.4149, 1.4149]
    """
    epoch = periods(step, at_least_one(steps_per_epoch))
    if not nx.is_host(step) and _known(num_epochs, init_value, low, high):
        sines = np.sin(np.asarray(_all_fractal(num_epochs)) * (np.pi / 2))
        rates = init_value / (low + (high - low) * (sines * sines))  # pyright: ignore[reportOperatorIssue]
        return _read(rates, jnp.minimum(epoch, num_epochs - 1))
    if not nx.is_host(step):
        share = _fractal_device(epoch, settle(num_epochs))
    elif num_epochs <= _TABULATED:
        index = nx.minimum(epoch, num_epochs - 1)
        share = step.code.line("{}[int({})]", _all_fractal(num_epochs), index)
    else:
        share = step.code.line("{}({}, {})", _fractal, epoch, num_epochs)
    sine = nx.sin(share * (np.pi / 2))
    least, way = nx.num(low), nx.exact(high) - nx.exact(low)
    return nx.num(init_value) / (least + way * (sine * sine))


def _known(num_epochs: Any, *numbers: Any) -> bool:
    """Whether the rates of all epochs are plain numbers, and few."""
    return all(map(nx.is_plain, (num_epochs, *numbers))) and num_epochs <= _TABULATED


def _read(table: Any, epoch: Any) -> Any:
    """The entry of a table of numbers for each epoch."""
    dtype = nx.float_dtype()
    place = lax.convert_element_type(epoch, jnp.uint32)
    entries = jnp.asarray(saturated(table, dtype).astype(dtype))
    return entries.at[place].get(mode="promise_in_bounds")


def _fractal(epoch: float, num_epochs: int) -> float:
    """(2 p + 1) / (2 N) of the fractal order."""
    last = min(num_epochs, _MOST_EPOCHS) - 1
    index, bits = int(min(epoch, last)), last.bit_length()
    place, size = 0, 1
    for bit in reversed(range(bits)):
        size *= 2
        if index >> bit & 1:
            place = size - 1 - place
    return (2 * place + 1) / (2 * size)


@functools.lru_cache(maxsize=16)
def _all_fractal(num_epochs: int) -> tuple[float, ...]:
    """That of each epoch, for the host and for every trace."""
    return tuple(_fractal(epoch, num_epochs) for epoch in range(num_epochs))


def _fractal_device(epoch: Any, num_epochs: Any) -> Any:
    dtype = epoch.dtype if nx.is_whole(epoch) else nx.int_dtype()
    if nx.is_plain(num_epochs):
        last, size = min(num_epochs, _MOST_EPOCHS) - 1, 1
        index = jnp.minimum(lax.convert_element_type(epoch, dtype), np.asarray(last, dtype))
        place = jnp.zeros_like(index)
        for bit in reversed(range(last.bit_length())):
            size *= 2
            set_ = (index & np.asarray(1 << bit, dtype)) != 0
            place = jnp.where(set_, np.asarray(size - 1, dtype) - place, place)
        return nx.real(place * 2 + 1) * (0.5 / size)
    last = jnp.clip(jnp.asarray(num_epochs), 1, _MOST_EPOCHS) - 1
    last = lax.convert_element_type(last, dtype)
    index = jnp.minimum(lax.convert_element_type(epoch, dtype), last)
    one = jnp.ones_like(last)
    place, size = jnp.zeros_like(index), one
    for bit in reversed(range(30)):
        used = lax.shift_right_logical(last, jnp.full_like(last, bit)) > 0
        size = jnp.where(used, size * 2, size)
        set_ = (lax.shift_right_logical(index, jnp.full_like(index, bit)) & 1) == 1
        place = jnp.where(used & set_, size - 1 - place, place)
    return (nx.real(place) * 2.0 + 1.0) * (0.5 / nx.real(size))
