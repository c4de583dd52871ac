"""Reducers on a plateau as probes of an audit: their states while they see sequences of metrics."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def _reducers() -> list[tuple[str, dict[str, Any]]]:
    """Reducers of every kind: each with each mode, and each number in turn at its ends."""
    ours = [
        {}, {"rtol": 0.0}, {"rtol": 0.0, "atol": 0.01}, {"rtol": 0.1}, {"rtol": 1.0}, {"atol": 0.03},
        {"cooldown": 2}, {"cooldown": 5, "patience": 1}, {"patience": 0}, {"accumulation_size": 2},
        {"accumulation_size": 3, "nonfinite": "ignore"}, {"nonfinite": "ignore"}, {"ema_decay": 0.0},
        {"ema_decay": 0.9}, {"ema_decay": 0.5, "nonfinite": "ignore"}, {"min_scale": 0.3},
        {"min_scale": 1.0},
        {"start_step": 7}, {"factor": 0.7, "min_scale": 0.1}, {"learning_rate": 0.1, "min_lr": 0.03},
        {"learning_rate": 0.1, "min_lr": 0.1}, {"learning_rate": 0.3, "eps": 0.02},
        {"learning_rate": 0.1, "min_lr": 0.2, "eps": 0.0}, {"learning_rate": "falling", "min_lr": 0.25},
        {"learning_rate": "falling", "min_lr": 0.3, "eps": 0.01, "factor": 0.9},
    ]  # fmt: skip
    torch = [
        {}, {"threshold": 0.0}, {"threshold": 0.1}, {"threshold": 0.05, "threshold_mode": "abs"},
        {"threshold": 0.0, "threshold_mode": "abs"}, {"cooldown": 3}, {"min_lr": 0.02}, {"eps": 0.01},
    ]  # fmt: skip
    keras = [{}, {"min_delta": 0.0}, {"min_delta": 0.05}, {"cooldown": 3}, {"min_lr": 0.02}]
    made = []
    for mode, few in itertools.product(("min", "max"), (True, False)):
        more = {"mode": mode, "patience": 2 if few else 5, "factor": 0.5}
        made += [("reduce_on_plateau", {**more, **given}) for given in ours]
        for maker, kinds in (("plateau_from_torch", torch), ("plateau_from_keras", keras)):
            made += [(maker, {**more, "learning_rate": 0.1, **given}) for given in kinds]
    return made


REDUCERS = _reducers()


def reducer_programs(
    jaxsched: Any, maker: str, given: dict[str, Any]
) -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """What gives its states while it sees sequences of metrics, with its numbers known and traced."""
    plain = {k: v for k, v in given.items() if type(v) in (int, float)}
    fixed = {k: v for k, v in given.items() if k not in plain}
    if given.get("learning_rate") == "falling":  # a schedule, of which some rates are below min_lr
        fixed["learning_rate"] = jaxsched.linear_schedule(1.0, 0.0, 24)

    def states(plain: Any, metrics: Any) -> Any:
        reducer = getattr(jaxsched, maker)(**fixed, **plain)

        def see(state: Any, metric: Any) -> Any:
            updates, state = reducer.update(jnp.float32(1), state, value=metric)
            between = jaxsched.observe(reducer, state, value=metric)
            return state, (updates, state, between)

        return jax.vmap(lambda row: jax.lax.scan(see, reducer.init(None), row)[1])(metrics)

    known = lambda metrics: states(plain, metrics)
    programs: dict[str, Any] = {"known": (known, (_metrics(),))}
    if maker == "reduce_on_plateau":
        programs["traced"] = states, (plain, _metrics())
    return programs


def _metrics() -> Any:
    """Sequences of metrics: noise, decimals that often differ by a threshold, and what is not finite."""
    random, shape = np.random.default_rng(0), (24, 48)
    noise = np.cumsum(random.normal(size=shape), axis=1)
    decimals = np.round(random.normal(size=shape), 2)
    ties = np.round(1 + 0.05 * random.integers(-3, 4, shape), 2)
    holes = np.where(
        random.random(shape) < 0.2, random.choice([np.nan, np.inf, -np.inf, 0, -0.0], shape), noise
    )
    sizes = random.choice([1e-38, 1e-30, 1e30, 3e38, -3e38, 0.0, 1.0], shape)
    close = np.where(
        random.random(shape) < 0.5, np.nextafter(np.float32(ties), np.float32(9)), ties
    )
    return jnp.asarray(
        np.concatenate([noise, decimals, ties, -ties, holes, sizes, close]), jnp.float32
    )
