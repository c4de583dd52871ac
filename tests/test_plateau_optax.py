"""Against optax's own reducer, step by step, and restored from its checkpoints."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_array_equal
from plateau_reference import feed, metric_sequences, scales_of_rows

import jaxsched


@pytest.fixture(autouse=True)
def _promotion_as_optax_needs_it():
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.usefixtures("nan_on_purpose")
@pytest.mark.parametrize(
    ("factor", "rtol", "atol"),
    [(0.5, 1e-4, 0.0), (0.1, 0.0, 1 / 64), (0.3, 0.25, 1 / 64), (0.25, 2**-6, 0.0)],
)
def test_same_scales_as_optax(factor, rtol, atol):
    """1000 random sequences each, by the same arguments. optax's faults are left out: negative metrics
    with rtol, patience=0, and minus infinity, which it takes for the best value.
    """
    rng = np.random.default_rng(3)
    rows = 1000
    values = metric_sequences(rng, rows, 40, positive=True, bad_infinity=np.inf)
    arrays = {
        "patience": rng.integers(1, 5, rows),
        "cooldown": rng.integers(0, 4, rows),
        "accumulation_size": rng.choice([1, 1, 2, 3, 5], rows),
        "min_scale": rng.choice([0.0, 0.03, 0.3], rows).astype(np.float32),
    }
    static = {"factor": factor, "rtol": rtol, "atol": atol}
    ours = scales_of_rows(values, static, arrays)
    theirs = scales_of_rows(values, static, arrays, optax.contrib.reduce_on_plateau)
    assert_array_equal(ours, theirs)
    assert len(np.unique(ours[:, -1])) > 5


def test_same_updates_as_optax_in_float32():
    ours, theirs = (m.reduce_on_plateau(0.3, 2) for m in (jaxsched, optax.contrib))
    a, b = (tx.init(jnp.zeros(3, np.float32)) for tx in (ours, theirs))
    g = jnp.float32([0.1, -0.7, 3.3])
    for value in (1.0, 1.0, 1.0, 1.0, 1.0):
        x, a = ours.update(g, a, value=value)
        y, b = theirs.update(g, b, value=value)
        assert_array_equal(x, y)
        assert a[:6] == b


def test_state_begins_with_the_fields_of_optax():
    fields = optax.contrib.reduce_on_plateau().init(jnp.zeros(1))._fields
    assert jaxsched.ReduceLROnPlateauState._fields[: len(fields)] == fields
    state = jaxsched.reduce_on_plateau().init(None)
    assert optax.tree.get(state, "scale") == 1.0


def _run(tx, state, params, values):
    rates = []
    update = jax.jit(tx.update)
    for value in values:
        updates, state = update(params, state, params, value=value)
        rates.append(np.asarray(updates["w"]))
    return rates, state


def _old_and_new(dtype):
    params = {"w": jnp.asarray([0.5, -1.0], dtype)}
    schedule = optax.cosine_decay_schedule(1.0, 12)
    old = optax.chain(
        optax.scale_by_adam(),
        optax.scale_by_learning_rate(schedule),
        optax.contrib.reduce_on_plateau(0.5, 2, accumulation_size=2, cooldown=1),
    )
    new = optax.chain(
        optax.scale_by_adam(),
        jaxsched.scale_by_learning_rate(schedule),
        jaxsched.reduce_on_plateau(0.5, 2, accumulation_size=2, cooldown=1),
    )
    return params, old, new


VALUES = [3.0, 2.5, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]


def _as_dicts(state):
    """A state as a checkpoint without a template gives it back: fields by name, no empty states."""
    if hasattr(state, "_fields"):
        return {name: _as_dicts(getattr(state, name)) for name in state._fields}
    if isinstance(state, tuple):
        return {str(i): _as_dicts(child) for i, child in enumerate(state) if jax.tree.leaves(child)}
    return np.asarray(state) if isinstance(state, jax.Array) else state


@pytest.mark.parametrize(
    "saved_as", [lambda state: state, _as_dicts, lambda s: list(map(_as_dicts, s))]
)
def test_an_optax_checkpoint_restores_at_any_step(saved_as):
    params, old, new = _old_and_new(jnp.float32)
    state, before, rates = old.init(params), [], []
    for value in VALUES:
        before.append(state)
        rate, state = _run(old, state, params, [value])
        rates += rate
    for k, state in enumerate(before):
        restored = jaxsched.restore_optax_state(new.init(params), saved_as(state), step=k)
        assert jax.tree.structure(restored) == jax.tree.structure(new.init(params))
        rest, last = _run(new, restored, params, VALUES[k:])
        assert_array_equal(rest, rates[k:])
        assert last[2].step == len(VALUES)


def test_a_bfloat16_checkpoint_becomes_float32():
    params, old, new = _old_and_new(jnp.bfloat16)
    _, state = _run(old, old.init(params), params, VALUES[:7])
    assert state[2].scale.dtype == state[2].best_value.dtype == jnp.bfloat16
    restored = jaxsched.restore_optax_state(new.init(params), state)[2]
    assert restored.scale == restored.applied_scale == state[2].scale
    assert restored.best_value == 2.0
    assert {restored.scale.dtype, restored.best_value.dtype} == {np.dtype(np.float32)}
    assert (restored.step, restored.num_reductions, restored.last_reduction_step) == (0, 0, -1)


def test_a_rate_that_optax_has_not_saved_is_not_known():
    params, old, new = _old_and_new(jnp.float32)
    _, state = _run(old, old.init(params), params, VALUES[:3])
    restored = jaxsched.restore_optax_state(new.init(params), state, step=3)
    assert np.isposinf(jaxsched.learning_rate(restored))
    _, restored = _run(new, restored, params, VALUES[3:4])
    assert jaxsched.learning_rate(restored) == np.float32(optax.cosine_decay_schedule(1.0, 12)(3))


def test_our_own_state_restores_whole():
    params, _, new = _old_and_new(jnp.float32)
    _, state = _run(new, new.init(params), params, VALUES)
    for saved in (state, _as_dicts(state)):
        restored = jaxsched.restore_optax_state(new.init(params), saved)
        jax.tree.map(assert_array_equal, restored, state)


def test_a_constant_rate_of_optax_has_no_state():
    """`optax.sgd(0.1)` saves nothing for its rate, and ours goes on."""
    params = jnp.ones(2)
    old = optax.chain(optax.scale_by_learning_rate(0.1), optax.contrib.reduce_on_plateau(0.5, 1))
    new = optax.chain(jaxsched.scale_by_learning_rate(0.1), jaxsched.reduce_on_plateau(0.5, 1))
    state = old.init(params)
    for value in (1.0, 1.0):
        _, state = old.update(params, state, params, value=value)
    for saved in (state, _as_dicts(state)):
        restored = jaxsched.restore_optax_state(new.init(params), saved, step=2)
        assert restored[0].count == 2
        assert jaxsched.learning_rate(restored) == np.float32(0.05)


def test_what_cannot_be_restored_is_an_error():
    plateau = jaxsched.reduce_on_plateau()
    template = optax.chain(optax.trace(0.9), plateau).init(jnp.zeros(2))
    saved = optax.contrib.reduce_on_plateau().init(jnp.zeros(2))
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message follows
        jaxsched.restore_optax_state(template, (saved,))
    missing = (
        "restore_optax_state: saved must have all that the optimizer's state has, got nothing at "
    )
    assert str(error.value) == missing + "saved[0].trace"
    with pytest.raises(ValueError) as error:  # noqa: PT011
        jaxsched.restore_optax_state(template[1], {"scale": 1.0})
    assert str(error.value) == missing + "saved.best_value"
    with pytest.raises(ValueError) as error:  # noqa: PT011
        jaxsched.restore_optax_state(template[1], saved._replace(scale=jnp.ones(3)))
    assert str(error.value) == "restore_optax_state: saved.scale must have the shape (), got (3,)"


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_replacing_the_import_is_enough(dtype):
    """A state that optax made goes into our update as it is, after any number of steps."""

    def optimizer(library):
        reducer = library.reduce_on_plateau(0.5, 2, accumulation_size=2, cooldown=1)
        return optax.chain(optax.scale_by_adam(), reducer)

    params, old, new = (
        jnp.asarray([0.5, -1.0], dtype),
        optimizer(optax.contrib),
        optimizer(jaxsched),
    )
    state, before, expected = old.init(params), [], []
    for value in VALUES:
        before.append(state)
        updates, state = old.update(params, state, params, value=value)
        expected.append(updates)
    update = jax.jit(new.update)
    for k, state in enumerate(before):  # not compiled: XLA rounds Adam otherwise in another program
        for value, rate in zip(VALUES[k:], expected[k:], strict=True):
            updates, state = new.update(params, state, params, value=value)
            assert_array_equal(updates, rate)
        compiled = before[k]
        for value in VALUES[k:]:
            compiled = update(params, compiled, params, value=value)[1]
        jax.tree.map(assert_array_equal, compiled[1], state[1])  # of Adam the last digit may differ
        assert jax.tree.structure(state) == jax.tree.structure(new.init(params))
        assert {leaf.dtype for leaf in state[1]} == {np.dtype(np.float32), np.dtype(np.int32)}
        assert state[1].step == len(VALUES) - k


def test_a_state_of_optax_whose_step_would_be_missed_is_refused():
    state = optax.contrib.reduce_on_plateau().init(jnp.ones(1))
    schedule = jaxsched.linear_schedule(1.0, 0.0, 10)
    for plateau in (
        jaxsched.reduce_on_plateau(start_step=5),
        jaxsched.reduce_on_plateau(learning_rate=schedule, min_lr=0.1),
    ):
        with pytest.raises(TypeError) as error:
            plateau.update(jnp.ones(1), state, value=1.0)
        assert str(error.value) == (
            "reduce_on_plateau: start_step and a schedule as learning_rate go by the step, which "
            "optax's state does not hold: convert it with jaxsched.restore_optax_state(..., step=...)"
        )
    plateau = jaxsched.reduce_on_plateau(learning_rate=1.0, min_lr=0.1)
    assert plateau.update(jnp.ones(1), state, value=1.0)[1].step == 1


def test_another_state_is_refused():
    with pytest.raises(TypeError) as error:
        jaxsched.reduce_on_plateau().update(jnp.ones(1), optax.EmptyState(), value=1.0)
    assert str(error.value) == (
        "reduce_on_plateau: the state must be a plateau reducer's, got EmptyState"
    )


def test_where_optax_differs_on_purpose():
    """patience=0, negative metrics, and a floor above 1: what optax does, and what we do."""
    ours, theirs = jaxsched.reduce_on_plateau, optax.contrib.reduce_on_plateau

    def both(values, **hyperparameters):
        return [feed(make(**hyperparameters), values)[0].tolist() for make in (ours, theirs)]

    assert both([5, 4, 3], factor=0.5, patience=0) == [[1, 1, 1], [0.5, 0.25, 0.125]]
    assert both([5, 5, 5], factor=0.5, patience=0) == [[1, 0.5, 0.25], [0.5, 0.5, 0.5]]
    assert both([-1, -1, -1], factor=0.5, patience=1) == [[1, 0.5, 0.25], [1, 1, 1]]
    assert both([4, -np.inf, 3, 2], factor=0.5, patience=1) == [
        [1, 0.5, 0.5, 0.5],
        [1, 1, 0.5, 0.25],
    ]
    assert both([4, 2, 1], factor=0.5, patience=1, rtol=1.0) == [[1, 0.5, 0.25], [0.5, 0.25, 0.125]]
