"""from_keras by configuration, where Keras is not installed: curves, text forms and errors."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsched as js
from jaxsched.interop.keras import from_keras


def config(name, /, **arguments):
    return {"class_name": name, "config": arguments}


# The curves are those of the live Keras 3.15 in float64 (tests/peers/test_interop_keras.py runs it).
KNOWN = {
    "exponential": (
        config("ExponentialDecay", initial_learning_rate=0.1, decay_steps=4, decay_rate=0.5),
        js.exponential_decay(0.1, 4, 0.5),
        [0.1, 0.0840896415, 0.0707106781, 0.0594603558, 0.05, 0.0420448208],
    ),
    "stairs of a fraction of a step": (
        config("ExponentialDecay", initial_learning_rate=0.1, decay_steps=2.5, decay_rate=0.5,
               staircase=True),
        js.stretch(js.exponential_decay(0.1, 5, 0.5, staircase=True), 1, 2),
        [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.025, 0.0125],
    ),
    "to nothing": (
        config("ExponentialDecay", initial_learning_rate=0.1, decay_steps=2.5, decay_rate=0.0,
               staircase=True),
        js.piecewise_constant_schedule(0.1, {3: 0.0}),
        [0.1, 0.1, 0.1, 0.0, 0.0],
    ),
    "piecewise": (
        config("PiecewiseConstantDecay", boundaries=[1, 1, 3], values=[1.0, 0.5, 0.2, 0.1]),
        js.join_schedules([js.constant_schedule(v) for v in (1.0, 0.5, 0.2, 0.1)], [2, 2, 4]),
        [1.0, 1.0, 0.2, 0.2, 0.1, 0.1],
    ),
    "boundaries before the start and between steps": (
        config("PiecewiseConstantDecay", boundaries=[-3, -1, 2.7], values=[1.0, 0.5, 0.2, 0.1]),
        js.join_schedules([js.constant_schedule(v) for v in (1.0, 0.5, 0.2, 0.1)], [0, 0, 3]),
        [0.2, 0.2, 0.2, 0.1],
    ),
    "polynomial": (
        config("PolynomialDecay", initial_learning_rate=1.0, decay_steps=10, end_learning_rate=0.1,
               cycle=True),
        js.polynomial_decay(1.0, 10, 0.1, cycle=True),
        [1.0, 0.91, 0.82, 0.73, 0.64, 0.55, 0.46, 0.37, 0.28, 0.19, 0.1, 0.505],
    ),
    "inverse time": (
        config("InverseTimeDecay", initial_learning_rate=1.0, decay_steps=2.5, decay_rate=0.5),
        js.inverse_time_decay(1.0, 1, 0.2),
        [1.0, 0.8333333333, 0.7142857143, 0.625, 0.5555555556],
    ),
    "cosine without a target has no warmup": (
        config("CosineDecay", initial_learning_rate=0.1, decay_steps=4, alpha=0.1, warmup_steps=9),
        js.cosine_decay_schedule(0.1, 4, 0.1),
        [0.1, 0.0868198052, 0.055, 0.0231801948, 0.01, 0.01],
    ),
    "cosine with warmup": (
        config("CosineDecay", initial_learning_rate=0.0, decay_steps=4, warmup_target=0.1,
               warmup_steps=2, alpha=0.5),
        js.warmup_cosine_decay_schedule(0.0, 0.1, 2, 6, 0.05),
        [0.0, 0.05, 0.1, 0.0926776695, 0.075, 0.0573223305, 0.05, 0.05],
    ),
    "restarts": (
        config("CosineDecayRestarts", initial_learning_rate=1.0, first_decay_steps=2, m_mul=0.5),
        js.cosine_decay_restarts(1.0, 2, 2.0, 0.5),
        [1.0, 0.5, 0.5, 0.4267766953, 0.25, 0.0732233047, 0.25],
    ),
    "restarts at nothing": (
        config("CosineDecayRestarts", initial_learning_rate=0.1, first_decay_steps=4, m_mul=0.0,
               alpha=0.1),
        js.cosine_decay_schedule(0.1, 4, 0.1),
        [0.1, 0.0868198052, 0.055, 0.0231801948, 0.01, 0.01],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "expected", "curve"), KNOWN.values(), ids=KNOWN.keys())
def test_a_configuration_becomes_the_schedule_a_user_would_write(given, expected, curve):
    ours = from_keras(given)
    assert ours == expected
    assert [ours(step) for step in range(len(curve))] == pytest.approx(curve, rel=1e-8, abs=1e-12)
    assert js.parse(repr(ours)) == ours
    assert js.from_config(js.to_config(ours)) == ours


def test_what_keras_3_writes_and_what_keras_2_wrote():
    arguments = {"initial_learning_rate": 0.1, "decay_steps": 10, "name": "ExponentialDecay"}
    arguments |= {"decay_rate": 0.5, "staircase": False}
    expected = js.exponential_decay(0.1, 10, 0.5)
    new = {"module": "keras.optimizers.schedules", "registered_name": None}
    assert from_keras({**new, **config("ExponentialDecay", **arguments)}) == expected
    assert from_keras(config("ExponentialDecay", **arguments)) == expected
    tensor = {"class_name": "__tensor__", "config": {"value": 10, "dtype": "int64"}}
    assert (
        from_keras(config("ExponentialDecay", **{**arguments, "decay_steps": tensor})) == expected
    )


class Imitation:
    """An object of a package called keras, without it."""

    def __init__(self, **config):
        self.config = config

    def get_config(self):
        return self.config


def imitation(name, module="keras.src.optimizers.schedules", **attributes):
    return type(name, (Imitation,), {"__module__": module, **attributes})


def test_an_object_is_read_by_its_class_name_and_attributes():
    kind = imitation("InverseTimeDecay")
    schedule = kind(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5, name=None)
    assert from_keras(schedule) == js.inverse_time_decay(0.1, 10, 0.5)
    callback = imitation("LearningRateScheduler", "tf_keras.src", verbose=1)()
    callback.schedule = lambda epoch: 0.5**epoch
    schedule = from_keras(callback, steps_per_epoch=10, epochs=3)
    assert [schedule(step) for step in (0, 9, 10, 29, 1000)] == [1, 1, 0.5, 0.25, 0.25]
    mine = imitation("InverseTimeDecay", "my_package")
    with pytest.raises(TypeError, match="The Python code of InverseTimeDecay cannot be converted"):
        from_keras(mine(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5))


def test_a_function_of_the_rate_starts_from_the_rate():
    rates = from_keras(
        config("LearningRateScheduler", schedule=lambda epoch, lr: lr * math.exp(-0.1)),
        0.1, steps_per_epoch=5, epochs=4,
    )  # fmt: skip
    assert [rates(5 * epoch) for epoch in range(4)] == pytest.approx(
        [0.1 * math.exp(-0.1 * (epoch + 1)) for epoch in range(4)], rel=1e-14
    )


def test_the_reducer_by_its_arguments():
    given = config("ReduceLROnPlateau", monitor="val_acc", patience=2, min_lr=0.03, verbose=1)
    reducer = from_keras(given, js.constant_schedule(0.1))
    state = reducer.init(None)
    scales = []
    for value in [0.5, 0.5, 0.5, 0.6]:
        _, state = reducer.update(jnp.ones(1), state, value=value)
        scales.append(float(state.applied_scale))
    assert scales == pytest.approx([1, 1, 0.3, 0.3], rel=1e-6)


decay = {"initial_learning_rate": 0.1, "decay_steps": 10}
by_epoch = config("LearningRateScheduler", schedule=lambda epoch, rate: rate)
E = "from_keras: ExponentialDecay: "
ERRORS = [
    (5, {}, TypeError, "from_keras: schedule must be one of Keras's own schedules or callbacks (Exp"),
    ({"name": "CosineDecay"}, {}, TypeError, "from_keras: schedule must be a mapping with 'class_name' "
     "and 'config', as keras.optimizers.schedules.serialize gives (get_config alone does not say the "
     "class), got {'name': 'CosineDecay'}"),
    (config("Halving"), {}, TypeError, "jaxsched.by_epoch if it is a function of the epoch; or take its "
     "values with jaxsched.tabulated_schedule([float(schedule(step)) for step in range(num_steps)])"),
    ({**config("CosineDecay", **decay), "module": "mine"}, {}, TypeError, "code of CosineDecay cannot"),
    ({**config("CosineDecay", **decay), "registered_name": "mine>CosineDecay"}, {}, TypeError, "cannot"),
    (config("ExponentialDecay", **decay), {}, TypeError, f"{E}missing a required argument: 'decay_rate'"),
    (config("ExponentialDecay", **decay, decay_rate=1.0, gamma=1), {}, TypeError,
     f"{E}no argument is called 'gamma'; it has initial_learning_rate, decay_steps, decay_rate, staircase"),
    (config("ExponentialDecay", **{**decay, "initial_learning_rate": 1}, decay_rate=0.5), {}, TypeError,
     f"{E}initial_learning_rate must be a float, as 1.0 (with an integer Keras computes in integers), "
     "got 1"),
    (config("ExponentialDecay", **{**decay, "decay_steps": 0}, decay_rate=0.5), {}, ValueError,
     f"{E}decay_steps must be a positive finite number, got 0"),
    (config("ExponentialDecay", **decay, decay_rate=-0.5), {}, ValueError,
     f"{E}decay_rate must be a non-negative finite number, got -0.5"),
    (config("ExponentialDecay", **{**decay, "decay_steps": 33.337}, decay_rate=0.5, staircase=True), {},
     ValueError, f"{E}decay_steps must be a whole number of steps, or a fraction with a denominator of at "
     "most 256 (round it, or take its values with jaxsched.tabulated_schedule([float(schedule(step)) "
     "for step in range(num_steps)])), got 33.337"),
    (config("CosineDecay", **{**decay, "decay_steps": 1 / 255}, warmup_target=0.1, warmup_steps=1 / 256),
     {}, ValueError, "from_keras: CosineDecay: decay_steps must be a whole number of steps"),
    (config("ExponentialDecay", **decay, decay_rate=0.5, staircase=1), {}, TypeError,
     f"{E}staircase must be True or False, got 1"),
    (config("PolynomialDecay", **decay, power=-1), {}, ValueError, "power must be a non-negative finite"),
    (config("CosineDecay", **decay, warmup_target=0.2, warmup_steps=-1), {}, ValueError,
     "from_keras: CosineDecay: warmup_steps must be a non-negative finite number, got -1"),
    (config("CosineDecay", **decay, alpha=math.nan), {}, ValueError, "alpha must be a finite number"),
    (config("CosineDecayRestarts", initial_learning_rate=0.1, first_decay_steps=5, t_mul=0.5), {},
     ValueError, "t_mul must be 1 or at least 1.01 (below 1 Keras's curve ends in NaN), got 0.5"),
    (config("CosineDecayRestarts", initial_learning_rate=0.1, first_decay_steps=5, m_mul=-1), {},
     ValueError, "m_mul must be a non-negative finite number, got -1"),
    (config("PiecewiseConstantDecay", boundaries=[3], values=[0.1]), {}, ValueError,
     "from_keras: PiecewiseConstantDecay: boundaries must have one item fewer than values: 0 for 1 values"),
    (config("PiecewiseConstantDecay", boundaries=[3, 2], values=[0.1] * 3), {}, ValueError,
     "from_keras: PiecewiseConstantDecay: boundaries must be in ascending order, got [3.0, 2.0]"),
    (config("CosineDecay", **decay), {"learning_rate": 0.1}, ValueError,
     "from_keras: learning_rate must be None, for CosineDecay has no use for it, got 0.1"),
    (config("ReduceLROnPlateau"), {"learning_rate": 0.1, "epochs": 3}, ValueError,
     "from_keras: epochs must be None, for ReduceLROnPlateau has no use for it, got 3"),
    (config("ReduceLROnPlateau"), {}, TypeError, "from_keras: learning_rate must be the rate or the "
     "schedule of the optimizer, which ReduceLROnPlateau reduces, got None"),
    (config("ReduceLROnPlateau", epsilon=1), {"learning_rate": 0.1}, TypeError,
     "from_keras: ReduceLROnPlateau: no argument is called 'epsilon'; it has learning_rate, monitor"),
    (config("ReduceLROnPlateau", learning_rate=1), {"learning_rate": 0.1}, TypeError,
     "from_keras: ReduceLROnPlateau: multiple values for argument 'learning_rate'"),
    (config("ReduceLROnPlateau", monitor="glee"), {"learning_rate": 0.1}, ValueError, "else give mode="),
    (by_epoch, {"steps_per_epoch": 5, "epochs": 2}, TypeError, "from_keras: learning_rate must be the "
     "rate of the optimizer, of which the LearningRateScheduler's function makes the first epoch's"),
    (by_epoch, {"learning_rate": 0.1, "epochs": 2}, TypeError,
     "from_keras: steps_per_epoch (for LearningRateScheduler) must be a positive integer, got None"),
    (by_epoch, {"learning_rate": 0.1, "steps_per_epoch": 2}, TypeError,
     "from_keras: epochs (for LearningRateScheduler) must be a positive integer, got None"),
    (config("LearningRateScheduler", schedule=0.1), {"epochs": 2}, TypeError,
     "from_keras: LearningRateScheduler: schedule must be a function of the epoch, got 0.1"),
    (config("LearningRateScheduler"), {"epochs": 2}, TypeError,
     "from_keras: LearningRateScheduler: missing a required argument: 'schedule'"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "more", "error", "message"), ERRORS)
def test_an_error_says_what_is_wrong_and_what_to_use(given, more, error, message):
    with pytest.raises(error, match=re.escape(message)):
        from_keras(given, **more)


def test_a_clock_of_fractions_is_exact_on_the_device_too(x64):
    given = config("CosineDecay", initial_learning_rate=0.1, decay_steps=468.75, warmup_target=1.0,
                   warmup_steps=10.5)  # fmt: skip
    schedule = from_keras(given)
    assert schedule == js.stretch(js.warmup_cosine_decay_schedule(0.1, 1.0, 42, 1917, 0.0), 1, 4)
    steps = np.arange(500)
    way = np.clip((steps - 10.5) / 468.75, 0, 1)
    warm = 0.1 + 0.9 * steps / 10.5
    expected = np.where(steps < 10.5, warm, np.cos(np.pi / 2 * way) ** 2)
    host = [schedule(step) for step in steps.tolist()]
    np.testing.assert_allclose(host, expected, rtol=1e-12, atol=1e-15)
    device = jax.jit(schedule)(jnp.asarray(steps))
    np.testing.assert_allclose(
        device, expected, rtol=1e-12 if x64 else 1e-6, atol=1e-14 if x64 else 1e-7
    )


@pytest.mark.parametrize("module", ["keras", "transformers"])
def test_no_peer_is_imported(module):
    """Nor is one needed: in a process where importing them fails."""
    calls = {
        "keras": "from_keras({'class_name': 'CosineDecay', 'config': {'initial_learning_rate': 0.1, "
        "'decay_steps': 10}})",
        "transformers": "from_transformers('cosine', 0.1, 10, 100)",
    }
    script = f"""
import sys
peers = ("keras", "tensorflow", "torch", "transformers", "timm")
sys.modules.update(dict.fromkeys(peers))
from jaxsched.interop.{module} import from_{module}
assert {calls[module]}(5) > 0
"""
    root = str(Path(js.__file__).parent.parent)
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
