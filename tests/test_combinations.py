"""Forms that fall by a law or in stairs: every combination of hyperparameters, read in every way."""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ways import as_argument, ways

import jaxsched as js
from jaxsched._core import random as philox

COUNT = 26
STEPS = range(COUNT)


def agree(factory, grid, formula, rtol=3e-6, atol=0.0) -> None:
    expected = [[formula(t, *given) for t in STEPS] for given in grid]
    for values in ways([factory(*given) for given in grid], COUNT):
        np.testing.assert_allclose(values, expected, rtol, atol)


@pytest.mark.parametrize("stairs", [False, True])
def test_inverse_time_decay(stairs):
    grid = [(0.75, n, k, stairs) for n in (1, 4) for k in (0.0, 0.5, 3.0)]
    along = lambda t, n: t // n if stairs else t / n
    agree(js.inverse_time_decay, grid, lambda t, v, n, k, _: v / (1 + k * along(t, n)))


def test_power_laws():
    grid = list(itertools.product((0.75,), (1.0, 4.5), (0.5, 0.3, 2.0), (0, 3)))
    agree(js.power_law_schedule, grid, lambda t, v, n, e, b: v * (1 + max(t - b, 0) / n) ** -e)

    def rooted(t, peak, warmup, timescale, init, hold, exponent):
        if t < warmup:
            return init + (peak - init) * t / warmup
        return peak * (1 + max(t - warmup - hold, 0) / (timescale or warmup)) ** -exponent

    grid = list(itertools.product((0.75,), (3, 7), (2.5, 6.0), (0.0, 0.1), (0, 4), (0.5, 1.5)))
    agree(js.inverse_sqrt_schedule, grid, rooted)
    agree(js.inverse_sqrt_schedule, [(*g[:2], None, *g[3:]) for g in grid[:16]], rooted)
    with pytest.raises(ValueError, match="timescale must be given"):
        js.inverse_sqrt_schedule(1.0, 0)
    assert js.inverse_sqrt_schedule(1.0, 0, 5.0)(0) == 1.0
    none = js.inverse_sqrt_schedule(1.0, 1).replace(warmup_steps=jnp.int32(0))  # counts as 1
    expected = [(1 + t) ** -0.5 for t in range(4)]
    np.testing.assert_allclose(as_argument(none, jnp.arange(4)), expected, rtol=1e-6)


def test_noam():
    grid = list(itertools.product((1, 4, 512), (1, 3, 8), (1.0, 2.5), (0, 1)))

    def rooted(t, width, warmup, scale, offset):
        n = t + offset
        return scale * width**-0.5 * min(n**-0.5 if n else math.inf, n * warmup**-1.5)

    agree(js.noam_schedule, grid, rooted)
    traced = jax.jit(lambda warmup: js.noam_schedule(4, warmup)(jnp.arange(4)))
    assert np.isfinite(traced(0)).all()


@pytest.mark.parametrize("from_one", [False, True])
def test_step_decay(from_one):
    grid = [(0.75, n, r, e, from_one) for n in (1, 3) for r in (0.5, 1.0, 0.3) for e in (1, 2)]
    agree(
        js.step_decay,
        grid,
        lambda t, v, n, r, e, one: v * r ** ((t // e + one) // n),
    )
    # A period that no step of this type completes, and one that its largest step does.
    for length in (2**31 + 1, 2**31, 2**31 - 1, 2**31 - 2):
        schedule = js.step_decay(1.0, length, count_from_one=True)
        for t in (2**31 - 4, 2**31 - 3, 2**31 - 2, 2**31 - 1):
            assert schedule(t) == float(schedule(jnp.int32(t))) == 0.5 ** ((t + 1) // length)


def test_multistep():
    for milestones in ([], [3], [0, 3, 3, 20]):
        grid = [(0.75, milestones, rate) for rate in (0.5, 0.0, 2.0)]
        agree(js.multistep_schedule, grid, lambda t, v, m, r: v * r ** sum(b <= t for b in m))


def test_compounding():
    grid = [(0.75, decay, epoch) for decay in (0.0, 0.1, 2.0) for epoch in (1, 3)]

    def compounded(t, value, decay, epoch):
        return value / math.prod(1 + decay * i for i in range(1, t // epoch + 1))

    agree(js.compounding_time_based_decay, grid, compounded)
    late = js.compounding_time_based_decay(0.75, 1e-6)
    expected = [compounded(min(t, 4096), 0.75, 1e-6, 1) for t in (4094, 4095, 4096, 4097, 10**6)]
    steps = jnp.asarray([4094, 4095, 4096, 4097, 10**6])
    for values in ([late(int(t)) for t in steps], late(steps), as_argument(late, steps)):
        np.testing.assert_allclose(values, expected, rtol=1e-4)


def order(size: int) -> list[int]:
    if size == 1:
        return [0]
    return [place for p in order(size // 2) for place in (p, size - 1 - p)]


def test_chebyshev():
    grid = [
        (0.75, n, low, high, epoch)
        for n in (1, 2, 3, 8, 20) for low, high in ((0.05, 1.0), (0.3, 0.3)) for epoch in (1, 2)
    ]  # fmt: skip

    def step_size(t, value, n, low, high, epoch):
        size = 2 ** math.ceil(math.log2(n))
        place = order(size)[min(t // epoch, n - 1)]
        wave = math.cos(math.pi * (2 * place + 1) / (2 * size))
        return value / ((high + low) / 2 - (high - low) / 2 * wave)

    agree(js.chebyshev_schedule, grid, step_size, 1e-5)


def waving(t, value, steps, periods, alpha, beta, noise=0.0):
    share = min(t / steps, 1)
    return value * (
        (alpha + 1 - share + noise) * (1 + math.cos(2 * math.pi * periods * share)) / 2 + beta
    )


def test_waves():
    grid = list(itertools.product((0.75,), (9, 25), (0.5, 2.0), (0.0, 0.2), (0.001, 0.3)))
    agree(js.linear_cosine_decay, grid, waving, 1e-5, 1e-6)
    agree(
        js.cosine_wave_schedule,
        [(0.75, n, w, a) for n in (9, 25) for w in (0.5, 2.0, 0.3) for a in (0.0, 0.2)],
        lambda t, v, n, w, a: (
            waving(0, v, n, w, a - 1, 0)
            + v * (a + (1 - a) * (1 + math.cos(2 * math.pi * w * min(t / n, 1))) / 2)
            - waving(0, v, n, w, a - 1, 0)
        ),
        1e-5,
        1e-6,
    )


def test_noisy_waves():
    grid = [
        (0.75, n, variance, fade, 0.5, 0.1, 0.2, seed)
        for n in (9, 25) for variance in (0.0, 0.5) for fade in (0.0, 0.55, 2.0) for seed in (0, 5)
    ]  # fmt: skip

    def noisy(t, value, n, variance, fade, periods, alpha, beta, seed):
        reached = min(t, n)
        noise = philox._normal(seed, reached) * math.sqrt(variance / (1 + reached) ** fade)
        return waving(t, value, n, periods, alpha, beta, noise)

    agree(js.noisy_linear_cosine_decay, grid, noisy, 1e-5, 1e-5)


def test_the_slope_by_a_variance_of_0_is_0():
    make = lambda v: js.noisy_linear_cosine_decay(0.75, 9, v, seed=5)(jnp.int32(3))
    assert jax.grad(make)(0.0) == 0.0
    assert jax.grad(make)(0.5) != 0.0
