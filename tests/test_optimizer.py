"""scale_by_learning_rate is optax's with a record, and learning_rate reads the rate of the last update."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_array_equal

import jaxsched

PARAMS = {"w": jnp.float32([0.3, -1.7]), "b": jnp.float32([2.1])}
SCHEDULE = jaxsched.cosine_decay_schedule(0.3, 10)
RATES = np.float32([SCHEDULE(jnp.int32(step)) for step in range(8)])
MASK = {"w": True, "b": False}
LABELS = {"w": "heavy", "b": "light"}


@pytest.fixture(autouse=True)
def _promotion_as_optax_needs_it():
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("flip_sign", [True, False])
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
@pytest.mark.parametrize(
    "rate", [0.1, 3, SCHEDULE, optax.exponential_decay(0.7, 3, 0.9), lambda step: 0.1 / (step + 1)]
)
def test_same_updates_as_optax(rate, dtype, flip_sign):
    ours = jaxsched.scale_by_learning_rate(rate, flip_sign=flip_sign)
    theirs = optax.scale_by_learning_rate(rate, flip_sign=flip_sign)
    grads = jax.tree.map(lambda p: p.astype(dtype), PARAMS)
    state, other = ours.init(grads), theirs.init(grads)
    for _ in range(5):
        updates, state = ours.update(grads, state)
        expected, other = theirs.update(grads, other)
        assert jax.tree.map(lambda x: x.dtype, updates) == jax.tree.map(lambda x: x.dtype, expected)
        jax.tree.map(assert_array_equal, updates, expected)


def test_none_is_no_scaling():
    tx = jaxsched.scale_by_learning_rate(None)
    assert tx.init(PARAMS) == optax.identity().init(PARAMS)
    assert tx.update(PARAMS, tx.init(PARAMS))[0] is PARAMS


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float32])
def test_the_state_records_the_rate_as_float32(dtype):
    tx = jaxsched.scale_by_learning_rate(SCHEDULE)
    grads = jax.tree.map(lambda p: p.astype(dtype), PARAMS)
    state = tx.init(grads)
    for i in range(5):
        assert (state.count, state.learning_rate) == (i, RATES[max(i - 1, 0)])
        assert (state.count.dtype, state.learning_rate.dtype) == (np.int32, np.float32)
        _, state = tx.update(grads, state)


def test_the_count_saturates():
    tx = jaxsched.scale_by_learning_rate(lambda step: 1.0 * step)
    last = jnp.int32(2**31 - 1)
    state = tx.update(PARAMS, jaxsched.ScaleByLearningRateState(last, jnp.float32(0)))[1]
    assert state.count == last


def test_the_rate_may_be_traced():
    """A learning-rate sweep: the rate is data of the program."""

    def step(rate):
        tx = jaxsched.scale_by_learning_rate(rate)
        updates, state = tx.update(PARAMS, tx.init(PARAMS))
        return updates["b"][0], jaxsched.learning_rate(state)

    rates = jnp.float32([0.5, 0.25])
    updates, read = jax.vmap(step)(rates)
    assert_array_equal(updates, -rates * PARAMS["b"])
    assert_array_equal(read, rates)
    schedules = jax.tree.map(
        lambda *x: jnp.stack(x), *(SCHEDULE.replace(init_value=r) for r in (0.5, 0.25))
    )
    assert_array_equal(jax.vmap(step)(schedules)[1], rates)


# --- learning_rate -----------------------------------------------------------------------------------

ADAM = optax.chain(optax.scale_by_adam(), jaxsched.scale_by_learning_rate(SCHEDULE))

# tx -> the rate of update i.
NESTINGS = {
    "alone": (jaxsched.scale_by_learning_rate(SCHEDULE), lambda i: RATES[i]),
    "a number": (jaxsched.scale_by_learning_rate(0.25), lambda i: np.float32(0.25)),
    "chain": (ADAM, lambda i: RATES[i]),
    "named_chain": (optax.named_chain(("adam", ADAM)), lambda i: RATES[i]),
    "two in a chain": (
        optax.chain(ADAM, jaxsched.scale_by_learning_rate(0.5, flip_sign=False)),
        lambda i: RATES[i] * np.float32(0.5),
    ),
    "MultiSteps": (optax.MultiSteps(ADAM, 2), lambda i: RATES[max((i + 1) // 2 - 1, 0)]),
    "masked": (optax.masked(ADAM, MASK), lambda i: RATES[i]),
    "apply_if_finite": (optax.apply_if_finite(ADAM, 2), lambda i: RATES[i]),
    "inject_hyperparams": (
        optax.inject_hyperparams(optax.adam)(learning_rate=SCHEDULE),
        lambda i: RATES[i],
    ),
    "inject_hyperparams of ours": (
        optax.inject_hyperparams(
            lambda learning_rate: optax.chain(
                optax.scale_by_adam(), jaxsched.scale_by_learning_rate(learning_rate)
            )
        )(learning_rate=SCHEDULE),
        lambda i: RATES[i],
    ),
    "inject_hyperparams of something else": (
        optax.chain(
            optax.inject_hyperparams(optax.scale_by_adam)(b1=0.8),
            jaxsched.scale_by_learning_rate(SCHEDULE),
        ),
        lambda i: RATES[i],
    ),
    "the whole optimizer before it": (
        optax.chain(optax.adamw(1.0), jaxsched.scale_by_learning_rate(SCHEDULE, flip_sign=False)),
        lambda i: RATES[i],
    ),
    "partition": (
        optax.partition(
            {"heavy": ADAM, "light": optax.inject_hyperparams(optax.sgd)(learning_rate=0.25)},
            LABELS,
        ),
        lambda i: {"heavy": RATES[i], "light": np.float32(0.25)},
    ),
    "partition with a group without a rate": (
        optax.partition({"heavy": ADAM, "light": optax.set_to_zero()}, LABELS),
        lambda i: {"heavy": RATES[i]},
    ),
    "chain around a partition": (
        optax.chain(
            optax.partition({"heavy": ADAM, "light": optax.sgd(1.0)}, LABELS),
            jaxsched.scale_by_learning_rate(0.5, flip_sign=False),
        ),
        lambda i: {"heavy": RATES[i] * np.float32(0.5), "light": np.float32(0.5)},
    ),
    "all of it": (
        optax.MultiSteps(
            optax.apply_if_finite(
                optax.partition(
                    {"heavy": optax.masked(ADAM, MASK), "light": optax.chain(ADAM)}, LABELS
                ),
                2,
            ),
            1,
        ),
        lambda i: {"heavy": RATES[i], "light": RATES[i]},
    ),
}


@pytest.mark.parametrize(("tx", "rate"), NESTINGS.values(), ids=NESTINGS.keys())
def test_learning_rate_is_the_rate_used(tx, rate):
    state = tx.init(PARAMS)
    read = jax.jit(jaxsched.learning_rate)
    update = jax.jit(tx.update)
    assert jaxsched.learning_rate(state) == rate(0)
    for i in range(6):
        _, state = update(PARAMS, state, PARAMS)
        for value in (jaxsched.learning_rate(state), read(state)):
            assert value == rate(i)
            assert {leaf.dtype for leaf in jax.tree.leaves(value)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", [name for name in NESTINGS if name != "two in a chain"])
def test_learning_rate_includes_the_plateau(name):
    """Used, not next: what observe does shows after the next update."""
    tx = jaxsched.with_plateau(NESTINGS[name][0], factor=0.5, patience=1)
    state, before = tx.init(PARAMS), NESTINGS[name][1]
    for i in range(4):
        _, state = tx.update(PARAMS, state, PARAMS)
        halvings = {0: 0, 1: 0, 2: 1, 3: 2}[i]
        expected = jax.tree.map(lambda r, n=halvings: r * np.float32(0.5**n), before(i))
        if name == "MultiSteps":  # its updates are every second call
            halvings = {0: 0, 1: 0, 2: 0, 3: 2}[i]
            expected = before(i) * np.float32(0.5**halvings)
        assert jaxsched.learning_rate(state) == expected
        state = jaxsched.observe(tx, state, value=1.0)


def test_a_plateau_in_a_group_of_a_partition():
    groups = {
        "heavy": jaxsched.with_plateau(jaxsched.scale_by_learning_rate(0.5), 0.5, 1),
        "light": jaxsched.scale_by_learning_rate(0.5),
    }
    tx = optax.partition(groups, LABELS)
    state = tx.init(PARAMS)
    for _ in range(2):
        updates, state = tx.update(PARAMS, state, PARAMS, value=1.0)
    assert jaxsched.learning_rate(state) == {"heavy": 0.25, "light": 0.5}
    assert_array_equal(updates["w"], -0.25 * PARAMS["w"])
    assert_array_equal(updates["b"], -0.5 * PARAMS["b"])


def test_a_bfloat16_rate_is_the_one_used():
    """`inject_hyperparams` keeps its numbers in the type of the parameters."""
    params = jnp.ones(2, jnp.bfloat16)
    tx = optax.inject_hyperparams(optax.sgd)(learning_rate=0.3)
    _, state = tx.update(params, tx.init(params), params)
    rate = jaxsched.learning_rate(state)
    assert rate == np.float32(jnp.bfloat16(0.3))
    assert rate.dtype == np.float32


def test_rates_under_different_masks_have_no_product():
    rate = jaxsched.scale_by_learning_rate
    other = {"w": False, "b": True}
    tx = optax.chain(optax.masked(rate(0.5), MASK), optax.masked(rate(0.25), other))
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message follows
        jaxsched.learning_rate(tx.init(PARAMS))
    assert str(error.value) == (
        "learning_rate: there are rates under several masks, and no parameter may have them all: use "
        "optax.partition, whose groups have a rate each"
    )


def test_a_mask_beside_a_partition_has_no_rate_per_group():
    one = optax.partition({"heavy": ADAM, "light": ADAM}, LABELS)
    tx = optax.chain(one, optax.masked(jaxsched.reduce_on_plateau(), MASK))
    with pytest.raises(ValueError) as error:  # noqa: PT011
        jaxsched.learning_rate(tx.init(PARAMS))
    assert str(error.value) == (
        "learning_rate: there are a partition and a mask, and not all of a group may be under the mask: "
        "put what is masked into the groups"
    )


def test_the_rate_that_an_injected_reducer_is_told_is_no_second_one():
    reducer = optax.inject_hyperparams(jaxsched.reduce_on_plateau)
    tx = optax.chain(
        jaxsched.scale_by_learning_rate(0.25),
        reducer(factor=0.5, patience=1, learning_rate=0.25, min_lr=0.0),
    )
    state = tx.init(PARAMS)
    for _ in range(2):
        updates, state = tx.update(PARAMS, state, PARAMS, value=1.0)
    assert jaxsched.learning_rate(state) == 0.125
    assert_array_equal(updates["w"], -0.125 * PARAMS["w"])


def test_the_scale_of_the_reducer_of_optax_counts():
    tx = optax.chain(jaxsched.scale_by_learning_rate(0.25), optax.contrib.reduce_on_plateau(0.5, 1))
    state = tx.init(PARAMS)
    for _ in range(3):
        updates, state = tx.update(PARAMS, state, PARAMS, value=1.0)
        assert_array_equal(updates["w"], -jaxsched.learning_rate(state) * PARAMS["w"])
    assert jaxsched.learning_rate(state) == 0.0625


@pytest.mark.parametrize(
    ("nested", "message"),
    [
        (True, "learning_rate: a partition inside of a partition has no rate per group"),
        (False, "learning_rate: there are several partitions, whose groups differ"),
    ],
)
def test_partitions_of_partitions(nested, message):
    one = optax.partition({"heavy": ADAM, "light": ADAM}, LABELS)
    labels = {"w": "all", "b": "all"}
    tx = optax.partition({"all": one}, labels) if nested else optax.chain(one, one)
    with pytest.raises(ValueError) as error:  # noqa: PT011
        jaxsched.learning_rate(tx.init(PARAMS))
    assert str(error.value) == message


def test_learning_rate_of_a_stack_of_runs():
    tx = jaxsched.with_plateau(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5), 0.5, 1)
    state = jax.vmap(lambda _: tx.init(PARAMS))(jnp.arange(2))
    update = jax.vmap(lambda state, value: tx.update(PARAMS, state, PARAMS, value=value)[1])
    for values in ([1.0, 1.0], [1.0, 0.5]):
        state = update(state, jnp.float32(values))
    assert_array_equal(jaxsched.learning_rate(state), [0.25, 0.5])
