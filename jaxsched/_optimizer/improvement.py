"""Whether a metric is better than the best one: one comparison, rounded as each library rounds it.

Everywhere ``sign`` is 1 for a metric that shall fall and -1 for one that shall rise: with both numbers
turned round, better is always smaller. Only a finite value is better than anything; it is better than
no best value, which is infinite (with ``rtol=1`` its bound is NaN, so the tests ask what is *worse*).

torch and Keras compute bounds in float64, which a device may lack. There a number stands as a sum of
float32 numbers, each of which is what the former leaves over; it decides where metrics are decimals,
such as accuracies, that often differ by just the threshold.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax


def in_float32(value: Any, best: Any, sign: int, rtol: Any, atol: Any) -> Any:
    """``value < best * (1 -+ rtol) - atol`` in float32, as optax rounds it."""
    value, best = value * np.float32(sign), best * np.float32(sign)
    margin = jnp.where(best < 0, _parts(rtol, 1)[0], _parts(rtol, -1)[0])
    worse = value >= best * margin - _parts(atol)[0]
    return jnp.isfinite(value) & ~worse


def as_torch(value: Any, best: Any, sign: int, rtol: Any, atol: Any) -> Any:
    """The same with float64's rounding, for one of ``rtol`` and ``atol``; the other is 0."""
    unset = jnp.isinf(best)
    value, best = value * np.float32(sign), _finite(best) * np.float32(sign)
    if isinstance(rtol, (int, float)) and rtol == 0:
        coarse, fine, finest = _parts(atol)
        bound, rest = _sum(best, -coarse)
        rest, last = _sum(rest, -fine)
        last = last - finest
    else:
        margins = zip(_parts(rtol, 1), _parts(rtol, -1), strict=True)
        coarse, fine, finest = (jnp.where(best < 0, up, down) for up, down in margins)
        bound, rest = _product(best, coarse)
        more, last = _product(best, fine)
        rest, lost = _sum(rest, more)
        last = lost + (last + best * finest)
    bound, rest = _sum(bound, rest)
    rest = rest + last
    # float64 rounds to 2**-53 of the power of two in the bound.
    bits = lax.bitcast_convert_type(bound, np.int32) & np.int32(0x7F800000)
    unit = lax.bitcast_convert_type(bits, np.float32) * np.float32(2.0**-53)
    better = (value < bound) | ((value == bound) & (rest > unit))
    return jnp.isfinite(value) & (better | unset)


def as_keras(value: Any, best: Any, sign: int, rtol: Any, atol: Any) -> Any:
    """``value + atol < best``, the sum of float64 rounded to float32; ``rtol`` is 0."""
    del rtol
    finite = jnp.isfinite(value)
    value, best = _finite(value) * np.float32(sign), best * np.float32(sign)
    coarse, fine, _ = _parts(atol)
    total, rest = _sum(value, coarse)
    return finite & (total + (rest + fine) < best)


def _finite(x: Any) -> Any:
    """x, or 0: the rest of an infinite sum is NaN, which stops ``jax_debug_nans``."""
    return jnp.where(jnp.isfinite(x), x, np.float32(0))


def _parts(x: Any, sign: int | None = None) -> tuple[Any, Any, Any]:
    """A hyperparameter x, or 1 + sign * x, as three float32 numbers; a traced one has a single part."""
    if not isinstance(x, (int, float)):
        x = lax.convert_element_type(x, np.float32)
        zero = np.float32(0)
        return x if sign is None else np.float32(1) + np.float32(sign) * x, zero, zero
    x = float(x) if sign is None else 1 + sign * float(x)
    coarse = np.float32(x)
    fine = np.float32(x - float(coarse))
    return coarse, fine, np.float32(x - float(coarse) - float(fine))


def _sum(a: Any, b: Any) -> tuple[Any, Any]:
    """The sum in float32, and its rounding error (Knuth's two-sum)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product(a: Any, b: Any) -> tuple[Any, Any]:
    """The product in float32, and its rounding error.

    All products here are of 12 bits by 12 bits and exact, so that it does not matter whether a compiler
    makes a product and a sum one operation.
    """
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    middle, third = _sum(a_high * b_low, a_low * b_high)
    product, second = _sum(a_high * b_high, middle)
    third, fourth = _sum(third, a_low * b_low)
    second, third = _sum(second, third)
    product, second = _sum(product, second)
    return product, second + (third + fourth)


def _halves(x: Any) -> tuple[Any, Any]:
    """The 12 leading bits of a float32, and the others."""
    bits = lax.bitcast_convert_type(jnp.asarray(x, np.float32), np.int32) & np.int32(~0xFFF)
    high = lax.bitcast_convert_type(bits, np.float32)
    return high, x - high
