"""Noise, against integers of Python: how it is drawn, and what it does to a value."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ways import as_argument, narrow, ways

import jaxsched as js
from jaxsched._core import numerics as nx
from jaxsched._operators.noise import unit_noise

TOP = int(np.iinfo(nx.int_dtype()).max)
EPSILON = float(np.finfo(nx.float_dtype()).eps)
WORD = 2**32
STEPS = [0, 1, 2, 3, 9, 1000, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**33 + 5, 2**45, 2**62 + 3]
REACHED = [t for t in STEPS if t <= TOP]
SEEDS = [0, 1, 7, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 7, 2**40 + 1]


def drawn(step, seed) -> int:
    """The first word of Philox2x32-10, of the step as counter and the seed as key."""
    left, right, key = step % WORD, step // WORD % WORD, seed % WORD
    for _ in range(10):
        product = left * 0xD256D193
        left, right = (product // WORD) ^ key ^ right, product % WORD
        key = (key + 0x9E3779B9) % WORD
    return left


def uniform(step, seed) -> float:
    """An odd multiple of 2 ** -23 from -1 to 1."""
    return (2 * (drawn(step, seed) // 2**9) + 1) / 2**23 - 1


RATE = js.constant_schedule(0.75)


@pytest.mark.parametrize("seed", SEEDS)
def test_uniform_noise_is_the_same_everywhere(seed):
    schedule = js.with_noise(js.constant_schedule(0.0), 1.0, seed, mode="add")
    assert [schedule(t) for t in STEPS] == [uniform(t, seed) for t in STEPS]
    expected = [uniform(t, seed) for t in REACHED]
    steps = jnp.asarray(REACHED)
    for read in (schedule, jax.jit(schedule)):
        np.testing.assert_array_equal(read(steps), expected)
    if seed <= TOP:  # else an argument would not hold it
        np.testing.assert_array_equal(as_argument(schedule, steps), expected)
        np.testing.assert_array_equal(
            unit_noise(steps, jnp.asarray([seed] * len(REACHED)), "uniform"), expected
        )


def test_what_the_noise_does():
    count = 12
    for every in (1, 2, 5):
        for mode, formula in (
            ("add", lambda v, e: v + 0.25 * e),
            ("multiply", lambda v, e: v * (1 + 0.25 * e)),
        ):
            schedules = [js.with_noise(RATE, 0.25, seed, "uniform", mode, every) for seed in (3, 4)]
            expected = [
                [formula(0.75, uniform(t // every, seed)) for t in range(count)] for seed in (3, 4)
            ]
            for values in ways(schedules, count):
                digit = 2.0**-52 if values.dtype == float else EPSILON
                np.testing.assert_allclose(values, expected, 4 * digit)
    between = js.with_noise(RATE, 0.25, 3, every=2)
    assert between(3.75) == between(2) == 0.75 * (1 + 0.25 * uniform(1, 3))
    np.testing.assert_allclose(between(jnp.asarray([3.75, 2.0])), between(2), 4 * EPSILON)
    for scale in (2, 0.5):
        read = jax.jit(lambda x: js.with_noise(RATE, x, 3)(jnp.arange(3)))
        expected = [0.75 * (1 + scale * uniform(t, 3)) for t in range(3)]
        np.testing.assert_allclose(read(narrow(scale)), expected, 8 * EPSILON)


def test_normal_noise_is_another():
    schedule = js.with_noise(js.constant_schedule(0.0), 1.0, 5, "normal", "add")
    values = np.asarray(schedule(jnp.arange(4000)), float)
    assert abs(values.mean()) < 0.1
    assert abs(values.std() - 1) < 0.05
    assert np.abs(values).max() > 2.5
    np.testing.assert_allclose(values[:50], [schedule(t) for t in range(50)], 1e-5, 1e-6)


def test_a_seed_is_one_or_fits_the_steps():
    for seeds, steps in (
        (jnp.zeros(2, int), jnp.arange(3)),
        (jnp.zeros((2, 1), int), jnp.arange(3)),
        (jnp.zeros(2, int), jnp.int32(3)),
    ):
        with pytest.raises(
            ValueError, match="the seed of a noise must be one integer, or fit the steps"
        ):
            unit_noise(steps, seeds, "uniform")
    ones = unit_noise(jnp.arange(6).reshape(2, 3), jnp.asarray([[1], [2]]), "uniform")
    assert ones.tolist() == [
        [uniform(t, s) for t in (r, r + 1, r + 2)] for s, r in ((1, 0), (2, 3))
    ]


def test_seeds_along_the_last_axis():
    seeds, steps = [4, 5, 6], jnp.arange(6).reshape(2, 3)
    found = unit_noise(steps, jnp.asarray(seeds), "uniform")
    assert found.tolist() == [
        [uniform(3 * row + i, s) for i, s in enumerate(seeds)] for row in range(2)
    ]


def test_numbers_that_are_not_given():
    short, whole = js.with_noise(RATE, 0.5), js.with_noise(RATE, 0.5, 0, "uniform", "multiply", 1)
    assert short == whole
    assert [short(t) for t in range(9)] == [whole(t) for t in range(9)]
