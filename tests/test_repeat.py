"""Cycles that grow: which one a step is in and how far, against whole numbers of any size."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsched as js

TYPES = ["int8", "uint8", "int16", "int32", "uint32"]
GROWTHS = [2, 3, 7, 255, 46341, 2**31 - 1]
PERIODS = [1, 2, 5, 100, 65537, 2**30, 2**31 - 1]


def begins(period: int, growth: int, top: int) -> list[int]:
    found, length = [0], period
    while found[-1] + length <= top:
        found.append(found[-1] + length)
        length *= growth
    return found


def steps(period: int, growth: int, top: int) -> list[int]:
    """Around every begin, in the middle of every cycle, and the last."""
    marks = begins(period, growth, top)
    middles = [(a + b) // 2 for a, b in zip(marks, [*marks[1:], top], strict=True)]
    around = {mark + offset for mark in marks for offset in (-1, 0, 1)}
    return sorted(t for t in {*around, *middles, top - 1, top} if 0 <= t <= top)


def number_of(period: int, growth: int, step: int, limit: int | None = None) -> int:
    number = sum(begin <= step for begin in begins(period, growth, step)) - 1
    return number if limit is None else min(number, limit - 1)


def halves(index: int) -> np.float32:
    return np.ldexp(np.float32(1), -index)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("growth", GROWTHS)
def test_the_number_of_a_growing_cycle(kind, growth):
    """Told by a rate that halves from cycle to cycle: exact, also where a cycle ends beyond the type."""
    top = min(int(np.iinfo(kind).max), 2**31 - 1)  # a step of uint32 is read as int32
    for period in PERIODS:
        at = steps(period, growth, top)
        for limit in (None, 1, 2, 5):
            schedule = js.repeat(js.constant_schedule(1.0), period, growth, 0.5, limit)
            values = jax.jit(schedule)(jnp.asarray(np.asarray(at, kind)))
            expected = [halves(number_of(period, growth, t, limit)) for t in at]
            np.testing.assert_array_equal(values, expected, str((period, limit)))


@pytest.mark.parametrize("growth", [1, *GROWTHS])
def test_the_number_of_a_cycle_of_traced_lengths(growth):
    """One program for all lengths; of a growth that turns out to be 1 too."""
    top = 2**31 - 1
    number = jax.jit(
        lambda p, g, n, t: js.repeat(js.constant_schedule(1.0), p, g, 0.5, n)(t),
    )
    for period in PERIODS:
        at = [0, 1, period, min(31 * period, top)] if growth == 1 else steps(period, growth, top)
        for limit in (2**31 - 1, 1, 2, 5):
            values = number(period, growth, limit, jnp.asarray(at, jnp.int32))
            numbers = [
                min(t // period, limit - 1) if growth == 1 else number_of(period, growth, t, limit)
                for t in at
            ]
            np.testing.assert_array_equal(values, [*map(halves, numbers)], str((period, limit)))


@pytest.mark.parametrize("growth", [2, 3, 46341])
@pytest.mark.parametrize("period", [1, 3, 100, 65537, 2**30])
def test_how_far_a_growing_cycle_is(period, growth):
    """The schedule's own step within the cycle, by a ramp that is walked once in each."""
    schedule = js.repeat(js.linear_schedule(0.0, 1.0, period), period, growth)
    marks = begins(period, growth, 2**31 - 1)
    at = steps(period, growth, 2**31 - 1)
    number = [number_of(period, growth, t) for t in at]
    expected = [(t - marks[i]) / (period * growth**i) for t, i in zip(at, number, strict=True)]
    for values in (
        jax.jit(schedule)(jnp.asarray(at, jnp.int32)),
        jax.jit(lambda s, t: s(t))(schedule, jnp.asarray(at, jnp.int32)),
        [schedule(t) for t in at],
    ):
        np.testing.assert_allclose(values, np.asarray(expected), rtol=1e-6, atol=1e-9)


def test_the_program_of_growing_cycles_is_short():
    """Also where the lengths are arguments: XLA took minutes for operators around such a program."""
    steps = jnp.arange(8, dtype=jnp.int32)
    schedule = js.repeat(js.linear_schedule(1.0, 0.0, 100), 300, 2, 0.75)
    for _ in range(2):
        schedule = js.with_warmup(js.repeat(schedule, 2400, 2, 0.5), 10)
    lowered = jax.jit(lambda s, t: s(t)).lower(schedule, steps)
    assert lowered.as_text().count("\n") < 20_000
    values = lowered.compile()(schedule, steps)
    np.testing.assert_allclose(values, [schedule(int(t)) for t in steps], rtol=1e-5)


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        (js.repeat(js.constant_schedule(1e-3), 10, 1, 2.0), 1300, 1e-3 * 2.0**130),
        (js.repeat(js.constant_schedule(1e-3), 10, 3, 1e9), 4000, 1e51),
        (js.repeat(js.constant_schedule(10.0), 10, 1, 2.0), 1280, 10 * 2.0**128),
        (js.cosine_decay_restarts(1e-3, 7, 1.0, 2.0), 952, 1e-3 * 2.0**136),
        (js.cosine_decay_restarts(1e-3, 7, 1.0, 2.0, 0.5), 952, 1e-3 * 2.0**135),
        (js.cyclic_schedule(0.0, 1e-20, 1, mode="exp_range", gamma=2.0), 181, 1e-20 * 2.0**181),
    ],
)
def test_a_growth_ends_at_the_largest_number(schedule, step, expected):
    """Not where the power alone does, and not in an infinity."""
    assert schedule(step) == pytest.approx(expected, rel=1e-12)
    largest = float(np.finfo(jax.dtypes.canonicalize_dtype(float)).max)
    for value in (
        jax.jit(schedule)(step),
        jax.jit(lambda s, t: s(t))(schedule, step),
        jax.jit(js.join_schedules([schedule, schedule * 0.5], [10**6]))(step),
    ):
        np.testing.assert_allclose(float(value), min(expected, largest), rtol=3e-5)
    late = 2**31 - 1
    assert math.isfinite(schedule(late))
    assert float(jax.jit(schedule)(late)) == pytest.approx(min(schedule(late), largest), rel=1e-12)


@pytest.mark.parametrize("growth", [1, 2, 3])
@pytest.mark.parametrize("limit", [None, 2])
def test_between_steps(growth, limit):
    """A fraction of a step is a fraction of the way to the next one."""
    schedule = js.repeat(js.linear_schedule(1.0, 0.25, 3), 3, growth, 1.0, limit)
    ends = np.cumsum([0, *(3 * growth**i for i in range(12))])
    for step in (0.25, 1.5, 2.75, 3.5, 4.75, 5.5, 8.5, 9.25, 11.75, 12.0, 12.5, 30.5):
        number = min(np.searchsorted(ends, step, "right"), limit or 12) - 1
        along = min((step - ends[number]) / (3 * growth**number), 1)
        for value in (
            schedule(step),
            jax.jit(schedule)(step),
            jax.jit(lambda s, t: s(t))(schedule, step),
            jax.jit(js.join_schedules([schedule, schedule], [100]))(step),
        ):
            assert value == pytest.approx(1 - 0.75 * along, rel=1e-6), step
