"""What comes again, against mpmath, in each way of being read: at whole steps, between them, and late."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from test_powers import program
from test_program import counted
from test_shapes import EPSILON
from ways import agree, as_argument, narrow, read_in_every_way

import jaxsched as js
from jaxsched._core import numerics as nx

TOP = int(np.iinfo(nx.int_dtype()).max)
WHOLE = list(range(24))
PARTS = [
    0.0,
    0.25,
    0.5,
    1.0,
    1.75,
    2.5,
    3.0,
    3.25,
    4.75,
    6.0,
    6.5,
    7.0,
    7.25,
    9.5,
    14.0,
    14.25,
    20.75,
]
RATES = js.linear_schedule(1.5, 0.25, 16)


def rates(t):
    return mp.mpf(1.5) - mp.mpf(1.25) * min(mp.mpf(t), 16) / 16


def growing(t, init, length, end, power, cycle):
    whole = max(mp.ceil(mp.mpf(t) / length), 1) * length if cycle else length
    share = min(mp.mpf(t) / whole, 1)
    return mp.mpf(end) + (mp.mpf(init) - mp.mpf(end)) * (1 - share) ** mp.mpf(power)


def restarting(t, init, first, longer, higher, alpha):
    number, begin, length = 0, mp.mpf(0), mp.mpf(first)
    while t >= begin + length:
        number, begin, length = number + 1, begin + length, length * mp.mpf(longer)
    wave = (1 + mp.cospi((t - begin) / length)) / 2
    return mp.mpf(init) * (mp.mpf(alpha) + (1 - mp.mpf(alpha)) * mp.mpf(higher) ** number * wave)


def triangles(t, init, peak, up, down, mode="triangular", gamma=1.0, scale=None, by="cycle"):
    down = down or up
    number, place = mp.floor(mp.mpf(t) / (up + down)), mp.fmod(mp.mpf(t), up + down)
    factor = {
        "triangular": 1,
        "triangular2": mp.mpf(2) ** -number,
        "exp_range": mp.mpf(gamma) ** t,
    }[mode]
    factor = factor if scale is None else rates(number + 1 if by == "cycle" else t)
    return init + (mp.mpf(peak) - init) * factor * min(place / up, (up + down - place) / down)


def sawtooth(t, _, length, rise, fall=1, low=0.001):
    place = mp.fmod(mp.mpf(t), length)
    up = min(place / rise, 1) if rise and t >= length else mp.mpf(1)
    down = min((length - place) / fall, 1) if fall else mp.mpf(1)
    return rates(t) * (mp.mpf(low) + (1 - mp.mpf(low)) * min(up, down))


LONG = 2**40
CYCLES = {
    "polynomial_decay": (js.polynomial_decay, growing, [
        (a, n, b, p, False) for a, b in ((0.7, 0.0), (0.9, 0.2)) for n in (1, 7, 200) for p in (1.0, 2, 1.7)
    ]),
    "polynomial_decay, cycles": (js.polynomial_decay, growing, [
        (a, n, b, p, True)
        for a, b in ((0.7, 0.0), (0.2, 0.9))
        for n, p in ((1, 1.0), (2, 1.0), (3, 0.5), (7, 2.0), (7, 1), (7, 1.7), (200, 1.0), (TOP, 2.0))
    ]),
    "cosine_decay_restarts": (js.cosine_decay_restarts, restarting, [
        (0.7, 3, 2.0, 1.0, 0.0), (0.7, 3, 1.0, 1.0, 0.0), (0.7, 3, 1.5, 0.5, 0.0), (0.7, 3, 2.0, 1.25, 0.0),
        (0.7, 3, 2.0, 0.5, 0.25), (0.7, 3, 2.0, 1.25, 0.25), (0.7, 7, 1, 1, 0.25), (0.7, 5, 3, 2, 0.5),
    ]),
    "cosine_decay_restarts, equal": (js.cosine_decay_restarts, restarting, [
        (0.7, n, 1.0, 1.0, alpha) for n in (1, 2, 7) for alpha in (0.0, 0.25)
    ]),
    "cyclic_schedule": (js.cyclic_schedule, triangles, [
        (a, b, n, None, "triangular") for a, b in ((0.0, 0.7), (0.2, 0.9)) for n in (1, 3, 7, 200)
    ]),
    "cyclic_schedule, lopsided": (js.cyclic_schedule, triangles, [
        (a, b, n, m, "triangular") for a, b in ((0.0, 0.7), (0.2, 0.9)) for n, m in ((3, 4), (5, 2), (1, 1))
    ]),
    "triangular2": (js.cyclic_schedule, triangles, [
        (a, b, n, None, "triangular2") for a, b in ((0.0, 0.7), (0.2, 0.9)) for n in (1, 3)
    ]),
    "triangular2, lopsided": (js.cyclic_schedule, triangles, [
        (a, b, n, m, "triangular2") for a, b in ((0.0, 0.7), (0.2, 0.9)) for n, m in ((3, 4), (5, 2))
    ]),
    "exp_range": (js.cyclic_schedule, triangles, [
        (a, b, 3, None, "exp_range", g)
        for a, b in ((0.0, 0.7), (0.2, 0.9)) for g in (0.75, 1.0, 1, 1.25, 2)
    ]),
    "by cycle": (js.cyclic_schedule, triangles, [
        (a, b, 3, 2, "exp_range", 0.5, RATES, "cycle") for a, b in ((0.0, 0.7), (0.2, 0.9))
    ]),
    "by cycle, even": (js.cyclic_schedule, triangles, [
        (a, b, 3, None, "triangular", 0.5, RATES, "cycle") for a, b in ((0.0, 0.7), (0.2, 0.9))
    ]),
    "by step": (js.cyclic_schedule, triangles, [
        (a, b, 3, None, "triangular2", 0.5, RATES, "iterations") for a, b in ((0.0, 0.7), (0.2, 0.9))
    ]),
    "jagged_restarts": (js.jagged_restarts, sawtooth, [
        (RATES, 7, 3, 2, 0.0), (RATES, 7, 7, 7, 0.25), (RATES, 5, 0, 0, 0.1), (RATES, 6, 2, 1, 0.001),
        (RATES, 1, 0, 1, 0.5), (RATES, 200, 3, 190, 0.5), (RATES, 7, 1, 3, 1.0),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", CYCLES)
def test_every_way_of_reading_gives_the_formula(name):
    factory, formula, every = CYCLES[name]
    schedules = [factory(*numbers) for numbers in every]
    for steps in (WHOLE, PARTS):
        expected = [[formula(mp.mpf(t), *numbers) for t in steps] for numbers in every]
        read_in_every_way(schedules, expected, steps, lambda digit: (24 * digit, 2 * digit))


LATE = [TOP - 9, TOP - 8, TOP - 5, TOP - 3, TOP - 2, TOP - 1, TOP]


def test_late_steps():
    """Also in cycles that are longer than the steps of the type."""
    lengths = [1, 2, 3, 1000, TOP // 2, TOP - 2, TOP - 1, TOP, 2**40, 2**62]
    cases = [
        *((js.polynomial_decay, growing, (0.7, n, 0.2, 1.0, True)) for n in lengths),
        *((js.cyclic_schedule, triangles, (0.2, 0.7, n, m)) for n in lengths for m in (None, 3, n)),
        *((js.cyclic_schedule, triangles, (0.2, 0.7, n, None, "triangular2")) for n in lengths[3:]),
        *((js.cosine_decay_restarts, restarting, (0.7, n, 2.0, 1.0, 0.0)) for n in lengths),
        *((js.cosine_decay_restarts, restarting, (0.7, n, 2.0, 0.5, 0.25)) for n in lengths),
        *((js.jagged_restarts, sawtooth, (RATES, n, min(n, 3), min(n, 2))) for n in lengths),
    ]
    for factory, formula, numbers in cases:
        schedule = factory(*numbers)
        expected = [formula(mp.mpf(t), *numbers) for t in LATE]
        agree(np.asarray([schedule(t) for t in LATE]), expected, 2.0**-40, 2.0**-40)
        agree(np.asarray(schedule(jnp.asarray(LATE))), expected, 32 * EPSILON, 4 * EPSILON)


def test_a_traced_length_of_0_counts_as_1():
    steps = jnp.arange(8)
    for make in (
        lambda n: js.polynomial_decay(0.7, n, 0.2, 1.0, True),
        lambda n: js.cyclic_schedule(0.2, 0.7, n, 3),
        lambda n: js.cyclic_schedule(0.2, 0.7, 3, n),
        lambda n: js.cyclic_schedule(0.2, 0.7, n),
        lambda n: js.cosine_decay_restarts(0.7, n, 1.0),
        lambda n: js.jagged_restarts(RATES, n, 0, 0),
    ):
        read = jax.jit(lambda n, m=make: m(n)(steps))
        np.testing.assert_array_equal(read(0), read(1))
        np.testing.assert_allclose(read(1), [make(1)(t) for t in range(8)], 1e-6, 1e-7)


# Numbers of each kind as integers and as floats; those that are lengths stay whole.
NUMBERS = [
    (js.polynomial_decay, growing, (1, 3, 2, 3), (True,)),
    (js.polynomial_decay, growing, (0.7, 3, 0.25, 0.5), (True,)),
    (js.polynomial_decay, growing, (1, 7, 2, 2), (False,)),
    (js.cosine_decay_restarts, restarting, (1, 3, 2, 1, 0), ()),
    (js.cosine_decay_restarts, restarting, (2, 3, 2.0, 2, 3), ()),
    (js.cosine_decay_restarts, restarting, (0.7, 3, 1.0, 0.5, 0.25), ()),
    (js.cyclic_schedule, triangles, (1, 3, 3, 4), ()),
    (js.cyclic_schedule, triangles, (0, 3, 3, 4), ("triangular2",)),
    (js.cyclic_schedule, triangles, (0.25, 0.75, 3, 2), ("exp_range", 0.5)),
    (js.cyclic_schedule, triangles, (0, 2, 3, 2), ("exp_range", 2)),
    (js.cyclic_schedule, triangles, (1, 2, 3, 2), ("exp_range", 1.5)),
    (
        lambda *n: js.jagged_restarts(RATES, *n),
        lambda t, *n: sawtooth(t, RATES, *n),
        (7, 3, 2, 0),
        (),
    ),
    (
        lambda *n: js.jagged_restarts(RATES, *n),
        lambda t, *n: sawtooth(t, RATES, *n),
        (6, 2, 6, 0.5),
        (),
    ),
]


@pytest.mark.parametrize("row", range(len(NUMBERS)))
def test_any_of_its_numbers_may_be_unknown(row):
    factory, formula, numbers, rest = NUMBERS[row]
    expected = [formula(mp.mpf(t), *numbers, *rest) for t in WHOLE]
    digit = 4 * EPSILON * max(1, *map(abs, expected))  # of the largest: what is added may cancel
    for place, number in enumerate(numbers):

        def read(x, steps, place=place):
            return factory(*numbers[:place], x, *numbers[place + 1 :], *rest)(steps)

        for steps in (jnp.arange(len(WHOLE)), jnp.arange(len(WHOLE)).astype(float)):
            values = np.asarray(jax.jit(read)(narrow(number), steps))
            agree(values, expected, 32 * EPSILON, digit)
    values = as_argument(factory(*numbers, *rest), jnp.arange(len(WHOLE)))
    agree(np.asarray(values), expected, 32 * EPSILON, digit)
    every = jax.jit(lambda given: factory(*given, *rest)(jnp.arange(len(WHOLE))))
    agree(np.asarray(every(list(map(narrow, numbers)))), expected, 32 * EPSILON, digit)


def test_growth_is_none_or_some():
    for growth in (1, 1.0, 1.01, 2, 1.5):
        assert js.cosine_decay_restarts(1.0, 10, growth).t_mul == growth
    for growth in (1.0099, 1.005, 1 + 2.0**-52, 0.5):
        with pytest.raises(
            ValueError, match=r"t_mul must be 1 or a finite number of at least 1\.01, got"
        ):
            js.cosine_decay_restarts(1.0, 10, growth)


def test_numbers_that_are_not_given():
    for short, whole in (
        (js.polynomial_decay(1.0, 10), js.polynomial_decay(1.0, 10, 1e-4, 1.0, False)),
        (js.cosine_decay_restarts(1.0, 10), js.cosine_decay_restarts(1.0, 10, 2.0, 1.0, 0.0)),
        (
            js.cyclic_schedule(0.0, 1.0),
            js.cyclic_schedule(0.0, 1.0, 2000, None, "triangular", 1.0, None, "cycle"),
        ),
        (js.jagged_restarts(RATES, 9, 2), js.jagged_restarts(RATES, 9, 2, 1, 0.001)),
    ):
        assert short == whole
        assert [short(t) for t in range(30)] == [whole(t) for t in range(30)]


@pytest.mark.parametrize("name", [name for name in CYCLES if name != "jagged_restarts"])
def test_joined_cycles_at_steps_that_are_not_whole(name):
    """Whose lengths differ from piece to piece, in strict promotion of types."""
    factory, formula, every = CYCLES[name]
    schedules = [factory(*numbers) for numbers in every]
    joined = js.join_schedules(schedules, [24 * i for i in range(1, len(every))])
    steps = np.asarray([[24 * i + t for t in PARTS] for i in range(len(every))], nx.float_dtype())
    values = jax.jit(joined)(jnp.asarray(steps))
    for found, numbers in zip(np.asarray(values), every, strict=True):
        expected = [formula(mp.mpf(t), *numbers) for t in PARTS]
        agree(found, expected, 24 * EPSILON, 2 * EPSILON)


def test_joined_restarts_of_the_same_lengths():
    """That differ in how they grow or fall alone."""
    for factors in ((1.25, 2.0), (0.5, 0.75), (0.5, 1.25)):
        for alpha in (0.0, 0.25):
            every = [(0.7, 3, 2.0, factor, alpha) for factor in factors]
            schedules = [js.cosine_decay_restarts(*numbers) for numbers in every]
            for steps in (WHOLE, PARTS):
                expected = [[restarting(mp.mpf(t), *numbers) for t in steps] for numbers in every]
                read_in_every_way(schedules, expected, steps, lambda digit: (24 * digit, 2 * digit))


def test_a_peak_is_reached_exactly():
    """Whatever the rounding of the way to it, and never passed."""
    rng = np.random.default_rng(0)
    kind = nx.float_dtype().type
    for base, peak in rng.uniform(0.0, 1.0, (40, 2)).tolist():
        part = base / peak
        for schedule, top, high in (
            (js.cyclic_schedule(base, peak, 3), 3, peak),
            (js.cyclic_schedule(base, peak, 3, 5), 3, peak),
            (js.cyclic_schedule(base, peak, 3, 5, "triangular2"), 3, peak),
            (js.cyclic_schedule(base, peak, 3, None, "exp_range", 1.0), 3, peak),
            (js.cyclic_schedule(base, peak, 3, 5, "exp_range", 1), 3, peak),
            (js.cosine_decay_restarts(peak, 3, 2.0, 0.5, part), 0, peak),
            (js.cosine_decay_restarts(peak, 3, 1.0, 1.0, part), 9, peak),
        ):
            assert schedule(top) == high
            assert np.asarray(schedule(jnp.asarray(top))) == kind(high)
            assert np.asarray(schedule(jnp.asarray(float(top)))) == kind(high)


def test_far_values():
    """Between which the way is more than a float holds."""
    most = 3.4e38
    for schedule in (
        js.cyclic_schedule(-most, most, 4, None, "exp_range", 1.0),
        js.cyclic_schedule(-most, most, 4),
        js.cyclic_schedule(-most, most, 4, 4, "triangular2"),
    ):
        values = np.asarray(schedule(jnp.arange(9)))
        np.testing.assert_allclose(values[:5] / most, [-1.0, -0.5, 0.0, 0.5, 1.0], 1e-6, 1e-6)
        assert np.isfinite(values).all()


@counted
def test_the_programs_are_short():
    join = lambda f: js.join_schedules([f(i) for i in range(3)], [24, 48])
    for schedule, whole, parts in (
        (js.cyclic_schedule(0.0, 0.7, 3), 7, 6),
        (js.cyclic_schedule(0.2, 0.7, 3), 8, 7),
        (js.cyclic_schedule(0.2, 0.7, 3, 4), 12, 10),
        (js.cyclic_schedule(0.2, 0.7, 2**30, 2**30 - 1), 12, 10),
        (join(lambda i: js.cyclic_schedule(0.2, 0.7, 3 + i)), 17, 16),
        (join(lambda i: js.cyclic_schedule(0.2, 0.7, 3 + i, 4 + i)), 23, 21),
        (js.polynomial_decay(0.7, 7, 0.2, 2.0), 8, 7),
        (js.polynomial_decay(0.7, 7, 0.2, 2.0, cycle=True), 11, 20),
        (js.polynomial_decay(0.7, 2, 0.2, 2.0, cycle=True), 11, 20),
        (join(lambda i: js.polynomial_decay(0.7, 7 + i, 0.2, 2.0, cycle=True)), 29, 27),
        (js.cyclic_schedule(0.0, 0.7, 3, None, "exp_range", 2.0), 54, 46),
        (js.cosine_decay_restarts(0.7, 3, 2.0, 1.0, 0.25), 17, 18),
        (js.cosine_decay_restarts(0.7, 3, 1.0, 1.0, 0.25), 9, 8),
        (js.jagged_restarts(RATES, 7, 3, 2, 0.1), 24, 22),
    ):
        for steps, most in ((jnp.arange(3), whole), (jnp.asarray(PARTS), parts)):
            assert len(program(schedule, steps)) <= most


@counted
def test_a_table_of_powers_has_no_more_than_there_are_cycles():
    schedule = js.cosine_decay_restarts(0.7, 3, 2.0, 0.5, 0.25)
    tables = jax.make_jaxpr(schedule)(jnp.int32(3)).consts
    assert 0 < sum(np.size(table) for table in tables) <= 119


def test_a_peak_of_lengths_that_turn_out_to_be_constants():
    """Their reciprocals, by which a compiler multiplies, are rounded: of these lengths below 1."""
    kind = nx.float_dtype().type
    lengths = [n for n in range(1, 120) if kind(n) * (kind(1) / kind(n)) < 1]
    for n in lengths[:3]:
        whole, other = jnp.int32(n), jnp.int32(3)
        for up, down, top in ((whole, None, n), (whole, other, n), (other, whole, 3)):
            read = jax.jit(lambda t, u=up, d=down: js.cyclic_schedule(0.0, 1.0, u, d)(t))
            assert read(jnp.asarray(top)) == read(jnp.asarray(float(top))) == 1.0


def test_growing_cycles_rise_above_the_first():
    """Also where the way to the first peak is rounded, and far away, where the power alone is too much."""
    for base, peak in np.random.default_rng(1).uniform(0.0, 1.0, (20, 2)).tolist():
        grown = base + 1.25 * (peak - base)
        schedule = js.cosine_decay_restarts(peak, 3, 1.0, 1.25, base / peak)
        for values in (schedule(3), schedule(jnp.asarray(3)), schedule(jnp.asarray(3.0))):
            assert float(values) == pytest.approx(grown, rel=4 * EPSILON, abs=4 * EPSILON)
    for steps, gamma in ((200, 2.0), (130, 2.0), (2000, 1.0625), (1600, 1.0625)):
        schedule = js.cyclic_schedule(0.0, 2.0**-100, 4, None, "exp_range", gamma)
        exact = mp.mpf(2) ** -100 * mp.mpf(gamma) ** (steps + 3) * mp.mpf(0.75)
        for values in (schedule(steps + 3), schedule(jnp.asarray(steps + 3))):
            assert float(values) == pytest.approx(float(exact), rel=1e-4)


def test_cycles_longer_than_the_steps_of_the_type():
    """Whose lengths are known only when the program runs, or differ from piece to piece."""
    half = TOP // 2 + 1
    lengths = [
        (half, None),
        (TOP, None),
        (half, half + 8),
        (TOP, 5),
        (5, TOP),
        (TOP, TOP),
        (9, None),
    ]
    steps = [0, 3, half // 2, half - 1, half, half + 9, TOP - 9, TOP - 1]
    for base in (0.0, 0.25):
        schedules = [js.cyclic_schedule(base, 1.0, *both) for both in lengths]
        for schedule, (up, down) in zip(schedules, lengths, strict=True):
            expected = [triangles(mp.mpf(t), base, 1.0, up, down) for t in steps]
            agree(np.asarray([schedule(t) for t in steps]), expected, 2.0**-40, 2.0**-40)
            for values in (schedule(jnp.asarray(steps)), as_argument(schedule, jnp.asarray(steps))):
                agree(np.asarray(values), expected, 8 * EPSILON, 4 * EPSILON)
        for some in (schedules[:2], schedules[2:6], [schedules[6], schedules[1]]):
            joined = js.join_schedules(some, [4 * i for i in range(1, len(some))])
            late = [t for t in steps if t > 20]
            values = np.asarray(jax.jit(joined)(jnp.asarray(late)))
            agree(values, [joined(t) for t in late], 8 * EPSILON, 4 * EPSILON)
    half = 2**30  # in bits of the lengths, though the steps are others
    for steps in ([half - 1.0, half + 0.0, 1.5 * half], [half - 1, half, 3 * half // 2]):
        read = jax.jit(lambda n, t=steps: js.cyclic_schedule(0.0, 1.0, n)(jnp.asarray(t)))
        np.testing.assert_allclose(read(jnp.int32(half)), [1.0, 1.0, 0.5], 1e-6)
