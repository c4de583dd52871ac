"""observe and plateau_report find a reducer wherever it is, and with_plateau puts it where it works."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_array_equal

import jaxsched

PARAMS = {"w": jnp.ones(2), "b": jnp.ones(1)}
PLATEAU = jaxsched.reduce_on_plateau(factor=0.5, patience=2)
MASK = {"w": True, "b": False}
LABELS = {"w": "heavy", "b": "light"}

# Every way in which optax nests a state: with the number of reducers in it.
NESTINGS = {
    "alone": PLATEAU,
    "chain": optax.chain(optax.adam(0.1), PLATEAU),
    "named_chain": optax.named_chain(("adam", optax.adam(0.1)), ("plateau", PLATEAU)),
    "with_plateau": jaxsched.with_plateau(optax.adam(0.1), factor=0.5, patience=2),
    "MultiSteps": optax.MultiSteps(optax.chain(optax.adam(0.1), PLATEAU), 2),
    "masked": optax.chain(optax.adam(0.1), optax.masked(PLATEAU, MASK)),
    "partition": optax.partition(
        {"heavy": optax.chain(optax.adam(0.1), PLATEAU), "light": optax.sgd(0.1)}, LABELS
    ),
    "inject_hyperparams": optax.inject_hyperparams(
        lambda learning_rate: optax.chain(optax.adam(learning_rate), PLATEAU)
    )(learning_rate=0.1),
    "apply_if_finite": optax.apply_if_finite(optax.chain(optax.adam(0.1), PLATEAU), 3),
    "all of it": optax.MultiSteps(
        optax.apply_if_finite(
            optax.partition(
                {
                    "heavy": optax.chain(optax.adam(0.1), optax.masked(PLATEAU, MASK)),
                    "light": optax.sgd(0.1),
                },
                LABELS,
            ),
            3,
        ),
        2,
    ),
}


@pytest.fixture(autouse=True)
def _promotion_as_optax_needs_it():
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("tx", NESTINGS.values(), ids=NESTINGS.keys())
def test_observe_finds_the_reducer(tx):
    first = state = tx.init(PARAMS)
    seen = jax.jit(lambda state, value: jaxsched.observe(PLATEAU, state, value=value))
    for value in (1.0, 0.5, 0.5, 0.5):
        state = seen(state, value)
    assert jax.tree.structure(state) == jax.tree.structure(first)
    report = jaxsched.plateau_report(state)
    assert (report.scale, report.best_value, report.num_reductions) == (0.5, 0.5, 1)
    # Nothing else has changed.
    changed = [
        jax.tree_util.keystr(path)
        for (path, old), new in zip(
            jax.tree_util.tree_flatten_with_path(first)[0], jax.tree.leaves(state), strict=True
        )
        if not np.array_equal(old, new)
    ]
    fields = sorted(path.rsplit(".", 1)[-1] for path in changed)
    assert fields == ["applied_scale", "best_value", "record", "scale"]
    # And the next update is reduced.
    updates, full = (tx.update(PARAMS, s, PARAMS)[0]["w"] for s in (state, first))
    assert_array_equal(updates, 0.5 * full)


def test_observe_changes_only_the_next_update():
    tx = jaxsched.with_plateau(jaxsched.scale_by_learning_rate(1.0), factor=0.5, patience=1)
    state = tx.init(PARAMS)
    _, state = tx.update(PARAMS, state)
    for _ in range(2):
        state = jaxsched.observe(tx, state, value=1.0)
    assert jaxsched.learning_rate(state) == 1.0  # the rate used
    assert jaxsched.plateau_report(state).scale == 0.5  # the scale of the next
    assert jaxsched.plateau_report(state).last_reduction_step == 1
    _, state = tx.update(PARAMS, state)
    assert jaxsched.learning_rate(state) == 0.5


def test_before_the_first_update_the_rate_is_that_of_the_first():
    rate = {"learning_rate": 1.0, "min_lr": 0.75}
    for options, expected in (({}, 0.5), (rate, 0.75)):
        tx = jaxsched.with_plateau(jaxsched.scale_by_learning_rate(1.0), 0.5, 1, **options)
        state = tx.init(PARAMS)
        for _ in range(2):
            state = jaxsched.observe(tx, state, value=1.0)
        assert jaxsched.learning_rate(state) == expected
        updates, state = tx.update(PARAMS, state)
        assert jaxsched.learning_rate(state) == -updates["b"][0] == expected


def test_no_two_fields_share_a_buffer_so_that_a_state_can_be_donated():
    tx = jaxsched.with_plateau(jaxsched.scale_by_learning_rate(1.0), 0.5, 1)
    old = optax.chain(optax.scale_by_learning_rate(1.0), optax.contrib.reduce_on_plateau(0.5, 1))
    fresh = lambda: tx.init(PARAMS)
    states = {
        "fresh": fresh(),
        "after an update": tx.update(PARAMS, fresh(), value=1.0)[1],
        "after an observation": jaxsched.observe(tx, fresh(), value=1.0),
        "restored": jaxsched.restore_optax_state(fresh(), old.init(PARAMS), step=1),
        "optax's": tx.update(PARAMS, (fresh()[0], old.init(PARAMS)[1]), value=1.0)[1],
    }
    step = jax.jit(
        lambda s: (jaxsched.observe(tx, s, value=1.0), jaxsched.learning_rate(s)), donate_argnums=0
    )
    for name, state in states.items():
        buffers = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state)]
        assert len(set(buffers)) == len(buffers), name
        step(state)


def test_observe_equals_update_with_value():
    values = [3.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0]
    state, other = PLATEAU.init(None), PLATEAU.init(None)
    for value in values:
        updates, state = PLATEAU.update(PARAMS, state, value=value)
        other = jaxsched.observe(PLATEAU, other, value=value)
        again, other = PLATEAU.update(PARAMS, other)
        jax.tree.map(assert_array_equal, (updates, state), (again, other))


def _several():
    reducers = {
        name: jaxsched.with_plateau(optax.sgd(1.0), factor=0.5, patience=1) for name in "ab"
    }
    return optax.partition(reducers, {"w": "a", "b": "b"})


def test_of_several_reducers_one_by_name_or_all():
    tx, plateau = _several(), jaxsched.reduce_on_plateau(factor=0.5, patience=1)
    state = tx.init(PARAMS)
    for _ in range(2):
        state = jaxsched.observe(plateau, state, value=1.0, name="b")
    updates, _ = tx.update(PARAMS, state, PARAMS)
    assert_array_equal(updates["w"], [-1.0, -1.0])
    assert_array_equal(updates["b"], [-0.5])
    scales = {name: jaxsched.plateau_report(state, name=name).scale for name in "ab"}
    assert scales == {"a": 1.0, "b": 0.5}
    for _ in range(2):
        state = jaxsched.observe(plateau, state, value=1.0, every=True)
    scales = {name: jaxsched.plateau_report(state, name=name).scale for name in "ab"}
    assert scales == {"a": 0.5, "b": 0.125}


def test_a_reducer_by_its_place_in_a_chain():
    up = jaxsched.reduce_on_plateau(factor=0.5, patience=1, mode="max")
    tx = optax.chain(optax.sgd(1.0), PLATEAU, up)
    state = tx.init(PARAMS)
    for _ in range(2):
        state = jaxsched.observe(up, state, value=1.0, name="[2]")
    assert (state[1].scale, state[2].scale) == (1.0, 0.5)
    named = optax.named_chain(("loss", PLATEAU), ("accuracy", up)).init(PARAMS)
    named = jaxsched.observe(up, named, value=1.0, name="accuracy")
    assert (named["loss"].best_value, named["accuracy"].best_value) == (np.inf, 1.0)


def test_a_reducer_under_inject_hyperparams_takes_its_numbers_from_the_state():
    tx = optax.inject_hyperparams(jaxsched.reduce_on_plateau)(factor=0.5, patience=1)
    state = tx.init(PARAMS)
    state.hyperparams["factor"] = jnp.float32(0.25)
    for _ in range(2):
        updates, state = tx.update(PARAMS, state, PARAMS, value=1.0)
    assert_array_equal(updates["w"], [0.25, 0.25])
    assert jaxsched.plateau_report(state).num_reductions == 1


def test_observe_in_a_stack_of_runs():
    """One optimizer state per learning rate, under vmap."""
    plateau = jaxsched.reduce_on_plateau(factor=0.5, patience=1)
    state = jax.vmap(lambda _: plateau.init(None))(jnp.arange(3))
    seen = jax.vmap(lambda state, value: jaxsched.observe(plateau, state, value=value))
    for values in ([1.0, 1.0, 1.0], [1.0, 0.5, jnp.nan]):
        state = seen(state, jnp.float32(values))
    assert_array_equal(state.scale, [0.5, 1.0, 0.5])


# --- placement ---------------------------------------------------------------------------------------


def test_before_adam_a_reducer_does_nothing():
    """Adam divides by the size of what it gets, so scaling its input changes next to nothing."""
    before = optax.chain(PLATEAU, optax.adam(0.1, eps=0.0))
    after = jaxsched.with_plateau(optax.adam(0.1, eps=0.0), factor=0.5, patience=2)
    plain = optax.adam(0.1, eps=0.0)
    states = [tx.init(PARAMS) for tx in (before, after)]
    for i in range(2):
        for _ in range(4):
            states[i] = jaxsched.observe(PLATEAU, states[i], value=1.0)
        assert jaxsched.plateau_report(states[i]).scale == 0.5
    full = plain.update(PARAMS, plain.init(PARAMS), PARAMS)[0]["w"]
    assert_array_equal(before.update(PARAMS, states[0], PARAMS)[0]["w"], full)
    assert_array_equal(after.update(PARAMS, states[1], PARAMS)[0]["w"], 0.5 * full)


def test_with_plateau_is_a_chain():
    placed = jaxsched.with_plateau(optax.adam(0.1), 0.5, 2)
    chained = optax.chain(optax.adam(0.1), PLATEAU)
    state, other = placed.init(PARAMS), chained.init(PARAMS)
    for _ in range(4):
        updates, state = placed.update(PARAMS, state, PARAMS, value=1.0)
        expected, other = chained.update(PARAMS, other, PARAMS, value=1.0)
        jax.tree.map(assert_array_equal, (updates, state), (expected, other))
    assert jaxsched.plateau_report(state).num_reductions == 1


def test_with_plateau_passes_the_extra_arguments_on():
    tx = jaxsched.with_plateau(optax.polyak_sgd(), patience=1)
    updates, _ = tx.update(PARAMS, tx.init(PARAMS), PARAMS, value=jnp.float32(0.25))
    expected, _ = optax.polyak_sgd().update(
        PARAMS, optax.polyak_sgd().init(PARAMS), PARAMS, value=jnp.float32(0.25)
    )
    jax.tree.map(assert_array_equal, updates, expected)


def test_the_signature_of_with_plateau_is_that_of_the_reducer():
    names = list(inspect.signature(jaxsched.with_plateau).parameters)
    assert names == ["optimizer", *inspect.signature(jaxsched.reduce_on_plateau).parameters]


# --- gradient accumulation -----------------------------------------------------------------------------


def _accumulate(tx, values, state=None):
    state = tx.init(PARAMS) if state is None else state
    scales = []
    update = jax.jit(tx.update)
    for value in values:
        updates, state = update(PARAMS, state, PARAMS, value=value)
        scales.append(-float(updates["w"][0]))
    return scales, state


IN_A_CHAIN = {
    "itself": lambda m: m,
    "its transformation": lambda m: m.gradient_transformation(),
    "after another": lambda m: optax.chain(optax.clip(5.0), m.gradient_transformation()),
    "before another": lambda m: optax.chain(m.gradient_transformation(), optax.scale(1.0)),
    "named": lambda m: optax.named_chain(("sgd", m.gradient_transformation())),
    "masked": lambda m: optax.masked(m.gradient_transformation(), True),
    "in a wrapper": lambda m: optax.apply_if_finite(m.gradient_transformation(), 3),
}


@pytest.mark.parametrize("wrap", IN_A_CHAIN.values(), ids=IN_A_CHAIN)
def test_with_multi_steps_the_metric_of_all_micro_batches_counts(wrap):
    """The means are 2, 2, 2; the last ones are 3, 2, 1, which a reducer inside takes for improvements."""
    values = [1.0, 3.0, 2.0, 2.0, 3.0, 1.0]
    outside = jaxsched.with_plateau(wrap(optax.MultiSteps(optax.sgd(1.0), 2)), 0.5, 2)
    scales, state = _accumulate(outside, values)
    assert scales == [0, 1, 0, 1, 0, 0.5]
    assert (state[1].best_value, state[1].step, state[1].last_reduction_step) == (2.0, 3, 2)
    inside = optax.MultiSteps(optax.chain(optax.sgd(1.0), PLATEAU), 2)
    assert _accumulate(inside, values)[0] == [0, 1, 0, 1, 0, 1]


def test_with_multi_steps_for_some_parameters():
    """The others are updated, and scaled, with every micro-batch; decisions fall with the updates."""
    params = {"w": jnp.ones(2), "b": jnp.ones(2)}
    multi = optax.MultiSteps(optax.sgd(1.0), 2).gradient_transformation()
    parts = optax.partition({"multi": multi, "sgd": optax.sgd(1.0)}, {"w": "multi", "b": "sgd"})
    tx = jaxsched.with_plateau(parts, 0.5, 1)
    state, w, b = tx.init(params), [], []
    for value in [1.0, 3.0, 2.0, 2.0, 3.0, 3.0]:
        updates, state = tx.update(params, state, params, value=value)
        w.append(-float(updates["w"][0]))
        b.append(-float(updates["b"][0]))
    assert w == [0, 1, 0, 0.5, 0, 0.25]
    assert b == [1, 1, 1, 0.5, 0.5, 0.25]
    assert state[1].step == 3
    _, state = tx.update(params, state, params)
    state = jaxsched.observe(
        tx, state, value=9.0
    )  # in the middle of an update: from the next one on
    for expected in (0.125, 0.125):
        updates, state = tx.update(params, state, params)
        assert -float(updates["b"][0]) == state[1].applied_scale == expected


def test_several_multi_steps_are_refused():
    two = optax.MultiSteps(optax.sgd(1.0), 2).gradient_transformation()
    for optimizer in (
        optax.partition({"a": two, "b": two}, {"w": "a", "b": "b"}),
        optax.MultiSteps(two, 3),
    ):
        with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message follows
            jaxsched.with_plateau(optimizer).init({"w": jnp.ones(2), "b": jnp.ones(2)})
        assert str(error.value) == (
            "with_plateau: optimizer must hold at most one optax.MultiSteps, got 2: "
            "put one around the whole optimizer"
        )


def test_with_multi_steps_decisions_fall_when_updates_do():
    tx = jaxsched.with_plateau(
        optax.MultiSteps(optax.sgd(1.0), 3), 0.5, 1, accumulation_size=2, start_step=1
    )
    # Step 0 is ignored; of steps 1 and 2 the mean is 2, of steps 3 and 4 as well.
    scales, state = _accumulate(tx, [0, 0, 0] + [1, 2, 3] * 2 + [2, 2, 2, 3, 3, -1])
    assert scales == [0, 0, 1] * 4 + [0, 0, 1.0]
    scales, state = _accumulate(tx, [0, 0, 0] + [1, 2, 3] * 2 + [2, 2, 2, 3, 3, 1])
    assert scales[-3:] == [0, 0, 0.5]
    assert (state[1].step, state[1].last_reduction_step, state[1].count) == (5, 4, 0)


def test_with_multi_steps_blocks_begin_where_decisions_do():
    """Updates 1 to 3 are the first block, 4 to 6 the next."""
    multi = optax.MultiSteps(optax.sgd(1.0), 2)
    tx = jaxsched.with_plateau(multi, 0.5, 1, accumulation_size=3, start_step=1)
    scales, _ = _accumulate(tx, [2.0] * 22)
    assert [scale for scale in scales if scale] == [1] * 6 + [0.5] * 3 + [0.25] * 2


def test_with_multi_steps_of_changing_length_a_block_is_of_updates():
    """Updates of 1 and 3 micro-batches in turn; every block is of 3 updates."""
    multi = optax.MultiSteps(optax.sgd(1.0), lambda i: jnp.where(i % 2 == 0, 1, 3))
    tx = jaxsched.with_plateau(multi, 0.5, 1, accumulation_size=3)
    scales, _ = _accumulate(tx, [2.0] * 24)
    emitted = [scale for scale in scales if scale]
    assert emitted == [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_with_multi_steps_a_value_with_the_last_micro_batch_is_enough():
    tx = jaxsched.with_plateau(optax.MultiSteps(optax.sgd(1.0), 4), 0.5, 1, accumulation_size=2)
    state, scales = tx.init(PARAMS), []
    for i in range(32):
        given = {"value": 1.0} if i % 4 == 3 else {}
        updates, state = tx.update(PARAMS, state, PARAMS, **given)
        scales.append(-float(updates["b"][0]))
    assert scales[3::4] == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_with_multi_steps_an_ignored_value_still_ends_its_block():
    """The observations are 1, 5 and 5; without any value there is none."""
    multi = optax.MultiSteps(optax.sgd(1.0), 2)
    tx = jaxsched.with_plateau(multi, 0.5, 1, nonfinite="ignore")
    nan = np.nan
    assert _accumulate(tx, [1, nan, 5, 5, 5, 5])[0][1::2] == [1, 0.5, 0.25]
    assert _accumulate(tx, [1, nan, nan, nan, 5, 5])[0][1::2] == [1, 1, 0.5]


@pytest.mark.usefixtures("nan_on_purpose")
def test_with_multi_steps_a_skipped_micro_batch_does_not_count():
    multi = optax.MultiSteps(optax.sgd(1.0), 2, should_skip_update_fn=optax.skip_not_finite)
    tx = jaxsched.with_plateau(multi, 0.5, 1)
    state = tx.init(PARAMS)
    nan = jax.tree.map(lambda p: p * np.nan, PARAMS)
    for grads, value in [(PARAMS, 1.0), (nan, -100.0), (PARAMS, 3.0), (PARAMS, 2.0), (PARAMS, 2.0)]:
        updates, state = tx.update(grads, state, PARAMS, value=value)
    assert (state[1].best_value, state[1].scale) == (2.0, 0.5)
    assert_array_equal(updates["w"], [-0.5, -0.5])


def test_with_multi_steps_the_schedule_of_min_lr_goes_by_updates():
    schedule = jaxsched.linear_schedule(1.0, 0.0, 4)
    multi = optax.MultiSteps(jaxsched.scale_by_learning_rate(schedule), 2)
    tx = jaxsched.with_plateau(multi, 0.25, 1, learning_rate=schedule, min_lr=0.5)
    rates, state = [], tx.init(PARAMS)
    for _ in range(8):
        _, state = tx.update(PARAMS, state, PARAMS, value=1.0)
        rates.append(float(jaxsched.learning_rate(state)))
    # The reduction comes with the second update, whose rate was 0.75.
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25]
