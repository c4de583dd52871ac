"""Powers with a counted exponent, `rate ** (count / period)`, exact to the last stair."""

from __future__ import annotations

import math
import sys
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched._core import numerics as nx
from jaxsched._core.per_piece import is_concrete, is_per_piece, lift, numbers_of, saturated
from jaxsched._core.progress import scaled
from jaxsched.checks import LARGEST


def geometric(rate: Any, count: Any, period: Any, start: Any = 1.0, most: int | None = None) -> Any:
    """Start * rate ** (count / period) for a positive rate, a non-negative count and a positive period.

    The exponent of a long run is a large number times a small one, and every error in it is an
    error of the value multiplied by the exponent's size. On the device the product is therefore
    formed in pieces that are exact in float32 where the rate is concrete; a traced rate has been
    rounded to float32 already. What grows beyond float32, on the host float64, stays at its largest number.
    Where the count is known to be at most `most`, no more of it is looked at.
    """
    if nx.is_host(count):
        exponent = count if period == 1 else count / period
        value = "{0} ** {1}" if start == 1 else "{2} * {0} ** {1}"
        if rate > 1:
            places = math.log2(abs(start)) if abs(start) > 1 else 0.0
            finite = (1023 - places) / math.log2(rate)
            if count.most / period > finite:
                value += " if {1} <= {3} else {4}({0}, {1}, {2})"
            return exponent.code.line(value, rate, exponent, start, finite, _growth)
        return exponent.code.line(value, rate, exponent, start)
    if not is_concrete(rate, period) or not nx.is_whole(count) or nx.float_dtype() == np.float64:
        return times_two_to(start, _exponent(rate, count, period))
    return _power_of_two(count, lift(lambda r, p: np.log2(r) / p, rate, period), start, most)


def times_power(value: Any, rate: Any, count: Any) -> Any:
    """Value * rate ** count for a value that depends on the step and a whole, non-negative count.

    A power that grows may be beyond what floats hold where the product with the value is not.
    """
    if is_concrete(rate) and np.all(numbers_of(rate) <= 1):
        return value * geometric(rate, count, 1)
    if nx.is_host(count):
        return count.code.line("{}({}, {}, {})", _growth, rate, count, value)
    return geometric(rate, count, 1, value)


def natural(rate: Any, count: Any, period: Any, start: Any = 1.0) -> Any:
    """Start * exp(-rate * count / period) for a rate of at least 0, as exact as :func:`geometric`."""
    if nx.is_host(count):
        power = count.code.line("{}({} * {} / {})", math.exp, count, -rate, period)
        return power if start == 1 else start * power
    if is_concrete(rate, period) and nx.is_whole(count) and nx.float_dtype() != np.float64:
        return _power_of_two(count, lift(lambda r, p: -r / p / math.log(2.0), rate, period), start)
    return times_two_to(start, scaled(count, period, rate) * (-1.0 / math.log(2.0)))


def times_two_to(start: Any, exponent: Any) -> Any:
    """Start * 2 ** exponent, at most the largest number."""
    most = 2.0 * float(np.finfo(exponent.dtype).maxexp - 1)
    whole = lax.stop_gradient(jnp.clip(jnp.round(exponent), -most, most))
    part = jnp.clip(exponent - whole, -1.0, 1.0)  # more only beyond the clipped
    return _times_two_to(start, whole, part)


def _times_two_to(start: Any, whole: Any, part: Any) -> Any:
    """Start * 2 ** (whole + part), at most the largest number, for a part from -1 to 1.

    The whole comes in two factors, as the power alone may be beyond what floats hold. What would
    overflow is not computed at all, so that the gradient of its end is 0 and not NaN.
    """
    limit = np.finfo(part.dtype)
    first = jnp.floor(whole * 0.5)
    first, second = _two_to(first), _two_to(whole - first)
    start, power, largest = nx.num(start), jnp.exp2(part), float(limit.max)
    fits = jnp.abs(start * first * power) <= largest / jnp.maximum(second, 1.0)
    first, second = jnp.where(fits, first, 0.5), jnp.where(fits, second, 1.0)
    return jnp.where(fits, start * first * power * second, jnp.sign(start) * largest)


def real_power(x: Any, exponent: Any, start: Any = 1.0) -> Any:
    """Start * x ** exponent for x of at least 1.

    The power is the device's own, which is exact to half an ulp on a CPU and to a few on a GPU. What a
    concrete exponent loses as a float32, times the logarithm of a large x, would be more than that: it
    is a second power.
    """
    if nx.is_host(x):
        power = x.code.line("{} ** {}", x, exponent)
    elif nx.is_plain(exponent) and exponent == -0.5:
        return start / jnp.sqrt(x)
    elif is_concrete(exponent):
        head = lift(_towards_zero, exponent)  # the tail is then of the same sign
        power, tail = jnp.power(x, nx.real(head)), lift(np.subtract, exponent, head)
        if not (nx.is_plain(tail) and tail == 0):
            power = power * jnp.power(x, nx.real(tail))
    else:
        power = jnp.power(x, nx.real(exponent))
    return power if nx.is_plain(start) and start == 1 else start * power


def _towards_zero(x: Any) -> Any:
    """A number as one of the device's float type, not larger."""
    dtype = nx.float_dtype()
    rounded = saturated(np.asarray(x, np.float64), dtype).astype(dtype)
    rounded = np.where(np.abs(rounded) > np.abs(x), np.nextafter(rounded, dtype.type(0)), rounded)
    return rounded.astype(np.float64)


def _growth(rate: float, exponent: float, start: float) -> float:
    """Start * rate ** exponent for a rate above 1: at most float64's largest, as on the device."""
    if exponent * math.log2(rate) < 1023:
        value = start * rate**exponent
    else:  # in parts: where the start is small, the power may be beyond float64 and the value not
        part = rate ** min(exponent / 3, 1023 / math.log2(rate))
        value = start * part * part * part
    return min(max(value, -sys.float_info.max), sys.float_info.max)


def _exponent(rate: Any, count: Any, period: Any) -> Any:
    """The n of rate ** (count / period) = 2 ** n."""
    if is_concrete(rate, period):
        return nx.real(count) * _constant(lift(lambda r, p: np.log2(r) / p, rate, period))
    log = _constant(lift(np.log2, rate)) if is_concrete(rate) else jnp.log2(nx.real(rate))
    return nx.real(count) / nx.real(period) * log


def _constant(x: Any) -> Any:
    return float(x) if not is_per_piece(x) else nx.real(x)


TINY = 2.0**-126
"""The smallest number of float32 that has all its digits; XLA takes smaller ones for 0."""
TABLE = 10
"""The bits of the index of a table of powers, which takes 4 KiB."""


def _power_of_two(count: Any, rate: Any, start: Any, most: int | None = None) -> Any:
    """Start * 2 ** (count * rate) for an integer count and a concrete rate, to 2 ulp of float32.

    At the ends of float32 alone it may be more: the fall of a start from 2**127 on is 0 one doubling too
    early, and so is the rise of a start below 2**-126.
    """
    rate = lift(lambda r: np.maximum(r, -1000.0), rate)  # already 0 after one count
    if nx.is_plain(rate) and nx.is_plain(start):
        return _tabulated(count, rate, start, most)
    return _in_pieces(count, rate, start)


def _tabulated(count: Any, rate: float, start: float, most: int | None) -> Any:
    """The same of plain numbers: the leading bits of the count choose a power from a table, and what
    the others add to it is exp of a small number.
    """
    if start == 0 or rate == 0:
        return jnp.full_like(count, saturated(start, nx.float_dtype()), nx.float_dtype())
    own = float(_places(start, rate))
    last = int(_last_count(np.float64(rate), start, own))
    top = int(np.iinfo(count.dtype).max) if most is None else most
    shift = max(min(last, top).bit_length() - TABLE, 0)
    size = (min(last, top) >> shift) + 1
    powers = start / 2.0**own * np.exp2(np.arange(size) * 2.0**shift * rate + own)
    given = count
    if rate < 0 and size << shift <= top:  # one more, which is 0
        powers = np.append(powers, 0.0)
        count = jnp.minimum(count, size << shift)
    elif rate > 0 and last < top:
        count = jnp.minimum(count, last)
    index = lax.convert_element_type(count >> shift if shift else count, jnp.uint32)
    powers = np.where(np.abs(powers) < TINY, 0.0, powers).astype(nx.float_dtype())
    value = jnp.asarray(powers).at[index].get(mode="promise_in_bounds")
    if shift:
        rest = nx.real(count & ((1 << shift) - 1))
        value = value * jnp.exp(rest * (rate * math.log(2.0)))
    if last < top and rate > 0:
        value = jnp.where(given > last, value.dtype.type(math.copysign(LARGEST, start)), value)
    return value


def _in_pieces(count: Any, rate: Any, start: Any) -> Any:
    """The same of numbers of which some are one per piece, or a start that is traced.

    The start's own power of two is added to the exponent, so that neither it nor the power needs to
    be within float32 where their product is.

    The count is split at a power of two M with M * |rate| at most 1. The product of the low part
    with the rate is then small, and so is its error. The high part has at most 10 bits where the
    value is not 0 or infinite yet, so that its product with the 12 leading bits of M * rate is
    exact, and the remaining bits contribute little.
    """
    traced = None if is_concrete(rate, start) else nx.num(start)
    if traced is not None:  # the last count is that of the start from which the way is longest
        start = lift(lambda r: np.where(r > 0, 2.0**-126, 2.0**127), rate)
    own = lift(_places, start, rate)
    last = _integer(lift(_last_count, rate, start, own))
    start = lift(lambda s, p: s / 2.0**p, start, own)
    given, count = count, jnp.minimum(count, nx.like_step(count, last))
    low_bits = lift(lambda r: (1 << _split_at(r)) - 1, rate)
    low = count & nx.like_step(count, _integer(low_bits))
    high = nx.real(count - low)
    head = lift(_leading_bits, rate)
    small = nx.real(low) * _constant(rate) + high * _constant(lift(np.subtract, rate, head))
    exact = high * _constant(head)
    whole = jnp.round(exact + small)  # and taken off exact first: XLA would add constants first
    if traced is not None:
        whole = jnp.maximum(whole, -254.0)
        value = _times_two_to(traced, whole, small - (whole - exact))
        end = _constant(lift(lambda r: np.where(r > 0, LARGEST, 0.0), rate))
        return jnp.where(given > nx.like_step(given, last), jnp.sign(traced) * end, value)
    if np.all(numbers_of(rate) < 0):
        whole = jnp.maximum(whole, _constant(lift(np.subtract, -127.0, own)))
        part = _two_to_part(small - (whole - exact))
        return part * _two_to(whole + _constant(own)) * _constant(start)
    least, most = (_constant(lift(np.subtract, bound, own)) for bound in (-127.0, 127.0))
    whole = jnp.clip(whole, least, most)
    power = jnp.exp2(small - (whole - exact)) * _two_to(whole + _constant(own))
    value = power * _constant(start)
    return jnp.where(given > nx.like_step(given, last), jnp.sign(value) * LARGEST, value)


def _two_to_part(x: Any) -> Any:
    """2 ** x for x from -0.5 to 0.5, exact at 0: jnp.exp2 would reduce the range again.

    1 + x P(x), where P meets (2 ** x - 1) / x at Chebyshev's points; 5e-9 off at the most.
    """
    terms = (1.54535614e-4, 1.339132359e-3, 9.618081807e-3, 5.550356248e-2, 0.2402265076)
    series = jnp.full_like(x, terms[0])
    for term in (*terms[1:], 0.6931471882, 1.0):
        series = series * x + term
    return series


def _places(start: Any, rate: Any) -> Any:
    """The exponent of a number. What is left of it is below 1, so that it is multiplied with what is
    not 0 yet, or where the power grows at least 1, with what is not infinite yet.
    """
    return np.minimum(np.frexp(start)[1] * 1.0 - (np.asarray(rate) > 0), 127.0)


def _split_at(rate: Any) -> Any:
    """The largest k up to 30 with 2**k * |rate| <= 1, or 0."""
    with np.errstate(divide="ignore"):
        return np.clip(-np.log2(np.abs(rate)), 0, 30).astype(np.int64)


def _last_count(rate: Any, start: Any, own: Any) -> Any:
    """A count whose value is 0, or the last that is finite; beyond it the bits would run out."""
    places = np.log2(np.abs(np.where(start == 0, 1.0, start)))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        count = np.where(rate > 0, (128.0 - 1e-6 - places) / rate, np.ceil((-127 - own) / rate))
    count = np.where(rate == 0, np.inf, count)
    least = np.where(rate > 0, 0, 1)
    return np.clip(count, least, 2**31 - 1).astype(np.int64)


def _leading_bits(x: Any) -> Any:
    """The 12 leading bits of a float64."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(mantissa * 4096.0) / 4096.0, exponent)


def _integer(x: Any) -> Any:
    return x if is_per_piece(x) else int(x)


def _two_to(exponent: Any) -> Any:
    """2 ** exponent for a whole float; in float32 from -127, which XLA flushes to 0, to 127."""
    limit = np.finfo(exponent.dtype)
    integer = jnp.int32 if limit.bits == 32 else jnp.int64
    bits = lax.convert_element_type(exponent, integer) + (limit.maxexp - 1)
    bits = lax.shift_left(bits, jnp.full_like(bits, limit.nmant))
    return lax.bitcast_convert_type(bits, exponent.dtype)
