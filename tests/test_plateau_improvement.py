"""The comparisons of a metric with the best one, against the libraries' own arithmetic in NumPy.

The metrics are decimals, as accuracies are, and differ by about the threshold: float32 and float64 then
decide a third of the comparisons differently.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_array_equal

import jaxsched
from jaxsched._optimizer import improvement

ROWS = 100_000
THRESHOLDS = (0.01, 0.03, 0.05, 0.1, 0.5, 1e-4, 1 / 3, 0.0)


def _near_ties(seed, threshold, *, positive=False, relative=False):
    """Best values and others, all float32, most of them within a rounding of the bound, or on it."""
    rng = np.random.default_rng(seed)
    best = np.round(rng.normal(size=ROWS), 2)
    best = np.abs(best) + 0.01 if positive else best
    best = best.astype(np.float32)
    margin = threshold * np.abs(best.astype(np.float64)) if relative else threshold
    value = best.astype(np.float64) + margin * rng.integers(-2, 3, ROWS)
    value = value.astype(np.float32)
    aside = np.nextafter(value, np.float32(rng.choice([-9, 9], ROWS)))
    # Beside 0 are subnormal numbers, which XLA takes for 0.
    return np.where((rng.random(ROWS) < 0.3) & (value != 0), aside, value), best


def _found(compare, value, best, sign, rtol, atol):
    return np.asarray(jax.jit(lambda v, b: compare(v, b, sign, rtol, atol))(value, best))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_absolute_thresholds_as_torch(threshold, sign):
    value, best = _near_ties(1, threshold)
    v, b = value.astype(np.float64), best.astype(np.float64)
    expected = v < b - threshold if sign == 1 else v > b + threshold
    found = _found(improvement.as_torch, value, best, sign, 0.0, threshold)
    assert_array_equal(found, expected)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_relative_thresholds_as_torch(threshold, sign):
    value, best = _near_ties(2, threshold, positive=True, relative=True)
    v, b = value.astype(np.float64), best.astype(np.float64)
    expected = v < b * (1.0 - threshold) if sign == 1 else v > b * (threshold + 1.0)
    found = _found(improvement.as_torch, value, best, sign, threshold, 0.0)
    assert_array_equal(found, expected)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_as_keras(threshold, sign):
    value, best = _near_ties(3, threshold)
    moved = (value.astype(np.float64) + sign * threshold).astype(np.float32)
    expected = moved < best if sign == 1 else moved > best
    found = _found(improvement.as_keras, value, best, sign, 0.0, threshold)
    assert_array_equal(found, expected)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("rtol", "atol"), [(1e-4, 0.0), (0.1, 0.0), (0.0, 0.01), (0.03, 0.05)])
def test_in_float32_as_optax(rtol, atol, sign):
    """optax has no mode: its comparison, and for the other the mirrored one."""
    value, best = _near_ties(4, rtol or atol, positive=True, relative=rtol > 0)
    bound = best * np.float32(1 - sign * rtol) - np.float32(sign * atol)
    expected = value < bound if sign == 1 else value > bound
    assert_array_equal(_found(improvement.in_float32, value, best, sign, rtol, atol), expected)


@pytest.mark.usefixtures("nan_on_purpose")
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "compare", [improvement.in_float32, improvement.as_torch, improvement.as_keras]
)
def test_only_a_finite_value_is_better_and_than_no_best_it_is(compare, sign):
    for rtol, atol in ((0.0, 0.1), (0.1, 0.0), (1.0, 0.0)):
        if rtol and compare is improvement.as_keras:
            continue
        better = lambda value, best, numbers=(rtol, atol): bool(
            compare(jnp.float32(value), jnp.float32(best), sign, *numbers)
        )
        none = np.inf * sign
        assert better(3.0, none)
        assert better(0.0, none)
        for value in (np.nan, np.inf, -np.inf):
            assert not better(value, none)
            assert not better(value, 1.0)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("sign", [1, -1])
def test_tolerances_may_be_traced(sign, dtype):
    best = np.repeat(np.float32([0.5, 2.0, 3.0]), 4)
    moved = np.tile([0.0, 0.1, 0.2, 0.5], 3)
    for rtol, atol in ((0.125, 0.0), (0.0, 0.125)):
        value = np.float32(best - sign * moved * (best if rtol else 1.0))
        for compare in (improvement.in_float32, improvement.as_torch, improvement.as_keras):
            if rtol and compare is improvement.as_keras:
                continue
            numbers = lambda traced, r=rtol: (traced, 0.0) if r else (0.0, traced)
            run = jax.jit(lambda x, v=value, c=compare, n=numbers: c(v, best, sign, *n(x)))
            assert_array_equal(run(dtype(0.125)), moved > 0.125)
            assert_array_equal(_found(compare, value, best, sign, rtol, atol), moved > 0.125)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "compare", [improvement.in_float32, improvement.as_torch, improvement.as_keras]
)
def test_no_nan_is_made_on_the_way(compare, sign):
    tolerances = [(0.0, 0.1)] if compare is improvement.as_keras else [(0.0, 0.1), (0.1, 0.0)]
    with jax.debug_nans(True):
        for rtol, atol in tolerances:
            for value in (1.0, np.inf, -np.inf):
                for best in (1.0, np.inf * sign):
                    compare(jnp.float32(value), jnp.float32(best), sign, rtol, atol)


def test_a_bfloat16_tolerance_keeps_its_margin():
    """`optax.inject_hyperparams` keeps numbers in the type of the parameters."""
    values = 1 - 6e-5 * np.arange(20)  # every second one is better by 1.2e-4
    counts = []
    for dtype in (jnp.float32, jnp.bfloat16):
        tx = optax.inject_hyperparams(jaxsched.reduce_on_plateau)(factor=0.5, patience=1)
        state = tx.init(jnp.ones(2, dtype))
        assert state.hyperparams["rtol"].dtype == dtype
        for value in values:
            with jax.numpy_dtype_promotion("standard"):
                _, state = tx.update(jnp.ones(2, dtype), state, value=value)
        counts.append(jaxsched.plateau_report(state).num_reductions)
    assert counts[0] == counts[1] > 0
