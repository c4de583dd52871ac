"""Several devices and several processes decide alike, whatever each of them measures.

JAX must be told the number of CPU devices before it starts, so what needs several runs in a process of
its own: this file as a program.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from numpy.testing import assert_array_equal

import jaxsched

ROOT = Path(__file__).parent.parent
DEVICES = 4
# Of what JAX 0.7 itself still used.
WARNINGS = "error,ignore:jax.interpreters.xla.canonicalize_dtype:DeprecationWarning"
HYPERPARAMETERS = {"factor": 0.5, "patience": 2, "cooldown": 1}

# What each device measures at each step; the means are exact.
LOCAL = np.random.default_rng(5).integers(0, 5, size=(30, DEVICES)).astype(np.float32)


def expected(values):
    """The scales of one device that is given the means."""
    plateau = jaxsched.reduce_on_plateau(**HYPERPARAMETERS)
    state, scales = plateau.init(None), []
    for value in values:
        state = jaxsched.observe(plateau, state, value=value)
        scales.append(state.scale)
    return np.asarray(scales)


def mesh():
    return Mesh(np.array(jax.devices()), ("data",))


def scales_per_device(wrap, plateau, values, step=None):
    """[step, device] the scale on each device."""

    def default(state, value):
        _, state = plateau.update(jnp.ones(1), state, value=value[0])
        return state, state.scale[None]

    run = wrap(step or default)
    state, scales = plateau.init(None), []
    for value in values:
        state, scale = run(state, jnp.asarray(value))
        scales.append(np.asarray(scale).ravel())
    return np.stack(scales)


def by_shard_map(step):
    specs = {"mesh": mesh(), "in_specs": (P(), P("data")), "out_specs": (P(), P("data"))}
    return jax.jit(jax.shard_map(step, **specs))


def by_shard_map_unchecked(step):
    """The states of the devices may differ, and are kept apart by an axis in front."""

    def apart(states, value):
        state, scale = step(jax.tree.map(lambda x: x[0], states), value)
        return jax.tree.map(lambda x: x[None], state), scale

    mapped = jax.jit(jax.shard_map(apart, mesh=mesh(), in_specs=P("data"), out_specs=P("data")))

    def run(states, value):
        if states.scale.ndim == 0:
            states = jax.tree.map(lambda x: jnp.stack([x] * DEVICES), states)
        return mapped(states, value)

    return run


def shard_map_averages_the_metric():
    plateau = jaxsched.reduce_on_plateau(**HYPERPARAMETERS, axis_name="data")
    scales = scales_per_device(by_shard_map, plateau, LOCAL)
    assert_array_equal(scales, np.repeat(expected(LOCAL.mean(axis=1))[:, None], DEVICES, axis=1))
    assert scales[-1, 0] < 0.1


def without_axis_name_the_devices_part():
    """The test above can fail."""
    plateau = jaxsched.reduce_on_plateau(**HYPERPARAMETERS)
    scales = scales_per_device(by_shard_map_unchecked, plateau, LOCAL)
    assert_array_equal(scales, np.stack([expected(LOCAL[:, i]) for i in range(DEVICES)], axis=1))
    assert len(np.unique(scales[-1])) > 1


def observe_averages_the_metric():
    plateau = jaxsched.reduce_on_plateau(**HYPERPARAMETERS, axis_name="data")

    def step(state, value):
        state = jaxsched.observe(plateau, state, value=value[0])
        return state, state.scale[None]

    scales = scales_per_device(by_shard_map, plateau, LOCAL, step)
    assert_array_equal(scales, np.repeat(expected(LOCAL.mean(axis=1))[:, None], DEVICES, axis=1))


def a_metric_that_is_already_averaged_stays():
    plateau = jaxsched.reduce_on_plateau(**HYPERPARAMETERS, axis_name="data")

    def step(state, value):
        mean = jax.lax.pmean(value[0], "data")
        _, state = plateau.update(jnp.ones(1), state, value=mean)
        return state, state.scale[None]

    scales = scales_per_device(by_shard_map, plateau, LOCAL, step)
    assert_array_equal(scales, np.repeat(expected(LOCAL.mean(axis=1))[:, None], DEVICES, axis=1))


def a_nan_on_one_device_is_bad_on_all():
    values = np.ones((6, DEVICES), np.float32)
    values[:, 1] = [5, 4, np.nan, np.nan, 3, 2]
    plateau = jaxsched.reduce_on_plateau(factor=0.5, patience=2, axis_name="data")
    with jax.debug_nans(False):  # for a run in which it is set
        scales = scales_per_device(by_shard_map, plateau, values)
    assert_array_equal(scales, np.repeat([[1], [1], [1], [0.5], [0.5], [0.5]], DEVICES, axis=1))


def vmap_with_an_axis_name_averages_too():
    plateau = jaxsched.reduce_on_plateau(**HYPERPARAMETERS, axis_name="data")
    state = jax.vmap(lambda _: plateau.init(None))(jnp.arange(DEVICES))
    step = jax.vmap(lambda s, v: jaxsched.observe(plateau, s, value=v), axis_name="data")
    for value, scale in zip(LOCAL, expected(LOCAL.mean(axis=1)), strict=True):
        state = step(state, value)
        assert_array_equal(state.scale, np.full(DEVICES, scale))


def pmap_averages_the_metric():
    plateau = jaxsched.reduce_on_plateau(**HYPERPARAMETERS, axis_name="data")
    step = jax.pmap(lambda s, v: jaxsched.observe(plateau, s, value=v), axis_name="data")
    state = jax.tree.map(lambda x: jnp.stack([x] * DEVICES), plateau.init(None))
    for value, scale in zip(LOCAL, expected(LOCAL.mean(axis=1)), strict=True):
        state = step(state, value)
        assert_array_equal(state.scale, np.full(DEVICES, scale))


def jit_with_a_sharded_batch_needs_no_axis_name():
    tx = jaxsched.with_plateau(jaxsched.scale_by_learning_rate(0.125), **HYPERPARAMETERS)
    split, same = NamedSharding(mesh(), P("data")), NamedSharding(mesh(), P())

    @jax.jit
    def step(params, state, batch):
        loss, grad = jax.value_and_grad(lambda w: jnp.mean(batch) + 0 * jnp.sum(w))(params)
        updates, state = tx.update(grad, state, params, value=loss)
        return optax.apply_updates(params, updates), state

    params = jax.device_put(jnp.zeros(2, np.float32), same)
    state = jax.device_put(tx.init(params), same)
    for values, scale in zip(LOCAL, expected(LOCAL.mean(axis=1)), strict=True):
        params, state = step(params, state, jax.device_put(values, split))
        shards = [np.asarray(shard.data) for shard in state[1].scale.addressable_shards]
        assert_array_equal(shards, [scale] * DEVICES)
        assert jaxsched.learning_rate(state) == 0.125 * scale


def an_axis_that_is_not_there_is_an_error():
    plateau = jaxsched.reduce_on_plateau(**HYPERPARAMETERS, axis_name="model")
    message = (
        "reduce_on_plateau: axis_name must be an axis of a surrounding shard_map, pmap or vmap, "
        "got 'model', which is not bound here"
    )
    for wrap in (by_shard_map, by_shard_map_unchecked):
        with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message follows
            scales_per_device(wrap, plateau, LOCAL)
        assert str(error.value) == message


SCENARIOS = [
    shard_map_averages_the_metric,
    without_axis_name_the_devices_part,
    observe_averages_the_metric,
    a_metric_that_is_already_averaged_stays,
    a_nan_on_one_device_is_bad_on_all,
    vmap_with_an_axis_name_averages_too,
    pmap_averages_the_metric,
    jit_with_a_sharded_batch_needs_no_axis_name,
    an_axis_that_is_not_there_is_an_error,
]


@pytest.fixture(scope="module")
def outcome():
    """name -> what went wrong, or None; from a process with several devices."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={DEVICES}"
    done = subprocess.run(
        [sys.executable, "-W", "error", __file__],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", [scenario.__name__ for scenario in SCENARIOS])
def test_several_devices(outcome, name):
    assert outcome[name] is None


@pytest.mark.parametrize("monitor", ["training", "validation"])
def test_several_processes(tmp_path, monitor):
    """Every process holds the same scale, rate and parameters, though their losses differ."""
    options = [
        "--processes",
        "2",
        "--monitor",
        monitor,
        "--output",
        str(tmp_path),
        "--timeout",
        "200",
    ]
    usual = {"JAX_NUMPY_DTYPE_PROMOTION": "standard"}  # which optax's Adam needs
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/distributed.py"), *options],
        env={**os.environ, **usual, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": WARNINGS},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    logs = [json.loads((tmp_path / f"process{i}.json").read_text()) for i in range(2)]
    for name in ("scale", "rate", "params"):
        assert logs[0][name] == logs[1][name]
    assert len(logs[0]["scale"]) == 64
    assert logs[0]["scale"][-1] < 0.1
    assert_array_equal(
        np.float32(logs[0]["rate"][-1]), np.float32(0.2) * np.float32(logs[0]["scale"][-1])
    )
    for name in ("loss", "validation"):
        assert not set(logs[0][name]) & set(logs[1][name])


def test_an_example_run_that_cannot_finish_ends(tmp_path):
    """All processes are gone when the time is up."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/distributed.py"), "--timeout", "0.2"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.endswith("not done after 0.2 s\n")


def main():
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    assert len(jax.devices()) == DEVICES
    outcome = {}
    for scenario in SCENARIOS:
        try:
            scenario()
            outcome[scenario.__name__] = None
        except Exception as error:
            outcome[scenario.__name__] = f"{type(error).__name__}: {error}"
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
