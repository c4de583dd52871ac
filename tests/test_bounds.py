"""Operators on values, against exact numbers, in each way of being read."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from test_program import counted, primitives
from test_shapes import EPSILON
from ways import agree, as_argument, narrow, reads, ways

import jaxsched as js
from jaxsched import shapes
from jaxsched._core import numerics as nx

DTYPE = nx.float_dtype().type
STEPS = list(range(12))
LINE, FALL = js.linear_schedule(-1.0, 3.0, 8), js.linear_schedule(2.0, -0.5, 8)


def line(t):
    return Fraction(-1) + Fraction(min(t, 8), 2)


def fall(t):
    return Fraction(2) - Fraction(5 * min(t, 8), 16)


def between(x, low, high):
    x = x if low is None else max(x, Fraction(low))
    return x if high is None else min(x, Fraction(high))


def part(x, peak, low, high):
    share = min(max(x / Fraction(peak), Fraction(0)), Fraction(1))
    return Fraction(low) + (Fraction(high) - Fraction(low)) * share


VALUES = {
    "minimum": [(js.minimum(LINE, FALL), lambda t: min(line(t), fall(t)))],
    "maximum": [(js.maximum(LINE, FALL), lambda t: max(line(t), fall(t)))],
    "minimum, number": [
        (js.minimum(LINE, x), lambda t, x=x: min(line(t), Fraction(x))) for x in (0, 0.5, 2)
    ],
    "maximum, number": [
        (js.maximum(x, FALL), lambda t, x=x: max(fall(t), Fraction(x))) for x in (0, 0.5, 2)
    ],
    "clip": [(js.clip(LINE), line)],
    "clip, low": [(js.clip(LINE, x), lambda t, x=x: between(line(t), x, None)) for x in (0.5, 2, -3)],
    "clip, high": [
        (js.clip(LINE, high=x), lambda t, x=x: between(line(t), None, x)) for x in (0.5, 2, -3)
    ],
    "clip, both": [
        (js.clip(LINE, *x), lambda t, x=x: between(line(t), *x)) for x in ((0.5, 2.25), (1, 1), (-3, 0))
    ],
    "proportional": [
        (js.proportional(LINE, *x), lambda t, x=x: part(line(t), *x))
        for x in (
            (2.0, 0.0, 0.5), (2, 0, 1), (2.5, 1.0, 3.0), (0.5, 0.5, 0.25), (2, 3, 1), (4, -1, 1), (1, 1, 1)
        )
    ],
    "proportional, from 0": [
        (js.proportional(FALL, *x), lambda t, x=x: part(fall(t), *x))
        for x in ((2.0, 0.0, 0.5), (1.0, 0.0, -3.0))
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_every_way_of_reading_gives_the_formula(name):
    schedules = [schedule for schedule, _ in VALUES[name]]
    expected = [[mp.mpf(f(t).numerator) / f(t).denominator for t in STEPS] for _, f in VALUES[name]]
    for values in reads(schedules, STEPS) + ways(schedules, len(STEPS)):
        digit = 2.0**-52 if values.dtype == float else EPSILON
        for row, numbers in zip(values, expected, strict=True):
            agree(row, numbers, 4 * digit, digit)


def beyond(dtype, rises):
    """Two numbers of which the first and the way to the second, as rounded, are beyond the second."""
    rng = np.random.default_rng(0)
    sizes = 10.0 ** rng.integers(-3, 1, (1000, 2))
    for low, high in (rng.uniform(-1, 1, (1000, 2)) * sizes).tolist():
        reached = dtype(low) + dtype(high - low)
        if (high > low) == rises and (reached > dtype(high) if rises else reached < dtype(high)):
            return low, high
    raise AssertionError("none found")


def test_a_proportional_value_ends_where_it_should():
    """Exactly at one end, and beyond neither: on the host, on the device, and traced."""
    rate = js.linear_schedule(-0.5, 4.0, 9)
    steps = jnp.arange(12)
    traced = jax.jit(lambda s, a, b: js.proportional(rate, s, a, b)(steps))
    for low, high in [beyond(dtype, rises) for dtype in (float, DTYPE) for rises in (True, False)]:
        schedule = js.proportional(rate, 0.75, low, high)
        one = jax.jit(lambda a, b=high: js.proportional(rate, 0.75, a, b)(steps))
        other = jax.jit(lambda b, a=low: js.proportional(rate, 0.75, a, b)(steps))
        on_device = schedule(steps), traced(0.75, low, high), one(low), other(high)
        found = [(np.asarray([schedule(t) for t in range(12)]), float)]
        for values, dtype in found + [(np.asarray(v), DTYPE) for v in on_device]:
            ends = dtype(low), dtype(high)
            assert values[0] == ends[0]
            assert min(ends) <= values.min()
            assert values.max() <= max(ends)
            digit = np.finfo(dtype).eps * max(abs(low), abs(high))
            np.testing.assert_allclose(values[3:], ends[1], 0, 2 * digit)


LARGEST = float(np.finfo(np.float32).max)
LEAST = float(np.finfo(np.float32).tiny)
EXTREMES = [  # peak, low, high
    # a quotient of way and peak that is below the normal numbers, or beyond the largest
    (LARGEST / 16, 0.0, 0.5), (2.0, 0.0, 2 * LEAST), (LARGEST / 16, 0.25, -0.5), (1e20, 0.0, 1e-20),
    (8 * LEAST, 0.0, 1.0), (8 * LEAST, 1.0, 4.0), (1e-20, 0.0, 1e20), (1e-20, 0.0, -1e20),
    (1e-20, 1e20, -1e20), (LEAST * 8, 0.0, LARGEST),
    # a way or a peak that is the largest number, or beyond it
    (2.0, 0.0, LARGEST), (2.0, LARGEST / 2, -LARGEST), (2.0, -LARGEST, LARGEST), (0.5, LARGEST, -LARGEST),
    (LARGEST, -LARGEST, LARGEST), (LARGEST, 0.0, 1.0), (LARGEST / 4, 1.0, 3.0), (LARGEST / 2, 3.0, 1.0),
    (LARGEST, 0.0, LARGEST), (LARGEST, 0.0, 1e-20), (8 * LEAST, -LARGEST, LARGEST),
]  # fmt: skip


@pytest.mark.parametrize("numbers", EXTREMES)
def test_proportional_numbers_near_the_ends_of_floats(numbers):
    peak, low, high = numbers
    for top in (peak, 2.0, LARGEST / 2):
        rate = js.linear_schedule(0.0, top, 4)
        schedule = js.proportional(rate, *numbers)
        steps = jnp.arange(7)
        whole = [Fraction(min(t, 4), 4) * Fraction(top) for t in range(7)]
        expected = [mp.mpf(x.numerator) / x.denominator for x in (part(x, *numbers) for x in whole)]
        size = max(abs(low), abs(high))
        agree(np.asarray([schedule(t) for t in range(7)]), expected, 2.0**-50, 2.0**-51 * size)
        for read in (schedule, jax.jit(schedule)):
            agree(
                np.asarray(read(steps)), expected, 4 * EPSILON, max(2 * EPSILON * size, 2 * LEAST)
            )


def test_joined_proportional_numbers_near_the_ends_of_floats():
    """Half of the ways of all pieces where that of one is beyond the floats."""
    rate = js.linear_schedule(0.0, 2.0, 4)
    every = [(2.0, -LARGEST, LARGEST), (2.0, 0.5, 3.0), (4.0, LARGEST, -LARGEST)]
    joined = js.join_schedules([js.proportional(rate, *numbers) for numbers in every], [5, 10])
    for read in (joined, jax.jit(joined)):
        values = np.asarray(read(jnp.arange(15))).reshape(3, 5)
        for row, numbers in zip(values, every, strict=True):
            size = max(map(abs, numbers[1:]))
            agree(
                row,
                [float(part(Fraction(t, 2), *numbers)) for t in range(5)],
                0.0,
                2 * EPSILON * size,
            )


# Beside that of the step: the larger of the value and 0, the product, and the bound.
COUNTS = {
    "from 0": (js.proportional(js.constant_schedule(1.5), 2.0, 0.0, 0.5), 4),
    "from 0, negative": (js.proportional(js.constant_schedule(1.5), 2.0, 0.0, -0.5), 4),
    "upwards": (js.proportional(js.constant_schedule(1.5), 2.0, 1.0, 1.5), 5),
    "downwards": (js.proportional(js.constant_schedule(1.5), 2.0, 1.0, 0.5), 5),
}


@counted
@pytest.mark.parametrize("name", COUNTS)
def test_no_equation_too_many(name):
    schedule, count = COUNTS[name]
    assert len(list(primitives(jax.make_jaxpr(schedule)(jnp.int32(3)).jaxpr))) == count


NUMBERS = [
    (lambda x: js.minimum(LINE, x), lambda t, x: min(line(t), Fraction(x)), [(1,), (0.5,)]),
    (lambda x: js.minimum(x, LINE), lambda t, x: min(line(t), Fraction(x)), [(1,), (0.5,)]),
    (lambda x: js.maximum(LINE, x), lambda t, x: max(line(t), Fraction(x)), [(1,), (0.5,)]),
    (lambda x: js.maximum(x, LINE), lambda t, x: max(line(t), Fraction(x)), [(1,), (0.5,)]),
    (lambda *x: js.clip(LINE, *x), lambda t, *x: between(line(t), *x), [(0, 2), (0.5, 1.5)]),
    (lambda *x: js.proportional(LINE, *x), lambda t, *x: part(line(t), *x),
     [(2, 0, 1), (2, 3, 1), (0.5, 0.25, 1.0)]),
]  # fmt: skip


@pytest.mark.parametrize("row", range(len(NUMBERS)))
def test_any_of_its_numbers_may_be_unknown(row):
    factory, formula, every = NUMBERS[row]
    steps = jnp.arange(len(STEPS))
    for numbers in every:
        expected = [float(formula(t, *numbers)) for t in STEPS]
        for place, number in enumerate(numbers):
            read = lambda x, i=place, n=numbers: factory(*n[:i], x, *n[i + 1 :])(steps)
            np.testing.assert_allclose(
                jax.jit(read)(narrow(number)), expected, 4 * EPSILON, EPSILON
            )
        np.testing.assert_allclose(
            as_argument(factory(*numbers), steps), expected, 4 * EPSILON, EPSILON
        )


def test_bounds_are_in_order():
    assert js.clip(LINE, 0.5, 0.5)(0) == 0.5
    for low, high in ((0.5, 0.25), (1, 0)):
        said = rf"clip: low must be at most high \({float(high)}\), got {float(low)}"
        with pytest.raises(ValueError, match=said):
            js.clip(LINE, low, high)


def test_the_momentum_of_a_cycle():
    """Down to the turn, which is a whole step, and up again, both along the shape that is given."""
    for length, first, shape, weight in (
        (10, 0.3, shapes.cosine(), lambda s: (1 + mp.cospi(s)) / 2),
        (10, 0.35, shapes.power(2.0), lambda s: (1 - s) ** 2),
        (7, 0.5, shapes.inverse_power(2.0), lambda s: 1 - s**2),
    ):
        schedule = js.onecycle_momentum_schedule(length, 0.9, 0.8, first, shape)
        turn = int(first * length)
        down = [weight(mp.mpf(t) / turn) for t in range(turn)]
        up = [1 - weight(min(mp.mpf(t) / (length - turn), 1)) for t in range(length + 3 - turn)]
        expected = [mp.mpf(0.8) + (mp.mpf(0.9) - mp.mpf(0.8)) * w for w in down + up]
        for values in ways([schedule], length + 3):
            agree(values[0], expected, 8 * (2.0**-52 if values.dtype == float else EPSILON))
    short = js.onecycle_momentum_schedule(10)
    whole = js.onecycle_momentum_schedule(10, 0.95, 0.85, 0.3, shapes.cosine())
    assert short == whole
    assert [short(t) for t in STEPS] == [whole(t) for t in STEPS]
