"""Laws between operators, on schedules and steps that hypothesis chooses."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from budget import budgeted
from hypothesis import strategies as st
from test_algebra import close, lengths, schedules, steps, values

import jaxsched as js
from jaxsched import shapes

given = budgeted(20)
few = st.integers(1, 40)

shape = st.sampled_from(
    [shapes.linear(), shapes.cosine(), shapes.inverse_power(0.5), shapes.exponential(0.1)]
)


def same(a, b, step):
    """Equal on the host to the bit, and on the device up to rounding."""
    assert a(step) == b(step)
    at = jnp.asarray(step, jnp.int32)
    with np.errstate(over="ignore"):
        assert close(float(a(at)), a(step))
        assert close(float(b(at)), b(step))


@given(schedules, steps)
def test_identities(s, step):
    for unchanged in (
        js.delay(s, 0),
        js.stretch(s, 1),
        js.stretch(s, 1, 1),
        js.staircase(s, 1),
        js.by_epoch(s, 1),
        js.clip(s),
        js.with_warmup(s, 0),
        js.with_noise(s, 0.0),
        s**1,
    ):
        assert unchanged(step) == s(step)


@given(schedules, lengths, lengths, steps)
def test_delays_add_up(s, a, b, step):
    same(js.delay(js.delay(s, a), b), js.delay(s, a + b), step)


@given(schedules, lengths, steps)
def test_a_delayed_schedule_is_a_joined_one(s, a, step):
    first = js.constant_schedule(s(0))
    same(js.delay(s, a), js.join_schedules([first, s], [a]), step)


@given(schedules, few, few, steps)
def test_stretches_multiply(s, a, b, step):
    twice, once = js.stretch(js.stretch(s, a), b), js.stretch(s, a * b)
    scale = max(abs(s(step // (a * b))), abs(s(step // (a * b) + 1)))
    assert abs(twice(step) - once(step)) <= 1e-14 * scale


@given(schedules, few, few, steps)
def test_a_stretched_schedule_passes_through_the_schedule(s, factor, divisor, step):
    stretched = js.stretch(s, factor, divisor)
    assert stretched(factor * step) == s(divisor * step)
    if step < 2**31 // 40:
        here = float(stretched(jnp.asarray(factor * step, jnp.int32)))
        with np.errstate(over="ignore"):
            there = s(divisor * step)
            assert close(here, there) or divisor * step >= 2**31 or math.isinf(there)


@given(schedules, few, few, steps)
def test_a_stretched_schedule_stays_between_its_neighbours(s, factor, divisor, step):
    whole = step * divisor // factor
    ends = s(whole), s(whole + 1)
    assert min(ends) <= js.stretch(s, factor, divisor)(step) <= max(ends)


@given(schedules, few, steps)
def test_a_staircase_is_idempotent_and_counts_epochs(s, every, step):
    stairs = js.staircase(s, every)
    same(js.staircase(stairs, every), stairs, step)
    assert stairs(step) == s(step - step % every)
    assert stairs(step) == js.by_epoch(js.stretch(s, 1, every), every)(step)
    assert js.by_epoch(s, every)(step) == s(step // every)


@given(schedules, st.integers(0, 2000), steps)
def test_backwards_twice_is_forwards(s, length, step):
    twice = js.reverse(js.reverse(s, length), length)
    assert twice(step) == s(min(step, length))


@given(schedules, st.integers(1, 500), st.integers(0, 10**6))
def test_a_repeated_schedule_is_periodic(s, period, step):
    cycles = js.repeat(s, period)
    same(cycles, js.delay(s, step - step % period), step)
    assert cycles(step + period) == cycles(step)
    assert cycles(step + period * 10**12) == cycles(step)


@given(
    schedules, st.integers(1, 200), st.integers(1, 4), st.floats(0.1, 1), st.integers(1, 6), steps
)
def test_a_repeated_schedule_is_a_join_of_stretched_ones(s, period, growth, rate, limit, step):
    starts, pieces = [0], []
    for i in range(limit):
        pieces.append(js.stretch(s, growth**i) * rate**i)
        starts.append(starts[-1] + period * growth**i)
    held = js.constant_schedule(pieces[-1](starts[-1] - starts[-2]))
    joined = js.join_schedules([*pieces, held], starts[1:])
    repeated = js.repeat(s, period, growth, rate, limit)
    assert repeated(step) == pytest.approx(joined(step), rel=1e-14, abs=0)
    with np.errstate(over="ignore"):
        assert close(float(repeated(jnp.asarray(step, jnp.int32))), joined(step))


@given(schedules, schedules, steps)
def test_smaller_and_larger(a, b, step):
    same(js.minimum(a, b), js.minimum(b, a), step)
    same(js.maximum(a, b), js.maximum(b, a), step)
    assert js.minimum(a, b)(step) == min(a(step), b(step))
    assert js.maximum(a, b)(step) == max(a(step), b(step))
    assert js.minimum(a, a)(step) == js.maximum(a, a)(step) == a(step)
    assert js.minimum(a, js.maximum(a, b))(step) == a(step)  # absorption


@given(schedules, values, values, steps)
def test_clipping_is_idempotent(s, x, y, step):
    low, high = sorted((x, y))
    clipped = js.clip(s, low, high)
    same(js.clip(clipped, low, high), clipped, step)
    same(clipped, js.minimum(js.maximum(s, low), high), step)
    assert clipped(step) == min(max(s(step), low), high)


@given(schedules, st.integers(1, 4), steps)
def test_a_power_is_repeated_multiplication(s, exponent, step):
    expected = math.prod([s(step)] * exponent)  # infinite where Python's power overflows
    assert (s**exponent)(step) == pytest.approx(expected, rel=1e-15)
    assert (s**2)(step) == (s * s)(step)


@given(schedules, lengths, values, shape, steps)
def test_a_warmup_leads_to_the_schedule(s, length, start, along, step):
    prefix = js.with_warmup(s, length, start, along)
    overlay = prefix.replace(mode="overlay")
    assert prefix(length + step) == s(step)
    assert overlay(length + step) == s(length + step)
    if length:
        assert prefix(0) == overlay(0) == start
        ends = start, s(0)
        assert min(ends) <= prefix(step % length) <= max(ends)


@given(schedules, st.integers(1, 2000), st.data())
def test_conventions_of_the_first_step(s, length, data):
    step = data.draw(st.integers(0, length - 1))
    peak = s(0)
    zero, one = js.with_warmup(s, length), js.with_warmup(s, length, first_step=1)
    assert zero(step) == pytest.approx(peak * step / length, rel=1e-14)
    assert one(step) == pytest.approx(peak * (step + 1) / length, rel=1e-14)
    both = js.with_warmup(s, length + 1, first_step=1)
    assert both(step) == pytest.approx(peak * (step + 1) / (length + 1), rel=1e-14)


@given(schedules, lengths, st.integers(1, 2000), values, shape, steps)
def test_a_cooldown_is_continuous_and_ends(s, begin, length, end, along, step):
    cooled = js.with_cooldown(s, begin, length, end, along)
    assert cooled(begin) == s(begin)
    assert cooled(begin + length + step) == end
    if begin:
        assert cooled(step % begin) == s(step % begin)
    ends = s(begin), end
    assert min(ends) <= cooled(begin + step % length) <= max(ends)


@given(schedules, lengths, st.integers(1, 2000), steps)
def test_another_plan_goes_on_from_the_value(s, begin, length, step):
    plan = js.linear_schedule(3.0, 0.0, length)
    changed = js.override(s, begin, plan)
    assert changed(begin) == pytest.approx(s(begin), rel=1e-15)
    assert changed(begin + step) == pytest.approx(
        s(begin) * plan(step) / 3.0, rel=1e-14, abs=1e-300
    )
    jump = js.override(s, begin, plan, continuous=False)
    assert jump(begin + step) == plan(step)
    if begin:
        assert changed(step % begin) == jump(step % begin) == s(step % begin)
    same(js.override(s, begin, js.delay(plan, 1), False), js.join_schedules(
        [s, js.delay(plan, 1)], [begin]), step)  # fmt: skip


@given(schedules, values, values, steps)
def test_a_proportional_value_stays_between_its_bounds(s, low, high, step):
    value = js.proportional(s, 0.7, low, high)(step)
    assert min(low, high) <= value <= max(low, high)
    if 0 <= s(step) <= 0.7:
        assert value == pytest.approx(low + (high - low) * s(step) / 0.7, rel=1e-12, abs=1e-12)
    assert js.proportional(js.constant_schedule(0.0), 0.7, low, high)(step) == low


@pytest.mark.parametrize("peak", [1e-30, 1e-3, 0.7, 1.0, 3e30])
def test_a_proportional_value_on_the_device(peak):
    """Exact where the leading schedule is at its peak, above it and at 0; also of any quotient."""
    shares = [0.0, 0.25, 0.9, 1.0, 2.0, -1.0]
    expected = np.clip(shares, 0.0, 1.0)
    lead = js.piecewise_constant_schedule(peak, {1: 2.0})  # a schedule, whatever its values
    for low, high in (
        (0.0, 0.1),
        (0.0, -0.1),
        (0.5, 0.25),
        (0.1, 0.4),
        (0.0, 1e-30),
        (0.0, 2e37),
        (0, 0),
    ):
        for share, exact in zip(shares, expected, strict=True):
            value = js.proportional(lead * share, peak, low, high)(jnp.asarray(0))
            assert value == pytest.approx(low + (high - low) * exact, rel=3e-7)
            low_32, high_32 = sorted(map(np.float32, (low, high)))
            assert low_32 <= np.asarray(value, np.float32) <= high_32
        top = js.proportional(lead, peak, low, high)
        assert float(top(jnp.asarray(0))) == pytest.approx(high, rel=1e-7)
        assert float(top(jnp.asarray(1))) == pytest.approx(high, rel=1e-7)


@given(st.integers(0, 2**40), st.sampled_from(["uniform", "normal"]), st.integers(0, 2**31 - 1))
def test_noise_is_the_same_on_the_host_and_on_the_device(seed, distribution, step):
    noise = js.with_noise(js.constant_schedule(0.0), 1.0, seed, distribution, "add")
    device = float(jax.jit(noise)(jnp.asarray(step, jnp.int32)))
    if distribution == "uniform":
        assert device == noise(step) == float(np.float32(noise(step)))
    else:
        assert device == pytest.approx(noise(step), rel=1e-6)


def moments(distribution, seed):
    noise = js.with_noise(js.constant_schedule(0.0), 1.0, seed, distribution, "add")
    return np.asarray(jax.jit(noise)(jnp.arange(200_000)), np.float64)


@pytest.mark.parametrize(
    ("distribution", "variance", "kurtosis"), [("uniform", 1 / 3, 1.8), ("normal", 1.0, 3.0)]
)
def test_the_noise_has_its_distribution(distribution, variance, kurtosis):
    x, other = moments(distribution, 3), moments(distribution, 4)
    assert abs(x.mean()) < 5 * math.sqrt(variance / len(x))
    assert x.var() == pytest.approx(variance, rel=0.02)
    assert (x**4).mean() / x.var() ** 2 == pytest.approx(kurtosis, rel=0.05)
    for lag in (1, 2, 1000):  # neither neighbours nor seeds are correlated
        assert abs(np.corrcoef(x[:-lag], x[lag:])[0, 1]) < 5 / math.sqrt(len(x))
    assert abs(np.corrcoef(x, other)[0, 1]) < 5 / math.sqrt(len(x))
    if distribution == "uniform":
        assert -1 < x.min() < -0.9999
        assert 0.9999 < x.max() < 1


def test_noise_is_held_and_scaled():
    base = js.linear_schedule(1.0, 0.5, 10)
    noise = js.with_noise(js.constant_schedule(0.0), 1.0, 9, mode="add")
    held = js.with_noise(base, 0.25, 9, every=3)
    for step in range(12):
        assert held(step) == base(step) * (1 + 0.25 * noise(step // 3))


@given(st.lists(values, min_size=1, max_size=20), few, st.booleans(), steps)
def test_a_list_and_an_array_are_the_same_table(numbers, every, interpolate, step):
    listed = js.tabulated_schedule(numbers, every, interpolate)
    stored = js.tabulated_schedule(np.asarray(numbers), every, interpolate)
    same(listed, stored, step)
    i, last = step // every, len(numbers) - 1
    if step % every == 0 or not interpolate or i >= last:
        assert stored(step) == numbers[min(i, last)]
    else:
        ends = numbers[i], numbers[i + 1]
        assert min(ends) <= stored(step) <= max(ends)
        line = ends[0] + (ends[1] - ends[0]) * (step % every) / every
        assert stored(step) == pytest.approx(line, rel=1e-12, abs=1e-12)


def test_a_long_array_is_one_leaf_read_without_jax():
    numbers = np.random.default_rng(0).random(100_000)
    schedule = js.tabulated_schedule(numbers, every=3)
    assert schedule.is_plain
    assert len(jax.tree.leaves(schedule)) == 2
    at = np.array([0, 2, 3, 7, 299_999, 10**9])
    expected = numbers[np.minimum(at // 3, 99_999)]
    with jax.transfer_guard("disallow"):
        assert [schedule(int(t)) for t in at] == expected.tolist()
    assert type(schedule(5)) is float
    values = jax.jit(schedule)(jnp.asarray(at))
    np.testing.assert_array_equal(values, expected.astype(values.dtype))
    as_argument = jax.jit(lambda s, t: s(t))(schedule, jnp.asarray(at))
    np.testing.assert_array_equal(as_argument, values)
    assert len(str(jax.make_jaxpr(schedule)(jnp.asarray(at))).splitlines()) < 40
    numbers[0] = 7.0  # the schedule has its own
    assert schedule(0) == expected[0]
    with pytest.raises(ValueError, match="read-only"):
        schedule.values[0] = 7.0


def test_arrays_of_different_lengths_are_joined():
    a, b = np.arange(5.0), np.arange(3.0) + 10
    joined = js.join_schedules(
        [js.tabulated_schedule(a), js.tabulated_schedule(b), js.tabulated_schedule(b + 5)], [5, 8]
    )
    expected = [*a, *b, *(b + 5), 17.0]
    assert [joined(t) for t in range(12)] == expected
    np.testing.assert_array_equal(joined(jnp.arange(12)), expected)
    np.testing.assert_array_equal(jax.jit(lambda s: s(jnp.arange(12)))(joined), expected)


def test_tables_are_mapped_over():
    rows = jnp.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    values = jax.vmap(lambda v: js.tabulated_schedule(v)(jnp.arange(4)))(rows)
    np.testing.assert_array_equal(values, [[1, 2, 3, 3], [4, 5, 6, 6]])
    slope = jax.grad(lambda v: js.tabulated_schedule(v, 4, True)(jnp.asarray(5)))(rows[0])
    np.testing.assert_allclose(slope, [0.0, 0.75, 0.25], rtol=1e-6)


def test_functions_of_the_epoch_as_in_keras():
    """Keras's LearningRateScheduler with time-based decay that compounds each epoch."""
    compounding = js.tabulate_by_epoch(lambda epoch, rate: rate / (1 + 0.001 * epoch), 7, 5, 0.1)
    golden = [0.1, 0.0999000999, 0.0997006985, 0.09940249103, 0.09900646517]
    read = [compounding(7 * epoch + 6) for epoch in range(5)]
    np.testing.assert_allclose(read, golden, rtol=1e-9)
    python = js.tabulate_by_epoch(lambda e: 0.1 if e < 3 else 0.1 * math.exp(0.1 * (3 - e)), 7, 6)
    jittable = js.by_epoch(lambda e: 0.1 * jnp.exp(0.1 * jnp.minimum(3.0 - e, 0.0)), 7)
    steps = np.arange(42, dtype=np.float32)
    np.testing.assert_allclose(jax.jit(python)(steps), jax.jit(jittable)(steps), rtol=1e-6)


def refined(norms, power, width):
    """The paper's formula, term by term."""
    half, count = width // 2, len(norms)
    at = lambda i: norms[0] if i < 0 else norms[i] if i < count else norms[2 * count - 1 - i]
    smooth = [sorted(at(i + j) for j in range(-half, half + 1))[half] for i in range(count)]
    weights = [g**-power for g in smooth]
    values = [w * sum(weights[i + 1 :]) for i, w in enumerate(weights)]
    return [v / max(values) for v in values]


@pytest.mark.parametrize(("optimizer", "power"), [("sgd", 2), ("adam", 1)])
@given(
    st.lists(st.floats(0.01, 100), min_size=2, max_size=40), st.sampled_from([0.0, 0.1, 0.5, 1.0])
)
def test_the_refined_schedule_is_the_papers(optimizer, power, norms, tau):
    width = 2 * math.floor(tau * len(norms) / 2) + 1
    schedule = js.refined_schedule(norms, 0.3, optimizer, tau, every=5)
    expected = [0.3 * v for v in refined(norms, power, width)]
    read = [schedule(5 * i) for i in range(len(norms))]
    assert read == pytest.approx(expected, rel=1e-12)
    assert read[-1] == 0.0
    assert max(read) == pytest.approx(0.3, rel=1e-15)


def test_the_refined_schedule_of_constant_norms_is_a_line():
    schedule = js.refined_schedule(np.full(101, 1e-200), 0.7, "sgd")
    line = js.linear_schedule(0.7, 0.0, 100)
    assert [schedule(t) for t in range(120)] == pytest.approx(
        [line(t) for t in range(120)], rel=1e-13
    )
