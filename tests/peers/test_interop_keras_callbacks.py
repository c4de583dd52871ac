"""from_keras against the live callbacks of Keras, driven as `fit` does."""

from __future__ import annotations

import math
import os
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from plateau_reference import metric_sequences

from jaxsched.interop.keras import from_keras


@pytest.fixture(scope="module")
def live():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras


def functions(rng):
    """What tutorials give a LearningRateScheduler: of the epoch, of the epoch and the rate."""
    base, drop, every = rng.uniform(0.01, 1), rng.uniform(0.3, 0.99), int(rng.integers(1, 6))
    return [
        lambda epoch: base * drop ** math.floor((1 + epoch) / every),
        lambda epoch, rate: rate if epoch < every else rate * math.exp(-drop),
        lambda epoch, rate: rate / (1 + 0.1 * drop * epoch),
        lambda epoch, lr=0.5: lr * drop,  # the default is not used
        lambda *arguments: arguments[1] * drop if len(arguments) > 1 else 7.0,
    ][rng.integers(5)]


def test_the_learning_rate_scheduler(live):
    rng = np.random.default_rng(3)
    for _ in range(200):
        function, rate = functions(rng), float(rng.uniform(0.01, 1))
        length, epochs = int(rng.integers(1, 20)), int(rng.integers(1, 15))
        callback = live.callbacks.LearningRateScheduler(function)
        optimizer = SimpleNamespace(learning_rate=np.float32(rate))  # as Keras's optimizers hold it
        callback.set_model(SimpleNamespace(optimizer=optimizer))
        theirs = []
        for epoch in range(epochs):
            callback.on_epoch_begin(epoch)
            optimizer.learning_rate = np.float32(optimizer.learning_rate)
            theirs += [float(optimizer.learning_rate)] * length
        schedule = from_keras(callback, rate, steps_per_epoch=length, epochs=epochs)
        ours = [schedule(step) for step in range(epochs * length)]
        np.testing.assert_allclose(ours, theirs, rtol=(epochs + 1) * 2**-24 * 2)
        assert schedule(epochs * length + 5) == ours[-1]


def our_rates(values, learning_rate, plateau):
    def step(state, value):
        _, state = plateau.update(jnp.ones(1), state, value=value)
        return state, learning_rate * state.applied_scale

    return jax.lax.scan(step, plateau.init(None), values)[1]


@pytest.mark.usefixtures("nan_on_purpose")
def test_the_plateau_reduces_when_theirs_does(live):
    """By its arguments in one program for all, and 8 of them as objects too."""
    rng, rows = np.random.default_rng(9), 300
    values = metric_sequences(rng, rows, 40, bad_infinity=math.inf)
    values[:, 0] = np.where(np.isfinite(values[:, 0]), values[:, 0], 1.0)
    rates = rng.choice([0.25, 1.0, 8.0], rows).astype(np.float32)
    arrays = {
        "factor": rng.choice([0.125, 0.25, 0.5], rows).astype(np.float32),
        "patience": rng.integers(0, 5, rows),
        "min_delta": rng.choice([0.0, 1 / 64, -1 / 64], rows).astype(np.float32),
        "cooldown": rng.integers(0, 5, rows),
        "min_lr": rng.choice([0.0, 2.0**-6, 0.3125], rows).astype(np.float32),
    }

    def row(rate, numbers, values):
        config = {"class_name": "ReduceLROnPlateau", "config": {"monitor": "val_loss", **numbers}}
        return our_rates(values, rate, from_keras(config, rate))

    ours = jax.jit(jax.vmap(row))(jnp.asarray(rates), arrays, jnp.asarray(values))
    theirs = []
    for i, sequence in enumerate(values):
        arguments = {key: array[i].item() for key, array in arrays.items()}
        callback = live.callbacks.ReduceLROnPlateau("val_loss", **arguments)
        if i < 8:
            assert callback.monitor_op is None
            reducer = from_keras(callback, rates[i].item())
            mine = our_rates(jnp.asarray(sequence), rates[i], reducer)
            assert_array_equal(np.asarray(mine), ours[i])
        optimizer = SimpleNamespace(learning_rate=rates[i])
        callback.set_model(SimpleNamespace(optimizer=optimizer))
        callback.on_train_begin()
        theirs.append([])
        for epoch, value in enumerate(sequence.tolist()):
            callback.on_epoch_end(epoch, {"val_loss": value})
            optimizer.learning_rate = np.float32(optimizer.learning_rate)
            theirs[-1].append(float(optimizer.learning_rate))
    assert_array_equal(np.asarray(ours), np.float32(theirs))
    assert len(np.unique(ours)) > 10


def test_a_callback_that_has_trained_knows_its_direction(live):
    """`mode="auto"` asks the model's metrics; afterwards the callback itself tells."""
    metric = live.metrics.Accuracy(name="glee")
    metrics = live.src.trainers.compile_utils.MetricsList([metric])
    optimizer = SimpleNamespace(learning_rate=np.float32(1))
    callback = live.callbacks.ReduceLROnPlateau("val_glee", patience=1, factor=0.5)
    with pytest.raises(ValueError, match='else give mode="min" or mode="max"'):
        from_keras(callback, 1.0)
    callback.set_model(SimpleNamespace(optimizer=optimizer, metrics=[metrics]))
    callback.on_train_begin()
    callback.on_epoch_end(0, {"val_glee": 0.5})
    values = jnp.asarray([0.5, 0.75, 0.75, 0.875])
    assert our_rates(values, 1.0, from_keras(callback, 1.0)).tolist() == [1, 1, 0.5, 0.5]
