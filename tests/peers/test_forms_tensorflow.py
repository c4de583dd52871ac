"""The live decays of TensorFlow and Keras, for random hyperparameters over whole runs."""

from __future__ import annotations

import os

import numpy as np
import pytest

import jaxsched as js

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf

train = tf.compat.v1.train

SEEDS = range(6)


@pytest.fixture(params=SEEDS)
def rng(request):
    return np.random.default_rng(request.param)


def same(schedule: js.Schedule, decay, steps: int = 150) -> None:
    """TensorFlow computes in the type of the rate: here float64."""
    theirs = []
    for step in range(steps):
        value = decay(tf.constant(step, tf.int64))
        theirs.append(float(value() if callable(value) else value))
    ours = [schedule(step) for step in range(steps)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def close(schedule: js.Schedule, decay, peak: float, skipped=(), steps: int = 150) -> None:
    """With a pi in it TensorFlow computes in float32 only."""
    for step in range(steps):
        if step not in skipped:
            value = decay(tf.constant(step, tf.int64))
            theirs = float(value() if callable(value) else value)
            assert abs(schedule(step) - theirs) < 5e-6 * peak, step


def wide(x: float):
    """A Python float would be rounded to float32 first."""
    return tf.constant(x, tf.float64)


def draw(rng):
    return (
        tf.constant(rng.uniform(0.01, 1), tf.float64),
        int(rng.integers(1, 60)),
        rng.uniform(0.1, 1),
    )


@pytest.mark.parametrize("staircase", [False, True])
@pytest.mark.parametrize("name", ["natural_exp_decay", "inverse_time_decay"])
def test_rates(rng, name, staircase):
    rate, length, decay = draw(rng)
    theirs = getattr(train, name)
    ours = getattr(js, name)(float(rate), length, decay, staircase)
    same(ours, lambda t: theirs(rate, t, length, wide(decay), staircase))


@pytest.mark.parametrize("cycle", [False, True])
def test_polynomial(rng, cycle):
    rate, length, power = draw(rng)
    end = rng.uniform(0, 0.01)
    same(
        js.polynomial_decay(float(rate), length, end, power, cycle),
        lambda t: train.polynomial_decay(rate, t, length, wide(end), wide(power), cycle),
    )


@pytest.mark.parametrize("growth", [1.0, 1.5, 2.0, 2.7])
def test_cosine_restarts(rng, growth):
    """But for the steps of the restarts: there TensorFlow's logarithm decides by its last digit."""
    rate, length, _ = draw(rng)
    rate, height, alpha = float(rate), rng.uniform(0.5, 1.0), rng.uniform(0, 0.3)
    restarts, begin, size = [], length, length
    while begin < 200 and growth > 1:
        restarts += [round(begin)] * (abs(begin - round(begin)) < 1e-3)
        size *= growth
        begin += size
    close(
        js.cosine_decay_restarts(rate, length, growth, height, alpha),
        lambda t: train.cosine_decay_restarts(rate, t, length, growth, height, alpha),
        rate, restarts,
    )  # fmt: skip


def test_linear_cosine(rng):
    rate, length, periods = draw(rng)
    rate, alpha, beta = float(rate), rng.uniform(0, 0.3), rng.uniform(0, 0.1)
    close(
        js.linear_cosine_decay(rate, length, 3 * periods, alpha, beta),
        lambda t: train.linear_cosine_decay(rate, t, length, 3 * periods, alpha, beta),
        rate,
    )


def test_noisy_linear_cosine_without_noise(rng):
    rate, length, _ = draw(rng)
    rate = float(rate)
    close(
        js.noisy_linear_cosine_decay(rate, length, 0.0, alpha=0.1),
        lambda t: train.noisy_linear_cosine_decay(rate, t, length, 0.0, alpha=0.1),
        rate,
    )


def test_the_noise_has_the_variance_that_tensorflow_draws():
    """Sqrt(v / (1 + t) ** d) is the deviation: of ours over seeds, of theirs over calls."""
    t, length = 5, 1000
    clean = js.linear_cosine_decay(1.0, length)(t)
    height = clean / (1 - t / length)
    ours = [js.noisy_linear_cosine_decay(1.0, length, seed=s)(t) - clean for s in range(4000)]
    tf.random.set_seed(0)
    rate, step = tf.constant(1.0), tf.constant(t, tf.int64)
    theirs = [
        float(train.noisy_linear_cosine_decay(rate, step, length)()) - clean for _ in range(400)
    ]
    expected = height / 6**0.275
    assert abs(np.std(ours) / expected - 1) < 0.05
    assert abs(np.mean(ours)) < 4 * expected / 4000**0.5
    assert abs(np.std(theirs) / expected - 1) < 0.15


def test_keras_time_based_decay_per_step():
    import keras

    theirs = keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 0.001)
    ours = js.time_based_decay(0.1, 0.001)
    np.testing.assert_allclose(
        [ours(t) for t in range(100)], [float(theirs(t)) for t in range(100)], rtol=1e-6
    )


def test_keras_callbacks():
    """Functions of the epoch (and of the previous rate), as in the tutorials."""
    drop = lambda epoch: 0.1 * 0.5 ** ((1 + epoch) // 10)
    ours = js.step_decay(0.1, 10, count_from_one=True)
    assert [ours(e) for e in range(50)] == pytest.approx([drop(e) for e in range(50)], rel=1e-12)
    rate, rates = 0.1, []
    for epoch in range(60):
        rate = rate / (1 + 0.001 * epoch)
        rates.append(rate)
    ours = js.compounding_time_based_decay(0.1, 0.001)
    assert [ours(e) for e in range(60)] == pytest.approx(rates, rel=1e-12)
    assert rates[:5] == pytest.approx(
        [0.1, 0.0999000999, 0.0997006985, 0.09940249103, 0.09900646517], rel=1e-9
    )
