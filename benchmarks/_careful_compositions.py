"""Compositions as a careful programmer makes them of careful pieces (`_careful.py`).

Every piece has its own clock, which is set in integers, and what no piece needs twice is computed once:
the step is clamped at 0 for all of them. One who knows all the numbers could merge some pieces further (two
straight lines into one with two slopes): those are not held against the library, which takes any pieces.
"""

import math

import jax.numpy as jnp
from _careful import (
    TINY,
    Counted,
    constant,
    cosine,
    counted,
    cut,
    done,
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


def of(operation, *pieces):
    """An operation on the values of pieces at the same step."""

    def schedule(step):
        step = Counted(counted(step))
        return operation(*(piece(step) for piece in pieces))

    return schedule


def on(clock, piece):
    """A piece on a clock: a function of the step, clamped or not."""
    return lambda step: piece(Counted(clock(step)))


def join(pieces, boundaries):
    """Each on its own clock; a constant has none."""

    def schedule(step):
        step = counted(step)
        value = pieces[0](Counted(step))
        for piece, begin in zip(pieces[1:], boundaries, strict=True):
            local = Counted(jnp.maximum(step - begin, 0))
            value = jnp.where(step >= begin, piece(local), value)
        return value

    return schedule


def after(begin, end, high):
    """A straight line that falls to 0 from one step to another, flat before."""

    def line(step):
        left = real(end - jnp.maximum(jnp.minimum(counted(step), end), begin))
        return jnp.minimum(left * up_to(end - begin, high), high)

    return line


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


def cosine_up(low, high, steps):
    def schedule(step):
        sine = jnp.sin(real(done(step, steps)) * (math.pi / 2 / steps))
        return cut(low + way(low, high) * (sine * sine), low, high)

    return schedule


def held(step, begin):
    """The steps since a begin."""
    return jnp.maximum(counted(step), begin) - begin


def stairs(step, length):
    step = counted(step)
    return step - lax.rem(step, length)


def repeated(piece, period, limit):
    def schedule(step):
        step = counted(step)
        number, rest = lax.div(step, period), lax.rem(step, period)
        return piece(Counted(jnp.where(number >= limit, period, rest)))

    return schedule


def annealed(piece, begin, steps, value, goal):
    """A piece, and from a step on a half wave from its value to a goal above it."""
    height = way(value, goal)

    def schedule(step):
        step = counted(step)
        count = jnp.maximum(jnp.minimum(step, begin + steps), begin) - begin
        sine = jnp.sin(real(count) * (math.pi / 2 / steps))
        return jnp.where(
            step >= begin, cut(value + height * (sine * sine), value, goal), piece(Counted(step))
        )

    return schedule


def jagged(piece, period, up, down, low):
    """A product with the smaller of two lines, up from the second period on, and down in each."""

    def schedule(step):
        step = counted(step)
        place = lax.rem(step, period)
        rising = jnp.minimum(real(jnp.minimum(place, up)) * up_to(up, 1.0), 1.0)
        rising = jnp.where(step < period, 1.0, rising)
        falling = real(period - jnp.maximum(place, period - down)) * up_to(down, 1.0)
        share = jnp.minimum(rising, jnp.minimum(falling, 1.0))
        return piece(Counted(step)) * (low + (1 - low) * share)

    return schedule


AT_8000 = 0.1 * math.cos(math.pi / 2 * 0.8) ** 2
AT_7500 = 0.1 * 0.9**7.5
RISE = rise(0.0, 0.1, 500)

COMPOSED = {
    "add": of(lambda a, b: a + b, COSINE, DECAY),
    "subtract": of(lambda a, b: a - b, COSINE, DECAY),
    "multiply": of(lambda a, b: a * b, COSINE, DECAY),
    "divide": of(lambda a, b: a / b, COSINE, DECAY),
    "minimum": of(jnp.minimum, COSINE, DECAY),
    "maximum": of(jnp.maximum, COSINE, DECAY),
    "power": of(lambda a: a * jnp.sqrt(jnp.maximum(a, TINY)), COSINE),
    "clip": of(lambda a: jnp.minimum(jnp.maximum(a, 0.01), 0.09), COSINE),
    "proportional": of(lambda a: 0.01 * jnp.minimum(jnp.maximum(a / 0.1, 0.0), 1.0), COSINE),
    "delay": on(lambda step: jnp.maximum(step, 500) - 500, COSINE),
    "stretch": stretched(RAMP, 3),
    "staircase": on(lambda step: stairs(step, 100), COSINE),
    "by_epoch": on(lambda step: lax.div(counted(step), 100), COSINE),
    "reverse": on(lambda step: 5000 - jnp.minimum(counted(step), 5000), COSINE),
    "repeat, 20 cycles": repeated(cosine(0.1, 0.0, 500), 500, 20),
    "jagged_restarts": jagged(COSINE, 1000, 50, 10, 0.001),
    "with_warmup": join([RISE, DECAY], [500]),
    "with_cooldown": join([COSINE, fall(AT_8000, 0.0, 1000)], [8000]),
    "override": join([COSINE, of(lambda x: x * (10 * AT_8000), DECAY)], [8000]),
    "swa_schedule": annealed(DECAY, 7500, 1000, AT_7500, 0.05),
    "warmup_cosine_decay_schedule": join([RISE, COSINE], [500]),
    "warmup_exponential_decay_schedule": join([RISE, DECAY], [500]),
    "join_schedules, 3 pieces": join([RISE, constant(0.1), COSINE], [500, 5000]),
    "warmup_stable_decay_schedule": join([RISE, after(7500, 9500, 0.1)], [500]),
    "slanted_triangular_schedule": join(
        [rise(0.003125, 0.1, 1000), fall(0.1, 0.003125, 9000)], [1000]
    ),
    "linear_onecycle_schedule": join(
        [rise(0.004, 0.1, 3000), fall(0.1, 0.004, 5500), fall(0.004, 4e-7, 1500)], [3000, 8500]
    ),
    "cosine_onecycle_schedule": join(
        [cosine_up(0.004, 0.1, 3000), cosine(0.1, 4e-7, 7000)], [3000]
    ),
    "onecycle_momentum_schedule": join(
        [cosine(0.95, 0.85, 3000), cosine_up(0.85, 0.95, 7000)], [3000]
    ),
    "piecewise_interpolate_schedule": join(
        [fall(0.1, 0.05, 3000), fall(0.05, 0.005, 3000)], [3000]
    ),
    "tri_stage_schedule": join(
        [
            rise(0.001, 0.1, 500),
            on(lambda step: held(step, 5000), geometric(0.1, 0.001, 4500)),
        ],
        [500],
    ),
    "infinite_schedule": join(
        [
            RISE,
            cosine(0.1, 0.02, 3000),
            on(lambda step: held(step, 4000), geometric(0.02, 0.001, 2500)),
        ],
        [500, 3500],
    ),
    "wsds_schedule": join(
        [
            join([RISE, after(2000, 2500, 0.1)], [500]),
            after(2500, 3000, 0.1),
            after(3500, 4000, 0.1),
        ],
        [3000, 6000],
    ),
}
