"""reduce_on_plateau as a transformation: floors of the rate, types, tracing, and the compiled program."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_array_equal
from plateau_reference import feed, scales_of_rows

import jaxsched

# --- the floor on the effective rate ---------------------------------------------------------------


def rates_of(plateau, schedule, values):
    tx = optax.chain(jaxsched.scale_by_learning_rate(schedule), plateau)

    def step(state, value):
        updates, state = tx.update(jnp.ones(1, np.float32), state, value=value)
        return state, (jaxsched.learning_rate(state), -updates[0])

    state, (rates, applied) = jax.lax.scan(
        step, tx.init(jnp.zeros(1, np.float32)), jnp.float32(values)
    )
    assert_array_equal(rates, applied)
    return np.asarray(rates), state


def test_min_lr_is_a_floor_on_the_rate_at_every_step():
    """max(rate * scale, min(rate, min_lr)), whenever the reductions came."""
    schedule = jaxsched.linear_schedule(1.0, 0.0, 16)
    plateau = jaxsched.reduce_on_plateau(
        factor=0.25, patience=1, learning_rate=schedule, min_lr=0.125
    )
    rates, state = rates_of(
        plateau, schedule, [1.0] * 3 + [2.0] + [0.5 - i / 64 for i in range(13)]
    )
    base = np.array([schedule(step) for step in range(17)])
    scales = np.array([1.0] + [0.25] + [0.0625] * 15)
    assert_array_equal(rates, np.float32(np.maximum(base * scales, np.minimum(base, 0.125))))
    assert state[1].num_reductions == 2  # the third would have changed nothing


def test_min_lr_above_the_rate_changes_nothing():
    plateau = jaxsched.reduce_on_plateau(patience=1, learning_rate=0.125, min_lr=0.5)
    rates, state = rates_of(plateau, 0.125, [1.0] * 5)
    assert_array_equal(rates, [0.125] * 5)
    assert state[1].num_reductions == 0


def test_a_rate_of_0_is_no_division_by_0():
    schedule = jaxsched.linear_schedule(0.0, 1.0, 4)
    plateau = jaxsched.reduce_on_plateau(
        patience=1, factor=0.5, learning_rate=schedule, min_lr=0.125
    )
    with jax.debug_nans(True):
        rates, _ = rates_of(plateau, schedule, [1.0, 1.0, 0.5, 0.25, 0.125])
    assert_array_equal(rates, [0, 0.25 / 2 + 0.125 * 0, 0.25, 0.375, 0.5])


def test_eps_suppresses_small_reductions():
    plateau = jaxsched.reduce_on_plateau(patience=1, factor=0.5, learning_rate=1.0, eps=0.2)
    rates, state = rates_of(plateau, 1.0, [1.0] * 6)
    assert_array_equal(rates, [1, 0.5, 0.25, 0.25, 0.25, 0.25])
    assert (state[1].num_reductions, state[1].last_reduction_step) == (2, 2)


# --- as a transformation -----------------------------------------------------------------------------


def test_without_value_a_step_only_scales():
    plateau = jaxsched.reduce_on_plateau(patience=1, factor=0.5)
    state = plateau.init(jnp.zeros(2))
    for value in (1.0, None, None, 1.0, None):
        updates, state = plateau.update(jnp.ones(2), state, value=value)
    assert_array_equal(updates, [0.5, 0.5])
    assert (state.num_reductions, state.last_reduction_step, state.step) == (1, 3, 5)
    updates, _ = plateau.update(jnp.ones(2), state)
    assert_array_equal(updates, [0.5, 0.5])


def test_the_reduction_applies_to_the_update_its_value_came_with():
    plateau = jaxsched.reduce_on_plateau(patience=1, factor=0.5)
    _, state = plateau.update(jnp.ones(1), plateau.init(None), value=1.0)
    updates, state = plateau.update(jnp.ones(1), state, value=1.0)
    assert_array_equal(updates, [0.5])
    assert state.applied_scale == 0.5


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32, jnp.complex64])
def test_state_types_do_not_depend_on_the_parameters(dtype):
    plateau = jaxsched.reduce_on_plateau(patience=1, factor=0.3)
    state = plateau.init({"w": jnp.zeros(2, dtype)})
    types = [leaf.dtype.name for leaf in state]
    assert types == ["float32", "float32", "int32", "int32", "int32", "float32", "float32", "int32"]
    for value in (1.0, np.float64(1.0), jnp.ones((), jnp.bfloat16), np.int64(1)):
        updates, state = plateau.update({"w": jnp.full(2, 3, dtype)}, state, value=value)
        assert [leaf.dtype.name for leaf in state] == types
        assert [leaf.shape for leaf in state] == [()] * 7 + [(3,)]
    assert updates["w"].dtype == dtype
    # Rounded once: the scale is not rounded to the type of the update before.
    assert_array_equal(updates["w"], (state.scale * np.float32(3)).astype(dtype))


def test_integer_updates_become_float32():
    plateau = jaxsched.reduce_on_plateau(patience=1, factor=0.5)
    state = plateau.init(None)
    for _ in range(2):
        updates, state = plateau.update(jnp.arange(3), state, value=1.0)
    assert updates.dtype == np.float32
    assert_array_equal(updates, [0, 0.5, 1])


def test_no_rounding_takes_the_rate_below_min_lr():
    rates = np.random.default_rng(0).uniform(0.01, 1, 1000).astype(np.float32)
    for min_lr in (1e-4, 3e-3, 0.007):

        def rate_after(rate, min_lr=min_lr):
            plateau = jaxsched.reduce_on_plateau(0.1, 1, learning_rate=rate, min_lr=min_lr)
            state = plateau.init(None)
            for _ in range(6):
                _, state = plateau.update(jnp.ones(1), state, value=1.0)
            return rate * state.applied_scale

        found = np.asarray(jax.jit(jax.vmap(rate_after))(rates))
        assert (found >= np.float32(min_lr)).all()
        assert (found <= np.nextafter(np.float32(min_lr), 1) * np.float32(1 + 1e-7)).all()


def test_bfloat16_parameters_decide_as_float32_parameters():
    """optax loses improvements of 5e-4 here."""
    rng = np.random.default_rng(2)
    values = (1 - 5e-4 * np.arange(64) + 2e-4 * rng.standard_normal((256, 64))).astype(np.float32)
    arrays = {"patience": rng.integers(1, 4, 256)}
    static = {"factor": 0.5, "rtol": 1e-4}
    single = scales_of_rows(values, static, arrays)
    assert_array_equal(scales_of_rows(values, static, arrays, dtype=jnp.bfloat16), single)
    assert len(np.unique(single[:, -1])) > 3


VARIANTS = {
    "default": {},
    "blocks": {"accumulation_size": 4, "mode": "max", "cooldown": 2, "start_step": 3},
    "average": {"ema_decay": 0.9, "nonfinite": "ignore"},
    "floor": {"learning_rate": jaxsched.cosine_decay_schedule(1.0, 10), "min_lr": 0.1, "eps": 1e-8},
}


def _program(plateau):
    update = lambda g, state, value: plateau.update(g, state, value=value)
    with jax.numpy_dtype_promotion("standard"):
        return str(jax.make_jaxpr(update)(jnp.ones(2), plateau.init(jnp.ones(2)), 1.0))


@pytest.mark.parametrize("hyperparameters", VARIANTS.values(), ids=VARIANTS.keys())
def test_no_branch_in_the_program(hyperparameters):
    branches = ("cond[", "while[", "scan[")
    program = _program(jaxsched.reduce_on_plateau(**hyperparameters))
    assert "select_n" in program
    assert not any(branch in program for branch in branches)
    assert "cond[" in _program(optax.contrib.reduce_on_plateau())


def test_hyperparameters_may_be_traced():
    """One program for all of them, and the same numbers."""
    names = (
        "factor",
        "patience",
        "rtol",
        "atol",
        "cooldown",
        "accumulation_size",
        "min_scale",
        "start_step",
    )
    values = jnp.float32([3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    compiled = 0

    @jax.jit
    def run(hyperparameters):
        nonlocal compiled
        compiled += 1
        plateau = jaxsched.reduce_on_plateau(*hyperparameters[:7], start_step=hyperparameters[7])
        step = lambda state, value: (
            plateau.update(jnp.ones(1), state, value=value)[1],
            state.scale,
        )
        return jax.lax.scan(step, plateau.init(None), values)[1]

    for numbers in [(0.5, 2, 0.25, 0.5, 1, 1, 0.125, 0), (0.25, 1, 0.0, 0.0, 0, 2, 0.0, 3)]:
        kinds = [jnp.int32 if isinstance(n, int) else jnp.float32 for n in numbers]
        traced = run(tuple(kind(n) for kind, n in zip(kinds, numbers, strict=True)))
        plateau = jaxsched.reduce_on_plateau(**dict(zip(names, numbers, strict=True)))
        assert_array_equal(traced[1:], feed(plateau, values)[0][:-1])
    assert compiled == 1


def test_rates_and_averages_may_be_traced():
    def run(decay, rate, floor, eps):
        plateau = jaxsched.reduce_on_plateau(
            patience=1, factor=0.5, ema_decay=decay, learning_rate=rate, min_lr=floor, eps=eps
        )
        step = lambda state, value: (
            (s := plateau.update(jnp.ones(1), state, value=value)[1]),
            s.applied_scale,
        )
        return jax.lax.scan(step, plateau.init(None), jnp.ones(6))[1]

    rows = jax.vmap(run)(
        jnp.float32([0.0, 0.5]),
        jnp.float32([1.0, 2.0]),
        jnp.float32([0.25, 0.25]),
        jnp.float32([0.0, 0.3]),
    )
    assert_array_equal(rows, [[1, 0.5, 0.25, 0.25, 0.25, 0.25], [1, 0.5, 0.25, 0.25, 0.25, 0.25]])


def test_a_reducer_can_be_pickled():
    schedule = jaxsched.cosine_decay_schedule(1.0, 10)
    plateau = jaxsched.reduce_on_plateau(
        patience=1, factor=0.5, learning_rate=schedule, min_lr=0.25
    )
    again = pickle.loads(pickle.dumps(plateau))
    assert_array_equal(feed(again, [1.0] * 4)[0], feed(plateau, [1.0] * 4)[0])
