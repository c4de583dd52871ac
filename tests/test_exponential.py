"""The forms that change by a factor: every combination of hyperparameters, read in every way."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest
from ways import ways

import jaxsched as js

STEPS = list(range(24))


def decayed(t, start, period, rate, begin, stairs, end) -> float:
    if period == 0:
        value = start * (1.0 if t < begin or rate == 1 else 0.0 if rate < 1 else np.inf)
    else:
        exponent = max(t - begin, 0) / period
        value = start * rate ** (exponent // 1 if stairs else exponent)
    return value if end is None else max(value, end) if rate < 1 else min(value, end)


@pytest.mark.parametrize("stairs", [False, True])
@pytest.mark.parametrize("end", [None, 0.3, 2.5])
def test_exponential_decay(stairs, end):
    grid = [
        (0.75, period, rate, begin, stairs, end)
        for period, rate, begin in itertools.product((0, 1, 4), (0.5, 1.0, 2.0), (0, 3))
        if not (period == 0 and rate > 1 and end is None)
    ]
    expected = [[decayed(t, *given) for t in STEPS] for given in grid]
    for values in ways([js.exponential_decay(*given) for given in grid], len(STEPS)):
        np.testing.assert_allclose(values, expected, rtol=3e-6)


def test_without_an_end_a_growth_must_take_steps():
    for period, rate, end in ((1, 2.0, None), (0, 1.0, None), (0, 0.5, None), (0, 2.0, 1.0)):
        js.exponential_decay(1.0, period, rate, end_value=end)
    with pytest.raises(ValueError, match="end_value must be given"):
        js.exponential_decay(1.0, 0, 2.0)
    traced = jax.jit(lambda period: js.exponential_decay(1.0, period, 2.0)(4))
    assert [float(traced(period)) for period in (1, 2, 4)] == [16.0, 4.0, 2.0]
    traced = jax.jit(lambda rate: js.exponential_decay(1.0, 0, rate)(4))
    assert [float(traced(rate)) for rate in (0.5, 1.0)] == [0.0, 1.0]


@pytest.mark.parametrize("stairs", [False, True])
def test_natural_exp_decay(stairs):
    grid = [(0.75, period, rate, stairs) for period in (1, 4) for rate in (0.0, 0.3, 1.5)]
    expected = [
        [v * np.exp(-k * (t // n if stairs else t / n)) for t in STEPS] for v, n, k, _ in grid
    ]
    for values in ways([js.natural_exp_decay(*given) for given in grid], len(STEPS)):
        np.testing.assert_allclose(values, expected, rtol=1e-5)


ENDS = [(1.0, 0.01), (0.01, 1.0), (0.5, 0.5), (0.1, 0.1 + 1e-8), (0.3, 0.3 - 1e-7)]


def test_geometric_schedule():
    grid = [(*ends, steps, begin) for ends in ENDS for steps in (0, 1, 7, 19) for begin in (0, 3)]
    expected = [
        [a * (b / a) ** (min(max(t - begin, 0) / n, 1) if n else t >= begin) for t in STEPS]
        for a, b, n, begin in grid
    ]
    lows, highs = (np.asarray([[f(a, b)] for a, b, *_ in grid]) for f in (min, max))
    for values in ways([js.geometric_schedule(*given) for given in grid], len(STEPS)):
        np.testing.assert_allclose(values, expected, rtol=3e-6)
        assert (lows.astype(values.dtype) <= values).all()
        assert (values <= highs.astype(values.dtype)).all()
        for row, (start, end, steps, begin) in zip(values, grid, strict=True):
            assert row[-1] == values.dtype.type(end)
            assert row[0] == values.dtype.type(start if steps or begin else end)


@pytest.mark.parametrize("ends", [[(1.0, 0.01), (0.5, 0.01)], [(0.01, 1.0), (0.01, 0.5)]])
def test_geometric_pieces_that_share_one_end(ends):
    expected = [[a * (b / a) ** min(t / 7, 1) for t in STEPS] for a, b in ends]
    for values in ways([js.geometric_schedule(*pair, 7) for pair in ends], len(STEPS)):
        np.testing.assert_allclose(values, expected, rtol=3e-6)


def test_inverse_sigmoid_decay():
    grid = [(0.7, k) for k in (0.5, 3.0, 20.0)]
    expected = [[v * k / (k + np.exp(t / k)) for t in STEPS] for v, k in grid]
    for values in ways([js.inverse_sigmoid_decay(*given) for given in grid], len(STEPS)):
        np.testing.assert_allclose(values, expected, rtol=1e-5)
