"""What `/` and `**` give where Python raises: on the host and on the device as in IEEE 754."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsched as js
from jaxsched._core import arithmetic

NUMBERS = [
    -math.inf,
    -1e300,
    -3.0,
    -2.0,
    -0.5,
    -0.0,
    0.0,
    0.5,
    1.0,
    2.0,
    3.0,
    4.0,
    7.5,
    1e300,
    math.inf,
]
BASES = [x for x in NUMBERS[1:] if math.copysign(1.0, x) > 0 or x != 0]  # -0 counts as 0


@pytest.mark.parametrize("y", [*NUMBERS, math.nan])
def test_ratios_of_numbers(y):
    for x in (*NUMBERS, math.nan):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(arithmetic._ratio(x, y), np.float64(x) / np.float64(y))


@pytest.mark.parametrize("y", NUMBERS)
def test_powers_of_numbers(y):
    for x in BASES:
        with np.errstate(all="ignore"):
            expected = np.power(np.float64(x), np.float64(y))
        np.testing.assert_allclose(arithmetic._power(x, y), expected, rtol=1e-15)


def test_other_numbers_are_left_to_python():
    """A foreign schedule may return them."""
    one = np.float32(1)
    assert arithmetic._ratio(one, np.float32(4)) == 0.25
    assert arithmetic._ratio(1, np.float32(4)) == arithmetic._ratio(1.0, 4) == 0.25
    assert arithmetic._power(np.float32(2), 3.0) == arithmetic._power(2, 3) == 8
    assert type(arithmetic._ratio(one, 4.0)) is type(one / 4.0)
    assert type(arithmetic._power(one, 4.0)) is type(one**4.0)
    assert type(arithmetic._power(2.0, one)) is type(2.0**one)
    for x, y in ((1, 0.0), (1.0, 0)):
        with pytest.raises(ZeroDivisionError):
            arithmetic._ratio(x, y)


def test_sums_differences_and_products():
    line, slope = js.linear_schedule(3.0, 1.0, 4), js.linear_schedule(0.5, 2.5, 4)
    for step in range(6):
        a, b = line(step), slope(step)
        for schedule, value in (
            (line + slope, a + b),
            (line - slope, a - b),
            (line * slope, a * b),
            (2.0 - slope, 2.0 - b),
            (line * 0.3, a * 0.3),
        ):
            assert schedule(step) == value
            assert jax.jit(schedule)(step) == pytest.approx(value, rel=1e-6)


def test_powers_in_bfloat16_are_computed_in_float32():
    third, steps = jnp.bfloat16(0.3), jnp.arange(5)
    line = js.linear_schedule(1.0, 0.2, 4)
    expected = [line(t) ** float(third) for t in range(5)]
    np.testing.assert_allclose(
        jax.jit(lambda y: js.power(line, y)(steps))(third), expected, rtol=2e-6
    )
    expected = [float(third) ** line(t) for t in range(5)]
    np.testing.assert_allclose(
        jax.jit(lambda x: js.power(x, line)(steps))(third), expected, rtol=2e-6
    )


def test_powers_that_are_pieces_of_a_join():
    line = js.linear_schedule(1.0, 0.2, 4)
    for make in (lambda y: line**y, lambda y: y**line):
        joined = js.join_schedules([make(0.3), make(0.7), make(3.0)], [5, 10])
        for step in range(14):
            assert jax.jit(joined)(step) == pytest.approx(joined(step), rel=1e-6)


@pytest.mark.usefixtures("nan_on_purpose")
@pytest.mark.parametrize("operator", [js.divide, js.power])
def test_on_the_device(operator):
    """With both as schedules, of constants that are traced."""
    values = [-8.0, -3.0, -2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 7.5]
    x, y = (
        jnp.asarray(v, jnp.float32)
        for v in zip(*[(a, b) for a in values for b in values], strict=True)
    )
    found = jax.vmap(
        lambda a, b: operator(js.constant_schedule(a), js.constant_schedule(b))(jnp.int32(3))
    )(x, y)
    with np.errstate(all="ignore"):
        expected = (np.divide if operator is js.divide else np.power)(
            np.asarray(x, np.float64), np.asarray(y, np.float64)
        )
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 0.5, 1.0, 2.0, -1.0])
def test_powers_with_a_number_for_the_exponent(exponent):
    line = js.linear_schedule(2.0, 0.5, 4)
    schedule, traced = line**exponent, js.add(line, 0.0) ** exponent
    for step in range(6):
        for either in (schedule, traced):
            assert either(step) == pytest.approx(line(step) ** exponent, rel=1e-12)
            assert jax.jit(either)(step) == pytest.approx(line(step) ** exponent, rel=1e-6)


@pytest.mark.usefixtures("nan_on_purpose")
@pytest.mark.parametrize("exponent", [-1.0, -0.5, 0, 0.3, 1.5, 2.5])
def test_powers_of_0(exponent):
    """Of schedules that are 0 and of the number 0."""
    line, expected = js.linear_schedule(1.0, 0.0, 1), {True: 0.0, False: math.inf}[exponent > 0]
    expected = expected if exponent else 1.0
    for schedule in (line**exponent, js.power(0.0, exponent), js.power(0.0, jnp.float32(exponent))):
        assert float(schedule(1)) == float(jax.jit(schedule)(1)) == expected


def test_powers_of_whole_numbers():
    for exponent in (-2, -1, 3, 40):
        assert jax.jit(js.power(2, exponent))(1) == 2.0**exponent
        traced = jax.jit(lambda y: js.power(js.constant_schedule(2.0), y)(jnp.int32(1)))
        assert traced(exponent) == 2.0**exponent


def test_the_slope_of_a_root_at_0_is_0():
    root = lambda x: (js.constant_schedule(x) ** 0.5)(jnp.int32(1))
    assert jax.grad(root)(0.0) == 0.0
    assert jax.grad(root)(4.0) == pytest.approx(0.25)


def test_the_slope_of_a_power_of_0_by_its_exponent_is_0():
    power = lambda y: (js.constant_schedule(0.0) ** js.constant_schedule(y))(jnp.int32(1))
    for exponent in (0.5, 1.0, 300.0):
        assert jax.grad(power)(exponent) == 0.0
