"""The schedule that gradient norms call for, against its formula."""

from __future__ import annotations

from statistics import median

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsched as js

NORMS = [2.0, 9.0, 1.0, 4.0, 3.0, 8.0, 0.5, 6.0, 7.0, 5.0, 2.5]
CASES = [
    (norms, optimizer, smoothing)
    for norms in (NORMS, NORMS[:2], NORMS[:4], [1e-200, 1e200, 1e-300], [3.0] * 6)
    for optimizer in ("adam", "sgd")
    for smoothing in (0.0, 0.1, 0.2, 0.4, 0.6, 1.0)
]


def refined(norms, optimizer, smoothing) -> list[float]:
    """What each median calls for, the largest as 1."""
    count, half = len(norms), int(smoothing * len(norms) / 2)
    mirrored = norms[::-1][:half]
    padded = [norms[0]] * half + list(norms) + mirrored
    medians = [median(padded[i : i + 2 * half + 1]) for i in range(count)]
    weights = [(min(medians) / m) ** (2 if optimizer == "sgd" else 1) for m in medians]
    values = [w * sum(weights[i + 1 :]) for i, w in enumerate(weights)]
    return [v / max(values) for v in values]


@pytest.mark.parametrize("peak", [1.0, 0.3])
def test_the_formula(peak):
    for norms, optimizer, smoothing in CASES:
        expected = peak * np.asarray(refined(norms, optimizer, smoothing))
        for given in (norms, np.asarray(norms), tuple(norms)):
            schedule = js.refined_schedule(given, peak, optimizer, smoothing)
            np.testing.assert_allclose([schedule(t) for t in range(len(norms))], expected, 1e-13)
            assert schedule(len(norms) + 5) == 0.0
        assert schedule.values.max() == pytest.approx(peak, rel=1e-15)


def test_between_the_norms_is_a_line():
    expected = refined(NORMS, "adam", 0.4)
    schedule = js.refined_schedule(NORMS, 2.0, smoothing=0.4, every=4)
    values = [
        2 * (expected[i] + (expected[i + 1] - expected[i]) * j / 4)
        for i in range(10)
        for j in range(4)
    ]
    np.testing.assert_allclose([schedule(t) for t in range(40)], values, 1e-13)
    np.testing.assert_allclose(schedule(jnp.arange(40)), values, 2e-6)


def test_numbers_that_are_not_given():
    assert js.refined_schedule(NORMS) == js.refined_schedule(NORMS, 1.0, "adam", 0.1, 1)
    assert js.refined_schedule(NORMS * 2) == js.refined_schedule(NORMS * 2, 1.0, "adam", 0.1, 1)
    assert js.refined_schedule(NORMS * 2) != js.refined_schedule(NORMS * 2, 1.0, "adam", 0.2, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (
            ([1.0],),
            ValueError,
            "grad_norms must be a sequence of at least 2 positive finite numbers",
        ),
        (([],), ValueError, "grad_norms must be a sequence of at least 2 positive finite numbers"),
        ((3.0,), ValueError, "grad_norms must be a sequence of at least 2 positive finite numbers"),
        (
            ([[1.0, 2.0]],),
            ValueError,
            "grad_norms must be a sequence of at least 2 positive finite numbers",
        ),
        (
            ([1.0, 0.0],),
            ValueError,
            "grad_norms must be a sequence of at least 2 positive finite numbers",
        ),
        (
            ([1.0, -1.0],),
            ValueError,
            "grad_norms must be a sequence of at least 2 positive finite numbers",
        ),
        (
            ([1.0, np.inf],),
            ValueError,
            "grad_norms must be a sequence of at least 2 positive finite numbers",
        ),
        (
            ([1.0, np.nan],),
            ValueError,
            "grad_norms must be a sequence of at least 2 positive finite numbers",
        ),
        (
            (["a", 1.0],),
            TypeError,
            "grad_norms must be a sequence of at least 2 positive finite numbers",
        ),
        ((NORMS, 0), ValueError, "peak_value must be a positive finite number, got 0"),
        ((NORMS, 1.0, "lion"), ValueError, "optimizer must be 'sgd' or 'adam', got 'lion'"),
        ((NORMS, 1.0, "adam", 1.5), ValueError, "smoothing must be a number from 0 to 1, got 1.5"),
        ((NORMS, 1.0, "adam", 0.5, 0), ValueError, "every must be a positive integer, got 0"),
    ],
)
def test_what_is_refused(arguments, error, said):
    with pytest.raises(error, match=f"refined_schedule: {said}"):
        js.refined_schedule(*arguments)
