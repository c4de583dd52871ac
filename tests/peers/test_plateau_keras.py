"""Against the live keras.callbacks.ReduceLROnPlateau: the same rate after every epoch."""

import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from plateau_reference import metric_sequences

import jaxsched
from jaxsched._optimizer.monitor import mode_of


def keras_rates(values, learning_rate, **arguments):
    """The callback as `fit` drives it, with an optimizer that holds the rate in float32, as Keras's do."""
    optimizer = SimpleNamespace(learning_rate=np.float32(learning_rate))
    callback = keras.callbacks.ReduceLROnPlateau(monitor="metric", **arguments)
    callback.set_model(SimpleNamespace(optimizer=optimizer))
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"metric": value})
        optimizer.learning_rate = np.float32(optimizer.learning_rate)
        rates.append(float(optimizer.learning_rate))
    return rates


def our_rates(values, learning_rate, static, arrays):
    def row(rate, numbers, values):
        plateau = jaxsched.plateau_from_keras(rate, **static, **numbers)

        def step(state, value):
            _, state = plateau.update(jnp.ones(1), state, value=value)
            return state, rate * state.applied_scale

        return jax.lax.scan(step, plateau.init(None), values)[1]

    return np.asarray(
        jax.jit(jax.vmap(row))(jnp.asarray(learning_rate), arrays, jnp.asarray(values))
    )


@pytest.mark.usefixtures("nan_on_purpose")
@pytest.mark.parametrize("mode", ["min", "max"])
def test_same_rates_as_keras(mode):
    """1000 random sequences each, every one with arguments of its own.

    Left out: a first value that is not finite, and infinities of the good sign (see below).
    """
    rng = np.random.default_rng(9)
    rows = 1000
    values = metric_sequences(rng, rows, 40, bad_infinity=math.inf if mode == "min" else -math.inf)
    values[:, 0] = np.where(np.isfinite(values[:, 0]), values[:, 0], 1.0)
    rates = rng.choice([0.25, 1.0, 8.0], rows).astype(np.float32)
    arrays = {
        "factor": rng.choice([0.125, 0.25, 0.5], rows).astype(np.float32),
        "patience": rng.integers(0, 5, rows),
        "min_delta": rng.choice([0.0, 1 / 64, -1 / 64, 0.125], rows).astype(np.float32),
        "cooldown": rng.integers(0, 5, rows),
        "min_lr": rng.choice([0.0, 2.0**-6, 0.3125, 0.5], rows).astype(np.float32),
    }
    ours = our_rates(values, rates, {"mode": mode}, arrays)
    theirs = [
        keras_rates(v.tolist(), r.item(), mode=mode, **{k: a[i].item() for k, a in arrays.items()})
        for i, (v, r) in enumerate(zip(values, rates, strict=True))
    ]
    assert_array_equal(ours, np.float32(theirs))
    assert len(np.unique(ours[:, -1])) > 10


def test_same_decisions_with_the_usual_numbers():
    rng = np.random.default_rng(10)
    values = rng.lognormal(size=(200, 50)).astype(np.float32)
    arguments = {"mode": "min", "factor": 0.2, "patience": 3, "cooldown": 2, "min_lr": 1e-4}
    ours = our_rates(values, np.full(200, 0.1, np.float32), arguments, {})
    theirs = np.array([keras_rates(v.tolist(), 0.1, **arguments) for v in values])
    assert_array_equal(np.diff(ours, axis=1) < 0, np.diff(theirs, axis=1) < 0)
    np.testing.assert_allclose(ours, theirs, rtol=15 * 2**-24)
    assert np.min(theirs) < 0.001


@pytest.mark.parametrize("min_delta", [1e-4, 0.01, 0.1])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_same_decisions_with_decimal_metrics(mode, min_delta):
    """Metrics of two decimals often differ by just min_delta, which float32 alone would not tell."""
    rng = np.random.default_rng(11)
    values = np.round(rng.uniform(0.05, 0.45, (100, 40)), 2).astype(np.float32)
    arguments = {"mode": mode, "min_delta": min_delta, "factor": 0.5, "patience": 1, "cooldown": 2}
    ours = our_rates(values, np.full(100, 1.0, np.float32), arguments, {})
    theirs = [keras_rates(v.tolist(), 1.0, **arguments) for v in values]
    assert_array_equal(ours, np.float32(theirs))
    assert len(np.unique(ours, axis=0)) > 10


DIFFERENT = {
    "a first NaN is the best value for ever": (
        [math.nan, 1.0, 0.5, 0.25, 0.125, 0.0625],
        [1, 1, 1, 1, 1, 1],
        [1, 1, 0.5, 0.5, 0.25, 0.25],
    ),
    "a first infinity counts as an improvement": (
        [math.inf, math.inf, math.inf, 1.0],
        [1, 0.5, 0.5, 0.5],
        [1, 1, 0.5, 0.5],
    ),
    "minus infinity becomes the best loss": (
        [1.0, -math.inf, 0.5, 0.25],
        [1, 1, 1, 1],
        [1, 1, 1, 0.5],
    ),
}


@pytest.mark.usefixtures("nan_on_purpose")
@pytest.mark.parametrize(("values", "ours", "theirs"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_where_keras_is_wrong(values, ours, theirs):
    arguments = {"mode": "min", "factor": 0.5, "patience": 2}
    assert keras_rates(values, 1.0, **arguments) == theirs
    rows = {"min_lr": np.float32([0.0])}
    assert our_rates(np.float32([values]), np.float32([1.0]), arguments, rows)[0].tolist() == ours


def _metrics_with_a_direction():
    """Every metric of Keras that says which way it improves: (name, direction)."""
    needed = {
        "PrecisionAtRecall": {"recall": 0.5},
        "RecallAtPrecision": {"precision": 0.5},
        "SensitivityAtSpecificity": {"specificity": 0.5},
        "SpecificityAtSensitivity": {"sensitivity": 0.5},
        "BinaryIoU": {"target_class_ids": [0]},
        "IoU": {"num_classes": 2, "target_class_ids": [0]},
        "MeanIoU": {"num_classes": 2},
        "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
        "OneHotMeanIoU": {"num_classes": 2},
        "MeanMetricWrapper": {"fn": lambda a, b: a},
    }
    for name, kind in vars(keras.metrics).items():
        if isinstance(kind, type) and issubclass(kind, keras.metrics.Metric) and name != "Metric":
            metric = kind(**needed.get(name, {}))
            direction = getattr(metric, "_direction", None)
            if direction is not None:
                yield metric.name, direction


def test_mode_auto_knows_the_metrics_of_keras():
    metrics = dict(_metrics_with_a_direction())
    assert len(metrics) > 30
    for name, direction in metrics.items():
        assert mode_of(f"val_{name}", "monitor") == {"up": "max", "down": "min"}[direction]
