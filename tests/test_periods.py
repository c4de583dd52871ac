"""Steps since another, and whole periods of steps, against Python's integers and fractions."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsched._core import numerics as nx
from jaxsched._core.host import HostCode, HostNumber, _Node, host_function
from jaxsched._core.per_piece import PerPiece
from jaxsched._core.periods import (
    Cycle,
    elapsed_since,
    has_begun,
    is_beyond,
    is_within,
    periods,
    share_of,
    sum_of_steps,
    whole_step,
)

TOP = int(np.iinfo(nx.int_dtype()).max)
BEGINS = [0, 1, 5, TOP - 1, TOP, TOP + 1, 2**70]
STEPS = [*range(12), 48, 49, 50, 2**24, 2**30, *range(TOP - 3, TOP + 1)]
FLOATS = [0.0, 0.5, 1.0, 4.75, 5.0, 5.25, 48.5, 49.0, 1e6]
HOST_STEPS = [*range(12), *FLOATS, 2**40]


def of_host(function, step):
    """What host code computes: a condition and a count as numbers."""
    return host_function(lambda t: function(t) * 1, (), "x")(step)


def steps_of(numbers=STEPS):
    return jnp.asarray(np.asarray(numbers, nx.int_dtype()))


def within(numbers) -> list[int]:
    return [n for n in numbers if n <= TOP]


def floats_of(numbers=FLOATS):
    return jnp.asarray(np.asarray(numbers, nx.float_dtype()))


def rows(arrays) -> list:
    return [a.tolist() for a in arrays]


@pytest.mark.parametrize("function", [elapsed_since, has_begun])
@pytest.mark.parametrize("given", [STEPS, FLOATS])
def test_the_steps_since_a_begin(function, given):
    whole = given is STEPS
    steps, begins = (steps_of() if whole else floats_of()), (BEGINS if whole else BEGINS[:3])
    if function is has_begun:
        expected = [[t >= b for t in given] for b in begins]
    else:
        expected = [[max(t - b, 0) for t in given] for b in begins]
    found = [function(steps, b) for b in begins]
    assert rows(found) == expected
    assert {a.dtype for a in found} == {np.dtype(bool) if function is has_begun else steps.dtype}
    pieces = PerPiece(np.asarray([7, *begins[1:3]]), jnp.uint32(2))
    assert function(steps, pieces).tolist() == expected[2]
    traced = jax.jit(lambda t, several: [function(t, b) for b in several])(steps, within(begins))
    assert rows(traced) == expected[: len(traced)]


def test_all_steps_are_since_0():
    steps = steps_of()
    assert elapsed_since(steps, 0) is steps
    assert elapsed_since(steps, jnp.asarray(0)) is not steps


def test_the_steps_since_a_begin_on_the_host():
    for begin in BEGINS:
        for step in HOST_STEPS:
            assert of_host(lambda t, b=begin: elapsed_since(t, b), step) == max(step - begin, 0)
            assert of_host(lambda t, b=begin: has_begun(t, b), step) == (step >= begin)
    code = HostCode()
    for is_step in (True, False):
        step = HostNumber(code, _Node("step"), is_step)
        assert elapsed_since(step, 5).is_step is periods(step, 5).is_step is is_step
        assert elapsed_since(step, 0) is step


def test_what_no_step_reaches():
    for dtype in (np.int8, nx.int_dtype()):
        step, top = jnp.asarray(3, dtype), int(np.iinfo(dtype).max)
        beyond = [is_beyond(step, n) for n in (0, top - 1, top, top + 1, 2**70)]
        assert beyond == [False, False, False, True, True]
        assert not is_beyond(step, 1e300)
        assert not is_beyond(step, PerPiece(np.asarray([2**40, 5]), jnp.uint32(0)))
        assert not is_beyond(step, jnp.asarray([2.0**60]))
    assert not is_beyond(jnp.asarray(3.0), 2**70)


def test_what_steps_are_known_to_reach():
    for dtype in (np.int8, nx.int_dtype()):
        step, top = jnp.asarray(3, dtype), int(np.iinfo(dtype).max)
        reached = [is_within(step, n) for n in (0, top - 1, top, top + 1, 2**70)]
        assert reached == [True, True, True, False, False]
        for longest in (top, top + 1):
            numbers = np.asarray([5, longest, 0], np.uint64)
            assert is_within(step, PerPiece(numbers, jnp.uint32(0))) == (longest == top)
        assert not is_within(step, jnp.asarray(5))  # of an array it is not known
    assert not is_within(jnp.asarray(3.0), 5)


SUMS = [(3, 4), (TOP, 0), (0, TOP), (TOP, 1), (TOP - 5, 5), (TOP - 5, 6), (TOP, TOP)]


def test_a_sum_of_steps_saturates():
    assert sum_of_steps(3, 2**40) == sum_of_steps(2**40, 3) == 3 + 2**40
    a, b = (steps_of(column) for column in zip(*SUMS, strict=True))
    expected = [min(x + y, TOP) for x, y in SUMS]

    @jax.jit
    def sums(a, b):
        pairs = list(enumerate(SUMS))
        return (
            sum_of_steps(a, b),
            jnp.stack([sum_of_steps(a[i], y) for i, (_, y) in pairs]),
            jnp.stack([sum_of_steps(x, b[i]) for i, (x, _) in pairs]),
            sum_of_steps(a, 2**70),
        )

    *found, all_beyond = sums(a, b)
    assert rows(found) == [expected] * 3
    assert {x.dtype for x in found} == {nx.int_dtype()}
    assert all_beyond.tolist() == [TOP] * len(SUMS)
    piece = PerPiece(np.asarray([1, 2**40]), jnp.uint32(1))
    assert sum_of_steps(piece, 3).numbers.tolist() == [4, 2**40 + 3]
    assert sum_of_steps(3, piece).numbers.tolist() == [4, 2**40 + 3]
    some = sum_of_steps(jnp.asarray([3, TOP]), PerPiece(np.asarray([2**40, 7]), jnp.uint32(1)))
    assert some.tolist() == [10, TOP]


def test_a_fraction_of_a_length_is_rounded_down(x64):
    whole = share_of(1, 10)
    assert (whole, type(whole)) == (10, int)
    for part, length in ((0.3, 10), (0.39, 10), (0.999, 1), (0.75, 2**70), (0.0, 5)):
        found = share_of(part, length)
        assert (found, type(found)) == (int(part * length), int)
    lengths, parts = np.asarray([10, 7, 100]), np.asarray([0.39, 0.5, 0.29])
    index = jnp.uint32(1)
    piece, part = PerPiece(lengths, index), PerPiece(parts, index)
    assert share_of(0.39, piece).numbers.tolist() == [3, 2, 39]
    assert share_of(part, piece).numbers.tolist() == [3, 3, 28]  # 0.29 * 100 is below 29
    assert share_of(part, 10).numbers.tolist() == [3, 5, 2]

    @jax.jit
    def shares(half, length):
        return (
            share_of(half, 7),
            share_of(half, length),
            share_of(0.5, length),
            share_of(half, piece),
        )

    half = jnp.bfloat16(0.5)
    for length in (jnp.int32(7), jnp.asarray(7, nx.int_dtype())):
        found = shares(half, length)
        assert [int(x) for x in found] == [3, 3, 3, 3]
        own, given = nx.int_dtype(), length.dtype
        assert [x.dtype for x in found] == [own, given, given, own]


PERIODS = [1, 2, 3, 7, 10, 49, 1000, 2**24 + 1, 2**30, TOP, TOP + 1, 2**70]


def whole_and_rest(count, period):
    cycle = Cycle(count, period)
    return cycle.number, cycle.rest


def counted(steps, given):
    return [whole_and_rest(steps, period) for period in given]


@pytest.mark.parametrize("kind", ["fixed", "traced", "narrow", "pieces"])
def test_periods_are_counted_in_integers(kind):
    steps, several = steps_of(), within(PERIODS)
    expected = [[divmod(t, period) for t in STEPS] for period in PERIODS]
    if kind == "fixed":
        found = jax.jit(lambda t: counted(t, PERIODS))(steps)
    elif kind == "traced":
        found = jax.jit(counted)(steps, several)
    elif kind == "narrow":
        found = counted(steps, [jnp.asarray(n, jnp.int16) for n in several if n < 2**15])
    else:
        pieces = [PerPiece(np.asarray([5, n]), jnp.uint32(1)) for n in several]
        found = counted(steps, pieces)
    for (number, rest), exact in zip(found, expected, strict=False):
        assert list(zip(number.tolist(), rest.tolist(), strict=True)) == exact
        assert number.dtype == rest.dtype == steps.dtype


def test_a_period_for_each_count():
    each = Cycle(steps_of(), steps_of([n + 1 for n in range(len(STEPS))]))
    assert each.number.tolist() == [t // (i + 1) for i, t in enumerate(STEPS)]
    assert each.rest.tolist() == [t % (i + 1) for i, t in enumerate(STEPS)]
    several = Cycle(jnp.asarray(3, nx.int_dtype()), steps_of([2, 7, 9]))
    assert (several.number.tolist(), several.rest.tolist()) == ([1, 0, 0], [1, 3, 3])


def test_periods_on_the_host():
    for period in PERIODS:
        for part, exact in ((0, lambda t, p: t // p), (1, lambda t, p: t % p)):
            read = host_function(lambda t, i=part, p=period: _part(t, p, i) * 1, (), "x")
            assert [read(t) for t in HOST_STEPS] == [exact(t, period) for t in HOST_STEPS]


def _part(step, period, part):
    cycle = Cycle(step, period)
    return (cycle.number, cycle.rest)[part]


def test_a_cycle_counts_once():
    cycle = Cycle(steps_of(), 7)
    assert cycle.rest is cycle.rest
    assert cycle.number is cycle.number


@pytest.mark.parametrize("kind", ["each", "compiled", "traced"])
def test_no_period_of_a_float_step_is_rounded_up_or_down(kind):
    """The number next below a multiple may be rounded onto it, and one divided by a constant below it."""
    several, real = [1, 3, 7, 10, 41, 49, 1000, 16385], nx.float_dtype().type
    whole = np.asarray([[k * n for k in (0, 1, 2, 3, 5, 10, 41, 97, 1000)] for n in several], real)
    steps = np.hstack([whole, np.nextafter(whole[:, 1:], real(0)), whole + real(0.5)])
    if kind == "traced":
        number, rest = jax.jit(whole_and_rest)(jnp.asarray(steps), steps_of(several)[:, None])
    else:
        every = lambda rows: [whole_and_rest(row, n) for row, n in zip(rows, several, strict=True)]
        found = (jax.jit(every) if kind == "compiled" else every)([*jnp.asarray(steps)])
        number, rest = (np.stack(column) for column in zip(*found, strict=True))
    for i, period in enumerate(several):
        exact = [divmod(Fraction(t), period) for t in steps[i].tolist()]
        assert number[i].tolist() == [n for n, _ in exact]
        assert rest[i].tolist() == [r for _, r in exact]


def test_the_rest_of_a_large_float_step_is_exact():
    """Where a float holds no fraction any more: the number is then the nearest that it holds."""
    steps = floats_of([2**24, 2**24 + 2, 123_456_792, 1e9, 2_100_000_000, 2**31 - 128])
    for period in (1, 3, 7, 49, 250, 31_623, 10**6, 2**24 - 1, 123_456_789):
        fixed = whole_and_rest(steps, period)
        traced = jax.jit(whole_and_rest)(steps, jnp.asarray(period, nx.int_dtype()))
        as_float = int(steps.dtype.type(period))
        exact = [divmod(int(t), as_float) for t in steps.tolist()]
        for number, rest in (fixed, traced):
            assert rest.tolist() == [r for _, r in exact]
            np.testing.assert_allclose(number, [n for n, _ in exact], rtol=1.2e-7)


def test_whole_steps_of_any_kind(x64):
    steps = steps_of()
    assert whole_step(steps) is steps
    below = int(np.nextafter(nx.float_dtype().type(TOP), nx.float_dtype().type(0)))
    floats = floats_of([0.0, 0.9, 5.0, 5.9, 1e9, 2e9, 1e19, 1e30])
    found = whole_step(floats)
    assert found.tolist() == [0, 0, 5, 5, 10**9, 2 * 10**9, below, below]
    assert found.dtype == nx.int_dtype()
    assert [of_host(whole_step, t) for t in (0, 5.9, 2**40, 2.0**40 + 0.5)] == [0, 5, 2**40, 2**40]
