"""Cosine waves over a progress, exact near their zeros."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched._core import numerics as nx
from jaxsched._core.progress import Progress
from jaxsched._core.random import high_word


def wave(way: Progress, periods: Any) -> Any:
    """(1 + cos(2 pi periods s)) / 2 as the squared sine of the distance from its nearest zero."""
    sine = nx.sin(_angle(way, periods))
    return sine * sine


def _angle(way: Progress, periods: Any) -> Any:
    """Pi times the difference of periods * s and the nearest whole number and a half, exact near 0
    where everything is concrete.
    """
    length = way.length
    if way.on_host:
        distance = way.count.code.line(
            "{}({} * {} - {}, {}) / {}",
            math.remainder,
            way.count,
            periods,
            length * 0.5,
            length,
            length,
        )
        return distance * math.pi
    if nx.is_plain(periods) and nx.is_plain(length):
        if periods == 0.5:
            return way.remaining_times(math.pi / 2)
        if nx.is_whole(way.count):
            turned = _turned(way.count, *_ratio(periods, length), length)
            if turned is not None:
                return turned
            if nx.float_dtype() == np.float32:
                end = math.remainder(periods * length - length * 0.5, length) / length
                return nx.where(way.over, end, _counted(way.count, periods, length)) * math.pi
    else:
        periods, length = nx.real(periods), nx.real(length)
    offset = nx.real(way.count) * periods - length * 0.5
    return (offset - jnp.round(offset / length) * length) / length * math.pi


def _ratio(periods: float, length: int) -> tuple[int, int]:
    """Periods / length in lowest terms, with an even denominator."""
    above, below = periods.as_integer_ratio()
    common = math.gcd(above, below * length)
    above, below = above // common, below * length // common
    return (above, below) if below % 2 == 0 else (2 * above, 2 * below)


def _turned(count: Any, above: int, below: int, length: int) -> Any:
    """The angle in integers, if those of the count's type hold it, else None."""
    top = int(np.iinfo(count.dtype).max)
    if above * length > top or below > top:
        return None
    turned = count * above if above != 1 else count
    if above * length >= below:
        turned = lax.rem(turned, jnp.full_like(turned, below))
    return nx.real(turned - below // 2) * (math.pi / below)


def _counted(count: Any, periods: float, length: float) -> Any:
    """Periods * count / length - 1/2 less the nearest integer, in fixed point with 64 bits of fraction."""
    from fractions import Fraction  # takes longer to load than all that is here

    fraction = round(Fraction(periods) / length * 2**64) % 2**64
    count = lax.convert_element_type(count, jnp.uint32)
    low = count * jnp.uint32(fraction & 0xFFFFFFFF)
    carry = high_word(count, fraction & 0xFFFFFFFF)
    high = count * jnp.uint32(fraction >> 32) + carry + jnp.uint32(0x80000000)
    whole = lax.bitcast_convert_type(high, jnp.int32)
    return nx.real(whole) * 2.0**-32 + nx.real(low) * 2.0**-64
