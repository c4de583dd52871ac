"""The corners of the numerical core that no schedule's case reaches: each by the public schedule that does."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsched as js
from jaxsched import shapes

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
