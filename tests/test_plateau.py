"""What reduce_on_plateau decides: the golden traces of the peers, the rule at random, each option alone."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_array_equal
from plateau_reference import Reference, feed, metric_sequences, scales_of_rows, trace

import jaxsched

NAN, INF = math.nan, math.inf

# --- golden traces: the rates of real peers after each observation, at a base rate of 1 -----------

GOLDEN = {
    "torch, constant": (
        jaxsched.plateau_from_torch(1.0, patience=2),
        [1.0] * 8,
        [0, 0, 0, 1, 1, 1, 2, 2],
    ),
    "keras, constant": (
        jaxsched.plateau_from_keras(1.0, patience=2),
        [1.0] * 8,
        [0, 0, 1, 1, 2, 2, 3, 3],
    ),
    "optax, constant": (
        jaxsched.reduce_on_plateau(patience=2),
        [1.0] * 8,
        [0, 0, 1, 1, 2, 2, 3, 3],
    ),
    "torch, cooldown 1": (
        jaxsched.plateau_from_torch(1.0, patience=2, cooldown=1),
        [1.0] * 10,
        [0, 0, 0, 1, 1, 1, 1, 2, 2, 2],
    ),
    "optax, cooldown 1": (
        jaxsched.reduce_on_plateau(patience=2, cooldown=1),
        [1.0] * 10,
        [0, 0, 1, 1, 1, 2, 2, 2, 3, 3],
    ),
    "keras, cooldown 1": (
        jaxsched.plateau_from_keras(1.0, patience=2, cooldown=1),
        [1.0] * 10,
        [0, 0, 1, 1, 2, 2, 3, 3, 4, 4],
    ),
    "keras, cooldown 2": (
        jaxsched.plateau_from_keras(1.0, patience=2, cooldown=2),
        [1.0] * 12,
        [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4],
    ),
    "torch, the best value is updated in a cooldown": (
        jaxsched.plateau_from_torch(1.0, patience=1, cooldown=2),
        [1, 1, 1, 0.1, 0.5, 0.5, 0.5],
        [0, 0, 1, 1, 1, 1, 2],
    ),
    "torch, NaN first": (
        jaxsched.plateau_from_torch(1.0, patience=2),
        [NAN] * 4 + [1.0] * 4,
        [0, 0, 1, 1, 1, 1, 1, 2],
    ),
    "optax, NaN first": (
        jaxsched.reduce_on_plateau(patience=2),
        [NAN] * 4 + [1.0] * 4,
        [0, 1, 1, 2, 2, 2, 3, 3],
    ),
    "keras, constant and negative": (
        jaxsched.plateau_from_keras(1.0, patience=2),
        [-1.0] * 6,
        [0, 0, 1, 1, 2, 2],
    ),
}


@pytest.mark.usefixtures("nan_on_purpose")
@pytest.mark.parametrize(("plateau", "values", "reductions"), GOLDEN.values(), ids=GOLDEN.keys())
def test_golden_traces(plateau, values, reductions):
    scales, state = feed(plateau, values)
    powers = np.cumprod([np.float32(1)] + [np.float32(0.1)] * 4, dtype=np.float32)
    assert_array_equal(scales, powers[reductions])
    assert state.num_reductions == reductions[-1]


def test_golden_trace_with_a_floor():
    """torch's rates with patience=0, factor=0.5, min_lr=0.2 at a base rate of 1."""
    plateau = jaxsched.plateau_from_torch(1.0, patience=0, factor=0.5, min_lr=0.2)
    tx = optax.chain(jaxsched.scale_by_learning_rate(1.0), plateau)
    state, rates = tx.init(jnp.zeros(1)), []
    for _ in range(6):
        _, state = tx.update(jnp.ones(1), state, value=1.0)
        rates.append(jaxsched.learning_rate(state))
    assert_array_equal(np.asarray(rates), np.float32([1, 0.5, 0.25, 0.2, 0.2, 0.2]))
    assert state[1].num_reductions == 3


@pytest.mark.parametrize(("mode", "worst"), [("min", INF), ("max", -INF)])
def test_the_state_before_the_first_value(mode, worst):
    """As its documentation says, field by field."""
    state = jaxsched.reduce_on_plateau(mode=mode).init(jnp.zeros(1))
    assert (state.scale, state.best_value, state.applied_scale) == (1.0, worst, 1.0)
    assert (state.plateau_count, state.cooldown_count) == (0, 0)
    assert (state.count, state.avg_value) == (0, 0.0)
    assert (state.step, state.num_reductions, state.last_reduction_step) == (0, 0, -1)


@pytest.mark.parametrize("name", ["patience", "cooldown", "start_step", "accumulation_size"])
def test_a_number_beyond_int32_is_never_reached(name):
    """So much patience never ends, and so long a cooldown has one reduction before it."""
    hyperparameters = {"patience": 1, "factor": 0.5, name: 2**40}
    expected = [1, 0.5, 0.5, 0.5, 0.5] if name == "cooldown" else [1] * 5
    assert_array_equal(trace([1.0] * 5, **hyperparameters), expected)


def test_counters_at_rest_stay_at_0():
    """The cooldown counts no further than to 0, and a block that is complete leaves no average."""
    plateau = jaxsched.reduce_on_plateau(patience=2, accumulation_size=2)
    _, state = feed(plateau, [1.0, 3.0])
    assert (state.cooldown_count, state.count, state.avg_value) == (0, 0, 0.0)
    _, state = feed(plateau, [5.0], state)
    assert (state.cooldown_count, state.count, state.avg_value) == (0, 1, 5.0)


# --- where the peers are wrong ---------------------------------------------------------------------


def test_a_worsening_negative_metric_is_no_improvement():
    """torch and optax take -1.0 again and again, and even -0.99 after it, for an improvement."""
    assert_array_equal(trace([-1.0] * 4, patience=2, factor=0.5), [1, 1, 0.5, 0.5])
    worse = -1.0 + 2.0**-14 * np.arange(5)
    assert_array_equal(trace(worse, patience=2, factor=0.5), [1, 1, 0.5, 0.5, 0.25])
    up = {"mode": "max", "patience": 2, "factor": 0.5}
    assert_array_equal(trace([-1.0, -1.0, -1.0], **up), [1, 1, 0.5])
    assert_array_equal(trace([-1.0, -0.5, -0.25], **up), [1, 1, 1])


@pytest.mark.usefixtures("nan_on_purpose")
def test_a_first_nan_does_not_poison_the_best_value():
    """With Keras the rate decays for the rest of the run."""
    plateau = jaxsched.plateau_from_keras(1.0, patience=2, factor=0.5)
    assert_array_equal(feed(plateau, [NAN, 1.0, 0.5, 0.25, 0.125, 0.0625])[0], [1] * 6)


@pytest.mark.parametrize("patience", [0, 1])
def test_patience_0_reduces_at_the_first_observation_without_improvement(patience):
    """optax reduces at improvements, and never otherwise."""
    assert_array_equal(trace([5, 4, 3, 2, 1], patience=patience, factor=0.5), [1] * 5)
    assert_array_equal(
        trace([5, 5, 5, 4, 4], patience=patience, factor=0.5), [1, 0.5, 0.25, 0.25, 0.125]
    )


def test_min_scale_is_a_floor_and_never_raises():
    plateau = jaxsched.reduce_on_plateau(factor=0.5, patience=1, min_scale=0.3)
    scales, state = feed(plateau, [1.0] * 5)
    assert_array_equal(scales, np.float32([1, 0.5, 0.3, 0.3, 0.3]))
    assert (state.num_reductions, state.last_reduction_step) == (2, 2)
    assert_array_equal(trace([1.0] * 4, patience=1, factor=0.5, min_scale=1.0), [1, 1, 1, 1])
    # A scale that was lowered further, in an earlier run, is not raised.
    low = plateau.init(jnp.zeros(1))._replace(scale=jnp.float32(0.25))
    assert_array_equal(feed(plateau, [1.0] * 4, low)[0], [0.25] * 4)


def test_rtol_1_still_sees_improvements():
    """optax: 0 * inf is NaN, and nothing ever improves."""
    scales, state = feed(
        jaxsched.reduce_on_plateau(rtol=1.0, patience=2, factor=0.5), [4.0, 1.0, -1.0]
    )
    assert_array_equal(scales, [1, 1, 1])
    assert state.best_value == -1.0


# --- the rule at random -----------------------------------------------------------------------------


@pytest.mark.usefixtures("nan_on_purpose")
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("nonfinite", ["bad", "ignore"])
def test_the_rule_at_random(mode, nonfinite):
    """2000 sequences, each with hyperparameters of its own, against the rule in plain Python."""
    rng = np.random.default_rng(1)
    rows, length = 2000, 40
    values = metric_sequences(rng, rows, length, bad_infinity=rng.choice([INF, -INF]))
    arrays = {
        "factor": rng.choice([0.125, 0.25, 0.5], rows).astype(np.float32),
        "patience": rng.integers(0, 5, rows),
        "rtol": rng.choice([0.0, 2.0**-6, 0.25], rows).astype(np.float32),
        "atol": rng.choice([0.0, 1 / 64, 0.125], rows).astype(np.float32),
        "cooldown": rng.integers(0, 4, rows),
        "accumulation_size": rng.choice([1, 1, 2, 4], rows),
        "min_scale": rng.choice([0.0, 0.0625, 0.3125], rows).astype(np.float32),
    }
    scales = scales_of_rows(values, {"mode": mode, "nonfinite": nonfinite}, arrays)
    expected = np.empty((rows, length))
    for i in range(rows):
        own = {name: array[i].item() for name, array in arrays.items()}
        reference = Reference(**own, mode=mode, nonfinite=nonfinite)
        expected[i] = [reference.see(float(value)) for value in values[i]]
    assert_array_equal(scales, expected)
    assert len(np.unique(expected[:, -1])) > 20  # the sequences do exercise it


@pytest.mark.usefixtures("nan_on_purpose")
def test_max_is_min_of_the_negated_metric():
    rng = np.random.default_rng(4)
    values = metric_sequences(rng, 500, 30, bad_infinity=INF)
    arrays = {"patience": rng.integers(0, 5, 500), "cooldown": rng.integers(0, 4, 500)}
    up = scales_of_rows(values, {"mode": "max", "factor": 0.5}, arrays)
    down = scales_of_rows(-values, {"mode": "min", "factor": 0.5}, arrays)
    assert_array_equal(up, down)
    assert len(np.unique(up[:, -1])) > 5


# --- each option alone ------------------------------------------------------------------------------


def test_rtol_and_atol_add_up():
    """Of 4 - (4/4 + 1) = 2, 2 itself is no improvement; just below is."""
    below = np.nextafter(np.float32(2), np.float32(0))
    both = {"rtol": 0.25, "atol": 1.0, "patience": 1, "factor": 0.5}
    assert_array_equal(trace([4.0, 2.0], **both), [1, 0.5])
    assert_array_equal(trace([4.0, below], **both), [1, 1])
    above = np.nextafter(np.float32(6), np.float32(7))
    assert_array_equal(trace([4.0, 6.0], **both, mode="max"), [1, 0.5])
    assert_array_equal(trace([4.0, above], **both, mode="max"), [1, 1])
    # Of -4 - (4/4 + 1) = -6.
    assert_array_equal(trace([-4.0, -6.0], **both), [1, 0.5])
    assert_array_equal(trace([-4.0, -above], **both), [1, 1])


@pytest.mark.usefixtures("nan_on_purpose")
def test_nonfinite_values_are_bad_or_ignored():
    values = [1.0, NAN, -INF, INF, 1.0, 1.0]
    same = {"patience": 2, "factor": 0.5}
    assert_array_equal(trace(values, **same), [1, 1, 0.5, 0.5, 0.25, 0.25])
    scales, state = feed(jaxsched.reduce_on_plateau(nonfinite="ignore", **same), values)
    assert_array_equal(scales, [1, 1, 1, 1, 1, 0.5])
    assert state.best_value == 1.0


@pytest.mark.usefixtures("nan_on_purpose")
def test_an_ignored_value_neither_fills_a_block_nor_ends_a_cooldown():
    plateau = jaxsched.reduce_on_plateau(
        patience=1, cooldown=1, accumulation_size=2, factor=0.5, nonfinite="ignore"
    )
    values = [1, 1, NAN, 1, NAN, 1, NAN, NAN, 1, 1, 1, 1]
    #               best   bad: reduced     cooldown  bad
    assert_array_equal(
        feed(plateau, values)[0], [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25]
    )


def test_values_before_start_step_are_ignored():
    """Those of steps 0 to 2 are."""
    values = [0.125, 0.125, 0.125, 8.0, 8.0, 7.0, 7.0]
    scales, state = feed(jaxsched.reduce_on_plateau(patience=1, factor=0.5, start_step=3), values)
    assert_array_equal(scales, [1, 1, 1, 1, 0.5, 0.5, 0.25])
    assert state.best_value == 7.0
    assert state.last_reduction_step == 6


def test_the_mean_of_a_block_is_one_observation():
    plateau = jaxsched.reduce_on_plateau(patience=1, factor=0.5, accumulation_size=3)
    scales, state = feed(plateau, [3, 1, 2, 2, 2, 2, 9, 0])
    assert_array_equal(scales, [1, 1, 1, 1, 1, 0.5, 0.5, 0.5])
    assert (state.best_value, state.count, state.avg_value) == (2.0, 2, 4.5)


def test_the_exponential_average_is_bias_corrected():
    values = np.float32([4, 2, 8, 1, 1, 3])
    state = feed(jaxsched.reduce_on_plateau(ema_decay=0.75, patience=100), values)[1]
    weights = 0.75 ** np.arange(5, -1, -1)
    assert_array_equal(state.count, 6)
    np.testing.assert_allclose(state.avg_value, weights @ values / weights.sum(), rtol=3e-7)
    assert feed(jaxsched.reduce_on_plateau(ema_decay=0.75), values[:1])[1].avg_value == 4.0
    last = feed(jaxsched.reduce_on_plateau(ema_decay=0.0), values)[1]
    assert last.avg_value == 3.0


def test_the_exponential_average_of_a_decay_near_1():
    """Rounded to float32 the decay has lost digits that its logarithm, of which the weights are, needs."""
    state = feed(jaxsched.reduce_on_plateau(ema_decay=0.9999), [0.0, 1.0])[1]
    np.testing.assert_allclose(state.avg_value, 1 / 1.9999, rtol=3e-7)


def test_the_exponential_average_decides():
    """One good value of a noisy metric is no new best value."""
    values = [2.0, 2.0, 2.0, 0.5, 2.0, 2.0]
    state = feed(jaxsched.reduce_on_plateau(ema_decay=0.5), values)[1]
    assert 1.0 < state.best_value < 1.5
    # A metric that does not change has an average that does not change: no rounding makes it improve.
    steady = jaxsched.reduce_on_plateau(ema_decay=0.9, patience=3, factor=0.5, rtol=0.0)
    assert_array_equal(feed(steady, [np.float32(0.1)] * 8)[0], [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25])


@pytest.mark.parametrize("decay", [0.0, 1e-9, 0.1, 1 / 3, 0.7, 0.9, 0.99, 0.999, 0.99999])
def test_the_first_value_of_an_exponential_average_is_the_value(decay):
    plateau = jaxsched.reduce_on_plateau(ema_decay=decay)
    for value in np.float32([0.1, 1 / 3, 0.7, 1e-3, 123.4]):
        state = jaxsched.observe(plateau, plateau.init(None), value=value)
        assert state.best_value == state.avg_value == value


def test_with_an_axis_name_all_decide_by_the_mean():
    plateau = jaxsched.reduce_on_plateau(factor=0.5, patience=2, axis_name="runs")
    values = np.float32([[1, 3], [2, 2], [9, 0], [0, 4], [4, 0], [0, 1]])
    state = jax.vmap(lambda _: plateau.init(None))(jnp.arange(2))
    step = jax.vmap(lambda s, v: jaxsched.observe(plateau, s, value=v), axis_name="runs")
    scales = []
    for row in values:
        state = step(state, row)
        scales.append(np.asarray(state.scale).tolist())
    mean = trace(values.mean(axis=1), factor=0.5, patience=2)
    assert_array_equal(scales, np.stack([mean, mean], axis=1))
    assert len(set(mean)) > 1


@pytest.mark.usefixtures("nan_on_purpose")
def test_the_exponential_average_goes_on_without_a_nan_that_is_bad():
    plateau = jaxsched.reduce_on_plateau(ema_decay=0.5, patience=1, factor=0.5)
    scales, state = feed(plateau, [4.0, NAN, 2.0, 1.0])
    assert_array_equal(scales, [1, 0.5, 0.5, 0.5])
    assert state.count == 3
    np.testing.assert_allclose(state.avg_value, (4 + 2 * 2 + 4 * 1) / 7, rtol=3e-7)


def test_an_integer_beyond_float64_is_an_infinity():
    plateau = jaxsched.reduce_on_plateau()
    state = jaxsched.observe(plateau, plateau.init(jnp.zeros(1)), value=10**400)
    assert state.plateau_count == 1
    assert jnp.isinf(state.best_value)


def test_a_rate_and_a_floor_of_0_make_no_nan():
    """A warmup begins at 0, and the floor may be 0 too."""
    ramp = jaxsched.linear_schedule(0.0, 1.0, 4)
    for floor in (0.0, 0.1):
        plateau = jaxsched.reduce_on_plateau(
            factor=0.5, patience=1, learning_rate=ramp, min_lr=floor
        )
        with jax.debug_nans(True):
            state, scales = plateau.init(None), []
            for _ in range(4):
                _, state = plateau.update(jnp.float32(1), state, value=jnp.float32(1))
                scales.append(float(state.applied_scale))
        assert all(math.isfinite(scale) for scale in scales)


def test_the_count_of_steps_stays_at_the_last():
    plateau = jaxsched.reduce_on_plateau()
    state = plateau.init(None)
    last = np.iinfo(np.int32).max
    for begin, end in ((last - 2, last - 1), (last - 1, last), (last, last)):
        state = state._replace(record=jnp.asarray([begin, 0, -1], jnp.int32))
        assert plateau.update(None, state)[1].step == end


@pytest.mark.parametrize("better", ["torch", "keras"])
def test_a_traced_tolerance_in_bfloat16_decides_as_its_number(better):
    rtol = 0.25 if better == "torch" else 0.0

    def first_scales(tolerance):
        plateau = jaxsched.reduce_on_plateau(
            factor=0.5, patience=1, rtol=tolerance if rtol else 0.0, atol=0.0 if rtol else tolerance
        )
        scales, state = [], plateau.init(None)
        for value in np.float32([4.0, 3.5, 2.5, 2.4, 1.0, 0.9]):
            state = jaxsched.observe(plateau, state, value=value)
            scales.append(state.scale)
        return jnp.stack(scales)

    expected = first_scales(0.25)
    assert len(set(np.asarray(expected).tolist())) > 2
    assert_array_equal(jax.jit(first_scales)(jnp.bfloat16(0.25)), expected)
