"""The counts, rates, periods and starts of which powers are tested, and what is exact of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

LAST = 2**31 - 1
LARGEST, TINY = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
COUNTS = [
    0, 1, 2, 3, 7, 10, 31, 126, 127, 128, 129, 149, 150, 151, 997, 4095, 4096, 4097, 12345, 10**6,
    2**24 - 1, 2**24, 2**24 + 1, 3 * 10**7, 2**28 + 1, 10**9 + 7, LAST - 1, LAST,
]  # fmt: skip
RATES = [1e-37, 1e-5, 0.1, 0.5, 0.96, 0.9999, 0.9999999, 1.0, 1.0000003, 1.001, 1.5, 2.0, 1e6, 3e38]
PERIODS = [1, 3, 1000, 4096, 10**6, 2**24 - 1, LAST]
STARTS = [1.0, 2.0, 0.3, -2.5, 0.0, 1e-30, 3e38]


of_one_precision = pytest.mark.skipif(
    bool(jax.config.jax_enable_x64),
    reason="gives the core steps and numbers of the default precision",
)


def on_the_device() -> jax.Array:
    """The counts: made when a test asks, so that importing this computes nothing."""
    return jnp.asarray(COUNTS, jnp.int32)


def units(values, references) -> np.ndarray:
    """How far from the exact values in units in the last place; what float32 does not hold is its end."""
    distances = []
    for value, exact in zip(np.asarray(values, np.float64).tolist(), references, strict=True):
        if abs(exact) < TINY:
            distances.append(0.0 if abs(value) <= TINY else np.inf)
            continue
        if abs(exact) > LARGEST:
            exact = mp.sign(exact) * mp.mpf(LARGEST)
        unit = mp.ldexp(1, mp.frexp(abs(exact))[1] - 24)
        distances.append(float(abs(mp.mpf(value) - exact) / unit))
    return np.asarray(distances)


def powers(rate, period, start) -> list:
    with mp.workdps(30):
        return [mp.mpf(start) * mp.mpf(rate) ** (mp.mpf(t) / period) for t in COUNTS]
