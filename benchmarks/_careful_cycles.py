"""The same of what comes again and of what is read from a table."""

import math
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
from _careful import at, cut, done, left, real, up_to, way
from jax import lax


def angle(step, steps, periods):
    """Pi times the distance of periods * s from a zero of the wave, counted in integers."""
    share = Fraction(periods) / steps
    above, below = share.numerator, share.denominator
    above, below = (above, below) if below % 2 == 0 else (2 * above, 2 * below)
    count = done(step, steps)
    turned = count * above if above != 1 else count
    if above * steps >= below:
        turned = lax.rem(turned, np.int32(below))
    return real(turned - below // 2) * (math.pi / below)


def wave(high, low, steps, periods):
    """Any number of half waves: near each zero the squared sine of what is counted from it."""

    def schedule(step):
        sine = jnp.sin(angle(step, steps, periods))
        weight = sine * sine
        return high * weight if low == 0 else cut(low + way(low, high) * weight, low, high)

    return schedule


def linear_cosine(start, steps, alpha, beta):
    """Half a wave whose height falls along a line."""

    def schedule(step):
        remaining = real(left(step, steps))
        height = jnp.minimum(remaining * up_to(steps, start), start)
        height = height + start * alpha if alpha else height
        sine = jnp.sin(remaining * (math.pi / 2 / steps))
        return height * (sine * sine) + start * beta

    return schedule


def triangles(low, high, steps):
    """As long up as down: the distance from the nearer foot."""
    slope = up_to(steps, way(low, high))

    def schedule(step):
        local = lax.rem(jnp.maximum(step, 0), np.int32(2 * steps))
        height = real(jnp.minimum(local, 2 * steps - local)) * slope
        return jnp.minimum(low + height, high)

    return schedule


def growing_square(high, period):
    """The square of what remains of the first multiple of the period that is not below the step.

    The remainder of -1 is -1, so that at step 0 a whole period remains.
    """

    def schedule(step):
        step = jnp.maximum(step, 0)
        remaining = period - 1 - lax.rem(step - 1, np.int32(period))
        remaining, count = real(remaining), real(step)
        share = remaining / (count + remaining)
        return high * (share * share)

    return schedule


def restarts(high, first):
    """Cosines that double in length: where a cycle ends and how long it is are read from tables."""
    ends = first * (2 ** np.arange(1, 32, dtype=np.int64) - 1)
    ends = ends[: np.searchsorted(ends, 2**31) + 1]
    angles = math.pi / 2 / (first * 2.0 ** np.arange(len(ends)))

    def schedule(step):
        step = jnp.maximum(step, 0)
        begun = step >= jnp.asarray(ends[:-1], jnp.int32)
        index = jnp.sum(lax.convert_element_type(begun, jnp.uint32), dtype=jnp.uint32)
        end = jnp.asarray(ends, jnp.uint32).at[index].get(mode="promise_in_bounds")
        remaining = real(end - lax.convert_element_type(step, jnp.uint32))
        sine = jnp.sin(remaining * at(angles, index))
        return high * (sine * sine)

    return schedule


def steps_at(values, boundaries):
    """Values that change at a few steps: a comparison and a choice for each."""

    def schedule(step):
        value = np.float32(values[0])
        for boundary, later in zip(boundaries, values[1:], strict=True):
            value = jnp.where(step >= boundary, np.float32(later), value)
        return value

    return schedule


def table(values, every):
    """Values for every so many steps; the last one stays."""

    def schedule(step):
        index = lax.div(jnp.maximum(step, 0), np.int32(every))
        return at(values, jnp.minimum(index, len(values) - 1))

    return schedule


def chebyshev(start, low, high, order, every):
    """Chebyshev's nodes in a given order, whose rates are known beforehand."""
    nodes = np.asarray(order)
    cosines = np.cos(np.pi * (2 * nodes + 1) / (2 * len(nodes)))
    return table(start / ((high + low) / 2 - (high - low) / 2 * cosines), every)


def compounding(start, rate, every, epochs=4096):
    """A product of divisors, one more in each epoch."""
    divisors = 1 + rate * np.arange(epochs + 1)
    return table(start * np.cumprod(1 / divisors), every)
