"""The plateau rule once more, in plain Python and float64, and what the tests on it share."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

import jaxsched


@dataclass
class Reference:
    """One reducer; `see` gives the scale after one more value. In the rule's own order of operations."""

    factor: float = 0.1
    patience: int = 10
    rtol: float = 1e-4
    atol: float = 0.0
    cooldown: int = 0
    accumulation_size: int = 1
    min_scale: float = 0.0
    mode: str = "min"
    nonfinite: str = "bad"
    scale: float = 1.0
    best: float | None = None
    bad: int = 0
    cooling: int = 0

    def __post_init__(self):
        self.block = []

    def see(self, value):
        if not math.isfinite(value) and self.nonfinite == "ignore":
            return self.scale
        self.block.append(value)
        if len(self.block) == self.accumulation_size:
            total = math.nan if not all(map(math.isfinite, self.block)) else math.fsum(self.block)
            self._observe(total / len(self.block))
            self.block = []
        return self.scale

    def _observe(self, value):
        if math.isfinite(value) and (self.best is None or self._better(value)):
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.cooling > 0:
            self.cooling -= 1
            self.bad = 0
        if self.bad >= max(self.patience, 1):
            self.scale = min(self.scale, max(self.scale * self.factor, self.min_scale))
            self.cooling, self.bad = self.cooldown, 0

    def _better(self, value):
        margin = self.rtol * abs(self.best) + self.atol
        return value < self.best - margin if self.mode == "min" else value > self.best + margin


def feed(plateau, values, state=None):
    """The scales after each of the values, in one scan, and the last state."""
    state = plateau.init(jnp.zeros(1)) if state is None else state

    def step(state, value):
        _, state = plateau.update(jnp.ones(1), state, value=value)
        return state, state.scale

    state, scales = jax.jit(lambda s, v: jax.lax.scan(step, s, v))(
        state, jnp.asarray(np.asarray(values, np.float32))
    )
    return np.asarray(scales), state


def trace(values, **hyperparameters):
    """The scales after each of the values."""
    return feed(jaxsched.reduce_on_plateau(**hyperparameters), values)[0]


def metric_sequences(rng, rows, length, *, positive=False, bad_infinity=None):
    """Random metrics that float32 holds exactly, most of them with few distinct values.

    Plateaus, steps down and up, noise, spikes, exact ties, NaN, and (if given) one infinity.
    """
    kinds = rng.integers(0, 5, size=rows)
    noise = rng.integers(-4, 5, size=(rows, length))
    walk = np.cumsum(rng.integers(-3, 3, size=(rows, length)), axis=1)
    stairs = np.cumsum(rng.random((rows, length)) < 0.15, axis=1) * -8
    flat = np.zeros((rows, length))
    spikes = np.where(rng.random((rows, length)) < 0.1, 512, 0)
    coarse = np.select(
        [kinds[:, None] == k for k in range(5)],
        [noise, walk, stairs + noise, flat + spikes, stairs],
    )
    values = (coarse + rng.integers(-64, 256, size=(rows, 1))) / 64.0
    if positive:
        values = np.abs(values) + 1 / 64
    values = values.astype(np.float32)
    values[rng.random(values.shape) < 0.04] = np.nan
    if bad_infinity is not None:
        values[rng.random(values.shape) < 0.02] = bad_infinity
    return values


def scales_of_rows(values, static, arrays, make=jaxsched.reduce_on_plateau, dtype=np.float32):
    """The scales of many reducers at once: row i of the values under row i of the hyperparameters.

    Args:
      values: [row, observation].
      static: hyperparameters of all rows.
      arrays: hyperparameters by name, one number per row.
      make: makes the reducer.
      dtype: the type of the parameters.
    """

    def row(hyperparameters, values):
        plateau = make(**static, **hyperparameters)

        def step(state, value):
            _, state = plateau.update(jnp.ones(1, dtype), state, value=value)
            return state, state.scale

        return jax.lax.scan(step, plateau.init(jnp.ones(1, dtype)), values)[1]

    return np.asarray(jax.jit(jax.vmap(row))(arrays, jnp.asarray(values)), np.float32)
