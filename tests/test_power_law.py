"""What falls like a power of the step: in every kind of number, at the ends of what floats hold."""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from ways import as_argument, ways

import jaxsched as js
from jaxsched._core import numerics as nx
from jaxsched._core.per_piece import PerPiece
from jaxsched._forms import power_law

LAST = 2**31 - 1
STEPS = [0, 1, 2, 3, 7, 10, 99, 100, 1000, 12345, 10**6, 2**24 + 1, 10**9 + 7, LAST]
LARGEST, TINY = (float(x) for x in (np.finfo(np.float32).max, np.finfo(np.float32).tiny))


def close(values, exact, digits=4.0) -> None:
    """Within some units of the last digit, and beyond what float32 holds at its largest number."""
    values = np.asarray(values)
    expected = np.asarray([float(e) for e in exact])
    if values.dtype == np.float32:
        expected = np.clip(expected, -LARGEST, LARGEST)
    np.testing.assert_allclose(values, expected, digits * np.finfo(values.dtype).eps, TINY)


def over_time(value, period, rate, stairs=False) -> list:
    with mp.workdps(30):
        times = [t // period if stairs else mp.mpf(t) / period for t in STEPS]
        return [mp.mpf(value) / (1 + mp.mpf(rate) * n) for n in times]


@pytest.mark.parametrize("stairs", [False, True])
def test_a_value_over_a_line(stairs):
    steps = jnp.asarray(STEPS)
    for given in (
        (0.75, 1, 0.3), (-0.1, 7, 2.0), (1e30, 1000, 0.0), (1.0, 100, 1e-6), (3e38, 2**40, 1e-3),
        (LARGEST, 10**9, 1e-300), (0.3, 1, 1e38),
    ):  # fmt: skip
        exact = over_time(*given, stairs)
        schedule = js.inverse_time_decay(*given, stairs)
        close([schedule(t) for t in STEPS], exact)
        close(schedule(steps), exact)
        assert schedule(jnp.int32(0)) == nx.float_dtype().type(given[0])


def test_between_steps():
    between = [0.5, 1.25, 3.0]
    for schedule, law in (
        (js.inverse_time_decay(0.75, 4, 2.0), lambda t: 0.75 / (1 + t / 2)),
        (js.inverse_time_decay(0.75, 2, 2.0, True), lambda t: 0.75 / (1 + t // 2 * 2)),
        (js.power_law_schedule(0.75, 4.5, 0.3, 1), lambda t: 0.75 * (1 + max(t - 1, 0) / 4.5) ** -0.3),
        (js.inverse_sqrt_schedule(0.75, 2), lambda t: 0.75 * min(t / 2, math.sqrt(2 / t))),
    ):  # fmt: skip
        close([schedule(t) for t in between], map(law, between))
        close(schedule(jnp.asarray(between)), map(law, between))


def test_the_parts_of_a_quotient(x64):
    """Found where a dividend next to the product gives the value back, and nothing else is found."""
    dtype = nx.float_dtype().type
    random = np.random.default_rng(0)
    alone = np.zeros(3, int)
    for value, rate in zip(random.uniform(-2, 2, 300), random.uniform(0, 9, 300), strict=True):
        value, rate, period = float(value), float(rate), int(random.integers(1, 10**6))
        below, goal = dtype(period / rate), dtype(value)
        above = dtype(value * (period / rate))
        near = [np.nextafter(above, dtype(-np.inf)), above, np.nextafter(above, dtype(np.inf))]
        works = np.asarray([x / below == goal for x in near])
        alone += works * (works.sum() == 1)
        found = power_law._over_a_sum(value, period, rate)
        assert (found is not None) == works.any()
        if found is not None:
            assert found[1] == below
            assert found[0] in np.asarray(near)[works]
            assert found[0] == above or not works[1]
    assert x64 or alone.all(), "each of the three is the only one for some"
    piece = PerPiece(np.asarray([0.5, 2.0]), jnp.zeros(3, jnp.uint32))
    whole = PerPiece(np.asarray([1, 2]), jnp.zeros(3, jnp.uint32))
    for given in (
        (piece, 4, 0.5), (0.75, whole, 0.5), (0.75, 4, piece), (0.75, 4, 0.0),
        (jnp.float32(0.75), 4, 0.5), (0.75, jnp.int32(4), 0.5), (0.75, 4, jnp.float32(0.5)),
    ):  # fmt: skip
        assert power_law._over_a_sum(*given) is None


def test_parts_that_no_float_holds():
    """They may overflow, or be 0: nothing is said of it, and the value at step 0 is exact."""
    dtype = nx.float_dtype().type
    for value, period, rate in (
        (1.0, 1, 1e-300), (0.0, 1, 1e-300), (0.0, 2**62, 5e-324), (LARGEST, 1, 1e-3),
        (1.0, 1, LARGEST), (0.0, 1, LARGEST), (1e5, 1, LARGEST), (1e-36, 1, 1e3),
        (1.0, 1, 1e300), (0.0, 1, 1e300),
    ):  # fmt: skip
        found = power_law._over_a_sum(value, period, rate)
        assert found is None or dtype(found[0]) / dtype(found[1]) == dtype(value)
        if rate <= LARGEST:
            values = js.inverse_time_decay(value, period, rate)(jnp.asarray(STEPS))
            exact = [float(e) for e in over_time(value, period, rate)]
            # A divisor that float32 does not hold makes a 0 of what is that much smaller.
            np.testing.assert_allclose(values, exact, 1e-6, TINY * max(1.0, value))


def power(t, value, scale, exponent, begin) -> float:
    return value * (1 + max(t - begin, 0) / scale) ** -exponent


def noam(t, width, warmup, scale, offset) -> float:
    n = t + offset
    return scale * width**-0.5 * min(n**-0.5 if n else math.inf, n * warmup**-1.5)


def rooted(t, peak, warmup, scale, init, hold, exponent) -> float:
    if t < warmup:
        return init + (peak - init) * t / warmup
    return power(t, peak, scale or warmup, exponent, warmup + hold)


OF_ANY_TYPE = [
    (js.inverse_time_decay, (3, 4, 2), {1}, lambda t, v, n, k: v / (1 + k * t / n)),
    (js.inverse_time_decay, (3, 4, 2, True), {1, 3}, lambda t, v, n, k, _: v / (1 + k * (t // n))),
    (js.power_law_schedule, (3, 4, 2, 1), {3}, power),
    (js.noam_schedule, (4, 2, 3, 1), {0, 1, 3}, noam),
    (js.inverse_sqrt_schedule, (3, 2, 4, 1, 1, 2), {1, 4}, rooted),
    (js.inverse_sqrt_schedule, (3, 2), {1}, lambda t, v, n: rooted(t, v, n, n, 0, 0, 0.5)),
]


@pytest.mark.parametrize("kind", [jnp.int32, jnp.uint8, jnp.bfloat16])
def test_hyperparameters_of_any_type(kind):
    """Integers are no literals, bytes have no sign, and few digits are not computed in."""
    few = [0, 1, 2, 3, 5, 1000]
    steps = jnp.asarray(few)
    for factory, given, lengths, law in OF_ANY_TYPE:
        close([factory(*given)(t) for t in few], [law(t, *given) for t in few])
        for i in range(len(given)):
            if i not in lengths or (np.issubdtype(kind, np.integer) and given[i] is not True):
                build = lambda x, i=i, f=factory, g=given: f(*g[:i], x, *g[i + 1 :])(steps)
                close(jax.jit(build)(kind(given[i])), [law(t, *given) for t in few], 8)


@pytest.mark.parametrize(
    ("numbers", "plain"),
    [((0, 0, 0.5), True), ((1, 0, 0.5), False), ((0, 1, 0.5), False), ((0, 0, 1.0), False)],
)
def test_an_inverse_root_in_every_way(numbers, plain):
    """What is a line and a root alone is computed as the smaller of both."""
    grid = [(0.75, w, s, *numbers) for w, s in ((1, None), (5, None), (5, 3.0))]
    expected = [[rooted(t, *given) for t in range(12)] for given in grid]
    for values in ways([js.inverse_sqrt_schedule(*given) for given in grid], 12):
        np.testing.assert_allclose(values, expected, 3e-6)
    schedule = js.inverse_sqrt_schedule(0.75, 3, None, *numbers)
    assert ("rise" in str(schedule._composed())) == plain
    assert "rise" not in str(schedule.replace(timescale=3.0)._composed())


def test_an_inverse_root_of_one_peak():
    """Its pieces differ in their length alone."""
    rises = [js.inverse_sqrt_schedule(0.75, warmup) for warmup in (2, 5, 9)]
    expected = [[rooted(t, 0.75, w, w, 0, 0, 0.5) for t in range(20)] for w in (2, 5, 9)]
    for values in ways(rises, 20):
        np.testing.assert_allclose(values, expected, 3e-6)


def test_what_counts_as_one():
    """A traced length or width may be 0."""
    steps, few = jnp.arange(5), range(5)
    for build, exact in (
        (lambda n: js.inverse_time_decay(0.75, n, 0.5), [0.75 / (1 + t / 2) for t in few]),
        (lambda n: js.noam_schedule(4, n), [noam(t, 4, 1, 1, 1) for t in few]),
        (lambda n: js.noam_schedule(n, 4), [noam(t, 1, 4, 1, 1) for t in few]),
    ):
        for values in jax.jit(jax.vmap(lambda n, f=build: f(n)(steps)))(jnp.asarray([0, 1])):
            close(values, exact)
    known = jax.jit(lambda n: power_law._rise_and_root(0.75, n, 0)(steps))(2)
    close(known, [0.75 * min(t / 2, math.sqrt(2 / max(t, 1))) for t in few])
    none = jax.jit(lambda n: js.inverse_sqrt_schedule(0.75, n)(steps))(0)
    close(none, [0.75 * (1 + t) ** -0.5 for t in few])


def test_the_slope_at_the_first_step():
    """The root, whose slope is infinite there, is not on its way; a step below 0 is one at 0."""
    for slope, build in (
        (0.25, lambda: js.inverse_sqrt_schedule(0.75, 3)),
        (0.75, lambda: js.inverse_sqrt_schedule(0.75, 1)),
        (4**-1.5, lambda: js.noam_schedule(1, 4, 1.0, 0)),
    ):
        slopes = jax.vmap(jax.grad(build()))(jnp.asarray([0.0, 0.5]))
        np.testing.assert_allclose(slopes, [slope / 2, slope], 1e-6)
    traced = lambda n: jax.grad(js.noam_schedule(1, 4, 1.0, n))(0.0)
    np.testing.assert_allclose(jax.jit(traced)(0), 4**-1.5 / 2, 1e-6)


@pytest.mark.parametrize("peak", [1.0, -0.3, 0.0, 1e-30, 3e38, -3e38, LARGEST, 2.5e33, -1e34])
def test_the_peak_is_met_and_not_passed(peak):
    dtype = nx.float_dtype().type
    for warmup in (1, 3, 1000, 2**24, 10**9):
        near = {t + d for t in (0, warmup // 2, warmup, LAST - 1) for d in (-1, 0, 1)}
        steps = sorted(t for t in near if t >= 0)
        with mp.workdps(30):
            shares = [min(mp.mpf(t) / warmup, mp.sqrt(mp.mpf(warmup) / max(t, 1))) for t in steps]
            exact = [mp.mpf(peak) * share for share in shares]
        schedule = js.inverse_sqrt_schedule(peak, warmup)
        values = schedule(jnp.asarray(steps))
        close(values, exact)
        close([schedule(t) for t in steps], exact)
        traced = as_argument(
            js.inverse_sqrt_schedule(jnp.float32(peak), warmup), jnp.asarray(steps)
        )
        close(traced, exact, 6 if values.dtype == np.float32 else 2**31)
        assert (np.abs(values) <= np.abs(dtype(peak))).all()


def test_a_line_and_a_root_that_meet():
    """Each is the nearest, or the next one to it where that misses the peak."""
    dtype = nx.float_dtype().type
    random = np.random.default_rng(1)
    moved = np.zeros((2, 2), int)
    for peak, length in zip(
        random.uniform(-2, 2, 400), random.integers(1, 10**7, 400), strict=True
    ):
        peak, length = float(peak), int(length)
        slope, height = (dtype(x) for x in power_law._meeting(peak, length))
        full, root, top = dtype(length), np.sqrt(dtype(length)), abs(dtype(peak))
        line, curve = dtype(peak / length), dtype(peak * math.sqrt(length))
        away = dtype(math.copysign(math.inf, peak))
        assert abs(full * slope) >= top >= abs(height / root)
        assert slope in (line, np.nextafter(line, away))
        assert (slope == line) == (abs(full * line) >= top)
        assert height == curve or abs(np.nextafter(height, away) / root) > top
        assert abs(height - curve) <= 2 * np.spacing(abs(curve))
        moved[int(peak > 0)] += [slope != line, height != curve]
    assert moved.all(), "each is moved for some peaks of each sign"


def test_powers_of_time():
    steps = jnp.asarray(STEPS)
    for given in itertools.product((0.75, -3e38), (1e-9, 4.5, 1e9), (0.0, 0.5, 0.3, 2.0), (0, 100)):
        with mp.workdps(30):
            value, scale, exponent, begin = (mp.mpf(x) for x in given)
            bases = [1 + max(t - begin, mp.mpf(0)) / scale for t in STEPS]
            exact = [value * base**-exponent for base in bases]
        schedule = js.power_law_schedule(*given)
        close([schedule(t) for t in STEPS], exact, 8)
        close(schedule(steps), exact, 8)
