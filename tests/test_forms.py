"""What the laws do not say of single forms: restarts far out, noise, known answers."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import jaxsched as js
from jaxsched._core import random as philox


@pytest.mark.parametrize(("first", "growth"), [(1, 2), (1, 3), (103, 2), (7, 1), (1000, 5)])
def test_no_restart_is_missed(first, growth):
    """torch's own closed form misses that of 1, 3, 9, ... at step 121."""
    schedule = js.cosine_decay_restarts(1.0, first, growth)
    begin, length, steps, expected = first, first, [], []
    while begin < 2**31 and len(steps) < 200:
        length *= growth
        steps += [begin]
        expected += [1.0]
        if length > 1 and begin + length < 2**31:
            steps += [begin + length - 1]
            expected += [np.sin(np.pi / 2 / length) ** 2]
        begin += length
    assert [schedule(step) for step in steps] == pytest.approx(expected, rel=1e-9)
    values = jax.jit(schedule)(jnp.asarray(steps, jnp.int32))
    np.testing.assert_allclose(np.asarray(values, np.float64), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0), 0, (0xFF1DAE59, 0x6CD10DF2)),
        ((0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFF, (0x2C3F628B, 0xAB4FD7AD)),
        ((0x243F6A88, 0x85A308D3), 0x13198A2E, (0xDD7CE038, 0xF62A4C12)),
    ],
)
def test_philox_gives_the_known_answers(counter, key, words):
    """The known-answer vectors of philox2x32-10 that come with Random123."""
    assert philox.philox(counter, key) == words
    arrays = tuple(jnp.asarray([x], jnp.uint32) for x in counter)
    ours = philox.philox(arrays, jnp.asarray([key], jnp.uint32))
    assert tuple(int(x[0]) for x in ours) == words


def test_noise_is_standard_normal():
    schedule = js.noisy_linear_cosine_decay(1.0, 10**9, 1.0, 0.0, num_periods=0.0, beta=0.0, seed=3)
    steps = np.arange(100_000)
    noise = np.asarray(jax.jit(schedule)(steps), np.float64) - (1 - steps / 1e9)
    assert abs(noise.mean()) < 4 / 100_000**0.5
    assert abs(noise.std() - 1) < 4 / 200_000**0.5
    assert abs((noise[1:] * noise[:-1]).mean()) < 4 / 100_000**0.5
    for limit, share in ((1.0, 0.682689), (2.0, 0.954500), (3.0, 0.997300)):
        deviation = (share * (1 - share) / 100_000) ** 0.5
        assert abs((np.abs(noise) < limit).mean() - share) < 4 * deviation
    other = np.asarray(jax.jit(schedule.replace(seed=4))(steps), np.float64) - (1 - steps / 1e9)
    assert abs((noise * other).mean()) < 4 / 100_000**0.5


def test_noise_is_alike_on_host_and_device():
    """TensorFlow's defaults: large noise, of both signs, that may cancel the line."""
    schedule = js.noisy_linear_cosine_decay(1.0, 2000, seed=5)
    steps = np.arange(2100)
    device = np.asarray(jax.jit(schedule)(steps), np.float64)
    host = np.asarray([schedule(int(t)) for t in steps])
    assert (host < 0).any()
    assert np.abs(device - host).max() < 2e-6


def test_noise_takes_a_traced_seed():
    schedule = js.noisy_linear_cosine_decay(1.0, 100, 0.01)
    seeds = jnp.arange(5)
    values = jax.vmap(lambda seed: schedule.replace(seed=seed)(jnp.asarray(7)))(seeds)
    expected = [schedule.replace(seed=int(s))(7) for s in seeds]
    np.testing.assert_allclose(np.asarray(values), expected, rtol=1e-6)


def test_no_noise_has_a_finite_gradient():
    schedule = js.noisy_linear_cosine_decay(1.0, 100, 0.0)
    gradient = jax.grad(lambda v: schedule.replace(initial_variance=v)(jnp.asarray(7)))(0.0)
    assert np.isfinite(gradient)


@pytest.mark.parametrize("make", [js.torch_onecycle_schedule, js.fastai_onecycle_schedule])
@pytest.mark.parametrize("length", [1, 2, 3, 10, 2**31 - 1, 2**33])
def test_one_cycle_of_any_length(make, length):
    schedule = make(length, 1.0)
    steps = np.asarray([0, 1, 2, 5, 10, 2**31 - 1])
    host = [schedule(int(t)) for t in steps]
    np.testing.assert_allclose(np.asarray(schedule(steps), np.float64), host, rtol=1e-6)
    assert schedule(2**34) == pytest.approx(4e-6 if make is js.torch_onecycle_schedule else 1e-5)


def test_periods_that_no_step_completes():
    """Lengths beyond int32: the device never gets there."""
    steps = np.asarray([0, 1, 10**9, 2**31 - 1])
    long = 2**33
    for schedule in (
        js.polynomial_decay(1.0, long, cycle=True),
        js.cosine_decay_restarts(1.0, long),
        js.cosine_decay_restarts(1.0, long, 1.0),
        js.cyclic_schedule(0.1, 1.0, long),
        js.step_decay(1.0, long, count_from_one=True),
        js.step_decay(1.0, 10, steps_per_epoch=long),
        js.chebyshev_schedule(1.0, long),
        js.compounding_time_based_decay(1.0, 0.1, long),
        js.natural_exp_decay(1.0, long, 1.0),
        js.inverse_time_decay(1.0, long, 1.0, staircase=True),
        js.linear_cosine_decay(1.0, long),
        js.jagged_restarts(js.constant_schedule(1.0), long, 10, 10),
        js.swa_schedule(js.constant_schedule(1.0), 0.1, long),
        js.flat_cosine_schedule(long, 1.0),
    ):
        host = [schedule(int(t)) for t in steps]
        device = np.asarray(schedule(steps), np.float64)
        np.testing.assert_allclose(device, host, rtol=2e-6, err_msg=repr(schedule))


def test_restarts_joined_with_restarts():
    """Pieces of one form, whose hyperparameters are gathered by the active piece."""
    pieces = [js.cosine_decay_restarts(1.0, 4), js.cosine_decay_restarts(0.5, 5, 3.0, 0.5)]
    schedule = js.join_schedules(pieces, [50])
    steps = np.arange(200)
    host = [schedule(int(t)) for t in steps]
    np.testing.assert_allclose(np.asarray(schedule(steps), np.float64), host, rtol=3e-6, atol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda v: js.compounding_time_based_decay(0.1, v, 3),
        lambda v: js.cyclic_schedule(0.0, v, 7),
        lambda v: js.power_law_schedule(v, 10.0),
        lambda v: js.linear_cosine_decay(v, 100, 1.5),
        lambda v: js.warmup_stable_decay_schedule(0.0, v, 5, 5, 5),
    ],
)
def test_arrays_of_hyperparameters(make):
    """As many schedules in one: the last axis of the step against the array's."""
    values = [0.1, 0.2, 0.3]
    together = make(jnp.asarray(values))(jnp.asarray([1, 10, 11]))
    apart = [make(v)(t) for v, t in zip(values, [1, 10, 11], strict=True)]
    np.testing.assert_allclose(np.asarray(together), apart, rtol=2e-6)


@pytest.mark.parametrize("seed", [0, 7, 2**70 + 5])
def test_noise_near_0_is_exact_too(seed):
    """Of many steps those whose angle is nearest to a zero of the cosine, and nearest to an end."""
    steps = np.arange(200_000, dtype=np.uint32)
    first, second = (
        np.asarray(words, np.int64) >> 9
        for words in philox.philox(
            (jnp.asarray(steps), jnp.zeros_like(steps)), jnp.uint32(seed % 2**32)
        )
    )
    from_zero = np.abs(second % 2**22 - 2**21)
    some = np.unique(
        np.concatenate([np.argsort(x)[:20] for x in (from_zero, -from_zero, -first, first)])
    )
    with mp.workdps(30):
        uniform = [mp.mpf(2 * int(n) + 1) / 2**24 for n in first[some]]
        waves = [mp.cospi(mp.mpf(int(n)) / 2**22) for n in second[some]]
        exact = [mp.sqrt(-2 * mp.log(u)) * w for u, w in zip(uniform, waves, strict=True)]
    host = [philox._normal(seed, int(t)) for t in some]
    device = philox.standard_normal(seed, jnp.asarray(some, jnp.int32))
    for values, bound in ((host, 1e-14), (device, 6e-7)):
        for value, number in zip(np.asarray(values, np.float64).tolist(), exact, strict=True):
            assert abs(value - number) <= abs(number) * bound


def test_noise_of_any_kind_of_step_and_seed(x64):
    """A traced seed beside a step between two, and a step of more than 32 bits."""
    seed = 2**31 - 2
    expected = philox._normal(seed, 3)
    for step in (jnp.int32(3), jnp.float32(3.5), jnp.int8(3)):
        for noise in (
            philox.standard_normal(seed, step),
            jax.jit(philox.standard_normal)(seed, step),
        ):
            assert float(noise) == pytest.approx(expected, rel=1e-6)
    seeds, steps = jnp.arange(3)[:, None], jnp.arange(4)
    found = jax.jit(philox.standard_normal)(seeds, steps)
    exact = [[philox._normal(s, t) for t in range(4)] for s in range(3)]
    np.testing.assert_allclose(found, exact, rtol=1e-5)
    first, second = philox.philox((3, 5), seed)
    exact = (-2 * np.log(((first >> 9) + 0.5) / 2**23)) ** 0.5 * np.cos(
        2 * np.pi * (second >> 9) / 2**23
    )
    assert philox._normal(seed, 5 * 2**32 + 3) == pytest.approx(exact, rel=1e-9)
    if x64:
        for step in (2**32 + 1, 5 * 2**32 + 3):
            noise = philox.standard_normal(seed, jnp.int64(step))
            assert float(noise) == pytest.approx(philox._normal(seed, step), rel=1e-12)


DEFAULTS = {
    "exponential_decay": {"transition_begin": 0, "staircase": False, "end_value": None},
    "natural_exp_decay": {"staircase": False},
    "half_life_decay": {"transition_begin": 0, "end_value": None},
    "geometric_schedule": {"transition_begin": 0},
    "inverse_time_decay": {"staircase": False},
    "power_law_schedule": {"exponent": 0.5, "transition_begin": 0},
    "inverse_sqrt_schedule": {"timescale": None, "init_value": 0.0, "hold_steps": 0, "exponent": 0.5},
    "noam_schedule": {"warmup_steps": 4000, "scale": 1.0, "step_offset": 1},
    "linear_schedule": {"transition_begin": 0},
    "transition_schedule": {"shape": js.shapes.linear(), "transition_begin": 0},
    "polynomial_schedule": {"transition_begin": 0},
    "cosine_decay_schedule": {"alpha": 0.0, "exponent": 1.0},
    "step_decay": {"decay_rate": 0.5, "steps_per_epoch": 1, "count_from_one": False},
    "multistep_schedule": {"decay_rate": 0.1},
    "compounding_time_based_decay": {"steps_per_epoch": 1},
    "chebyshev_schedule": {"low": 0.05, "high": 1.0, "steps_per_epoch": 1},
    "piecewise_constant_schedule": {"boundaries_and_scales": None},
    "piecewise_interpolate_schedule": {"boundaries_and_scales": None},
    "linear_cosine_decay": {"num_periods": 0.5, "alpha": 0.0, "beta": 0.001},
    "noisy_linear_cosine_decay": {
        "initial_variance": 1.0, "variance_decay": 0.55, "num_periods": 0.5, "alpha": 0.0,
        "beta": 0.001, "seed": 0,
    },
    "cosine_wave_schedule": {"num_cycles": 0.5, "alpha": 0.0},
    "repeat": {"growth": 1, "decay": 1.0, "limit": None},
}  # fmt: skip


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_may_be_left_out(name):
    """The defaults of the sources."""
    parameters = inspect.signature(getattr(js, name)).parameters.values()
    assert {p.name: p.default for p in parameters if p.default is not p.empty} == DEFAULTS[name]


def test_values_without_a_boundary_are_constant():
    for make in (
        js.piecewise_constant_schedule,
        lambda v, b: js.piecewise_interpolate_schedule("linear", v, b),
    ):
        for nothing in (None, {}):
            assert [make(0.3, nothing)(t) for t in (0, 1, 10**9)] == [0.3] * 3
