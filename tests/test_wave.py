"""Cosine waves of any number over stretches of any length, exact near their zeros."""

from __future__ import annotations

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from ways import ways

import jaxsched as js
from jaxsched._core import random as philox
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece
from jaxsched._core.progress import progress
from jaxsched._core.wave import _angle, _counted, _ratio, _turned, wave
from jaxsched._forms.waves import _plus

LAST = 2**31 - 1
LENGTHS = [1, 7, 1000, 10**9 + 7, LAST]
PERIODS = [0.0, 0.3, 0.5, 1.0, 1.5, 7.0, 1234.567]


def places(length, periods) -> list[int]:
    """The ends, steps between, and those around the zeros of the wave."""
    zeros = [int((n + 0.5) / periods * length) for n in (0, 1, 5, 1000)] if periods else []
    near = {t + d for t in (0, length // 3, length // 2, length, *zeros) for d in (-1, 0, 1, 2)}
    return sorted(t for t in near if 0 <= t <= LAST)


def exact(length, periods, steps) -> list:
    with mp.workdps(50):
        shares = [mp.mpf(min(t, length)) / length for t in steps]
        return [mp.cospi(mp.mpf(periods) * s) ** 2 for s in shares]


@pytest.mark.parametrize("periods", PERIODS)
def test_of_known_length_and_number(periods, x64):
    for length in LENGTHS:
        steps = places(length, periods)
        references = exact(length, periods, steps)
        read = host_function(lambda t, n=length: wave(progress(t, n), periods) * 1.0, (), "x")
        host = [read(t) for t in steps]
        device = wave(progress(jnp.asarray(steps), length), periods)
        for t, r, on_host, value in zip(steps, references, host, device.tolist(), strict=True):
            # The sine, whose error is that of the distance from its zero. On the host a step times
            # the number is rounded once; on the device the number has 64 bits after the point.
            sine, rounded = mp.sqrt(r), (1 + periods) * 1e-15
            assert abs(mp.sqrt(on_host) - sine) <= rounded + sine * 1e-15
            fixed = rounded if x64 else 4 * (t + 1) * 2.0**-64
            assert abs(mp.sqrt(value) - sine) <= fixed + sine * (1e-14 if x64 else 3e-7)


@pytest.mark.parametrize("periods", PERIODS[:-1])
def test_traced(periods):
    for length in (7, 1000):
        steps = places(length, periods)
        array, references = jnp.asarray(steps), exact(length, periods, steps)
        expected = [float(r) for r in references]
        for values in (
            jax.jit(lambda p, n, t: wave(progress(t, n), p))(periods, length, array),
            jax.jit(lambda p, t, n=length: wave(progress(t, n), p))(periods, array),
            jax.jit(lambda n, t: wave(progress(t, n), periods))(length, array),
            jax.jit(lambda t, n=length: wave(progress(t, n), periods))(array.astype(float)),
        ):
            np.testing.assert_allclose(values, expected, rtol=0, atol=3e-6 * (1 + periods))


def turns(periods, length, count) -> Fraction:
    """Periods * count / length - 1/2 less the nearest whole number."""
    turned = Fraction(periods) * count / length - Fraction(1, 2)
    return turned - round(turned)


@pytest.mark.parametrize("periods", [0.0, 0.25, 0.3, 0.5, 1.0, 1.5, 2.0, 7.0, 3e7])
def test_a_ratio_in_lowest_terms(periods):
    for length in (1, 2, 3, 6, 7, 1000, 2**40):
        above, below = _ratio(periods, length)
        assert type(above) is type(below) is int
        assert Fraction(above, below) == Fraction(periods) / length
        assert below % 2 == 0
        assert math.gcd(above, below) == 1 or below % 4 == 2


def test_an_angle_in_integers():
    """It is found where the count times the numerator and the denominator are within the type."""
    for above, below, length in (
        (0, 2, 5), (1, 2, 3), (1, 6, 6), (2, 6, 9), (3, 8, 8), (5, 12, 100), (LAST, 2, 1),
        (1, LAST - 1, 4), (1, 2, LAST), (3, LAST - 1, 10**6),
    ):  # fmt: skip
        counts = [0, 1, 2, length // 3, length // 2, length - 1, length]
        angles = _turned(jnp.asarray(counts, jnp.int32), above, below, length)
        exact = [(Fraction(above, below) * t - Fraction(1, 2)) for t in counts]
        exact = [abs(x - round(x)) for x in exact]  # half a turn either way is the same
        np.testing.assert_allclose(np.abs(angles) / np.pi, np.float64(exact), 3e-7, 1e-300)
        for value, distance in zip(angles.tolist(), exact, strict=True):
            assert (value == 0) == (distance == 0)
    counts = jnp.arange(3, dtype=jnp.int32)
    for above, below, length in ((1, LAST + 1, 3), (2, 6, 2**30), (LAST, 2, 2), (1, 2**40, 2**40)):
        assert _turned(counts, above, below, length) is None


def test_an_angle_in_fixed_point(x64):
    """Half a unit of the fraction times the count, and one unit of what is added, away at the most."""
    random = np.random.default_rng(0)
    counts = np.unique(random.integers(0, LAST, 3000))
    numbers = [*random.uniform(0, 9, 5).tolist(), *random.uniform(0, 1e7, 5).tolist(), 1e10, 1 / 3]
    for periods, length in [(p, int(random.integers(1, LAST))) for p in numbers]:
        fraction = Fraction(periods) / length
        found = np.asarray(_counted(jnp.asarray(counts), periods, length), np.float64)
        near = np.argsort(np.abs(found))[:50]
        for count, value in zip(counts[near].tolist(), found[near].tolist(), strict=True):
            exact = turns(periods, length, count)
            rounded = abs(fraction * 2**64 - round(fraction * 2**64)) * count
            bound = (rounded + 1) / Fraction(2) ** 64 + abs(exact) * Fraction(1, 2**22)
            assert abs(Fraction(value) - exact) <= bound
    for periods, count in ((0.5 + 2.0**-40, 1), (0.5 - 2.0**-40, 1), (1.5, 1), (0.5 + 2.0**-50, 3)):
        value = _counted(jnp.asarray([count]), periods, 1)
        np.testing.assert_allclose(value, [float(turns(periods, 1, count))], 3e-7)


@pytest.mark.parametrize("periods", PERIODS)
def test_an_angle_is_to_the_nearest_zero(periods, x64):
    """In every way at most a quarter of a turn, and exactly 0 at a zero that is a whole step."""
    for length in (1, 6, 1000, 10**9 + 7):
        counts = sorted({0, 1, length // 6, length // 2, length // 3 + 1, length - 1, length})
        exact = [turns(periods, length, t) for t in counts]
        read = host_function(lambda t, n=length: _angle(progress(t, n), periods) * 1.0, (), "x")
        steps = jnp.asarray(counts)
        angles = [np.asarray([read(t) for t in counts]), _angle(progress(steps, length), periods)]
        if length <= 1000 and periods <= 7:
            angles.append(_angle(progress(steps.astype(float), length), periods))
            traced = jax.jit(lambda t, n, p: _angle(progress(t, n), p))
            angles += [traced(steps, length, periods), traced(steps.astype(float), length, periods)]
        for way, values in enumerate(angles):
            found, bound = np.asarray(values, np.float64) / np.pi, 1e-12 if x64 or not way else 3e-7
            bound = bound * (1 + periods if way != 1 else 1)
            np.testing.assert_allclose(np.abs(found), [abs(float(e)) for e in exact], 0, bound)
            assert np.abs(found).max() <= 0.5 + bound
        if length <= 1000 and periods <= 7 and periods % 0.5 == 0:
            assert [a == 0 for a in np.asarray(angles[1])] == [e == 0 for e in exact]


def waving(t, value, steps, periods, alpha, beta) -> float:
    share = min(t / steps, 1)
    return value * ((alpha + 1 - share) * math.cos(math.pi * periods * share) ** 2 + beta)


def noisy(t, value, steps, variance, fade, periods, alpha, beta) -> float:
    reached = min(t, steps)
    noise = philox._normal(0, reached) * math.sqrt(variance / (1 + reached) ** fade)
    return waving(t, value, steps, periods, alpha + noise, beta)


def lifted(t, value, steps, periods, alpha) -> float:
    wave = math.cos(math.pi * periods * min(t / steps, 1)) ** 2
    return value * (alpha + (1 - alpha) * wave)


@pytest.mark.parametrize("kind", [jnp.int32, jnp.uint8, jnp.bfloat16])
def test_hyperparameters_of_any_type(kind):
    """Integers are no literals, and few digits are not computed in."""
    few = [0, 1, 2, 3, 5, 1000]
    steps = jnp.asarray(few)
    for factory, given, law in (
        (js.linear_cosine_decay, (3, 4, 2, 2, 3), waving),
        (js.noisy_linear_cosine_decay, (3, 4, 2, 2, 2, 2, 3), noisy),
        (js.cosine_wave_schedule, (3, 4, 2, 2), lifted),
    ):
        plain = factory(*given)
        exact = [law(t, *given) for t in few]
        np.testing.assert_allclose([plain(t) for t in few], exact, 1e-13, 1e-13)
        np.testing.assert_allclose(plain(steps), exact, 2e-6, 2e-6)
        for i in range(len(given)):
            if i != 1 or np.issubdtype(kind, np.integer):
                build = lambda x, i=i, f=factory, g=given: f(*g[:i], x, *g[i + 1 :])(steps)
                values = jax.jit(build)(kind(given[i]))
                np.testing.assert_allclose(values, exact, 5e-6, 5e-6)


def test_the_lowest_value_of_any_type():
    """A product of hyperparameters is not rounded to the few digits of their type, and no byte wraps."""
    for start, alpha in ((jnp.bfloat16(0.3), jnp.bfloat16(0.7)), (jnp.uint8(200), jnp.uint8(3))):
        for factory in (
            js.cosine_wave_schedule,
            js.cosine_decay_schedule,
            js.cosine_decay_restarts,
        ):
            lowest = jax.jit(lambda v, a, f=factory: f(v, 4, alpha=a)(jnp.asarray([0, 1, 2, 4])))
            top, low = float(start), float(start) * float(alpha)
            again = factory is js.cosine_decay_restarts
            shares = np.cos(np.pi * np.asarray([0.0, 0.25, 0.5, 0.0 if again else 1.0])) / 2 + 0.5
            np.testing.assert_allclose(lowest(start, alpha), low + (top - low) * shares, 1e-6)
            one = jax.jit(lambda v, f=factory: f(v, 4, alpha=0.5)(jnp.asarray([0, 2])))
            np.testing.assert_allclose(one(jnp.int32(8)), [8.0, 6.0], 1e-6)


def test_a_summand_of_0_is_none():
    x, zeros = jnp.arange(3.0), jnp.zeros(3, jnp.uint32)
    assert _plus(x, 0) is _plus(x, 0.0) is x
    for y in (
        1,
        -0.5,
        1e-30,
        jnp.int32(0),
        jnp.float32(2),
        PerPiece(np.asarray([0.0, 1.0]), zeros),
    ):
        exact = np.arange(3.0) + (0.0 if isinstance(y, PerPiece) else float(y))
        np.testing.assert_allclose(jax.jit(lambda y=y: _plus(x, y))(), exact, 1e-6)
    np.testing.assert_allclose(jax.jit(lambda y: _plus(x, y))(2), np.arange(3.0) + 2, 1e-6)


def test_waves_of_pieces():
    """Of which some numbers are 0 or shared, and others are not."""
    for given in (
        [(0.75, 6, 0.5, 0.0, 0.0), (0.75, 6, 2.0, 0.3, 0.1), (0.5, 6, 0.5, -0.2, 0.0)],
        [(0.75, 6, 0.5, 0.2, 0.1), (0.75, 9, 0.5, 0.2, 0.1)],
    ):
        expected = [[waving(t, *g) for t in range(10)] for g in given]
        for values in ways([js.linear_cosine_decay(*g) for g in given], 10):
            np.testing.assert_allclose(values, expected, 1e-5, 1e-6)
