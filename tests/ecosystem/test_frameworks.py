"""The reducer and the recorded rate under flax, equinox and Orbax: the same numbers as in plain JAX."""

import equinox as eqx
import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from flax import nnx
from flax.training.train_state import TrainState
from numpy.testing import assert_array_equal

import jaxsched

SCHEDULE = jaxsched.cosine_decay_schedule(0.125, 100)
TX = jaxsched.with_plateau(
    optax.chain(optax.trace(0.5), jaxsched.scale_by_learning_rate(SCHEDULE)), factor=0.5, patience=2
)
X = jnp.float32(np.random.default_rng(0).normal(size=(16, 3)))
Y = X @ jnp.float32([1.0, -2.0, 0.5]) + 1
TRAINING = [1.0, 0.5, 0.5, 0.5, 0.25, 0.25]  # the metric given with each update
VALIDATION = [0.25, 0.25]  # and then between updates
W = jnp.float32([0.5, 0.25, -0.5])


@pytest.fixture(autouse=True)
def _promotion_as_the_frameworks_need_it():
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def loss_of(w, x, y):
    return jnp.mean((x @ w - y) ** 2)


@pytest.fixture(scope="module")
def plain():
    """The parameters, rates and the last state in plain JAX."""
    params, state, rates = W, TX.init(W), []

    @jax.jit
    def step(params, state, value):
        grads = jax.grad(loss_of)(params, X, Y)
        updates, state = TX.update(grads, state, params, value=value)
        return optax.apply_updates(params, updates), state

    for value in TRAINING:
        params, state = step(params, state, value)
        rates.append(jaxsched.learning_rate(state))
    for value in VALIDATION:
        state = jaxsched.observe(TX, state, value=value)
    params, state = step(params, state, 0.25)
    rates.append(jaxsched.learning_rate(state))
    assert jaxsched.plateau_report(state).num_reductions == 3
    return np.asarray(params), np.asarray(rates), state


def check(plain, params, rates, state):
    assert_array_equal(np.asarray(rates), plain[1])
    assert jaxsched.plateau_report(state) == jaxsched.plateau_report(plain[2])
    np.testing.assert_allclose(params, plain[0], rtol=1e-6)  # other programs, other roundings


class Linear(nnx.Module):
    def __init__(self):
        self.w = nnx.Param(W)

    def __call__(self, x):
        return x @ self.w[...]


@pytest.mark.parametrize("in_place", [True, False])
def test_nnx_optimizer(plain, in_place):
    model = Linear()
    optimizer = nnx.Optimizer(model, TX, wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, value):
        grads = nnx.grad(lambda model: jnp.mean((model(X) - Y) ** 2))(model)
        optimizer.update(model, grads, value=value)

    @nnx.jit
    def validate(optimizer, value):
        seen = jaxsched.observe(TX, optimizer.opt_state, value=value)
        if in_place:
            nnx.update(optimizer.opt_state, nnx.state(seen))
        else:
            optimizer.opt_state = nnx.data(seen)

    rates = []
    for value in TRAINING:
        step(model, optimizer, value)
        rates.append(jaxsched.learning_rate(optimizer.opt_state))
    for value in VALIDATION:
        validate(optimizer, value)
    step(model, optimizer, 0.25)
    rates.append(jaxsched.learning_rate(optimizer.opt_state))
    check(plain, model.w[...], rates, optimizer.opt_state)


def test_flax_train_state(plain):
    state = TrainState.create(
        apply_fn=lambda variables, x: x @ variables["w"], params={"w": W}, tx=TX
    )

    @jax.jit
    def step(state, value):
        grads = jax.grad(lambda p: jnp.mean((state.apply_fn(p, X) - Y) ** 2))(state.params)
        updates, opt_state = state.tx.update(grads, state.opt_state, state.params, value=value)
        params = optax.apply_updates(state.params, updates)
        return state.replace(step=state.step + 1, params=params, opt_state=opt_state)

    rates = []
    for value in TRAINING:
        state = step(state, value)
        rates.append(jaxsched.learning_rate(state.opt_state))
    for value in VALIDATION:
        state = state.replace(opt_state=jaxsched.observe(TX, state.opt_state, value=value))
    state = step(state, 0.25)
    rates.append(jaxsched.learning_rate(state.opt_state))
    check(plain, state.params["w"], rates, state.opt_state)
    # The whole TrainState may be given as well.
    assert jaxsched.learning_rate(state) == rates[-1]


def test_flax_train_state_with_observe_alone():
    """`apply_gradients` passes no metric on; `observe` between epochs needs none of it."""
    state = TrainState.create(apply_fn=None, params={"w": W}, tx=TX)
    for _ in range(3):
        grads = {"w": jax.grad(loss_of)(state.params["w"], X, Y)}
        state = state.apply_gradients(grads=grads)
        state = state.replace(opt_state=jaxsched.observe(TX, state.opt_state, value=1.0))
    assert jaxsched.plateau_report(state.opt_state).scale == 0.5
    assert jaxsched.plateau_report(state.opt_state).last_reduction_step == 3


def test_equinox(plain):
    class Model(eqx.Module):
        w: jax.Array

        def __call__(self, x):
            return x @ self.w

    model = Model(W)
    state = TX.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(model, state, value):
        grads = eqx.filter_grad(lambda model: jnp.mean((model(X) - Y) ** 2))(model)
        updates, state = TX.update(
            grads, state, eqx.filter(model, eqx.is_inexact_array), value=value
        )
        return eqx.apply_updates(model, updates), state

    rates = []
    for value in TRAINING:
        model, state = step(model, state, value)
        rates.append(jaxsched.learning_rate(state))
    for value in VALIDATION:
        state = eqx.filter_jit(lambda s, v: jaxsched.observe(TX, s, value=v))(state, value)
    model, state = step(model, state, 0.25)
    rates.append(jaxsched.learning_rate(state))
    check(plain, model.w, rates, state)


def test_lax_scan(plain):
    """The whole run is one program; a validation is a step in which the metric is selected."""

    def step(carry, now):
        params, state = carry
        value, validates = now
        seen = state
        for metric in VALIDATION:
            seen = jaxsched.observe(TX, seen, value=metric)
        state = jax.tree.map(lambda a, b: jnp.where(validates, a, b), seen, state)
        grads = jax.grad(loss_of)(params, X, Y)
        updates, state = TX.update(grads, state, params, value=value)
        return (optax.apply_updates(params, updates), state), jaxsched.learning_rate(state)

    values = jnp.float32([*TRAINING, 0.25])
    (params, state), rates = jax.lax.scan(step, (W, TX.init(W)), (values, jnp.arange(7) == 6))
    check(plain, params, rates, state)


def _trained():
    params, state = W, TX.init(W)
    for value in TRAINING:
        updates, state = TX.update(jax.grad(loss_of)(params, X, Y), state, params, value=value)
        params = optax.apply_updates(params, updates)
    return params, state


@pytest.mark.parametrize("with_template", [True, False])
def test_orbax(tmp_path, with_template):
    _, state = _trained()
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        if with_template:
            restored = checkpointer.restore(tmp_path / "state", TX.init(W))
        else:
            raw = checkpointer.restore(tmp_path / "state")
            restored = jaxsched.restore_optax_state(TX.init(W), raw)
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    jax.tree.map(assert_array_equal, restored, state)


def _optax_state():
    old = optax.chain(
        optax.trace(0.5),
        optax.scale_by_learning_rate(SCHEDULE),
        optax.contrib.reduce_on_plateau(0.5, 2),
    )
    state = old.init(W)
    for value in TRAINING:
        _, state = old.update(W, state, W, value=value)
    return old, state


OURS = optax.chain(
    optax.trace(0.5), jaxsched.scale_by_learning_rate(SCHEDULE), jaxsched.reduce_on_plateau(0.5, 2)
)


def _check_restored(restored):
    old, state = _optax_state()
    for value in (0.25, 0.25):
        expected, state = old.update(W, state, W, value=value)
        updates, restored = OURS.update(W, restored, W, value=value)
        assert_array_equal(updates, expected)
    assert restored[2].scale == state[2].scale == 0.25


def test_orbax_restores_a_checkpoint_of_optax(tmp_path):
    old, state = _optax_state()
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        typed = checkpointer.restore(tmp_path / "state", old.init(W))
        raw = checkpointer.restore(tmp_path / "state")
    for saved in (typed, raw):
        _check_restored(jaxsched.restore_optax_state(OURS.init(W), saved, step=6))


def test_flax_msgpack_restores_a_checkpoint_of_optax():
    _, state = _optax_state()
    raw = flax.serialization.msgpack_restore(flax.serialization.to_bytes(state))
    _check_restored(jaxsched.restore_optax_state(OURS.init(W), raw, step=6))


def test_flax_msgpack_of_our_state():
    _, state = _trained()
    restored = flax.serialization.from_bytes(TX.init(W), flax.serialization.to_bytes(state))
    jax.tree.map(assert_array_equal, restored, state)
