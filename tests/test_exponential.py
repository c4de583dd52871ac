"""The forms that change by a factor: every combination of hyperparameters, read in every way."""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from ways import ways

import jaxsched as js
from jaxsched._forms.exponential import _share

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


def decayed_from(t, value, period, rate, begin=0, stairs=False, end=None) -> float:
    return decayed(t, value, period, rate, begin, stairs, end)


def natural(t, value, period, rate, stairs=False) -> float:
    return value * math.exp(-rate * (t // period if stairs else t / period))


def between(t, start, end, steps, begin=0) -> float:
    return start * (end / start) ** min(max(t - begin, 0) / steps, 1)


OF_ANY_TYPE = [
    (js.exponential_decay, (3, 4, 2), {1}, decayed_from),
    (js.exponential_decay, (3, 4, 2, 1, True, 9), {1, 3, 4}, decayed_from),
    (js.natural_exp_decay, (3, 4, 2), {1}, natural),
    (js.natural_exp_decay, (3, 4, 2, True), {1, 3}, natural),
    (js.half_life_decay, (3, 2, 1, 1), {1, 2}, lambda t, v, h, b, e: decayed(t, v, h, 0.5, b, False, e)),
    (js.geometric_schedule, (3, 5, 4, 1), {2, 3}, between),
    (js.inverse_sigmoid_decay, (3, 2), set(), lambda t, v, k: v * k / (k + math.exp(t / k))),
]  # fmt: skip


@pytest.mark.parametrize("kind", [jnp.int32, jnp.uint8, jnp.bfloat16])
@pytest.mark.parametrize(("factory", "given", "lengths", "law"), OF_ANY_TYPE)
def test_hyperparameters_of_any_type(kind, factory, given, lengths, law):
    """Integers are no literals, bytes have no sign, and few digits are not computed in."""
    few = [0, 1, 2, 5, 9]
    exact = [law(t, *given) for t in few]
    np.testing.assert_allclose([factory(*given)(t) for t in few], exact, 1e-14)
    for i in range(len(given)):
        if i not in lengths or (np.issubdtype(kind, np.integer) and given[i] is not True):
            build = lambda x, i=i: factory(*given[:i], x, *given[i + 1 :])(jnp.asarray(few))
            np.testing.assert_allclose(jax.jit(build)(kind(given[i])), exact, 2e-6)


def test_a_length_that_is_traced():
    """It may be 0 or 1; before the decay begins nothing of the kind is seen."""
    steps, few = jnp.arange(6), range(6)
    for n in (0, 1, 2):
        for rate in (0.5, 2.0):
            values = jax.jit(
                lambda n, r=rate: js.exponential_decay(0.75, n, r, 2, end_value=4.0)(steps)
            )
            low = 4.0 if rate < 1 else 0.75
            exact = [max(0.75, low) if rate < 1 else min(0.75 * (rate ** ((t - 2) / n) if n else 99), 4.0)
                     if t >= 2 else low for t in few]  # fmt: skip
            np.testing.assert_allclose(values(n), exact, 1e-6)
        values = jax.jit(lambda n: js.natural_exp_decay(0.75, n, 0.5)(steps))(n)
        np.testing.assert_allclose(values, [0.75 * math.exp(-t / max(n, 1) / 2) for t in few], 1e-6)


@pytest.mark.parametrize("start", [3.0, -3.0, 0.0, 0.5])
def test_what_takes_no_steps_stays_finite(start):
    """A growth of no steps is the largest float32, as much as a float32 times it would be beyond it."""
    largest = float(np.finfo(np.float32).max)
    steps = jnp.arange(4)
    traced = lambda n, r, s: js.exponential_decay(s, n, r, 2)(steps)
    for rate, limit in ((0.5, 0.0), (1.0, start), (2.0, np.sign(start) * largest)):
        exact = [start, start, limit, limit]
        np.testing.assert_array_equal(jax.jit(lambda n, r=rate: traced(n, r, start))(0), exact)
        np.testing.assert_array_equal(jax.jit(lambda r: traced(0, r, start))(rate), exact)
        np.testing.assert_array_equal(jax.jit(traced)(0, rate, start), exact)
        end = None if rate <= 1 else 5.0
        schedule = js.exponential_decay(start, 0, rate, 2, end_value=end)
        exact = [min(e, 5.0) for e in exact]
        assert [schedule(t) for t in range(4)] == exact
        np.testing.assert_array_equal(schedule(steps), exact)


def test_what_takes_no_steps_is_a_number_on_the_host():
    """Code that goes on with it would make an array of a number of the host's."""
    over = js.exponential_decay(0.3, 0, 0.5, 2) + 1.0
    down = js.with_warmup(js.exponential_decay(0.3, 0, 0.5, 2), 8, 0.5, mode="overlay")
    assert [over(1), over(2)] == [1.3, 1.0]
    assert [down(0), down(2), down(8)] == [0.5, 0.375, 0.0]


def test_a_rise_or_fall_of_any_size(x64):
    """Of known ends every value is exact to the last digits, and of traced ones the ratio may be beyond
    float32.
    """
    last = 10**6
    counts = [0, 1, 1000, last // 3, last // 2, last - 1, last, last + 5]
    steps = jnp.asarray(counts)
    for start, end in ((1.0, 1e-30), (2e-38, 1e38), (1e38, 2e-38), (0.3, 0.31), (2.0, 2.0)):
        with mp.workdps(30):
            shares = [min(mp.mpf(t) / last, mp.mpf(1)) for t in counts]
            exact = [float(mp.mpf(start) * (mp.mpf(end) / mp.mpf(start)) ** s) for s in shares]
        size = 1 + abs(math.log2(end) - math.log2(start))
        schedule = js.geometric_schedule(start, end, last)
        for values, digits in (
            (np.asarray([schedule(t) for t in counts]), 2e-13),
            (schedule(steps), 2e-13 if x64 else 4e-7),
            (
                jax.jit(lambda a, b: js.geometric_schedule(a, b, last)(steps))(start, end),
                2e-7 * size,
            ),
            (
                jax.jit(lambda b, a=start: js.geometric_schedule(a, b, last)(steps))(end),
                2e-7 * size,
            ),
            (
                jax.jit(lambda a, b=end: js.geometric_schedule(a, b, last)(steps))(start),
                2e-7 * size,
            ),
        ):
            np.testing.assert_allclose(values, exact, digits)
            assert values[0] == values.dtype.type(start)
            assert (values[-2:] == values.dtype.type(end)).all()
            assert (values >= values.dtype.type(min(start, end))).all()
            assert (values <= values.dtype.type(max(start, end))).all()


def test_the_end_is_exact_and_no_value_beyond_it():
    random = np.random.default_rng(0)
    starts, ends = random.uniform(0.1, 9, (2, 40)).tolist()
    for values in ways(
        [js.geometric_schedule(a, b, 3) for a, b in zip(starts, ends, strict=True)], 5
    ):
        low, high = (
            f(starts, ends).astype(values.dtype)[:, None] for f in (np.minimum, np.maximum)
        )
        values = np.asarray(values)
        np.testing.assert_array_equal(values[:, 0], np.asarray(starts, values.dtype))
        np.testing.assert_array_equal(values[:, 3:].T, np.asarray([ends, ends], values.dtype))
        assert ((low <= values) & (values <= high)).all()


@pytest.mark.parametrize(
    "ends", [(1.5, 0.25), (0.25, 1.5), (1e-37, 2e-30), (3e37, 0.5), (1.0, 1.0)]
)
def test_slopes_between_ends_that_are_traced(ends):
    """By the step, and by each end; with slopes of their own."""
    steps = jnp.asarray([0.25, 1.0, 2.5, 3.75])
    given = tuple(map(jnp.float32, ends))
    start, end = (float(x) for x in given)
    value = lambda t, a, b: jax.vmap(js.geometric_schedule(a, b, 4))(t)
    scaled = (jnp.full(4, 0.5), jnp.float32(0.25 * start), jnp.float32(-2.0 * end))
    shares = np.asarray(steps, np.float64) / 4
    curve = start * (end / start) ** shares
    by_step = curve * math.log(end / start) / 4
    for i, exact in enumerate((by_step * 0.5, curve * (1 - shares) * 0.25, curve * shares * -2.0)):
        tangents = [t if i == j else jnp.zeros_like(t) for j, t in enumerate(scaled)]
        found = jax.jvp(value, (steps, *given), tuple(tangents))
        np.testing.assert_allclose(found[0], curve, 1e-5)
        np.testing.assert_allclose(found[1], exact, 1e-5, atol=1e-6 * curve.max())


def test_the_share_of_an_end_in_the_slope():
    """No product and no quotient on the way is beyond float32 where the whole is not."""
    parts = [
        (value, end, share)
        for value in (1e-37, 0.5, 1e6, 3e38) for end in (1e-37, 1e-3, 1.0, 1.5, 3.0, 1e20, 3e38)
        for share in (0.0, 1e-9, 1e-7, 0.5, 1.0)
    ]  # fmt: skip
    value, end, share = (jnp.asarray(column, jnp.float32) for column in zip(*parts, strict=True))
    exact = [min(v / e * s, float(np.finfo(np.float32).max)) for v, e, s in parts]
    np.testing.assert_allclose(_share(value, end, share), exact, 1e-6, atol=1e-37)


def test_a_short_way_is_a_table_alone(x64):
    """No count is beyond its length. (In float64 there are no tables.)"""
    text = lambda n: jax.jit(js.geometric_schedule(1.0, 0.5, n)).lower(jnp.int32(0)).as_text()
    assert ("exponential" in text(1000)) == x64
    assert "exponential" in text(5000)
