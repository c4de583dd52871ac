"""Random words and normal numbers, against the paper's numbers and Python's integers."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsched._core import random
from jaxsched._core.host import host_function

PUBLISHED = [
    ((0, 0), 0, (0xFF1DAE59, 0x6CD10DF2)),
    ((2**32 - 1, 2**32 - 1), 2**32 - 1, (0x2C3F628B, 0xAB4FD7AD)),
    ((0x243F6A88, 0x85A308D3), 0x13198A2E, (0xDD7CE038, 0xF62A4C12)),
]
"""Of Philox2x32 with 10 rounds: the known answers that Random123 is tested with."""


def words_of(counter, key) -> tuple[int, int]:
    """Philox2x32-10 in integers of any size."""
    left, right = counter
    for i in range(10):
        product = left * 0xD256D193
        left, right = (product >> 32) ^ right ^ ((key + i * 0x9E3779B9) % 2**32), product % 2**32
    return left, right


def drawn() -> np.ndarray:
    """Counters and keys: any, small ones and those with the bits at the ends of each half."""
    numbers = np.random.default_rng(0).integers(0, 2**32, (300, 3), np.uint64)
    ends = [0, 1, 2**16 - 1, 2**16, 2**31, 2**32 - 2**16, 2**32 - 1]
    special = [(a, b, c) for a in ends for b in ends[:3] for c in ends[-3:]]
    return np.concatenate([numbers, np.asarray(special, np.uint64)])


def test_the_published_words():
    for counter, key, words in PUBLISHED:
        assert words_of(counter, key) == words
        assert random.philox(counter, key) == words
        assert random.philox(counter, key, 1) == words[:1]
        given = [jnp.asarray(x, jnp.uint32) for x in (*counter, key)]
        assert tuple(map(int, random.philox((given[0], given[1]), given[2]))) == words


def test_words_on_the_host_and_on_the_device():
    numbers = drawn()
    left, right, key = (jnp.asarray(x, jnp.uint32) for x in numbers.T)
    exact = [words_of((a, b), c) for a, b, c in numbers.tolist()]
    assert [random.philox((a, b), c) for a, b, c in numbers.tolist()] == exact
    assert [random.philox((a, b), c, 1) for a, b, c in numbers.tolist()] == [w[:1] for w in exact]
    for count in (1, 2):
        found = jax.jit(lambda a, b, c, n=count: random.philox((a, b), c, n))(left, right, key)
        assert [x.dtype for x in found] == [jnp.uint32] * count
        assert list(zip(*(x.tolist() for x in found), strict=True)) == [w[:count] for w in exact]


@pytest.mark.parametrize("factor", [0xD256D193, 1, 0xFFFF, 0x10000, 0xFFFF0000, 2**32 - 1])
def test_the_high_word_of_a_product(factor):
    numbers = drawn()[:, 0]
    found = jax.jit(lambda a: random.high_word(a, factor))(jnp.asarray(numbers, jnp.uint32))
    assert found.dtype == jnp.uint32
    assert found.tolist() == [a * factor >> 32 for a in numbers.tolist()]


def normal(seed, step) -> float:
    """Box and Muller's number of two words, of which the upper 23 bits count."""
    first, second = words_of((step % 2**32, step >> 32), seed % 2**32)
    uniform = ((first >> 9) + 0.5) / 2**23
    return math.sqrt(-2 * math.log(uniform)) * math.cos(2 * math.pi * (second >> 9) / 2**23)


def test_normal_numbers():
    """The seed any integer, the step whole or not, fixed and traced."""
    steps = [0, 1, 2, 1000, 2**20 + 1, 2**31 - 1]
    array = jnp.asarray(steps, jnp.int32)
    between = jnp.asarray([t + 0.5 for t in steps[:5]], float)
    read = jax.jit(random.standard_normal)
    for seed in (0, 1, 42, 2**31 - 1, -1, -(2**31)):
        exact = np.asarray([normal(seed, t) for t in steps])
        host = host_function(lambda t, s=seed: random.standard_normal(s, t), (), "normal")
        for step in (*steps, 2**32 + 5, 2**52 + 3, 2**62):
            assert host(step) == pytest.approx(normal(seed, step), rel=1e-13, abs=1e-14)
            assert host(min(step, 2**50) + 0.75) == host(min(step, 2**50))
        for found in (read(seed, array), read(jnp.full(6, seed, jnp.int32), array)):
            np.testing.assert_allclose(found, exact, rtol=2e-6, atol=1e-7)
        np.testing.assert_allclose(read(seed, between), exact[:5], rtol=2e-6, atol=1e-7)
    for seed in (42, -1):
        found = jax.jit(lambda t, s=seed: random.standard_normal(s, t))(array)
        np.testing.assert_allclose(found, [normal(seed, t) for t in steps], rtol=2e-6, atol=1e-7)


def test_steps_beyond_32_bits(x64):
    if not x64:
        pytest.skip("without x64 there are none on the device")
    steps = [2**32 - 1, 2**32, 2**40 + 3, 2**62]
    found = jax.jit(lambda t: random.standard_normal(7, t))(jnp.asarray(steps))
    np.testing.assert_allclose(found, [normal(7, t) for t in steps], rtol=1e-13, atol=1e-14)


def test_seeds_that_do_not_fit():
    step = jnp.arange(3)
    assert random.fitting(jnp.zeros((2, 3)), step) == (2, 3)
    assert random.fitting(jnp.zeros(()), step) == (3,)
    with pytest.raises(
        ValueError, match=r"fit the steps of shape \(3,\), got seeds of shape \(2,\)"
    ):
        random.standard_normal(jnp.zeros(2, jnp.uint32), step)
