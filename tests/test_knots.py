"""Transitions between points of time that need not be whole steps, against mpmath."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from test_powers import program
from ways import agree, as_argument, narrow, read_in_every_way
from written import sources

import jaxsched as js
from jaxsched import shapes
from jaxsched._core import numerics as nx
from jaxsched._forms.knots import stretch, through_points

EPSILON = float(np.finfo(nx.float_dtype()).eps)
TOP = int(np.iinfo(nx.int_dtype()).max)
MOST = 2**31 - 1
WHOLE = list(range(14))
PARTS = [0.0, 0.25, 1.0, 1.25, 1.75, 2.0, 2.25, 3.0, 3.25, 4.5, 5.75, 6.5, 7.0, 7.125, 7.75, 9.0]
LINEAR, COSINE = shapes.linear(), shapes.cosine()
WEIGHTS = {
    LINEAR: lambda s: s,
    COSINE: lambda s: mp.sinpi(s / 2) ** 2,
    shapes.power(2.0): lambda s: 1 - (1 - s) ** 2,
    shapes.power(0.5): lambda s: 1 - mp.sqrt(1 - s),
}


def way(t, start, end, begin, stop, shape):
    """From one value to another between two points of time."""
    begin, stop = mp.mpf(begin), mp.mpf(stop)
    share = mp.mpf(t >= stop) if t >= stop or t <= begin else (t - begin) / (stop - begin)
    return mp.mpf(start) + (mp.mpf(end) - mp.mpf(start)) * WEIGHTS[shape](share)


def knots(t, points, values, shape):
    """The value on the way on which a step is: at a point the next one begins."""
    for (begin, stop), ends in zip(pairwise([0.0, *points]), pairwise(values), strict=True):
        if t < stop:
            return way(t, *ends, begin, stop, shape)
    return mp.mpf(values[-1])


def of_steps(digit):
    """An error of a step and more, on ways of some steps and values about 1."""
    return 32 * digit, 16 * digit


@js.recipe
def turning(points, values, shape):
    return through_points(points, values, shape)


HILLS = [(0.04, 1.0, 4e-6), (1.0, 3.0, 0.5), (0.5, -1.0, 0.25), (3.0, 1.0, 2.0), (0.0, 2.0, 0.0)]
TURNS = [
    (2.5, 7.25),
    (2.3, 7.6),
    (3.0, 7.0),
    (3, 7),
    (0.3, 1.1),
    (2.5, 2.75),
    (0.5, 40.7),
    (1 / 3, 8.0),
]


@pytest.mark.parametrize("shape", WEIGHTS, ids=str)
def test_up_and_down(shape):
    for values in HILLS:
        schedules = [turning(points, values, shape) for points in TURNS]
        for steps in (WHOLE, PARTS):
            expected = [
                [knots(mp.mpf(t), points, values, shape) for t in steps] for points in TURNS
            ]
            read_in_every_way(schedules, expected, steps, of_steps)


@pytest.mark.parametrize("shape", [LINEAR, COSINE, shapes.power(2.0)], ids=str)
def test_between_two_steps_a_turn_is_where_it_is(shape):
    """On the device too the way down begins there, not at the next whole step; neither goes beyond it."""
    for values in HILLS:
        for points in TURNS:
            schedule = through_points(points, values, shape)
            turn = points[0]
            steps = [
                turn - 0.125,
                turn,
                turn + 1e-6,
                (turn + ceil(turn)) / 2,
                ceil(turn) - 0.015625,
            ]
            near = np.asarray(steps, nx.float_dtype())
            near = np.concatenate([near, np.nextafter(near, 0), np.nextafter(near, TOP)])
            for found, given in (
                (np.asarray([schedule(float(t)) for t in steps]), steps),
                (np.asarray(schedule(jnp.asarray(near))), near.tolist()),
                (np.asarray([schedule(jnp.asarray(t)) for t in near]), near.tolist()),
            ):
                expected = [knots(mp.mpf(t), points, values, shape) for t in given]
                digit = float(np.finfo(found.dtype).eps)
                agree(found, expected, 32 * digit, 32 * digit)
                low, high = (found.dtype.type(f(values)) for f in (min, max))
                assert low <= found.min()
                assert found.max() <= high


PATHS = [
    ((2.5, 5.25, 7.0), (0.04, 1.0, 0.25, 4e-6)),
    ((0.5, 1.0, 12.25), (0.5, -1.0, 3.0, 2.0)),
    ((3.0, 3.0, 9.0), (0.5, 1.0, 0.75, 0.25)),  # the second has no time
    ((2.25, 2.5, 6.0), (0.5, 1.0, 0.75, 0.25)),  # it is between two steps
    ((-0.5, -1.0, 6.0), (0.5, 1.0, 0.75, 0.25)),  # two are over before the first step
    ((-1.0, 7.25), (0.5, 1.0, 0.25)),
    ((0.0, 7.25), (0.5, 1.0, 0.25)),
    ((0, 7), (0.5, 1.0, 0.25)),
    ((4.0, 4.0), (0.5, 1.0, 0.25)),
    ((0.3, 0.3), (0.5, 1.0, 0.25)),
    ((-0.5, 0.0), (0.5, 1.0, 0.25)),
    ((-1.0, -0.5), (0.5, 1.0, 0.25)),
    ((-0.5, -1.0), (0.5, 1.0, 0.25)),
    ((0.0, 0.0), (0.5, 1.0, 0.25)),
    ((2, 5, 7, 11), (0.5, 1.0, 0.25, 0.75, 0.0)),
    ((4.5,), (0.5, 1.0)),
]


@pytest.mark.parametrize("shape", WEIGHTS, ids=str)
def test_any_number_of_points(shape):
    for points, values in PATHS:
        schedule = turning(points, values, shape)
        # A piece begins at a whole step: between a point and that the value is the point's.
        parts = [t for t in PARTS if all(t <= p or t >= ceil(p) for p in points)]
        for steps in (WHOLE, parts):
            expected = [[knots(mp.mpf(t), points, values, shape) for t in steps]]
            read_in_every_way([schedule], expected, steps, of_steps)


def test_late_points():
    """Also beyond the steps of 32 bits, and of 64."""
    for points in (
        (MOST - 9.0, MOST - 3.0),
        (MOST - 7.0, MOST + 5.0),
        (MOST // 2, MOST - 2),
        (5.0, 2.0**33),
        (2.0**33, 2.0**34),
        (2**40, 2**62),
        (5, 2**63 - 1),
        (3.0, 5.0, 2.0**63),
        (3.0, 2.0**63 - 1024, 2**63 - 1),
    ):
        values = (0.25, 1.0, 0.5, 0.75)[: len(points) + 1]
        steps = [0, 4, MOST // 3, MOST - 8, MOST - 2, MOST - 1, MOST]
        expected = [knots(mp.mpf(t), points, values, COSINE) for t in steps]
        schedule = through_points(points, values, COSINE)
        agree(np.asarray([schedule(t) for t in steps]), expected, 2.0**-48, 2.0**-48)
        agree(np.asarray(schedule(jnp.asarray(steps))), expected, 32 * EPSILON, 8 * EPSILON)
    longest = 2**63 - 1  # of which no float is
    for make in (
        lambda n: js.flat_cosine_schedule(n, 1.0),
        lambda n: js.fastai_onecycle_schedule(n, 1.0),
        lambda n: js.torch_onecycle_schedule(n, 1.0, three_phase=True),
    ):
        for t in (0, MOST, TOP):
            assert make(longest)(t) == make(2**63 - 1024)(t)
            assert make(longest)(jnp.asarray(t)) == make(2**63 - 1024)(jnp.asarray(t))


def test_a_turn_before_the_first_step_is_no_later_one():
    """Traced or not; at the largest step nothing is counted from before the first."""
    schedule = js.torch_onecycle_schedule(10, 1.0, 0.0, final_div_factor=8.0)
    for t in (0, 5, 9, TOP - 1, TOP):
        expected = knots(mp.mpf(t), (-1.0, 9.0), (0.04, 1.0, 0.005), COSINE)
        for value in (schedule(t), schedule(jnp.asarray(t)), as_argument(schedule, jnp.asarray(t))):
            assert float(value) == pytest.approx(float(expected), rel=16 * EPSILON)


BETWEEN = [
    (0.0, 4.0), (0, 7), (0.3, 4.7), (0.5, 3.0), (2.5, 7.25), (2, 7), (0.25, 0.75), (-2.0, 3.0),
    (-1.0, -0.5), (-1.0, -1.0),
    (-2.0, 0.0), (0.0, 0.0), (3.0, 3.0), (2.5, 2.5), (0.3, 1000.0), (0.5, 1e15), (1.0, 7.0),
]  # fmt: skip


@pytest.mark.parametrize("shape", WEIGHTS, ids=str)
def test_between_two_points(shape):
    for ends in ((0.7, 0.2), (0.2, 0.7), (0.5, -0.5), (0.0, 1.0), (1, 0)):
        schedules = [stretch(*ends, *points, shape) for points in BETWEEN]
        for steps in (WHOLE, PARTS):
            expected = [
                [way(mp.mpf(t), *ends, *points, shape) for t in steps] for points in BETWEEN
            ]
            read_in_every_way(schedules, expected, steps, of_steps)


def test_a_way_begins_exactly():
    """At its begin the value is the first, however what is between two steps is rounded."""
    for begin in (0.1, 0.3, 0.7, 1.1, 2.3, 1 / 3, 1e-9, 1e5 + 0.1):
        schedule = stretch(0.7, 0.2, begin, begin + 0.9, shapes.power(0.5))
        assert schedule(begin) == 0.7
        assert schedule(begin / 2) == schedule(0) == 0.7
        assert 0.2 == schedule(begin + 1) < schedule(begin + 0.5) < 0.7
    first, begin = (
        0.397174526667623,
        0.02880258162249183,
    )  # beyond which the rounded way would start
    assert stretch(first, 0.046063515130579824, begin, 8.772822403072997, LINEAR)(begin) == first
    for part in (0.0, 0.25, 1.0):  # of a length, is flat; at its end the last value is reached
        schedule = js.flat_cosine_schedule(100, 1.0, part, 10.0)
        for t in (0, 99, 100, 101):
            assert schedule(jnp.asarray(t)) == pytest.approx(schedule(t), rel=1e-6)
        assert schedule(100) == schedule(10**9) == 0.1


def test_a_whole_number_may_be_a_value():
    schedule = stretch(1, 3, 2.0, 4.0, LINEAR)
    for t, value in ((0, 1.0), (2, 1.0), (3, 2.0), (4, 3.0)):
        assert schedule(t) == value
        assert type(schedule(t)) is float
        assert schedule(jnp.asarray(t)) == value


UNKNOWN = [
    ((2.5, 7.25), (0.25, 1.0, 0.5)),
    ((0.5, 7.0), (0.25, 1.0, 0.5)),
    ((-0.5, 7.0), (0.25, 1.0, 0.5)),
    ((2.5, 5.0, 7.25), (0.25, 1.0, 0.5, 0.125)),
    ((2, 5, 7), (1, 3, 2, 4)),
]


@pytest.mark.parametrize("row", range(len(UNKNOWN)))
@pytest.mark.parametrize("shape", [LINEAR, shapes.power(2.0)], ids=str)
def test_any_of_its_numbers_may_be_unknown(row, shape):
    points, values = UNKNOWN[row]
    numbers, many = (*points, *values), len(points)
    expected = [knots(mp.mpf(t), points, values, shape) for t in WHOLE]
    for place in (*range(len(numbers)), None):

        def read(x, steps, place=place):
            given = x if place is None else [*numbers[:place], x, *numbers[place + 1 :]]
            return through_points(given[:many], given[many:], shape)(steps)

        unknown = list(map(narrow, numbers)) if place is None else narrow(numbers[place])
        for steps in (jnp.asarray(WHOLE), jnp.asarray(WHOLE, nx.float_dtype())):
            agree(np.asarray(jax.jit(read)(unknown, steps)), expected, 32 * EPSILON, 8 * EPSILON)
        between = [knots(mp.mpf(t), points, values, shape) for t in PARTS]
        found = jax.jit(read)(unknown, jnp.asarray(PARTS, nx.float_dtype()))
        agree(np.asarray(found), between, 32 * EPSILON, 8 * EPSILON)


def test_a_turn_is_of_one_way():
    """Along a symmetric shape; of what is chosen nothing is held that is not used there."""
    for points, shape, whole, parts in (
        ((2.5, 7.25), COSINE, 16, 15),
        ((0.5, 7.25), COSINE, 16, 15),
        ((3.0, 7.0), COSINE, 14, 15),
        ((2.5, 7.25), LINEAR, 15, 14),
        ((3.0, 7.0), LINEAR, 13, 14),
    ):
        schedule = through_points(points, (0.25, 1.0, 0.5), shape)
        for steps, most in ((jnp.arange(3), whole), (jnp.asarray(PARTS), parts)):
            assert len(program(schedule, steps)) <= most


def test_on_the_host_a_way_is_compared_with_its_two_ends_alone():
    for schedule, ends in (
        (stretch(0.7, 0.2, 0.25, 7.25, LINEAR), 2),
        (stretch(0.7, 0.2, 2.5, 7.25, LINEAR), 2),
        (through_points((2.5, 7.25), (0.25, 1.0, 0.5), LINEAR), 2),
        (through_points((2.5, 3.5, 7.25), (0.25, 1.0, 0.5, 0.75), LINEAR), 3),
    ):
        (source,) = sources(lambda s=schedule: s(1))
        assert source.count("<") + source.count(">") == ends


def test_the_slope_is_of_the_way_that_is_used():
    """Of a shape that has none beyond its end, on a way that is over or has not begun."""
    schedule = through_points((2.5, 3.5, 7.25), (0.25, 1.0, 0.5, 0.75), shapes.power(0.5))
    for t in (1.0, 2.0, 3.0, 3.25, 4.0, 6.0):
        slope = (schedule(t + 2.0**-20) - schedule(t - 2.0**-20)) * 2.0**19
        assert jax.grad(schedule)(t) == pytest.approx(slope, rel=1e-4)
