"""Compositions as a careful programmer makes them of careful pieces (`_careful.py`).

What takes any schedules (an operator, a join) knows no more of them than how to read their values: each has
its own clock, which is set in integers, and the step is clamped at 0 for all of them. But the phases of a
run are known to who writes them, and are merged as far as it goes for any numbers of their kind: the least
of the lines that meet is taken, pieces of one form are one whose numbers are chosen, and a piece that is
not chosen computes whatever is finite.
"""

import itertools
import math

import jax.numpy as jnp
import numpy as np
from _careful import (
    Counted,
    constant,
    cosine,
    counted,
    cut,
    exponential,
    fall,
    geometric,
    real,
    rise,
    up_to,
    way,
)
from _entry import BETWEEN, LENGTH
from jax import lax

COSINE, RAMP = cosine(0.1, 0.0, LENGTH), fall(0.1, 0.0, LENGTH)
DECAY = exponential(0.1, math.log2(0.9) / BETWEEN)


# --- of any schedules ----------------------------------------------------------------------------------


def of(operation, *pieces):
    """An operation on the values of pieces at the same step."""

    def schedule(step):
        step = Counted(counted(step))
        return operation(*(piece(step) for piece in pieces))

    return schedule


def on(clock, piece):
    """A piece on a clock: a function of the step, clamped or not."""
    return lambda step: piece(Counted(clock(step)))


def phases(pieces, boundaries):
    """Each from a boundary on, all of them on the same clock."""

    def schedule(step):
        step = counted(step)
        value = pieces[0](Counted(step))
        for piece, begin in zip(pieces[1:], boundaries, strict=True):
            value = jnp.where(step >= begin, piece(Counted(step)), value)
        return value

    return schedule


def later(piece, begin):
    """A piece whose own clock begins then."""
    return on(lambda step: jnp.maximum(counted(step) - begin, 0), piece)


def stretched(piece, factor):
    """On the straight line between two steps of a piece, anchored at the smaller of both values."""
    share = up_to(factor, 1.0)

    def schedule(step):
        step = counted(step)
        whole, rest = lax.div(step, factor), lax.rem(step, factor)
        here = piece(Counted(whole))
        there = piece(Counted(whole + lax.convert_element_type(rest > 0, whole.dtype)))
        rises = jnp.abs(here) <= jnp.abs(there)
        small, large = jnp.where(rises, here, there), jnp.where(rises, there, here)
        away = real(jnp.where(rises, rest, factor - rest))
        return small + (large - small) * jnp.minimum(away * share, 1.0)

    return schedule


def stairs(step, length):
    step = counted(step)
    return step - lax.rem(step, length)


def repeated(piece, period, limit):
    """So many periods, whose steps an integer holds, and the end of the last one."""

    def schedule(step):
        step = counted(step)
        rest = lax.rem(step, period)
        return piece(Counted(jnp.where(step >= period * limit, period, rest)))

    return schedule


def jagged(piece, period, up, down, low):
    """A product with the smaller of two lines, up from the second period on, and down in each."""

    def schedule(step):
        step = counted(step)
        place = lax.rem(step, period)
        rising = jnp.where(step < period, np.float32(1), real(place) * up_to(up, 1.0))
        falling = real(period - place) * up_to(down, 1.0)
        share = jnp.minimum(jnp.minimum(rising, falling), 1.0)
        return piece(Counted(step)) * (low + (1 - low) * share)

    return schedule


# --- phases, of which a later one is chosen from its begin on ------------------------------------------


def climb(low, high, steps):
    """A straight line up that is not chosen at its end."""
    slope = (high - low) / steps
    if low == 0:
        return lambda step: real(counted(step)) * slope
    return lambda step: real(counted(step)) * slope + low


def fall_from(begin, high, steps):
    """A straight line to 0."""
    end, slope = begin + steps, up_to(steps, high)
    return lambda step: jnp.minimum(real(end - jnp.minimum(counted(step), end)) * slope, high)


def cosine_from(begin, high, low, steps):
    """A half wave down."""
    end = begin + steps

    def piece(step):
        sine = jnp.sin(real(end - jnp.minimum(counted(step), end)) * (math.pi / 2 / steps))
        weight = sine * sine
        return high * weight if low == 0 else cut(low + way(low, high) * weight, low, high)

    return piece


def cosine_up_from(begin, low, high, steps):
    """A half wave up."""

    def piece(step):
        count = real(jnp.minimum(counted(step), begin + steps) - begin)
        sine = jnp.sin(count * (math.pi / 2 / steps))
        return cut(low + way(low, high) * (sine * sine), low, high)

    return piece


def geometric_from(begin, high, low, steps):
    """The decay's own clock ends with it."""
    return later(geometric(high, low, steps), begin)


# --- pieces of one form --------------------------------------------------------------------------------


def chosen(step, begins):
    """A function that takes of some numbers that of the piece which the step is in."""
    begun = [step >= begin for begin in begins]

    def choose(numbers, kind=np.float32):
        numbers = [kind(number) for number in numbers]
        value = numbers[0]
        for here, before, number in zip(begun, numbers, numbers[1:], strict=False):
            value = value if number == before else jnp.where(here, number, value)
        return value

    return choose


def between(knots):
    """Of the pieces between some points (step, value): the begins of the later ones, and of each its foot,
    its length, which is negative if it falls, and its lower and higher value."""
    pieces = [
        (begin, end - begin, first, last) if first < last else (end, begin - end, last, first)
        for (begin, first), (end, last) in itertools.pairwise(knots)
    ]
    return [begin for begin, _ in knots[1:-1]], *map(list, zip(*pieces, strict=True))


def lines(*knots):
    """The distance from the foot of a piece times its slope, cut where its rounding may be beyond."""
    begins, feet, lengths, lows, highs = between(knots)
    slopes = [
        math.copysign(up_to(abs(length), way(low, high)), length)
        for length, low, high in zip(lengths, lows, highs, strict=True)
    ]
    tops = np.float32(lengths) * np.float32(slopes) + np.float32(lows)

    def schedule(step):
        step = counted(step)
        choose = chosen(step, begins)
        away = real(jnp.minimum(step, knots[-1][0]) - choose(feet, np.int32))
        value = away * choose(slopes) + choose(lows)
        return jnp.minimum(value, choose(highs)) if any(tops > np.float32(highs)) else value

    return schedule


def half_waves(*knots):
    """The same with the squared sine of a distance, whose sign is of no matter."""
    begins, feet, lengths, lows, highs = between(knots)
    scales = [math.pi / 2 / abs(length) for length in lengths]
    heights = [way(low, high) for low, high in zip(lows, highs, strict=True)]
    tops = np.float32(heights) + np.float32(lows)

    def schedule(step):
        step = counted(step)
        choose = chosen(step, begins)
        away = real(jnp.minimum(step, knots[-1][0]) - choose(feet, np.int32))
        sine = jnp.sin(away * choose(scales))
        value = choose(lows) + choose(heights) * (sine * sine)
        return jnp.minimum(value, choose(highs)) if any(tops > np.float32(highs)) else value

    return schedule


def slopes(low, high, warmup, ends, decay):
    """A line up once and a line down in front of every end: the lower one, and no more than the peak."""
    height = way(low, high)

    def schedule(step):
        step = counted(step)
        end = chosen(step, ends[:-1])(ends, np.int32)
        up = real(step) * up_to(warmup, height)
        down = real(end - step) * up_to(decay, height)
        within = jnp.maximum(jnp.minimum(jnp.minimum(up, down), height), 0)
        return low + within if low else within

    return schedule


AT_8000 = 0.1 * math.cos(math.pi / 2 * 0.8) ** 2
AT_7500 = 0.1 * 0.9**7.5
CLIMB = climb(0.0, 0.1, 500)
WARM_DECAY = phases([CLIMB, later(DECAY, 500)], [500])

COMPOSED = {
    "add": of(lambda a, b: a + b, COSINE, DECAY),
    "subtract": of(lambda a, b: a - b, COSINE, DECAY),
    "multiply": of(lambda a, b: a * b, COSINE, DECAY),
    "divide": of(lambda a, b: a / b, COSINE, DECAY),
    "minimum": of(jnp.minimum, COSINE, DECAY),
    "maximum": of(jnp.maximum, COSINE, DECAY),
    "power": of(lambda a: jnp.power(a, np.float32(1.5)), COSINE),
    "clip": of(lambda a: jnp.minimum(jnp.maximum(a, 0.01), 0.09), COSINE),
    "proportional": of(lambda a: jnp.minimum(jnp.maximum(a * up_to(0.1, 0.01), 0.0), 0.01), COSINE),
    "delay": on(lambda step: jnp.maximum(step, 500) - 500, COSINE),
    "stretch": stretched(RAMP, 3),
    "staircase": on(lambda step: stairs(step, 100), COSINE),
    "by_epoch": on(lambda step: lax.div(counted(step), 100), COSINE),
    "reverse": on(lambda step: 5000 - jnp.minimum(counted(step), 5000), COSINE),
    "repeat, 20 cycles": repeated(cosine(0.1, 0.0, 500), 500, 20),
    "jagged_restarts": jagged(COSINE, 1000, 50, 10, 0.001),
    "with_warmup": WARM_DECAY,
    "with_cooldown": phases([COSINE, fall_from(8000, AT_8000, 1000)], [8000]),
    "override": phases([COSINE, later(of(lambda x: x * (10 * AT_8000), DECAY), 8000)], [8000]),
    "swa_schedule": phases([DECAY, cosine_up_from(7500, AT_7500, 0.05, 1000)], [7500]),
    "warmup_cosine_decay_schedule": phases([CLIMB, cosine_from(500, 0.1, 0.0, LENGTH)], [500]),
    "warmup_exponential_decay_schedule": WARM_DECAY,
    "join_schedules, 3 pieces": phases(
        [rise(0.0, 0.1, 500), constant(0.1), later(COSINE, 5000)], [500, 5000]
    ),
    "warmup_stable_decay_schedule": slopes(0.0, 0.1, 500, [LENGTH], 2000),
    "slanted_triangular_schedule": slopes(0.003125, 0.1, 1000, [LENGTH], 9000),
    "linear_onecycle_schedule": lines((0, 0.004), (3000, 0.1), (8500, 0.004), (LENGTH, 4e-7)),
    "cosine_onecycle_schedule": half_waves((0, 0.004), (3000, 0.1), (LENGTH, 4e-7)),
    "onecycle_momentum_schedule": half_waves((0, 0.95), (3000, 0.85), (LENGTH, 0.95)),
    "piecewise_interpolate_schedule": lines((0, 0.1), (3000, 0.05), (6000, 0.005)),
    "tri_stage_schedule": phases(
        [climb(0.001, 0.1, 500), geometric_from(5500, 0.1, 0.001, 4500)], [500]
    ),
    "infinite_schedule": phases(
        [CLIMB, cosine_from(500, 0.1, 0.02, 3000), geometric_from(7500, 0.02, 0.001, 2500)],
        [500, 3500],
    ),
    "wsds_schedule": slopes(0.0, 0.1, 500, [3000, 6000, LENGTH], 500),
}
