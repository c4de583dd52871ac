"""Warmups, cooldowns and other plans, against exact numbers, in each way of being read."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from test_program import counted, unused, without_calls
from test_shapes import EPSILON
from ways import agree, as_argument, narrow, read_in_every_way

import jaxsched as js
from jaxsched import shapes
from jaxsched._core import numerics as nx

TOP = int(np.iinfo(nx.int_dtype()).max)
WHOLE = list(range(20))
PARTS = [0.0, 0.25, 1.5, 2.0, 2.75, 3.0, 3.25, 4.5, 6.75, 7.0, 7.25, 9.5, 10.0, 10.25, 13.5, 25.0]
LATE = [TOP - 5, TOP - 1, TOP]
LINE, FALL = js.linear_schedule(1.0, 3.0, 64), js.linear_schedule(2.0, 0.5, 12)
SHAPES = {shapes.linear(): lambda s: 1 - s, shapes.inverse_power(2.0): lambda s: 1 - s**2}
LINEAR, SQUARE = SHAPES
LEVEL = js.constant_schedule(0.75)


def known(schedule, t):
    """The exact value of one of the schedules above."""
    t = mp.mpf(t)
    if schedule is LEVEL:
        return mp.mpf(0.75)
    return 1 + min(t, 64) / 32 if schedule is LINE else 2 - min(t, 12) / 8


def way(start, end, share, shape):
    return mp.mpf(end) + (mp.mpf(start) - mp.mpf(end)) * SHAPES[shape](min(max(share, 0), 1))


def warmed(t, schedule, length, init=0.0, shape=LINEAR, mode="prefix", first=0):
    overlay = mode == "overlay"
    if t >= length:
        return known(schedule, t if overlay else t - length)
    return way(init, known(schedule, length if overlay else 0), (mp.mpf(t) + first) / length, shape)


def cooled(t, schedule, begin, length, end=0.0, shape=LINEAR):
    if t < begin:
        return known(schedule, t)
    return way(known(schedule, begin), end, (mp.mpf(t) - begin) / length if length else 1, shape)


def planned(t, schedule, begin, plan, continuous=True):
    if t < begin:
        return known(schedule, t)
    scale = known(schedule, begin) / known(plan, 0) if continuous else 1
    return known(plan, mp.mpf(t) - begin) * scale


LENGTHS = [0, 1, 2, 7, 100]
STRETCHES = {
    "with_warmup": (js.with_warmup, warmed, [
        (s, n, i, shape, mode, 0)
        for s, i, shape in ((LINE, 0.0, LINEAR), (LINE, 0.5, SQUARE)) for n in LENGTHS
        for mode in ("prefix", "overlay")
    ]),
    "with_warmup, level": (js.with_warmup, warmed, [(LEVEL, n, 0.25) for n in LENGTHS]),
    "with_warmup, later": (js.with_warmup, warmed, [
        (LINE, n, 0.5, LINEAR, "prefix", k) for n in LENGTHS for k in (0, 1, n) if k <= n
    ]),
    "with_cooldown": (js.with_cooldown, cooled, [
        (s, b, n, e, shape)
        for s, e, shape in ((LINE, 0.0, LINEAR), (FALL, 0.25, SQUARE))
        for b in (0, 1, 3, 100) for n in (0, 1, 7)
    ]),
    "override": (js.override, planned, [
        (LINE, b, FALL, continuous) for b in (0, 1, 3, 7, 100) for continuous in (True, False)
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", STRETCHES)
def test_every_way_of_reading_gives_the_formula(name):
    factory, formula, every = STRETCHES[name]
    schedules = [factory(*numbers) for numbers in every]
    for steps in (WHOLE, PARTS):
        expected = [[formula(t, *numbers) for t in steps] for numbers in every]
        read_in_every_way(schedules, expected, steps, lambda digit: (8 * digit, 1e-30))


def test_late_steps():
    for n in (TOP - 3, TOP - 1, TOP, 2**40, 2**62):
        for factory, formula, numbers in (
            *((js.with_warmup, warmed, (LINE, n, 1.5, LINEAR, m)) for m in ("prefix", "overlay")),
            (js.with_warmup, warmed, (LINE, n, 1.5, LINEAR, "prefix", 9)),
            *((js.with_warmup, warmed, (LINE, n, 0.25, LINEAR, "prefix", k)) for k in (1, 9)),
            (js.with_warmup, warmed, (LINE, 9, 1.5, LINEAR, "prefix", 9)),
            (js.with_cooldown, cooled, (LINE, n, 4, 0.5)),
            (js.with_cooldown, cooled, (LINE, 5, n, 0.5)),
            (js.override, planned, (LINE, n, FALL)),
        ):
            schedule, expected = factory(*numbers), [formula(t, *numbers) for t in LATE]
            agree(np.asarray([schedule(t) for t in LATE]), expected, 2.0**-45)
            agree(np.asarray(schedule(jnp.asarray(LATE))), expected, 16 * EPSILON)


@pytest.mark.parametrize("length", [TOP - 3, TOP - 1, TOP, 20])
@pytest.mark.parametrize("known", [(True, False), (False, True), (False, False)])
def test_late_steps_of_a_warmup_whose_numbers_are_unknown(length, known):
    """The sum of a step and the first one may be beyond the largest integer."""
    for init in (0.25, 1.5):

        def read(n, k, init=init):
            numbers = length if known[0] else n, init, LINEAR, "prefix", 9 if known[1] else k
            return js.with_warmup(LINE, *numbers)(jnp.asarray(LATE))

        expected = [warmed(t, LINE, length, init, first=9) for t in LATE]
        found = jax.jit(read)(jnp.asarray(length), jnp.asarray(9))
        agree(np.asarray(found), expected, 16 * EPSILON)


def test_a_schedule_that_is_not_known_is_read_at_a_step_beyond_int32():
    """Which is a float then: a warmup of half of the way goes to the middle."""
    n = 2**40
    for dtype in (int, float):
        for factory, expected in (
            (lambda x: js.with_cooldown(js.linear_schedule(x, 0.0, 4), n, 4), [1.0, 0.25]),
            (lambda x: js.override(js.linear_schedule(x, 0.0, 4), n, FALL), [1.0, 0.25]),
            (lambda x: js.with_warmup(js.linear_schedule(x, 0.0, 2 * n), n, mode="overlay"),
             [0.0, 1.5 * 2.0**-40]),
        ):  # fmt: skip
            read = lambda x, f=factory, t=dtype: f(x)(jnp.asarray([0, 3], t))
            agree(np.asarray(jax.jit(read)(1.0)), expected, 2 * EPSILON)


ROWS = [2.0, 3.0, 0.5], [1, 2, 4]


@pytest.mark.parametrize("shape", [(), (3,)])
def test_numbers_may_be_one_of_each_member(shape):
    """Of schedules, and the steps at which they are read, also where there is one step."""
    peaks, places = map(np.asarray, ROWS)
    for made in (
        lambda a, n: js.with_warmup(js.linear_schedule(a, 1.0, 4), 2, 0.25),
        lambda a, n: js.with_warmup(LINE, n, 0.25, mode="overlay"),
        lambda a, n: js.with_cooldown(js.linear_schedule(a, 1.0, 4), 2, 4),
        lambda a, n: js.with_cooldown(LINE, n, 4),
        lambda a, n: js.override(js.linear_schedule(a, 1.0, 4), 2, FALL),
        lambda a, n: js.override(LINE, n, js.linear_schedule(a, 1.0, 4)),
    ):
        for t in range(5):
            expected = [made(*pair)(t) for pair in zip(*ROWS, strict=True)]
            found = made(peaks, places)(jnp.full(shape, t))
            agree(np.asarray(found), expected, 8 * EPSILON)


def of_jax(step):
    """A callable of the user's own: on the line, in JAX's operations and in a type of its own."""
    one, slope, step = (jnp.asarray(x, jnp.bfloat16) for x in (1.0, 0.03125, step))
    return one + step * slope


def in_float(step):
    return 1.0 + jnp.asarray(step, float) * 0.03125


@pytest.mark.parametrize("function", [of_jax, in_float])
def test_a_callable_that_is_no_schedule(function):
    steps = jnp.arange(20)
    for factory, formula, rest in (
        (js.with_warmup, warmed, (4, 0.5)),
        (js.with_warmup, warmed, (4, 0.5, LINEAR, "overlay")),
        (js.with_cooldown, cooled, (8, 4, 0.25)),
        (js.override, planned, (8, FALL)),
    ):
        expected = [formula(t, LINE, *rest) for t in WHOLE]
        schedule = factory(function, *rest)
        agree(np.asarray([schedule(t) for t in WHOLE]), expected, 2.0**-51)
        made = lambda t, f=factory, r=rest: f(function, *r)(t)
        for read in (
            schedule,
            jax.jit(schedule),
            jax.jit(made),
            lambda t, s=schedule: as_argument(s, t),
        ):
            agree(np.asarray(read(steps)), expected, 4 * EPSILON)
        agree(np.asarray([jax.jit(lambda t, s=schedule: s(t))(8)]), [expected[8]], 4 * EPSILON)


def test_a_callable_is_read_on_the_host_while_a_program_is_traced():
    """What it gives there is traced, and is not kept."""
    for factory, formula, rest in (
        (js.with_warmup, warmed, (4, 0.5, LINEAR, "overlay")),
        (js.with_cooldown, cooled, (4, 4, 0.25)),
        (js.override, planned, (4, FALL)),
    ):
        schedule, expected = factory(in_float, *rest), [formula(t, LINE, *rest) for t in WHOLE]
        found = jax.jit(lambda s=schedule: [s(t) for t in WHOLE])()
        agree(np.asarray(found), expected, 4 * EPSILON)
        found = [schedule(t) for t in WHOLE]
        assert all(type(value) is float for value in found)
        agree(np.asarray(found), expected, 2.0**-51)


def test_a_way_to_a_callable_stays_between_its_ends():
    """Also where the two are the same and the sum of their shares is not."""
    rng = np.random.default_rng(0)
    for peak in rng.uniform(-1, 1, 20).astype(nx.float_dtype()):
        schedule = js.with_warmup(lambda step, x=peak: jnp.asarray(x), 13, float(peak))
        assert jax.jit(lambda s=schedule: s(4))() == peak
        assert {schedule(t) for t in range(15)} == {float(peak)}


NUMBERS = [
    (js.with_warmup, warmed, (LINE,), (4, 2), (LINEAR, "prefix", 0)),
    (js.with_warmup, warmed, (LINE,), (4, 0.5), (SQUARE, "overlay", 0)),
    (lambda s, n, i, k: js.with_warmup(s, n, i, LINEAR, "prefix", k),
     lambda t, s, n, i, k: warmed(t, s, n, i, LINEAR, "prefix", k), (LINE,), (5, 0, 2), ()),
    (js.with_cooldown, cooled, (LINE,), (3, 4, 2), (LINEAR,)),
    (js.with_cooldown, cooled, (LINE,), (3, 4, 0.5), (SQUARE,)),
    (lambda b: js.override(LINE, b, FALL), lambda t, b: planned(t, LINE, b, FALL), (), (3,), ()),
    (lambda b: js.override(LINE, b, FALL, False), lambda t, b: planned(t, LINE, b, FALL, False),
     (), (3,), ()),
]  # fmt: skip


@pytest.mark.parametrize("row", range(len(NUMBERS)))
def test_any_of_its_numbers_may_be_unknown(row):
    factory, formula, first, numbers, rest = NUMBERS[row]
    expected = [formula(t, *first, *numbers, *rest) for t in WHOLE]
    for place, number in enumerate(numbers):

        def read(x, place=place):
            given = *numbers[:place], x, *numbers[place + 1 :]
            return factory(*first, *given, *rest)(jnp.arange(len(WHOLE)))

        agree(np.asarray(jax.jit(read)(narrow(number))), expected, 16 * EPSILON, EPSILON)


def test_a_plan_that_starts_at_0_cannot_go_on():
    for plan in (js.linear_schedule(0.0, 1.0, 5), js.linear_schedule(-0.0, 1.0, 5)):
        with pytest.raises(ValueError, match="plan must not start at 0 to go on continuously"):
            js.override(LINE, 5, plan)
        assert js.override(LINE, 5, plan, continuous=False)(5) == 0.0
    assert js.override(LINE, 0, js.linear_schedule(1.0, 0.0, 1))(0) == 1.0
    # What it starts at is not known yet, and is not asked for more often than it is needed.
    read = lambda x: js.override(LINE, 4, js.linear_schedule(x, 1.0, 4))(jnp.int32(6))
    assert jax.jit(read)(2.0) == 0.75 * 1.125
    assert not unused(jax.make_jaxpr(read)(2.0).jaxpr)
    own = lambda x: js.override(LINE, 4, lambda t: x - jnp.asarray(t, float) / 4)(jnp.asarray(6))
    assert jax.jit(own)(2.0) == 0.75 * 1.125


def test_numbers_that_are_not_given():
    cosine = shapes.cosine()
    for short, whole in (
        (js.with_warmup(LINE, 4), js.with_warmup(LINE, 4, 0.0, LINEAR, "prefix", 0)),
        (js.with_cooldown(LINE, 4, 4), js.with_cooldown(LINE, 4, 4, 0.0, LINEAR)),
        (js.override(LINE, 4, FALL), js.override(LINE, 4, FALL, True)),
        (js.swa_schedule(LINE, 0.5, 4), js.swa_schedule(LINE, 0.5, 4, 10, cosine)),
    ):
        assert short == whole
        assert [short(t) for t in WHOLE] == [whole(t) for t in WHOLE]
    assert js.swa_schedule(LINE, 0.5, 4, 8)(8) == pytest.approx((1.125 + 0.5) / 2, rel=1e-15)


# How many equations a program has, of which the step from 0 on, the comparison and the choice are three.
COUNTS = {
    # the step as a float, the product, at most the level
    "with_warmup": (js.with_warmup(LEVEL, 4), 6),
    # the same, and the sum with the first step
    "with_warmup, later": (js.with_warmup(LEVEL, 4, first_step=1), 7),
}


def count_of(schedule, step):
    jaxpr = jax.make_jaxpr(schedule)(step).jaxpr
    assert not unused(jaxpr)
    return without_calls(jaxpr)


@counted
@pytest.mark.parametrize("name", COUNTS)
def test_no_equation_too_many(name):
    schedule, count = COUNTS[name]
    assert count_of(schedule, jnp.int32(3)) == count_of(schedule, jnp.float32(3)) == count


@counted
def test_no_equation_too_many_of_a_warmup_beyond_int32():
    """No comparison; the larger of the step and the begin of 0, and their difference."""
    assert count_of(js.with_warmup(LEVEL, 2**40), jnp.int32(3)) == 7
