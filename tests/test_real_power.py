"""Powers of real numbers, natural ones, and the series and parts of which they are made."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from geometric_cases import COUNTS, LARGEST, LAST, STARTS, of_one_precision, on_the_device, units

from jaxsched._core import geometric as geo
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece

pytestmark = of_one_precision


@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.01, 0.7, 30.0, 1e38])
def test_natural(rate):
    counts = on_the_device()
    for period in (1, 1000, LAST):
        for start in STARTS:
            with mp.workdps(30):
                exact = [start * mp.exp(-mp.mpf(rate) * t / period) for t in COUNTS]
            assert units(geo.natural(rate, counts, period, start), exact).max() <= 3
            few = [t for t in COUNTS if t < 2**24 and rate * t / period < 87]  # else the power is 0
            near = geo.natural(rate, jnp.asarray(few, jnp.float32), period, start)
            sizes = np.asarray([rate * t / period for t in few])
            assert (units(near, exact[: len(few)]) <= 4 + 2 * sizes).all()
            read = host_function(lambda t, p=period, s=start: geo.natural(rate, t, p, s), (), "x")
            for t, e in zip(COUNTS, exact, strict=True):
                assert abs(read(t) - e) <= abs(e) * 1e-12 + 1e-300


@pytest.mark.parametrize(
    "exponent", [-0.5, 0.0, -0.3, -1.0, -2.5, -7.3, -30.0, -1e6, -1e13, -3e38, 0.5, 3.0]
)
def test_real_power(exponent):
    x = np.float32(
        [1, np.nextafter(np.float32(1), 2), 1.0001, 1.2, 1.41, 1.42, 2, 3, 1000.5, 1e6, 2e9]
    )
    with mp.workdps(30):
        exact = [mp.mpf(float(v)) ** mp.mpf(exponent) for v in x]
    # The error of a logarithm of at most a half is multiplied by the exponent.
    assert units(geo.real_power(jnp.asarray(x), exponent), exact).max() <= max(
        4, min(-exponent / 3, 10)
    )
    small = [e for v, e in zip(x, exact, strict=True) if abs(exponent * np.log2(float(v))) < 200]
    traced = geo.real_power(jnp.asarray(x), jnp.float32(exponent))[: len(small)]
    with mp.workdps(30):
        rounded = [mp.mpf(float(v)) ** mp.mpf(float(np.float32(exponent))) for v in x[: len(small)]]
    sizes = np.asarray([abs(float(mp.log(e, 2))) if e else 0.0 for e in rounded])
    assert (units(traced, rounded) <= 4 + 2 * sizes).all()


def test_real_powers_that_rise_to_the_end_of_float32():
    """Alone and beside others that fall, of which one is no float32."""
    x = np.float32([1, 1.2, 3, 60, 83, 84.4])
    exponents = np.asarray([-20.0, -7.3, 0.0, 20.0])
    for i, exponent in enumerate(exponents.tolist()):
        pieces = PerPiece(exponents, jnp.full(len(x), i, jnp.uint32))
        with mp.workdps(30):
            exact = [mp.mpf(float(v)) ** exponent for v in x]
        for power in (exponent, pieces):
            assert units(geo.real_power(jnp.asarray(x), power), exact).max() <= 10


def test_the_series_of_a_power_of_two():
    x = np.linspace(-0.5, 0.5, 2001, dtype=np.float32)
    values = np.asarray(geo._two_to_part(jnp.asarray(x)), np.float64)
    exact = np.exp2(x.astype(np.float64))
    assert values[1000] == 1.0
    assert (np.abs(values / exact - 1) <= 2.0**-23).all()


def test_the_leading_part_of_an_exponent():
    """It is the nearest float32 that is not larger in size, and the largest at the most."""
    random = np.random.default_rng(0)
    for x in (
        *random.uniform(-9, 9, 200).tolist(),
        0.0,
        0.5,
        -0.5,
        1e13,
        1e300,
        -1e300,
        3,
        -(2**53),
    ):
        head = geo._towards_zero(x)
        assert float(np.float32(head)) == head
        assert abs(head) <= abs(x)
        with np.errstate(over="ignore"):
            following = np.nextafter(np.float32(head), np.float32(np.copysign(np.inf, x)))
        assert abs(float(following)) > abs(x) or abs(head) == LARGEST
        assert head == 0 or (head > 0) == (x > 0)


def test_a_real_power_times_a_start():
    x = np.float32([1.0, 1.5, 3.0, 1000.5])
    kinds = (jnp.float32, jnp.int32, jnp.bfloat16)
    wide = x.astype(np.float64)
    for exponent in (-0.5, -0.3, 0.0, 1.0, 2):
        for start in (0.0, 1, 1.0, 2, -2.0, 0.75, jnp.float32(2.5)):
            exact = float(start) * wide**exponent
            for power in (exponent, *(kind(exponent) for kind in kinds)):
                if float(power) == np.float32(exponent):
                    values = geo.real_power(jnp.asarray(x), power, start)
                    np.testing.assert_allclose(values, exact, 1e-6)
            if not isinstance(start, jax.Array):
                read = host_function(
                    lambda t, e=exponent, s=start: geo.real_power(t, e, s), (), "x"
                )
                np.testing.assert_allclose([read(float(v)) for v in x], exact, 1e-15)
        np.testing.assert_allclose(geo.real_power(jnp.asarray(x), exponent), wide**exponent, 1e-6)
        np.testing.assert_allclose(
            jax.jit(lambda s, e=exponent: geo.real_power(jnp.asarray(x), e, s))(1.0),
            wide**exponent,
            1e-6,
        )
