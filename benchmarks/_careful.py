"""Every formula as a careful programmer writes it by hand, with the numbers as literals.

What the library promises holds for each of them: a negative step is step 0, what ends stays at its
end, both ends are exact and no value is beyond them, the error is a few units in the last place up to
step 2**31 - 1, and nothing that is computed is infinite or not a number. `tests/test_careful.py` holds
them to it. They are for steps of int32 and values of float32, and know the kind of each number (a power
of 2, a rate below 1). The limit that the library's own programs are measured by.

A constant that multiplies is rounded so that the product reaches its goal, and the product is cut
there: the end is exact, and XLA does not merge the constant with another.

They are as short as they could be found for any numbers of their kind: steps are counted in integers, so
that a length may be up to 2**31 - 1. What would save the same equation here and in the library is left out
of both: `lax.clamp` is a minimum and a maximum in one, and `lax.dynamic_slice` can be told that no index is
negative, without the conversion to an unsigned one that `at` has.
"""

import math

import jax.numpy as jnp
import numpy as np
from jax import lax

TOP = 2**31 - 1
TINY = np.float32(2.0**-126)


def up_to(length, goal):
    """The number whose product with a length is the goal, or what is next above it."""
    factor = np.float32(goal / length)
    short = np.float32(length) * factor < np.float32(goal)
    return float(np.nextafter(factor, np.float32(np.inf)) if short else factor)


def way(low, high):
    """The least number to add to one to arrive at another."""
    low, high = np.float32(low), np.float32(high)
    step = np.nextafter(high - low, np.float32(0))
    while low + step < high:
        step = np.nextafter(step, np.float32(np.inf))
    return float(step)


def cut(value, low, high):
    """A sum that begins at `low`, cut at `high` where its rounding may be beyond."""
    return value if np.float32(low) + np.float32(way(low, high)) == np.float32(high) else (
        jnp.minimum(value, np.float32(high))
    )  # fmt: skip


def real(x):
    return lax.convert_element_type(x, jnp.float32)


def at(table, index):
    """A table's entry: of an unsigned index, as of others JAX asks whether they count from the end."""
    index = lax.convert_element_type(index, jnp.uint32)
    return jnp.asarray(table, jnp.float32).at[index].get(mode="promise_in_bounds")


class Counted:
    """A step that is known not to be negative: of a piece, whose clock a composition has set."""

    def __init__(self, step):
        self.step = step


def counted(step):
    return step.step if isinstance(step, Counted) else jnp.maximum(step, 0)


def done(step, steps):
    return jnp.minimum(counted(step), steps)


def left(step, steps):
    return steps - done(step, steps)


# --- transitions ---------------------------------------------------------------------------------------


def constant(value):
    return lambda step: jnp.asarray(value, jnp.float32)


def fall(high, low, steps):
    """A straight line down."""
    if low == 0:
        return lambda step: jnp.minimum(real(left(step, steps)) * up_to(steps, high), high)
    slope = up_to(steps, way(low, high))
    return lambda step: jnp.minimum(real(left(step, steps)) * slope + low, high)


def rise(low, high, steps):
    """A straight line up, which the cut ends."""
    if low == 0:
        return lambda step: jnp.minimum(real(counted(step)) * up_to(steps, high), high)
    slope = up_to(steps, way(low, high))
    return lambda step: jnp.minimum(real(counted(step)) * slope + low, high)


def square(high, steps):
    """The remaining share squared, with the height in the square."""
    factor = np.float32(math.sqrt(high) / steps)
    while (np.float32(steps) * factor) ** 2 < np.float32(high):
        factor = np.nextafter(factor, np.float32(np.inf))

    def schedule(step):
        root = real(left(step, steps)) * float(factor)
        return jnp.minimum(root * root, high)

    return schedule


def cosine(high, low, steps):
    """Not 1 + cos, of which nothing is left near the end: the squared sine of what remains."""

    def schedule(step):
        sine = jnp.sin(real(left(step, steps)) * (math.pi / 2 / steps))
        weight = sine * sine
        return high * weight if low == 0 else cut(low + way(low, high) * weight, low, high)

    return schedule


def flat_cosine(high, low, begin, end):
    """Flat up to a point between two steps."""
    length = end - begin

    def schedule(step):
        remaining = real(jnp.maximum(end - jnp.maximum(step, 0), 0))
        sine = jnp.sin(jnp.minimum(remaining, length) * (math.pi / 2 / length))
        return cut(low + way(low, high) * (sine * sine), low, high)

    return schedule


def one_minus_root(high, steps):
    """1 - sqrt(s) = r / (1 + sqrt(s)); the root of 0 would have an infinite slope."""

    def schedule(step):
        count = done(step, steps)
        share = real(count) * (1 / steps)
        rest = jnp.minimum(real(steps - count) * up_to(steps, high), high)
        return rest / (jnp.sqrt(jnp.maximum(share, TINY)) + 1.0)

    return schedule


def k_decay(high, low, steps):
    """A cosine at s ** 1.5, for which 1 - s ** 1.5 = r (1 + s / (1 + sqrt(s)))."""

    def schedule(step):
        count = done(step, steps)
        share = real(count) * (1 / steps)
        angle = real(steps - count) * (math.pi / 2 / steps)
        sine = jnp.sin(angle * (share / (jnp.sqrt(jnp.maximum(share, TINY)) + 1.0) + 1.0))
        return cut(low + way(low, high) * (sine * sine), low, high) if low else high * (sine * sine)

    return schedule


def tanh(high, steps, lower, upper):
    """A logistic curve, whose argument is counted from the end, where the values are small."""
    slope, end = 2 * (upper - lower) / steps, np.float32(2 * upper)

    def schedule(step):
        count = done(step, steps)
        value = high / (jnp.exp(end - real(steps - count) * slope) + 1.0)
        return jnp.where(count >= steps, np.float32(0), value)

    return schedule


def one_cycle(low, high, end, turn, length):
    """Half waves up to a point that may lie between two steps, and down.

    Each is the squared sine of the distance from its foot, whose sign is of no matter.
    """
    rest, foot = math.ceil(turn), int(length)
    up, down = math.pi / 2 / turn, math.pi / 2 / (length - turn)

    def schedule(step):
        step = counted(step)
        later = step >= rest
        feet = np.asarray([0, foot], step.dtype)
        away = real(jnp.minimum(step, foot) - jnp.where(later, feet[1], feet[0]))
        sine = jnp.sin(away * jnp.where(later, np.float32(down), np.float32(up)))
        height = jnp.where(later, np.float32(way(end, high)), np.float32(way(low, high)))
        return jnp.where(later, np.float32(end), np.float32(low)) + height * (sine * sine)

    return schedule


# --- decays --------------------------------------------------------------------------------------------


def power(start, rate, last=TOP, short=0.0):
    """Start * 2 ** (rate * count) as a function of a count up to `last`; less by a share of `short` there.

    The leading bits of the count choose from a table of at most 1024, and the rest of it is a small
    exponent: a product with the whole count would be off by a thousand units.
    """
    if rate < 0:
        over = math.ceil((-127 - math.log2(start)) / rate)
    else:
        over = math.floor((128 - 1e-6 - math.log2(start)) / rate)
    end = min(over, last)
    shift = max(end.bit_length() - 10, 0)
    size = (end >> shift) + 1
    table = start * np.exp2(np.arange(size) * 2.0**shift * rate)
    low_bits = (1 << shift) - 1
    if end == last and last & low_bits:  # else the last entry is the value itself
        table[-1] *= 1 - short
    table = np.append(np.where(table < TINY, 0, table), 0)  # one more for all counts beyond

    def value(count):
        given = count
        if rate < 0 and size << shift <= last:
            count = jnp.minimum(count, size << shift)
        elif rate > 0 and over < last:
            count = jnp.minimum(count, over)
        if not shift:
            result = at(table, count)
        else:
            rest = real(count & low_bits) * (rate * math.log(2))
            result = at(table, count >> shift) * jnp.exp(rest)
        if rate > 0 and over < last:
            return jnp.where(given > over, np.finfo(np.float32).max, result)
        return result

    return value


def exponential(start, rate):
    """Start * 2 ** (rate * t)."""
    value = power(start, rate)
    return lambda step: value(counted(step))


def stairs(start, rate, length):
    value = power(start, rate, last=TOP // length)
    return lambda step: value(lax.div(counted(step), np.int32(length)))


def geometric(start, end, steps):
    """Down to an end that the last product falls short of by two units, where it is cut."""
    value = power(start, math.log2(end / start) / steps, last=steps, short=2.0**-22)
    return lambda step: jnp.maximum(value(done(step, steps)), np.float32(end))


def sigmoid(start, k):
    """Divided by the exponential, which would overflow: k / (k + e ** x) = d / (d + 1)."""
    value = power(k, -1 / k / math.log(2))

    def schedule(step):
        fallen = value(counted(step))
        return start * (fallen / (fallen + 1.0))

    return schedule


def inverse_time(start, rate):
    """I / (1 + r t) = (I / r) / (t + 1 / r)."""
    below = np.float32(1 / rate)
    above = np.float32(start / rate)
    around = (above, np.nextafter(above, np.float32(0)), np.nextafter(above, np.float32(np.inf)))
    exact = [float(a) for a in around if a / below == np.float32(start)]
    if not exact:
        return lambda step: start / (real(jnp.maximum(step, 0)) * rate + 1.0)
    return lambda step: exact[0] / (real(jnp.maximum(step, 0)) + below)


def power_law(start, timescale, exponent):
    """A device's own power is exact to a few units, but what float32 takes from the exponent is not little
    times the logarithm of a late step: it is a power of its own.
    """
    head = np.float32(-exponent)
    tail = np.float32(-exponent - float(head))

    def schedule(step):
        base = real(jnp.maximum(step, 0)) * (1 / timescale) + 1.0
        power = jnp.power(base, head)
        return start * (power * jnp.power(base, tail) if tail else power)

    return schedule


def rise_and_root(peak, length, first):
    """The smaller of a line and a root, which meet in the peak."""
    root = np.sqrt(np.float32(length))
    height = np.float32(peak * math.sqrt(length))
    while height / root > np.float32(peak):
        height = np.nextafter(height, np.float32(0))
    slope, height = up_to(length, peak), float(height)

    def schedule(step):
        number = real(jnp.maximum(step, 0))
        number = number + first if first else number
        within = number if first else jnp.maximum(number, 1.0)
        return jnp.minimum(number * slope, height / jnp.sqrt(within))

    return schedule
