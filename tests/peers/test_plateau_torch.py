"""Against the live torch.optim.lr_scheduler.ReduceLROnPlateau: the same rate after every observation."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from plateau_reference import metric_sequences

import jaxsched


def torch_rates(values, learning_rate, **arguments):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=learning_rate)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **arguments)
    rates = []
    for value in values:
        scheduler.step(value)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def our_rates(values, learning_rate, static, arrays):
    """[row, observation] the rate after every observation, of all rows at once."""

    def row(rate, numbers, values):
        plateau = jaxsched.plateau_from_torch(rate, **static, **numbers)

        def step(state, value):
            _, state = plateau.update(jnp.ones(1), state, value=value)
            return state, rate * state.applied_scale

        return jax.lax.scan(step, plateau.init(None), values)[1]

    return np.asarray(
        jax.jit(jax.vmap(row))(jnp.asarray(learning_rate), arrays, jnp.asarray(values))
    )


@pytest.mark.usefixtures("nan_on_purpose")
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_same_rates_as_torch(mode, threshold_mode):
    """1000 random sequences each, every one with arguments of its own; 4000 in all.

    All numbers are such that float32 and float64 agree, so the rates must be equal, not close. Left out:
    negative metrics in relative mode, and infinities of the good sign (see below).
    """
    rng = np.random.default_rng(7)
    rows = 1000
    values = metric_sequences(
        rng,
        rows,
        40,
        positive=threshold_mode == "rel",
        bad_infinity=math.inf if mode == "min" else -math.inf,
    )
    rates = rng.choice([0.25, 1.0, 8.0], rows).astype(np.float32)
    arrays = {
        "factor": rng.choice([0.125, 0.25, 0.5], rows).astype(np.float32),
        "patience": rng.integers(0, 5, rows),
        "threshold": rng.choice([0.0, 2.0**-12, 1 / 64, 0.125], rows).astype(np.float32),
        "cooldown": rng.integers(0, 4, rows),
        "min_lr": rng.choice([0.0, 2.0**-6, 0.3125, 0.5], rows).astype(np.float32),
        "eps": rng.choice([0.0, 2.0**-27, 2.0**-5, 0.25], rows).astype(np.float32),
    }
    static = {"mode": mode, "threshold_mode": threshold_mode}
    ours = our_rates(values, rates, static, arrays)
    theirs = [
        torch_rates(v.tolist(), r.item(), **static, **{k: a[i].item() for k, a in arrays.items()})
        for i, (v, r) in enumerate(zip(values, rates, strict=True))
    ]
    assert_array_equal(ours, np.float32(theirs))
    assert len(np.unique(ours[:, -1])) > 10


@pytest.mark.parametrize("mode", ["min", "max"])
def test_same_decisions_with_the_usual_numbers(mode):
    """factor, threshold and min_lr that no binary number is: the same reductions at the same steps."""
    rng = np.random.default_rng(8)
    rows, length = 300, 60
    values = (
        rng.lognormal(size=(rows, length))
        .astype(np.float32)
        .cumsum(axis=1)[:, :: -1 if mode == "min" else 1]
    )
    values = np.where(rng.random(values.shape) < 0.4, np.roll(values, 3, axis=1), values)
    arguments = {"mode": mode, "factor": 0.3, "patience": 2, "cooldown": 1, "min_lr": 1e-4}
    ours = our_rates(values, np.full(rows, 0.1, np.float32), arguments, {})
    theirs = np.array([torch_rates(v.tolist(), 0.1, **arguments) for v in values])
    assert_array_equal(np.diff(ours, axis=1) < 0, np.diff(theirs, axis=1) < 0)
    # A product of k float32 factors is within k roundings, and 0.3 and 0.1 are rounded themselves.
    np.testing.assert_allclose(ours, theirs, rtol=15 * 2**-24)
    assert np.min(theirs[:, -1]) < 0.01


@pytest.mark.parametrize("threshold", [1e-4, 0.01, 0.1])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_same_decisions_with_decimal_metrics(mode, threshold_mode, threshold):
    """Metrics of two decimals often differ by just the threshold, which float32 alone would not tell."""
    rng = np.random.default_rng(11)
    values = np.round(rng.uniform(0.05, 0.65, (150, 40)), 2)
    if threshold_mode == "rel":
        steps = (1 + threshold) ** rng.integers(-4, 5, values.shape)
        values = np.round(rng.choice([0.1, 0.2, 0.5], (150, 1)) * steps, 6)
    values = values.astype(np.float32)
    arguments = {"mode": mode, "threshold_mode": threshold_mode, "threshold": threshold}
    arguments |= {"factor": 0.5, "patience": 0, "cooldown": 1}
    ours = our_rates(values, np.full(150, 1.0, np.float32), arguments, {})
    theirs = [torch_rates(v.tolist(), 1.0, **arguments) for v in values]
    assert_array_equal(ours, np.float32(theirs))
    assert len(np.unique(ours, axis=0)) > 10


def test_a_factor_of_0_goes_to_min_lr():
    values = np.float32([[1.0, 1.0, 1.0, 1.0]])
    arguments = {"factor": 0.0, "patience": 0, "min_lr": 0.125}
    ours = our_rates(values, np.ones(1, np.float32), arguments, {})
    assert ours[0].tolist() == torch_rates(values[0].tolist(), 1.0, **arguments)
    assert ours[0, -1] == 0.125


def test_the_default_arguments_are_those_of_torch():
    values = [1.0] * 40
    arrays = {"factor": np.float32([0.1])}  # vmap needs something to map over
    ours = our_rates(np.float32([values]), np.float32([1.0]), {}, arrays)[0]
    theirs = np.array(torch_rates(values, 1.0))
    assert_array_equal(np.flatnonzero(np.diff(ours)), np.flatnonzero(np.diff(theirs)))
    np.testing.assert_allclose(ours, theirs, rtol=4 * 2**-24)


DIFFERENT = {
    "a constant negative metric in relative mode": (
        [-1.0] * 5,
        {"mode": "min"},
        [1, 1, 0.5, 0.5, 0.25],
        [1, 1, 1, 1, 1],
    ),
    "a worsening negative metric in relative mode": (
        [-1.0, -1.5, -1.25, -1.25, -1.25],
        {"mode": "max", "threshold": 0.5},
        [1, 1, 0.5, 0.5, 0.25],
        [1, 1, 1, 1, 1],
    ),
    "minus infinity becomes the best loss": (
        [3.0, -math.inf, 2.0, 1.0, 0.5],
        {"mode": "min"},
        [1, 1, 1, 1, 1],
        [1, 1, 1, 0.5, 0.5],
    ),
    "infinity becomes the best accuracy": (
        [0.5, math.inf, 0.75, 0.875, 0.9375],
        {"mode": "max"},
        [1, 1, 1, 1, 1],
        [1, 1, 1, 0.5, 0.5],
    ),
}


@pytest.mark.parametrize(
    ("values", "arguments", "ours", "theirs"), DIFFERENT.values(), ids=DIFFERENT.keys()
)
def test_where_torch_is_wrong(values, arguments, ours, theirs):
    arguments = {"factor": 0.5, "patience": 1, **arguments}
    assert torch_rates(values, 1.0, **arguments) == theirs
    rows = {"eps": np.float32([0.0])}
    assert our_rates(np.float32([values]), np.float32([1.0]), arguments, rows)[0].tolist() == ours
