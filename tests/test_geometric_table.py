"""The table of a power with a counted exponent, its last counts, and how an exponent is split."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from geometric_cases import COUNTS, LARGEST, LAST, TINY, of_one_precision, on_the_device, units
from jax.experimental import checkify

from jaxsched._core import geometric as geo
from jaxsched._core.per_piece import PerPiece

pytestmark = of_one_precision


@pytest.mark.parametrize("rate", [0.96, 0.9999, 1.001, 1.5])
def test_counts_that_the_compiler_knows(rate):
    """XLA adds constants to each other first: it must not lose a small one beside a large one."""
    counts = [0, 1, 7, 997, 1001, 3001, 12345, 67891]
    array = jnp.asarray(counts, jnp.int32)
    with mp.workdps(30):
        exact = [mp.mpf(0.75) * mp.mpf(rate) ** t for t in counts]
    assert units(jax.jit(lambda: geo.geometric(rate, array, 1, 0.75))(), exact).max() <= 3
    assert units(jax.jit(lambda s: geo.geometric(rate, array, 1, s))(0.75), exact).max() <= 3


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


def test_pieces_that_stay_at_starts_of_one_exponent():
    """Their rate and the exponent of their starts are shared, and the starts are not."""
    counts = on_the_device()
    starts = [0.6, -0.7, 0.5]
    for i, start in enumerate(starts):
        pieces = PerPiece(np.asarray(starts), jnp.full(len(COUNTS), i, jnp.uint32))
        for values in (geo.geometric(1.0, counts, 1, pieces), geo.natural(0.0, counts, 1, pieces)):
            assert (values == np.float32(start)).all()


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


def test_a_rate_so_small_that_no_count_is_the_last():
    """Nothing warns of the quotient, which float64 does not hold."""
    counts = on_the_device()
    assert geo._last_count(0.0, 2.0**-128, geo._places(2.0**-128, 0.0)) == LAST
    for rate in (1e-300, 1e-310, 5e-324, -1e-310, -5e-324):
        assert geo._last_count(rate, 0.75, geo._places(0.75, rate)) == LAST
        assert (geo.natural(-rate, counts, 1, 0.75) == 0.75).all()
        pieces = PerPiece(np.asarray([-rate, 0.0]), jnp.zeros(len(COUNTS), jnp.uint32))
        assert (geo.natural(pieces, counts, 1, 0.75) == 0.75).all()


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
