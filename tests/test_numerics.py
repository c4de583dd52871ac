"""The corners of the numerical core that no schedule's case reaches."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import jaxsched as js
from jaxsched import shapes
from jaxsched._core import numerics as nx
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece
from jaxsched._core.shape import shape

mp.mp.dps = 50
LARGEST = float(np.finfo(np.float32).max)


@js.schedule
def huge(step, value):
    return 1e30 * value


def test_a_formula_of_numbers_alone_stays_within_float32(x64):
    schedule = huge(1e9)
    assert schedule(3) == 1e30 * 1e9
    assert schedule(jnp.int32(3)) == (1e30 * 1e9 if x64 else np.float32(LARGEST))


def test_a_product_of_hyperparameters_beyond_float32_is_no_infinity():
    """2 * 3e38 over one step: an infinity times a share of 0 would be no number."""
    schedule = js.transition_schedule(1.0, 0.0, 1, shapes.tanh(-3e38, 3e38))
    np.testing.assert_array_equal(jax.jit(schedule)(jnp.arange(3)), [1.0, 0.0, 0.0])


def test_a_jump_that_no_step_of_32_bits_reaches():
    schedule = js.linear_schedule(1.0, 0.5, 0, transition_begin=2**33)
    assert (schedule(2**33 - 1), schedule(2**33)) == (1.0, 0.5)
    np.testing.assert_array_equal(schedule(jnp.asarray([0, 2**31 - 1], jnp.int32)), [1.0, 1.0])


def test_both_ends_are_hit_from_the_other_side_of_0():
    """The way between them has fewer digits than its ends: rounded to the nearest it may fall short."""
    rng = np.random.default_rng(0)
    for small, large in rng.uniform(0.5, 1.0, (300, 2)).tolist():
        small, large = min(small, large), max(small, large)
        for sign in (1.0, -1.0):
            up = js.linear_schedule(-sign * small, sign * large, 7)
            down = js.linear_schedule(sign * large, -sign * small, 7)
            assert (up(0), up(7), down(0), down(7)) == (
                -sign * small, sign * large, sign * large, -sign * small,
            )  # fmt: skip


@shape()
def squared(progress):
    return progress.remaining * progress.remaining


def test_a_shape_that_says_nothing_of_its_complement_rises_too():
    rising = js.transition_schedule(0.0, 1.0, 4, shape=squared())
    expected = [1 - (1 - t / 4) ** 2 for t in range(5)]
    assert [rising(t) for t in range(5)] == expected
    np.testing.assert_array_equal(rising(jnp.arange(5)), np.float32(expected))


def test_a_steep_power_has_finite_gradients():
    """Its logarithm is far beyond where the series of expm1, which is not selected there, is finite."""
    steep = js.polynomial_schedule(0.0, 1.0, 1e5, 100)
    by_step, by_rates = jax.grad(steep), jax.grad(lambda s, t: s(t), allow_int=True)
    for step in (0.0, 1.0, 50.0, 99.0, 100.0):
        assert np.isfinite(by_step(step))
        gradient = by_rates(steep, step)
        assert np.isfinite([gradient.init_value, gradient.end_value, gradient.power]).all()


def units(values, references) -> float:
    """The largest distance to the exact values in units in the last place of the values' type."""
    values = np.asarray(values)
    info, largest = np.finfo(values.dtype), 0.0
    for value, exact in zip(values.tolist(), references, strict=True):
        if abs(exact) < info.tiny:
            assert abs(value) <= info.tiny
            continue
        unit = mp.ldexp(1, mp.frexp(abs(exact))[1] - 1 - info.nmant)
        largest = max(largest, float(abs(mp.mpf(value) - exact) / unit))
    return largest


NUMBERS = [-0.999, -0.9, -0.71, -0.7, -0.69, -0.51, -0.5, -0.49, -1e-3, -1e-9, -1e-30, 0.0]
ELEMENTARY = {
    "log1p": (nx.log1p, mp.log1p, 3),
    "expm1": (nx.expm1, mp.expm1, 2),
    "sin": (nx.sin, mp.sin, 2),
    "exp": (nx.exp, mp.exp, 2),
}


@pytest.mark.parametrize("name", ELEMENTARY)
def test_an_elementary_function_of_every_kind_of_number(name, x64):
    function, exactly, bound = ELEMENTARY[name]
    x = np.asarray([*NUMBERS, *(-n for n in NUMBERS), 3.0, 20.0], nx.float_dtype())
    exact = [exactly(mp.mpf(v)) for v in x.tolist()]
    assert units(function(jnp.asarray(x)), exact) <= bound
    numbers = [float(v) for v in x]
    assert units([function(v) for v in numbers], exact) <= 2
    assert units(function(PerPiece(np.asarray(numbers), jnp.uint32(0))).numbers, exact) <= 2
    read = host_function(function, (), "x")
    assert units([read(v) for v in numbers], exact) <= 2


SLOPES = {"log1p": lambda x: 1 / (1 + x), "expm1": np.exp, "sin": np.cos, "exp": np.exp}


@pytest.mark.parametrize("name", ELEMENTARY)
def test_the_slope_of_an_elementary_function(name):
    """Also where one way of computing it ends and another begins."""
    x = np.asarray([*NUMBERS, *(-n for n in NUMBERS), 3.0], nx.float_dtype())
    slopes = jax.vmap(jax.grad(ELEMENTARY[name][0]))(jnp.asarray(x))
    exact = SLOPES[name](x.astype(np.float64))
    np.testing.assert_allclose(slopes, exact, 64 * np.finfo(x.dtype).eps)


EXPONENTS = [0, 0.0, 1e-50, 0.3, 0.5, 1, 1.0, 2, 2.0, 3.0, 7.5, 1e4]
SHARES = [0.0, 2.0**-20, 0.125, 0.3125, 0.5, 0.625, 0.96875, 1.0 - 2.0**-20, 1.0]


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_powers_of_shares_and_what_they_lack_of_1(exponent):
    exact = [mp.mpf(x) ** mp.mpf(exponent) for x in SHARES]
    # Of so small an exponent, for which float32 has its smallest number, 0 ** exponent matters alone.
    lacks = [p * 0 if exponent == 1e-50 and p else 1 - p for p in exact]
    lack = lambda values: units(np.where(np.abs(values) < 1e-36, 0, values), lacks)
    shares = jnp.asarray(SHARES)
    sizes = 2 + 0.75 * min(float(exponent), 100)
    assert units(nx.power(shares, exponent), exact) <= sizes
    assert lack(nx.one_minus_power(1.0 - shares, shares, exponent)) <= 3
    piece = PerPiece(np.asarray([5.0, exponent]), jnp.full(len(SHARES), 1, jnp.uint32))
    assert units(nx.power(shares, piece), exact) <= sizes
    assert lack(nx.one_minus_power(1.0 - shares, shares, piece)) <= 3
    if exponent != 1e-50:  # which is 0 once it is traced
        assert units(jax.jit(nx.power)(shares, exponent * 1.0), exact) <= sizes
        traced = jax.jit(nx.one_minus_power)(1.0 - shares, shares, exponent * 1.0)
        assert lack(traced) <= 3
    read = host_function(lambda x: nx.power(x, exponent) * 1.0, (), "x")
    assert units([read(x) for x in SHARES], exact) <= 2
    read = host_function(lambda x: nx.one_minus_power(1.0 - x, x, exponent) * 1.0, (), "x")
    assert lack(np.asarray([read(x) for x in SHARES])) <= 8


@pytest.mark.parametrize("values", [[2.0, 5.0], [1.0, 0.5, 0.75], [0.0, 1.0, 4.0, 9.0, 16.0, 25.0]])
def test_straight_lines_through_values(values):
    positions = np.linspace(0, len(values) - 1, 16 * (len(values) - 1) + 1)
    expected = np.interp(positions, range(len(values)), values)
    np.testing.assert_array_equal(nx.interpolate(values, jnp.asarray(positions)), expected)
    traced = jax.jit(nx.interpolate)(values, jnp.asarray(positions, nx.float_dtype()))
    np.testing.assert_array_equal(traced, expected)
    mixed = jax.jit(lambda v, at: nx.interpolate([v, *values[1:]], at))
    np.testing.assert_array_equal(mixed(jnp.bfloat16(values[0]), jnp.asarray(positions)), expected)
    read = host_function(lambda at: nx.interpolate(values, at), (), "x")
    assert [read(at) for at in positions.tolist()] == expected.tolist()


def test_every_kind_of_step_becomes_a_normal_one(x64):
    top = np.iinfo(nx.int_dtype()).max
    whole = [3, np.int8([3]), np.uint8([3]), jnp.uint16([3]), jnp.int32([3]), np.int64([3])]
    for step in whole:
        assert nx.normal_step(step).dtype == nx.int_dtype()
        assert nx.normal_step(step) == 3
    for step in (2.5, np.float64([2.5]), jnp.float16([2.5]), jnp.bfloat16([2.5])):
        assert nx.normal_step(step).dtype == nx.float_dtype()
        assert nx.normal_step(step) == 2.5
    for step in (2**63 - 1, np.uint64([2**64 - 1]), np.int64([2**63 - 1])):
        assert nx.normal_step(step) == top
    assert nx.normal_step(jnp.asarray([2**32 - 1], jnp.uint32)) == min(2**32 - 1, top)
    for step in (np.int8([-3]), np.int64([-(2**62)]), jnp.int32([-3]), np.float32([-0.5])):
        assert nx.normal_step(step) == 0


def test_numbers_beyond_the_steps_are_the_last_step():
    least, most = np.iinfo(nx.int_dtype()).min, np.iinfo(nx.int_dtype()).max
    lengths = np.asarray([3, 2**40, -(2**40), 2**63 - 1])
    found = nx.like_step(jnp.asarray(0, nx.int_dtype()), lengths)
    assert found.tolist() == np.clip(lengths, least, most).tolist()


def test_the_smaller_and_the_larger_on_the_host():
    for x in (0.25, 0.5, 0.75, 1.0):
        for function, expected in ((nx.minimum, min), (nx.maximum, max)):
            for other in (lambda t: 1.0 - t, lambda t: t * t, lambda t: 0.5, lambda t: 2.0):
                read = host_function(lambda t, f=function, o=other: f(t * 1.0, o(t)), (), "x")
                assert read(x) == expected(x, other(x))


def test_what_a_power_of_a_tiny_share_lacks_of_1():
    """Of such a share 1 - share has lost most digits: its logarithm must be the share's own."""
    read = host_function(lambda x: nx.one_minus_power(1.0 - x, x, 0.01) * 1.0, (), "x")
    for x in (1e-13 / 3, 1e-9 / 7, 1e-17, 0.3):
        assert read(x) == pytest.approx(float(1 - mp.mpf(x) ** mp.mpf(0.01)), rel=1e-13)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: js.transition_schedule(1.0, 0.0, 10, shapes.rex(x)),
        lambda x: js.transition_schedule(0.0, 1.0, 10, shapes.harmonic(x)),
        lambda x: js.cosine_decay_schedule(1.0, 10, 0.0, x),
        lambda x: js.geometric_schedule(1.0, x, 10),
        lambda x: js.geometric_schedule(x, 1.0, 10),
        lambda x: js.exponential_decay(1.0, 3, x),
        lambda x: js.exponential_decay(x, 3, 0.5),
        lambda x: js.power_law_schedule(1.0, 3.0, x),
        lambda x: js.chebyshev_schedule(1.0, 8, x),
        lambda x: js.linear_schedule(x, 0.0, 10),
        lambda x: js.linear_schedule(0.0, x, 10),
        lambda x: js.linear_schedule(x, 1.0, 10),
        lambda x: js.linear_schedule(1.0, x, 10),
        lambda x: js.cosine_wave_schedule(1.0, 10, 1.0, x),
        lambda x: js.cosine_wave_schedule(x, 10, 1.0, 0.5),
        lambda x: js.torch_onecycle_schedule(11, 1.0, x),
        lambda x: js.inverse_time_decay(1.0, 3, x),
    ],
)
def test_a_hyperparameter_in_bfloat16_is_computed_with_in_float32(make):
    steps = jnp.arange(12)
    values = jax.jit(lambda x: make(x)(steps))(jnp.bfloat16(0.25))
    np.testing.assert_allclose(values, [make(0.25)(t) for t in range(12)], rtol=2e-6)


@pytest.mark.parametrize(
    ("start", "end", "steps", "step"),
    [
        (1.0, 1.0, 5, 0),
        (1.0, 1.0, 5, 3),
        (1.0, 1.0, 5, 9),
        (0.1, 0.01, 5, 0),
        (0.1, 0.01, 5, 2),
        (0.1, 0.01, 5, 5),
        (1.381e-13, 1.0039e27, 100, 99),
        (2e-38, 3e38, 10, 9),
        (3e38, 2e-38, 10, 1),
    ],
)
def test_the_slopes_by_both_ends_of_a_geometric_way(start, end, steps, step):
    """Of the value, not of the power and its bounds, which are steeper or flat where it is not."""
    value = lambda a, b: js.geometric_schedule(a, b, steps)(jnp.int32(step))
    a, b, share = mp.mpf(start), mp.mpf(end), mp.mpf(min(step, steps)) / steps
    exact = a ** (1 - share) * b**share
    slopes = [(1 - share) * exact / a, share * exact / b]
    largest = float(np.finfo(nx.float_dtype()).max)
    expected = [float(min(slope, mp.mpf(largest))) for slope in slopes]
    for derive in (jax.grad, jax.jacfwd):
        found = derive(value, (0, 1))(start, end)
        np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_the_second_slope_of_a_geometric_way():
    share = 0.4
    found = jax.hessian(lambda a: js.geometric_schedule(a, 0.01, 5)(2))(0.1)
    expected = share * (share - 1) * 0.1 ** (-1 - share) * 0.01**share
    assert float(found) == pytest.approx(expected, rel=1e-5)
