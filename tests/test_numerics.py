"""The corners of the numerical core that no schedule's case reaches."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

import jaxsched as js
from jaxsched import shapes
from jaxsched._core.shape import shape

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
