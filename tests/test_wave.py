"""Cosine waves of any number over stretches of any length, exact near their zeros."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxsched._core.host import host_function
from jaxsched._core.progress import progress
from jaxsched._core.wave import wave

LAST = 2**31 - 1
LENGTHS = [1, 7, 1000, 10**9 + 7, LAST]
PERIODS = [0.0, 0.3, 0.5, 1.0, 1.5, 7.0, 1234.567]


def places(length, periods) -> list[int]:
    """The ends, steps between, and those around the zeros of the wave."""
    zeros = [int((n + 0.5) / periods * length) for n in (0, 1, 5, 1000)] if periods else []
    near = {t + d for t in (0, length // 3, length // 2, length, *zeros) for d in (-1, 0, 1, 2)}
    return sorted(t for t in near if 0 <= t <= LAST)


def exact(length, periods, steps) -> list:
    with mp.workdps(50):
        shares = [mp.mpf(min(t, length)) / length for t in steps]
        return [mp.cospi(mp.mpf(periods) * s) ** 2 for s in shares]


@pytest.mark.parametrize("periods", PERIODS)
def test_of_known_length_and_number(periods, x64):
    for length in LENGTHS:
        steps = places(length, periods)
        references = exact(length, periods, steps)
        read = host_function(lambda t, n=length: wave(progress(t, n), periods) * 1.0, (), "x")
        host = [read(t) for t in steps]
        device = wave(progress(jnp.asarray(steps), length), periods)
        for t, r, on_host, value in zip(steps, references, host, device.tolist(), strict=True):
            # The sine, whose error is that of the distance from its zero. On the host a step times
            # the number is rounded once; on the device the number has 64 bits after the point.
            sine, rounded = mp.sqrt(r), (1 + periods) * 1e-15
            assert abs(mp.sqrt(on_host) - sine) <= rounded + sine * 1e-15
            fixed = rounded if x64 else 4 * (t + 1) * 2.0**-64
            assert abs(mp.sqrt(value) - sine) <= fixed + sine * (1e-14 if x64 else 3e-7)


@pytest.mark.parametrize("periods", PERIODS[:-1])
def test_traced(periods):
    for length in (7, 1000):
        steps = places(length, periods)
        array, references = jnp.asarray(steps), exact(length, periods, steps)
        expected = [float(r) for r in references]
        for values in (
            jax.jit(lambda p, n, t: wave(progress(t, n), p))(periods, length, array),
            jax.jit(lambda p, t, n=length: wave(progress(t, n), p))(periods, array),
            jax.jit(lambda n, t: wave(progress(t, n), periods))(length, array),
            jax.jit(lambda t, n=length: wave(progress(t, n), periods))(array.astype(float)),
        ):
            np.testing.assert_allclose(values, expected, rtol=0, atol=3e-6 * (1 + periods))
