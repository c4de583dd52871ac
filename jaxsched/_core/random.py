"""Random numbers as a function of a seed and a step, alike on the host and on the device.

Philox2x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): the step is the
counter and the seed the key. No state, and any step at once.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import lax

from jaxsched._core import numerics as nx

_MASK = 2**32 - 1
_MULTIPLIER, _WEYL, _ROUNDS = 0xD256D193, 0x9E3779B9, 10


def philox(counter: tuple[Any, Any], key: Any, words: int = 2) -> tuple[Any, ...]:
    """One or two random words from two words and a key: Python integers, or arrays of uint32."""
    left, right = counter
    on_host = isinstance(left, int)
    for _ in range(_ROUNDS - 1):
        high, low = _high(left), _low(left)
        left, right = high ^ key ^ right, low
        key = (key + _WEYL) & _MASK if on_host else key + jnp.uint32(_WEYL)
    first = _high(left) ^ key ^ right
    return (first,) if words == 1 else (first, _low(left))


def _high(a: Any) -> Any:
    return a * _MULTIPLIER >> 32 if isinstance(a, int) else high_word(a, _MULTIPLIER)


def _low(a: Any) -> Any:
    return a * _MULTIPLIER & _MASK if isinstance(a, int) else a * jnp.uint32(_MULTIPLIER)


def high_word(a: Any, b: int) -> Any:
    """The high word of an array of uint32 times a constant."""
    half = lambda x: lax.shift_right_logical(x, jnp.full_like(x, 16))
    rest = lambda x: x & jnp.uint32(0xFFFF)
    a0, a1, b0, b1 = rest(a), half(a), jnp.uint32(b & 0xFFFF), jnp.uint32(b >> 16)
    cross, other = a0 * b1, a1 * b0
    middle = half(a0 * b0) + rest(cross) + rest(other)
    return a1 * b1 + half(cross) + half(other) + half(middle)


def fitting(key: Any, step: Any) -> tuple[Any, ...]:
    """The shape that a key and the steps have together.

    Raises:
      ValueError: they have none. A raw key of `jax.random`, which is two words, has come so far.
    """
    try:
        return jnp.broadcast_shapes(key.shape, step.shape)
    except ValueError:
        raise no_seed(key, step) from None


def no_seed(key: Any, step: Any) -> ValueError:
    """What is wrong with seeds that do not fit the steps."""
    return ValueError(
        f"the seed of a noise must be one integer, or fit the steps of shape {step.shape}, got seeds of "
        f"shape {key.shape}: schedules that are stacked are mapped over with jax.vmap, and in the place "
        "of a key of jax.random give an integer"
    )


def standard_normal(seed: Any, step: Any) -> Any:
    """A standard normal number for each step, by Box and Muller from two words of 23 bits."""
    if nx.is_host(step):
        return step.code.line("{}({}, {})", _normal, seed, step)
    whole = step if nx.is_whole(step) else lax.convert_element_type(step, nx.int_dtype())
    word = lax.convert_element_type(whole, jnp.uint32)
    above = jnp.zeros_like(word)
    if whole.dtype.itemsize == 8:
        above = lax.convert_element_type(
            lax.shift_right_logical(whole, jnp.full_like(whole, 32)), jnp.uint32
        )
    if nx.is_plain(seed):
        key = jnp.uint32(seed & _MASK)
    else:
        key = lax.convert_element_type(nx.like_step(whole, seed), jnp.uint32)
    shape = fitting(key, word)
    word, above, key = (jnp.broadcast_to(x, shape) for x in (word, above, key))
    first, second = philox((word, above), key)
    shift = jnp.full_like(first, 9)
    uniform = (nx.real(lax.shift_right_logical(first, shift)) + 0.5) * 2.0**-23
    # The angle as a signed distance from the nearest zero of its cosine: relatively exact there.
    second = lax.shift_right_logical(second, shift)
    turned = nx.real(lax.convert_element_type(second, jnp.int32) - 2**22)
    distance = 0.25 - jnp.abs(turned) * 2.0**-23
    return jnp.sqrt(-2.0 * jnp.log(uniform)) * -jnp.sin(distance * (2.0 * math.pi))


def _normal(seed: int, step: float) -> float:
    count = int(step)
    first, second = philox((count & _MASK, count >> 32 & _MASK), seed & _MASK)
    uniform = ((first >> 9) + 0.5) * 2.0**-23
    distance = 0.25 - abs((second >> 9) - 2**22) * 2.0**-23
    return math.sqrt(-2.0 * math.log(uniform)) * -math.sin(distance * (2.0 * math.pi))
