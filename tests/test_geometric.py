"""Powers with a counted exponent against mpmath: for every size of rate, period, start and count."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from geometric_cases import (
    COUNTS,
    LARGEST,
    LAST,
    PERIODS,
    RATES,
    STARTS,
    of_one_precision,
    on_the_device,
    powers,
    units,
)

from jaxsched._core import geometric as geo
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece

pytestmark = of_one_precision


@pytest.mark.parametrize("rate", RATES)
def test_geometric_on_the_device(rate):
    counts = on_the_device()
    for period in PERIODS:
        for start in STARTS:
            values = geo.geometric(rate, counts, period, start)
            distances = units(values, powers(rate, period, start))
            assert distances.max() <= 3, (period, start, COUNTS[distances.argmax()])


@pytest.mark.parametrize("rate", RATES)
def test_geometric_on_the_host(rate):
    """In float64, which the exponent's own rounding is multiplied by its size, below 2**10."""
    for period in PERIODS:
        read = host_function(lambda t, p=period: geo.geometric(rate, t, p, 0.3) * 1.0, (), "x")
        for count, exact in zip(COUNTS, powers(rate, period, 0.3), strict=True):
            exact = min(exact, mp.mpf(float(np.finfo(np.float64).max)))
            assert abs(read(count) - exact) <= exact * 1e-12 + 1e-300


@pytest.mark.parametrize(
    "rates", [RATES, [r for r in RATES if r < 1], [0.5, 2.0], [1.0, 0.5], [3e38, 1.5]]
)
def test_one_power_per_piece(rates):
    counts = on_the_device()
    starts = (STARTS * 3)[: len(rates)]
    periods = (PERIODS * 2)[: len(rates)]
    columns = [np.asarray(column) for column in (rates, periods, starts)]
    for i, (rate, period, start) in enumerate(zip(rates, periods, starts, strict=True)):
        index = jnp.full(len(COUNTS), i, jnp.uint32)
        pieces = [PerPiece(column, index) for column in columns]
        values = geo.geometric(pieces[0], counts, pieces[1], pieces[2])
        assert units(values, powers(rate, period, start)).max() <= 3, (rate, period, start)


def test_pieces_that_grow_to_the_end_of_float32():
    rates = [1.5, 1.001, 2.0, 0.5]
    for i, rate in enumerate(rates[:-1]):
        last = int(128 / np.log2(rate))
        counts = np.arange(max(last - 40, 0), last + 3)
        pieces = PerPiece(np.asarray(rates), jnp.full(len(counts), i, jnp.uint32))
        values = geo.geometric(pieces, jnp.asarray(counts, jnp.int32), 1)
        with mp.workdps(30):
            exact = [mp.mpf(rate) ** int(t) for t in counts]
        assert units(values, exact).max() <= 3


@pytest.mark.parametrize("rate", [1.001, 2.0])
def test_a_traced_start_of_0_stays_0(rate):
    """Also next to the last count that is looked at: no power there is infinite."""
    counts = np.linspace(250, 260, 99) / np.log2(rate)
    power = jax.jit(lambda s: geo.geometric(rate, jnp.asarray(counts, jnp.int32), 1, s))
    np.testing.assert_array_equal(power(0.0), 0.0)


def test_a_start_in_bfloat16_keeps_the_power_in_float32():
    counts = on_the_device()
    values = jax.jit(lambda t, s: geo.geometric(0.96, t, 1, s))(counts, jnp.bfloat16(0.75))
    assert values.dtype == jnp.float32
    assert units(values, powers(0.96, 1, 0.75)).max() <= 3


@pytest.mark.parametrize("period", [1, 2, 7, 1000])
def test_a_traced_rate(period):
    """With a period that is traced too, and with one that is not; the exponent is then a float32."""
    counts = [0, 1, 2, 3, 13, 100, 126]
    for rate in (0.25, 0.5, 1.0, 1.375, 2.0):
        exact = [mp.mpf(0.75) * mp.mpf(rate) ** (mp.mpf(t) / period) for t in counts]
        bounds = 2 + 2 * np.asarray([t / period for t in counts])
        array = jnp.asarray(counts, jnp.int32)
        for values in (
            jax.jit(lambda r, a=array: geo.geometric(r, a, period, 0.75))(rate),
            jax.jit(lambda r, n, a=array: geo.geometric(r, a, n, 0.75))(rate, period),
            jax.jit(lambda n, a=array, r=rate: geo.geometric(r, a, n, 0.75))(period),
            jax.jit(lambda r, a=array: geo.geometric(r, a, period, jnp.bfloat16(0.75)))(rate),
        ):
            assert (units(values, exact) <= bounds).all()


@pytest.mark.parametrize("period", [1, 7, 1000])
def test_a_count_with_a_fraction(period):
    counts = [0.0, 0.5, 1.0, 2.75, 13.0, 100.5]
    for rate in (0.5, 0.96, 1.0, 1.375):
        exact = [mp.mpf(0.75) * mp.mpf(rate) ** (mp.mpf(t) / period) for t in counts]
        values = geo.geometric(rate, jnp.asarray(counts, jnp.float32), period, 0.75)
        assert (units(values, exact) <= 2 + 2 * np.asarray(counts) / period).all()


def test_a_traced_growth_stays_finite():
    grown = jax.jit(lambda r: geo.geometric(r, jnp.asarray([126, 127, 128, LAST]), 1))(2.0)
    np.testing.assert_allclose(grown, [2.0**126, 2.0**127, LARGEST, LARGEST], rtol=1e-5)


@pytest.mark.parametrize("start", [0.0, 1e-30, -1e-30, 1.1, -1e30, 1e38])
@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0, 1e4])
def test_a_traced_power_may_be_beyond_float32_where_the_value_is_not(start, rate):
    exact = [mp.mpf(start) * mp.mpf(rate) ** t for t in COUNTS]
    sizes = np.asarray([2 * min(t * abs(np.log2(rate)), 300) for t in COUNTS])
    counts = jnp.asarray(COUNTS, jnp.int32)
    power = lambda r, s, t: geo.geometric(r, t, 1, s)
    for values in (
        jax.jit(power)(rate, start, counts),
        jax.jit(lambda r: power(r, start, counts))(rate),
    ):
        assert (units(values, exact) <= 4 + sizes).all()
    slopes = jax.vmap(jax.grad(power, argnums=(0, 1)), (None, None, 0))(rate, start, counts)
    assert not np.isnan(slopes).any()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("start", [*STARTS[:-1], 1e-37, -8e37])
def test_a_traced_start_is_met_by_the_exact_power(rate, start):
    """The power alone may be beyond float32; no count is so large that the value is not exact."""
    counts = jnp.asarray(COUNTS, jnp.int32)
    for period in PERIODS[::3]:
        power = lambda s, t, p=period: geo.geometric(rate, t, p, s)
        exact = powers(rate, period, mp.mpf(float(np.float32(start))))
        assert units(jax.jit(power)(start, counts), exact).max() <= 3, period
        slopes = jax.vmap(jax.grad(power), (None, 0))(start, counts)
        assert not np.isnan(slopes).any()


@pytest.mark.parametrize("rates", [RATES, [0.5, 0.9, 1e-37], [1.5, 2.0, 3e38]])
def test_a_traced_start_of_many_pieces(rates):
    for i, rate in enumerate(rates):
        pieces = PerPiece(np.asarray(rates), jnp.full(len(COUNTS), i, jnp.uint32))
        power = lambda s, p=pieces: geo.geometric(p, jnp.asarray(COUNTS, jnp.int32), 3, s)
        for start in (1e-37, -0.5, 8e37):
            exact = powers(rate, 3, mp.mpf(float(np.float32(start))))
            assert units(jax.jit(power)(start), exact).max() <= 3, (rate, start)


@pytest.mark.parametrize("rate", [1.0000000000000002, 1.001, 2.0, 1e6, 3e38])
@pytest.mark.parametrize("start", [1.0, 2.0, -3.0, 5e-324, 1e-30, 1e-300, 3e38, 1.7e308])
def test_a_growth_on_the_host_stays_finite(rate, start):
    """At most float64's largest number, and not where only the power is larger but the value is not."""
    read = host_function(lambda t: geo.geometric(rate, t, 2, start), (), "x")
    largest = np.finfo(np.float64).max
    with mp.workdps(30):
        for t in (0, 1, 2, 7, 2040, 2046, 2047, 2048, 2049, 4000, 4100, 10**6, LAST):
            exact = mp.mpf(start) * mp.mpf(rate) ** (mp.mpf(t) / 2)
            exact = max(min(exact, mp.mpf(largest)), -mp.mpf(largest))
            # Below 2e-308 a float has fewer digits.
            assert abs(read(t) - exact) <= abs(exact) * 1e-12 + 2e-323
    assert host_function(lambda t: geo.geometric(rate, t, 2, 0.0), (), "x")(LAST) == 0.0


@pytest.mark.parametrize(
    ("rate", "count"),
    [(82.15340390299704, 161), (2.62660139649114, 735), (1.5679968780044726, 1578)],
)
def test_a_power_whose_logarithm_is_rounded_to_below_1024(rate, count):
    """The logarithm says that float64 holds the power, which is beyond it."""
    assert count * np.log2(rate) < 1024
    with pytest.raises(OverflowError):
        rate**count
    read = host_function(lambda t: geo.geometric(rate, t, 1), (), "x")
    assert read(count) == pytest.approx(2.0**1023 * 2.0**0.999999999, rel=1e-8)


@pytest.mark.parametrize("rate", [0.5, 1.0, 1.5, 2.0, 1e6])
@pytest.mark.parametrize("value", [-1e-30, 1.5])
def test_a_power_times_a_value_of_the_step(rate, value):
    """What grows may be beyond the floats where the product is not."""
    counts = on_the_device()
    exact = powers(rate, 1, float(np.float32(value)))
    values = geo.times_power(jnp.full(len(COUNTS), value, jnp.float32), rate, counts)
    assert units(values, exact).max() <= 3
    rates = PerPiece(np.asarray([rate, 0.5]), jnp.zeros(len(COUNTS), jnp.uint32))
    values = geo.times_power(jnp.full(len(COUNTS), value, jnp.float32), rates, counts)
    assert units(values, exact).max() <= 3
    read = host_function(lambda t: geo.times_power(t * 0.0 + value * 1e-270, rate, t), (), "x")
    largest = mp.mpf(float(np.finfo(np.float64).max))
    for t in COUNTS:
        with mp.workdps(30):
            power = mp.mpf(value * 1e-270) * mp.mpf(rate) ** t
        power = max(min(power, largest), -largest)
        assert abs(read(t) - power) <= abs(power) * 1e-12 + 1e-322


def test_a_power_of_pieces_times_a_value_of_the_step():
    """Of which some grow, fall or stay; and a rate that is traced."""
    counts, value = [0, 1, 2, 7, 100], float(np.float32(1e-30))
    array, values = jnp.asarray(counts, jnp.int32), jnp.full(5, value, jnp.float32)
    powers = lambda rate: [mp.mpf(value) * mp.mpf(rate) ** t for t in counts]
    for rates in ([0.5, 1.0, 0.25], [0.5, 8.0], [1.5, 8.0]):
        index = jnp.repeat(jnp.arange(len(rates), dtype=jnp.uint32), 5)
        pieces = PerPiece(np.asarray(rates), index)
        tiled = jnp.tile(values, len(rates)), jnp.tile(array, len(rates))
        found = geo.times_power(tiled[0], pieces, tiled[1])
        assert units(found, [e for rate in rates for e in powers(rate)]).max() <= 3
    traced = jax.jit(lambda r: geo.times_power(values, r, array))
    for rate in (0.5, 1.0, 2.0):
        assert units(traced(rate), powers(rate)).max() <= 3
    large = geo.times_power(jnp.float32(1e-30), 1e6, jnp.asarray([8], jnp.int32))
    assert units(large, [mp.mpf(value) * mp.mpf(10) ** 48]).max() <= 3
