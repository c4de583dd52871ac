"""Steps as arrays, and how near to exact fractions the shares of a stretch are."""

from __future__ import annotations

from fractions import Fraction

import jax.numpy as jnp
import numpy as np

from jaxsched._core import numerics as nx

TINY = np.finfo(np.float32).tiny


def steps_of(steps):
    return jnp.asarray(np.asarray(steps, nx.int_dtype()))


def agree(values, goal, shares, ulps=3.0, bounded=True) -> None:
    """Goal * shares: the goal itself at 1, within ulps of them, 0 at 0, and never beyond the goal."""
    values = np.asarray(values)
    goal = Fraction(float(values.dtype.type(goal)))
    digit, tiny = (Fraction(float(x)) for x in (ulps * np.finfo(values.dtype).eps, TINY))
    for value, share in zip(map(Fraction, values.tolist()), shares, strict=True):
        assert abs(value - goal * share) <= digit * abs(goal) * share + tiny * (share < 1)
        assert abs(value) <= abs(goal) * (1 if bounded else 1 + digit)
        assert share != 1 or not bounded or value == goal
