"""Operators on the step, against exact fractions, in each way of being read."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from math import floor

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_program import counted, without_calls
from ways import as_argument, reads, ways

import jaxsched as js
from jaxsched._core import numerics as nx
from jaxsched._operators.clock import _scaled_step

EPSILON = float(np.finfo(nx.float_dtype()).eps)
TOP = int(np.iinfo(nx.int_dtype()).max)
LINE = js.linear_schedule(1.0, 3.0, 64)  # whose values at quarters of a step are numbers of float32


def line(t):
    return float(1 + Fraction(min(max(t, 0), 64)) / 32)


# name -> (operator, the step at which the line is read, lengths)
CLOCKS = {
    "delay": (js.delay, lambda t, n: max(t - n, 0), [0, 1, 2, 5, 200, 2**31 - 1, 2**40]),
    "staircase": (js.staircase, lambda t, n: n * (t // n), [1, 2, 3, 7, 200, 2**31 - 1, 2**40]),
    "reverse": (js.reverse, lambda t, n: max(n - t, 0), [0, 1, 2, 9, 17, 200, 2**31 - 1, 2**40]),
    "by_epoch": (js.by_epoch, lambda t, n: t // n, [1, 2, 3, 7, 200, 2**31 - 1, 2**40]),
}
WHOLE = list(range(20))
PARTS = [
    0.0,
    0.25,
    0.5,
    0.75,
    1.0,
    1.25,
    1.75,
    2.5,
    4.75,
    5.0,
    5.25,
    6.0,
    8.75,
    9.25,
    13.5,
    199.75,
    200.25,
]


@pytest.mark.parametrize("name", CLOCKS)
def test_when_a_line_is_read(name):
    operator, place, lengths = CLOCKS[name]
    schedules = [operator(LINE, n) for n in lengths]
    for steps in (WHOLE, PARTS, [-3, -1, 0, 3]):
        expected = [[line(place(max(Fraction(t), 0), n)) for t in steps] for n in lengths]
        for values in reads(schedules, steps):
            if values.dtype.kind == "f":
                np.testing.assert_array_equal(values, expected)
    expected = [[line(place(Fraction(t), n)) for t in WHOLE] for n in lengths[:6]]
    for values in ways(schedules[:6], len(WHOLE)):
        np.testing.assert_array_equal(values, expected)


@js.schedule
def digits(step, shift):
    """Twelve of the binary digits of its whole step."""
    return jnp.asarray((step >> shift) & 0xFFF, float)


def steps_read(operator, steps):
    """At which whole steps an operator reads its schedule."""
    parts = [operator(digits(shift))(jnp.asarray(steps)) for shift in range(0, 64, 12)]
    places = range(0, TOP.bit_length(), 12)
    return [
        sum(int(p[i]) << place for p, place in zip(parts, places, strict=False))
        for i in range(len(steps))
    ]


LATE = [0, 1, 2, 9, TOP - 70, TOP - 5, TOP - 1, TOP]


@pytest.mark.parametrize("name", CLOCKS)
def test_late_steps_are_counted_exactly(name):
    operator, place, _ = CLOCKS[name]
    for n in (1, 3, 2**16 + 1, TOP - 6, TOP - 1, TOP, TOP + 1, TOP + 9):
        if n < 2**63:
            read = steps_read(lambda s, n=n: operator(s, n), LATE)
            assert read == [min(place(t, n), TOP) for t in LATE], n


SCALES = [(k, 1) for k in (1, 2, 3, 7, 300)] + [
    (3, 2),
    (2, 3),
    (1, 2),
    (1, 5),
    (5, 7),
    (10, 4),
    (2**40, 1),
]
TABLE = [0.0, 1.0, 1e-20, -1.0, -1.0, 3.0, -2.0, -1e-20, 1e-20, 2.0, 2.0, -4.0, 0.0, 5.0, -0.5]


def on_table(position, table=TABLE):
    """The exact value on the straight lines through a table, and what its rounding may be a share of."""
    whole = min(floor(position), len(table) - 1)
    here, there = (Fraction(table[min(i, len(table) - 1)]) for i in (whole, whole + 1))
    value = here + (there - here) * (position - floor(position))
    return value, max(abs(value), min(abs(here), abs(there)))


def agree(values, expected, ulps=4):
    digit = ulps * (2.0**-52 if values.dtype == float else EPSILON)
    for value, (number, size) in zip(values.ravel().tolist(), chain(*expected), strict=True):
        assert abs(Fraction(value) - number) <= digit * size


@pytest.mark.parametrize("known", [True, False])
def test_between_two_steps_of_a_stretched_schedule_is_a_line(known):
    held = js.tabulated_schedule(TABLE if known else np.asarray(TABLE))
    schedules = [js.stretch(held, *scale) for scale in SCALES]
    for steps in ([*WHOLE, 44, 45, 97], PARTS):
        expected = [[on_table(Fraction(t) * d / k) for t in steps] for k, d in SCALES]
        for values in reads(schedules, steps):
            agree(values, expected)
    if known:
        expected = [[on_table(Fraction(t) * d / k) for t in WHOLE] for k, d in SCALES[:-1]]
        for values in ways(schedules[:-1], len(WHOLE)):
            agree(values, expected)


def test_near_the_smaller_value_a_line_keeps_its_digits():
    """On either side of it, and whichever signs the two have."""
    factor = 3 * 2**20
    tables = [[a, b, a] for a in (0.0, 1e-20, -1e-20) for b in (1.0, -1.0)]
    schedules = [js.stretch(js.tabulated_schedule(table), factor) for table in tables]
    steps = [1, factor - 1, factor + 1, 2 * factor - 1]
    expected = [[on_table(Fraction(t, factor), table) for t in steps] for table in tables]
    for values in reads(schedules, steps):
        agree(values, expected)


@pytest.mark.parametrize("scale", [(1, 1), (3, 1), (6, 2), (6, 4)])
def test_at_a_step_of_its_own_a_stretched_schedule_has_the_value_there(scale):
    """Exactly, as nothing of the next step's is added; also where the two are not of one size."""
    rng = np.random.default_rng(0)
    table = rng.uniform(-1, 1, 400) * 10.0 ** rng.uniform(-3, 0, 400)
    schedule = js.stretch(js.tabulated_schedule(table.tolist()), *scale)
    places = np.arange(0, 400, scale[1])
    steps = places * scale[0] // scale[1]
    assert [schedule(t) for t in steps.tolist()] == table[places].tolist()
    for read in (schedule, lambda t: as_argument(schedule, t)):
        for dtype in (int, float):
            values = np.asarray(read(jnp.asarray(steps, dtype)))
            np.testing.assert_array_equal(values, table[places].astype(values.dtype))


SHORTER = [
    (1, 2),
    (1, 3),
    (2, 3),
    (3, 4),
    (2, 5),
    (3, 7),
    (5, 2**16),
    (7, 2),
    (3, 2),
    (2, 2),
    (1, 1),
]


@pytest.mark.parametrize(("k", "d"), SHORTER)
def test_a_shortened_schedule_stays_at_its_last_step(k, d):
    """Its step reaches the largest integer before the run does, exactly there or beyond it."""
    last = TOP * k // d
    steps = [min(t, TOP) for t in (0, 1, 5, 11, last - 2, last - 1, last, last + 1, last + 2, TOP)]
    exact = [divmod(t * d, k) for t in steps]
    exact = [place if place[0] < TOP else (TOP, 0) for place in exact]
    for scaled in (_scaled_step, jax.jit(_scaled_step)):
        whole, rest = scaled(jnp.asarray(steps), k, d)
        assert list(zip(whole.tolist(), rest.tolist(), strict=True)) == exact
    line = js.stretch(js.linear_schedule(0.0, 1.0, TOP), k, d)
    for read in (line, jax.jit(line), lambda t: as_argument(line, t)):
        np.testing.assert_allclose(read(jnp.asarray(steps[4:])), [line(t) for t in steps[4:]], 1e-6)


def test_the_product_of_the_factors_is_below_a_bound():
    for k, d in ((2**31 - 1, 1), (2**40, 1), (2**30 - 1, 2), (1, 2**31 - 1), (46340, 46340)):
        assert js.stretch(LINE, k, d).divisor == d
    for k, d in ((2**30, 2), (2**16, 2**15), (1, 2**31), (3, 2**30), (46341, 46341)):
        said = rf"factor \* divisor must be at most 2147483647, got {k * d}$"
        with pytest.raises(ValueError, match=said):
            js.stretch(LINE, k, d)
    for make in (
        lambda n: js.stretch(LINE, n, 2),
        lambda n: js.stretch(LINE, 3, n),
    ):  # not known yet
        for n in (5, 7):
            assert jax.jit(lambda n, m=make: m(n)(jnp.int32(4)))(n) == pytest.approx(
                make(n)(4), rel=1e-6
            )
    assert js.stretch(LINE, 2)(1) == line(Fraction(1, 2))  # by 1 is divided without more said


# Of the line, which is five equations, among them the larger of the step and 0, and of the operator.
COUNTS = {
    "delay, by none": (js.delay(LINE, 0), 5),
    "delay": (js.delay(LINE, 1), 6),  # the larger of the step and the delay, and the difference
    "delay, beyond int32": (js.delay(LINE, 2**40), 3),  # the line at the step 0
    "staircase": (js.staircase(LINE, 3), 7),
    "reverse": (js.reverse(LINE, 5), 7),
    "by_epoch": (js.by_epoch(LINE, 3), 6),
    # the line at two steps (eight), the step from 0 on, the whole step (two), the next (three); which value
    # is the smaller (five), what is left, the steps from there, their share (three), and the value (three)
    "stretch": (js.stretch(LINE, 3), 27),
    "stretch, longer": (
        js.stretch(LINE, 3, 2),
        32,
    ),  # three products and sums, and another division
    "stretch, by 1": (js.stretch(LINE, 2, 2), 32),
    "stretch, shorter": (js.stretch(LINE, 2, 3), 38),  # and what is beyond the largest integer
}


@counted
@pytest.mark.parametrize("name", COUNTS)
def test_no_equation_too_many(name):
    schedule, count = COUNTS[name]
    assert without_calls(jax.make_jaxpr(schedule)(jnp.int32(3)).jaxpr) == count
