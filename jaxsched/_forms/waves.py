"""Cosines of more than half a wave, alone and on a line."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula
from jaxsched._core.geometric import real_power
from jaxsched._core.per_piece import is_concrete
from jaxsched._core.progress import progress
from jaxsched._core.random import standard_normal
from jaxsched._core.shape import lifted
from jaxsched._core.wave import wave

ArrayLike = jax.typing.ArrayLike

LINEAR_COSINE = {
    "init_value": checks.finite,
    "decay_steps": checks.steps,
    "num_periods": checks.nonnegative,
    "alpha": checks.finite,
    "beta": checks.finite,
}


@formula(**LINEAR_COSINE)
def linear_cosine_decay(
    step: Any,
    init_value: ArrayLike,
    decay_steps: int,
    num_periods: ArrayLike = 0.5,
    alpha: ArrayLike = 0.0,
    beta: ArrayLike = 0.001,
) -> Any:
    r"""A cosine whose height falls along a straight line.

    .. math:: I \left[(\alpha + 1 - s)\, \tfrac12 (1 + \cos 2 \pi n s) + \beta\right], \qquad
      s = \min(t / T, 1)

    Args:
      init_value: :math:`I`; the value at step 0 is :math:`I (1 + \alpha + \beta)`.
      decay_steps: :math:`T`, the number of steps to the end. With 0 the value is the final one.
      num_periods: :math:`n`, the number of waves, at least 0; 0.5 is half a wave.
      alpha: :math:`\alpha`, added to the line.
      beta: :math:`\beta`, added to the product.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, ``num_periods`` is negative, or the length is negative or not
        whole.

    Source: ``tf.compat.v1.train.linear_cosine_decay``; Bello et al., "Neural Optimizer Search with
    Reinforcement Learning", 2017 (arXiv:1709.07417).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.linear_cosine_decay(1.0, 100, beta=0.0)
      >>> [round(schedule(step), 4) for step in (0, 25, 50, 100)]
      [1.0, 0.6402, 0.25, 0.0]
    """
    way = progress(step, decay_steps)
    if not is_concrete(init_value, alpha, beta):
        height = way.remaining + nx.num(alpha)
        return nx.num(init_value) * (height * wave(way, num_periods) + nx.num(beta))
    start = nx.exact(init_value)
    height = _plus(way.remaining_to(start), start * nx.exact(alpha))
    return _plus(height * wave(way, num_periods), start * nx.exact(beta))


def _plus(x: Any, y: Any) -> Any:
    return x if nx.is_plain(y) and y == 0 else x + nx.num(y)


def _root(x: Any) -> Any:
    """A square root whose gradient at 0 is finite."""
    if is_concrete(x):
        return nx.sqrt(x)
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0)


@formula(
    **LINEAR_COSINE,
    initial_variance=checks.nonnegative,
    variance_decay=checks.nonnegative,
    seed=checks.steps,
)
def noisy_linear_cosine_decay(
    step: Any,
    init_value: ArrayLike,
    decay_steps: int,
    initial_variance: ArrayLike = 1.0,
    variance_decay: ArrayLike = 0.55,
    num_periods: ArrayLike = 0.5,
    alpha: ArrayLike = 0.0,
    beta: ArrayLike = 0.001,
    seed: int = 0,
) -> Any:
    r"""A :func:`linear_cosine_decay` with noise that fades.

    .. math:: I \left[(\alpha + 1 - s + \epsilon_t)\, \tfrac12 (1 + \cos 2 \pi n s) + \beta\right],
      \qquad \epsilon_t \sim \mathcal N\left(0, \frac{v}{(1 + t)^d}\right)

    The noise is a function of the seed and the step (Philox2x32-10, Box and Muller): the same on every
    machine, on the host and on the device, in a resumed run, for any step at once. After
    ``decay_steps`` it is held, as everything is.

    Args:
      init_value: :math:`I`.
      decay_steps: :math:`T`, the number of steps to the end. With 0 the value is the final one.
      initial_variance: :math:`v`, the noise's variance at step 0, at least 0.
      variance_decay: :math:`d`, at least 0.
      num_periods: :math:`n`, the number of waves, at least 0; 0.5 is half a wave.
      alpha: :math:`\alpha`, added to the line.
      beta: :math:`\beta`, added to the product.
      seed: an integer of at least 0, of which the lowest 32 bits count.

    Returns:
      A :class:`Schedule`. With much noise a value may be negative.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, a variance, decay or number of waves is negative, or the
        length or the seed is negative or not whole.

    Source: ``tf.compat.v1.train.noisy_linear_cosine_decay``, which takes no seed; Bello et al., 2017
    (arXiv:1709.07417).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.noisy_linear_cosine_decay(1.0, 100, initial_variance=0.01, seed=1)
      >>> schedule(7) == schedule(7), schedule(7) == schedule.replace(seed=2)(7)
      (True, False)
    """
    way = progress(step, decay_steps)
    reached = way.count
    deviation = _root(nx.exact(initial_variance))
    fade = real_power(nx.num(reached) + 1.0, nx.exact(variance_decay) * -0.5)
    noise = standard_normal(seed, reached) * fade * nx.num(deviation)
    height = way.remaining + nx.num(alpha) + noise
    return nx.num(init_value) * (height * wave(way, num_periods) + nx.num(beta))


@formula(
    init_value=checks.finite,
    decay_steps=checks.steps,
    num_cycles=checks.nonnegative,
    alpha=checks.finite,
)
def cosine_wave_schedule(
    step: Any,
    init_value: ArrayLike,
    decay_steps: int,
    num_cycles: ArrayLike = 0.5,
    alpha: ArrayLike = 0.0,
) -> Any:
    r"""Any number of cosine waves between a value and a fraction of it.

    .. math:: I \left[\alpha + (1 - \alpha)\, \tfrac12 (1 + \cos 2 \pi n s)\right], \qquad
      s = \min(t / T, 1)

    Args:
      init_value: :math:`I`, the value at step 0.
      decay_steps: :math:`T`, the number of steps to the end. With 0 the value is the final one.
      num_cycles: :math:`n`, the number of waves, at least 0; with a half in it, as in 1.5, the end is
        the lowest value.
      alpha: :math:`\alpha`, the lowest value as a fraction of ``init_value``.

    Returns:
      A :class:`Schedule`. No value lies outside the interval of ``init_value`` and the lowest.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, ``num_cycles`` is negative, or the length is negative or not
        whole.

    Source: transformers' ``get_cosine_schedule_with_warmup`` and its ``num_cycles``, which rises again
    after the end.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.cosine_wave_schedule(1.0, 120, num_cycles=1.5)
      >>> [round(schedule(step), 4) for step in (0, 40, 80, 100, 120)]
      [1.0, 0.0, 1.0, 0.5, 0.0]
    """
    weight = wave(progress(step, decay_steps), num_cycles)
    return lifted(nx.exact(init_value) * nx.exact(alpha), init_value, weight)
