"""Noise that is a function of the seed and the step, the same on the host and on the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula
from jaxsched._core.operand import schedule_like, value_at
from jaxsched._core.periods import periods, whole_step
from jaxsched._core.random import fitting, no_seed, philox, standard_normal

ArrayLike = jax.typing.ArrayLike
_MASK = 2**32 - 1


@formula(
    schedule=schedule_like,
    scale=checks.nonnegative,
    seed=checks.steps,
    distribution=checks.one_of("uniform", "normal"),
    mode=checks.one_of("multiply", "add"),
    every=checks.positive_steps,
)
def with_noise(
    step: Any,
    schedule: Callable[[Any], Any],
    scale: ArrayLike,
    seed: int = 0,
    distribution: str = "uniform",
    mode: str = "multiply",
    every: int = 1,
) -> Any:
    r"""A schedule with reproducible noise.

    .. math:: s(t) (1 + a\, e_t) \quad\text{or}\quad s(t) + a\, e_t

    The noise :math:`e_t` is computed from the seed and the step alone, by integer arithmetic: it is
    the same on the host and on every device, in every order of steps, and after a restart.

    Args:
      schedule: :math:`s`, a schedule, or another callable from step to value.
      scale: :math:`a`, the largest deviation (uniform) or the standard deviation (normal).
      seed: a non-negative integer, of which the lowest 32 bits count; no key of `jax.random`.
      distribution: "uniform", from -1 to 1, or "normal", with variance 1.
      mode: "multiply", for noise in proportion to the schedule, or "add".
      every: the number of steps that share one draw.

    Returns:
      A :class:`Schedule`. With a large scale it may be negative: see :func:`clip`.

    Raises:
      TypeError: the schedule is not callable, or an argument not a number.
      ValueError: the scale is negative or not finite, the seed negative or not whole, ``every`` not
        positive, or a word unknown.

    Source: ``noise_pct`` and ``noise_seed`` of timm's schedulers;
    ``tf.compat.v1.train.noisy_linear_cosine_decay``.

    Example:
      >>> import jaxsched
      >>> rate = jaxsched.constant_schedule(1.0)
      >>> schedule = jaxsched.with_noise(rate, scale=0.1, seed=1)
      >>> 0.9 < schedule(7) < 1.1, schedule(7) == schedule(7), schedule(7) == schedule(8)
      (True, True, False)
    """
    noise = unit_noise(periods(whole_step(step), every), seed, distribution)
    value, deviation = value_at(schedule, step), nx.num(scale) * noise
    return value + deviation if mode == "add" else value * (1.0 + deviation)


def unit_noise(step: Any, seed: Any, distribution: str) -> Any:
    """Noise from -1 to 1, or of variance 1, at a whole step.

    The uniform numbers are odd multiples of 2**-23, which float32 holds: no two precisions differ in
    them, and neither 0 nor an end is among them.
    """
    if distribution == "normal":
        return standard_normal(seed, step)
    if nx.is_host(step):
        return step.code.line("{}({}, {})", _uniform, seed, step)
    low = lax.convert_element_type(step, jnp.uint32)
    high = jnp.zeros_like(low)
    if step.dtype.itemsize == 8:
        high = lax.convert_element_type(step >> 32, jnp.uint32)
    key = np.uint32(seed & _MASK) if nx.is_plain(seed) else nx.like_step(step, seed)
    key = lax.convert_element_type(key, jnp.uint32)
    if fitting(key, step) != step.shape:
        raise no_seed(key, step)
    key = jnp.broadcast_to(key, step.shape)
    bits = lax.convert_element_type(philox((low, high), key, words=1)[0] >> 9, jnp.int32)
    return nx.real(2 * bits + (1 - 2**23)) * 2.0**-23


def _uniform(seed: int, step: int) -> float:
    bits = philox((step & _MASK, step >> 32 & _MASK), seed & _MASK, words=1)[0] >> 9
    return (2 * bits + 1 - 2**23) * 2.0**-23
