"""Powers with a counted exponent against mpmath: for every size of rate, period, start and count."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from jax.experimental import checkify

from jaxsched._core import geometric as geo
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece

pytestmark = pytest.mark.skipif(
    bool(jax.config.jax_enable_x64),
    reason="gives the core steps and numbers of the default precision",
)

LAST = 2**31 - 1
LARGEST, TINY = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
COUNTS = [
    0, 1, 2, 3, 7, 10, 31, 126, 127, 128, 129, 149, 150, 151, 997, 4095, 4096, 4097, 12345, 10**6,
    2**24 - 1, 2**24, 2**24 + 1, 3 * 10**7, 2**28 + 1, 10**9 + 7, LAST - 1, LAST,
]  # fmt: skip
RATES = [1e-37, 1e-5, 0.1, 0.5, 0.96, 0.9999, 0.9999999, 1.0, 1.0000003, 1.001, 1.5, 2.0, 1e6, 3e38]
PERIODS = [1, 3, 1000, 4096, 10**6, 2**24 - 1, LAST]
STARTS = [1.0, 2.0, 0.3, -2.5, 0.0, 1e-30, 3e38]


def units(values, references) -> np.ndarray:
    """How far from the exact values in units in the last place; what float32 does not hold is its end."""
    distances = []
    for value, exact in zip(np.asarray(values, np.float64).tolist(), references, strict=True):
        if abs(exact) < TINY:
            distances.append(0.0 if abs(value) <= TINY else np.inf)
            continue
        if abs(exact) > LARGEST:
            exact = mp.sign(exact) * mp.mpf(LARGEST)
        unit = mp.ldexp(1, mp.frexp(abs(exact))[1] - 24)
        distances.append(float(abs(mp.mpf(value) - exact) / unit))
    return np.asarray(distances)


def powers(rate, period, start) -> list:
    with mp.workdps(30):
        return [mp.mpf(start) * mp.mpf(rate) ** (mp.mpf(t) / period) for t in COUNTS]


@pytest.fixture(scope="module")
def counts():
    return jnp.asarray(COUNTS, jnp.int32)


@pytest.mark.parametrize("rate", RATES)
def test_geometric_on_the_device(rate, counts):
    for period in PERIODS:
        for start in STARTS:
            values = geo.geometric(rate, counts, period, start)
            distances = units(values, powers(rate, period, start))
            assert distances.max() <= 3, (period, start, COUNTS[distances.argmax()])


@pytest.mark.parametrize("rate", [0.96, 0.9999, 1.001, 1.5])
def test_counts_that_the_compiler_knows(rate):
    """XLA adds constants to each other first: it must not lose a small one beside a large one."""
    counts = [0, 1, 7, 997, 1001, 3001, 12345, 67891]
    array = jnp.asarray(counts, jnp.int32)
    with mp.workdps(30):
        exact = [mp.mpf(0.75) * mp.mpf(rate) ** t for t in counts]
    assert units(jax.jit(lambda: geo.geometric(rate, array, 1, 0.75))(), exact).max() <= 3
    assert units(jax.jit(lambda s: geo.geometric(rate, array, 1, s))(0.75), exact).max() <= 3


@pytest.mark.parametrize("rate", RATES)
def test_geometric_on_the_host(rate):
    """In float64, which the exponent's own rounding is multiplied by its size, below 2**10."""
    for period in PERIODS:
        read = host_function(lambda t, p=period: geo.geometric(rate, t, p, 0.3) * 1.0, (), "x")
        for count, exact in zip(COUNTS, powers(rate, period, 0.3), strict=True):
            exact = min(exact, mp.mpf(float(np.finfo(np.float64).max)))
            assert abs(read(count) - exact) <= exact * 1e-12 + 1e-300


@pytest.mark.parametrize("rates", [RATES, [r for r in RATES if r < 1], [0.5, 2.0], [1.0, 0.5]])
def test_one_power_per_piece(rates, counts):
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


def test_a_start_in_bfloat16_keeps_the_power_in_float32(counts):
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


def test_powers_of_two_up_to_the_ends():
    """Also where 2 ** exponent alone is beyond float32, and where its part is above or below 0."""
    for start, exponent in (
        (2.0**-126, 253.5),
        (2.0**-126, 253.75),
        (1.0, 127.4),
        (-1.0, 127.6),
        (0.75, -126.25),
        (2.0**126, -252.0),
        (2.0**126, 1.75),
    ):
        power = geo.times_two_to(start, jnp.asarray([exponent], jnp.float32))
        assert units(power, [mp.mpf(start) * mp.mpf(2) ** float(np.float32(exponent))]).max() <= 3


def test_a_start_that_float32_flushes_is_none_of_its_powers():
    with np.errstate(all="raise"):
        values = geo.geometric(1.0, jnp.asarray([0, 1, LAST]), 1, 2.0**-128)
    assert (np.abs(values) <= TINY).all()


@pytest.mark.parametrize(
    ("rate", "start"),
    [
        (0.985, 1.0),
        (0.97, 1e38),
        (1.019, 1.0),
        (1.033, 1e-37),
        (0.991, 1.0),
        (0.987, 1e38),
        (1.009, 1.0),
    ],
)
def test_counts_of_thirteen_and_more_bits(rate, start):
    """Times the leading bits of the exponent's rate those of thirteen bits are just what float32 holds."""
    counts = [*range(4001, 16384, 46), 16383]
    values = geo.geometric(rate, jnp.asarray(counts, jnp.int32), 1, start)
    with mp.workdps(30):
        assert units(values, [mp.mpf(start) * mp.mpf(rate) ** t for t in counts]).max() <= 2


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
def test_a_power_times_a_value_of_the_step(rate, value, counts):
    """What grows may be beyond the floats where the product is not."""
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


@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.01, 0.7, 30.0, 1e38])
def test_natural(rate, counts):
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


def test_leading_bits_are_twelve():
    x = np.random.default_rng(0).uniform(1e-6, 1e6, 1000) * np.repeat([1.0, -1.0], 500)
    bits = geo._leading_bits(x)
    mantissa = np.frexp(bits)[0] * 2.0**12
    np.testing.assert_array_equal(mantissa, np.round(mantissa))
    assert (np.abs(bits - x) <= np.abs(x) * 2.0**-12).all()
    assert np.abs(bits - x).max() > 0


def test_where_a_count_is_split():
    for rate in (1e-30, 2.0**-30, 2.0**-29, 1e-6, -0.3, 0.5, 0.51, -1.0, 1.5, 700.0, 0.0):
        k = int(geo._split_at(rate))
        assert 0 <= k <= 30
        assert k == 0 or 2.0**k * abs(rate) <= 1
        assert k == 30 or 2.0 ** (k + 1) * abs(rate) > 1


@pytest.mark.parametrize("start", [1.0, 0.3, 1e-30, 3e38])
def test_the_last_count(start):
    """Beyond it a falling power is 0 to float32, and before it a growing one is finite."""
    for rate in (-300.0, -2.5, -1.0, -0.1, -1e-5, 1e-5, 0.1, 1.0, 2.5, 300.0):
        last = int(geo._last_count(rate, start, geo._places(start, rate)))
        power = lambda t, r=rate: np.log2(start) + t * r
        if rate > 0:
            assert power(last) <= 128 < power(last + 1) + 1e-5
        else:
            # The places of a start are 127 at the most: what is left of a larger one is above 1.
            assert power(last) <= -127 + (start >= 2.0**127) or last == LAST
            assert last == 1 or power(last - 1) > -131
    assert geo._last_count(0.0, start, geo._places(start, 0.0)) == LAST
    assert geo._last_count(-1.0, 0.0, geo._places(0.0, -1.0)) <= LAST


@pytest.mark.parametrize("start", [1.0, 0.3, -2.5, 0.9999999, 1e-30, 1e-38, 1e-42, 1e-300, 1.7e38])
@pytest.mark.parametrize("base", [0.3, 0.5, 0.7, 0.75, 0.84, 0.86, 0.9, 0.999, 0.9999999])
def test_a_falling_power_ends_in_zero(base, start):
    """At the last counts nothing but the choice of the last one may keep the exponent in its bits."""
    rate = float(np.log2(base))
    last = int(geo._last_count(rate, start, geo._places(start, rate)))
    counts = np.asarray([0, *range(max(last - 40, 0), last + 40), LAST], np.int64)
    found = np.asarray(geo._power_of_two(jnp.asarray(counts, jnp.int32), rate, start))
    with mp.workdps(30):
        exact = [mp.mpf(start) * mp.mpf(2) ** (mp.mpf(int(t)) * mp.mpf(rate)) for t in counts]
    assert units(found, exact).max() <= 2
    assert np.all(found[counts >= last] == 0)


@pytest.mark.parametrize("start", [1.0, -1.0, 0.75, 2.0**100])
def test_what_float32_has_not_all_digits_of_is_0(start):
    """The table holds no number that the device would take for 0 when it multiplies it."""
    places = int(np.log2(abs(start)) // 1)
    counts = np.arange(places + 120, places + 155)
    values = np.asarray(geo.geometric(0.5, jnp.asarray(counts, jnp.int32), 1, start), np.float64)
    exact = start * 0.5 ** counts.astype(np.float64)
    np.testing.assert_array_equal(values, np.where(np.abs(exact) < TINY, 0.0, exact))


def test_the_table_is_small():
    """At most ten bits of the count are its index; what no count reaches is not in it."""
    entries = lambda text: max(int(n) for n in re.findall(r"tensor<(\d+)xf32>", text))
    for rate, most, size, whole in (
        (0.5, None, 130, True), (0.999, None, 694, False), (0.99, 700, 701, True),
        (0.9999, 700, 701, True), (0.9999, 1023, 1024, True), (0.9999, 1024, 513, False),
        (0.999, 693 << 7, 694, False), (0.99999999, None, 1024, False), (1.5, None, 219, True),
        (1.5, 6, 7, True), (0.3, 5, 6, True),
    ):  # fmt: skip
        power = jax.jit(lambda t, r=rate, m=most: geo.geometric(r, t, 1, 1.0, m))
        text = power.lower(jnp.zeros(3, jnp.int32)).as_text()
        assert entries(text) == size
        assert ("exponential" not in text) == whole


@pytest.mark.parametrize(
    ("rate", "most"),
    [
        (0.5, None), (0.999, None), (0.9999, 1024), (0.999, 693 << 7), (0.5, 129), (0.5, 128),
        (0.5, 130), (1.5, None), (1.5, 218), (1.5, 219), (1.001, None), (1.0000001, None),
    ],
)  # fmt: skip
def test_no_index_is_beyond_the_table(rate, most):
    """Where it is, is undefined on some devices."""
    end = int(128 / abs(np.log2(rate)))
    counts = sorted({0, 1, 2, 511, 1023, end - 1, end, end + 1, end + 2, most or LAST})
    counts = [t for t in counts if t <= (most or LAST)]
    power = checkify.checkify(
        lambda t: geo.geometric(rate, t, 1, 1.0, most), errors=checkify.index_checks
    )
    with jax.numpy_dtype_promotion("standard"):
        error, values = power(jnp.asarray(counts, jnp.int32))
    error.throw()
    with mp.workdps(30):
        assert units(values, [mp.mpf(rate) ** t for t in counts]).max() <= 3


def test_a_power_of_1_or_of_a_start_of_0_needs_no_table():
    counts = jnp.asarray([0, 1, LAST], jnp.int32)
    for rate, start in ((1.0, 0.3), (0.5, 0.0), (2.0, 0.0), (1.0, 1e300), (1.0, -1e300)):
        power = jax.jit(lambda t, r=rate, s=start: geo.geometric(r, t, 1, s))
        np.testing.assert_array_equal(power(counts), np.float32(np.clip(start, -LARGEST, LARGEST)))
        assert "gather" not in power.lower(counts).as_text()


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
    wide = x.astype(np.float64)
    for exponent in (-0.5, -0.3, 0.0, 1.0, 2):
        for start in (0.0, 1, 1.0, 2, -2.0, 0.75, jnp.float32(2.5)):
            exact = float(start) * wide**exponent
            for power in (exponent, jnp.float32(exponent), jnp.int32(exponent)):
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
