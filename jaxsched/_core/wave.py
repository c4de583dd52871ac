"""Cosine waves over a progress, exact near their zeros."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched._core import numerics as nx
from jaxsched._core.progress import Progress
from jaxsched._core.random import multiply_words


def wave(way: Progress, periods: Any) -> Any:
    """(1 + cos(2 pi periods s)) / 2 as the squared sine of the distance from its nearest zero."""
    sine = nx.sin(_distance(way, periods) * math.pi)
    return sine * sine


def _distance(way: Progress, periods: Any) -> Any:
    """Periods * s - 1/2 less the nearest integer, exact near 0 where everything is concrete."""
    count, length = way.count, way.length
    if nx.is_host(count):
        return count.code.line(
            "{}({} * {} - {}, {}) / {}",
            math.remainder,
            count,
            periods,
            length * 0.5,
            length,
            length,
        )
    if not (nx.is_plain(periods) and nx.is_plain(length)):
        periods, length = nx.real(periods), nx.real(length)
    elif nx.is_whole(count) and nx.float_dtype() == np.float32:
        end = math.remainder(periods * length - length * 0.5, length) / length
        return jnp.where(way.left <= 0, end, _counted(count, periods, length))
    offset = nx.real(count) * periods - length * 0.5
    return (offset - jnp.round(offset / length) * length) / length


def _counted(count: Any, periods: float, length: float) -> Any:
    """Periods * count / length - 1/2 less the nearest integer, in fixed point with 64 bits of fraction."""
    from fractions import Fraction  # takes longer to load than all that is here

    fraction = round(Fraction(periods) / length * 2**64) % 2**64
    count = lax.convert_element_type(count, jnp.uint32)
    carry, low = multiply_words(count, fraction & 0xFFFFFFFF)
    high = count * jnp.uint32(fraction >> 32) + carry + jnp.uint32(0x80000000)
    whole = lax.bitcast_convert_type(high, jnp.int32)
    return nx.real(whole) * 2.0**-32 + nx.real(low) * 2.0**-64
