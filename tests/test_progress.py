"""Where a step is on a stretch, against fractions: for every kind of step, length and begin."""

from __future__ import annotations

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsched._core import periods as counts
from jaxsched._core import points
from jaxsched._core import progress as pg
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece

pytestmark = pytest.mark.skipif(
    bool(jax.config.jax_enable_x64),
    reason="gives the core steps and numbers of the default precision",
)

TOP = 2**31 - 1
STRETCHES = [
    (0, 0), (0, 5), (0, TOP), (0, 2**33), (1, 0), (1, TOP - 1), (1, TOP), (3, 4), (7, 0), (7, 1), (10, 3),
    (49, 0),
    (2**24 + 3, 5), (2**30, 2**30), (TOP - 1, 1), (TOP, 0), (TOP, 1), (2**33, 0), (2**33, 10), (10, 2**33),
]  # fmt: skip
"""Lengths and begins."""
NEAR = [b + n + d for n, b in STRETCHES for d in (-1, 0, 1)]
STEPS = sorted({t for t in (*range(15), 10**5, *NEAR, TOP - 2, TOP - 1, TOP) if 0 <= t <= TOP})
HOST_STEPS = [*STEPS, 2.5, 4.999, 2**33 - 1, 2**33, 2**33 + 4, 2**33 + 10, 2**34]
FLOATS = [0.0, 0.5, 2.5, 4.0, 4.999, 5.0, 5.5, 6.999, 7.0, 9.5, 13.0, 48.9, 49.0, 1e6, 2.0**24, 1e9]


def share(step, length, begin) -> Fraction:
    if length == 0:
        return Fraction(step >= begin)
    return min(max((Fraction(step) - begin) / length, Fraction(0)), Fraction(1))


def agree(values, expected: list[Fraction], ulps: float = 2.0) -> None:
    """To some units in the last place; 0 and 1 exactly."""
    values = np.asarray(values)
    digit = np.finfo(values.dtype).eps
    for value, exact in zip(values.tolist(), expected, strict=True):
        if exact in (0, 1):
            assert value == exact
        assert abs(Fraction(value) - exact) <= Fraction(float(ulps * digit)) * exact


def check(way, steps, length, begin) -> None:
    """Both shares, their order reversed, and their products with a scale."""
    elapsed = [share(t, length, begin) for t in steps]
    remaining = [1 - s for s in elapsed]
    agree(way.elapsed, elapsed)
    agree(way.remaining, remaining)
    agree(way.reverse().elapsed, remaining)
    np.testing.assert_allclose(way.elapsed_times(3.0), 3.0 * np.asarray(elapsed, float), rtol=5e-7)
    np.testing.assert_allclose(
        way.remaining_times(3.0), 3.0 * np.asarray(remaining, float), rtol=5e-7
    )


@pytest.mark.parametrize(("length", "begin"), STRETCHES)
def test_of_a_step_on_the_host(length, begin):
    for part, exact in (("elapsed", lambda s: s), ("remaining", lambda s: 1 - s)):
        read = host_function(lambda t, p=part: getattr(pg.progress(t, length, begin), p), (), "x")
        agree([read(t) for t in HOST_STEPS], [exact(share(t, length, begin)) for t in HOST_STEPS])


@pytest.mark.parametrize(("length", "begin"), STRETCHES)
def test_of_whole_steps(length, begin):
    way = pg.progress(jnp.asarray(STEPS, jnp.int32), length, begin)
    check(way, STEPS, length, begin)
    few = [t for t in STEPS if t < 128]
    check(pg.progress(jnp.asarray(few, jnp.int32), length, begin), few, length, begin)


@pytest.mark.parametrize(("length", "begin"), [s for s in STRETCHES if max(s) < 2**24])
def test_of_steps_with_a_fraction(length, begin):
    steps = np.float32(FLOATS)
    check(pg.progress(jnp.asarray(steps), length, begin), steps.tolist(), length, begin)


WITHIN = [(n, b) for n, b in STRETCHES if n <= TOP and b <= TOP]


@pytest.mark.parametrize(("length", "begin"), STRETCHES)
def test_of_a_traced_stretch(length, begin):
    """What no int32 holds cannot be traced: then the other number alone."""

    def shares(length, begin):
        way = pg.progress(jnp.asarray(STEPS, jnp.int32), length, begin)
        return way.elapsed, way.remaining

    numbers = {"length": length, "begin": begin}
    for names in (["length", "begin"], ["length"], ["begin"]):
        traced = {k: v for k, v in numbers.items() if k in names and v <= TOP}
        fixed = {k: v for k, v in numbers.items() if k not in traced}
        elapsed, remaining = jax.jit(lambda t, fixed=fixed: shares(**t, **fixed))(traced)
        agree(elapsed, [share(t, length, begin) for t in STEPS])
        agree(remaining, [1 - share(t, length, begin) for t in STEPS])


SETS = [STRETCHES, *([s for s in WITHIN if sum(s) <= top] for top in (2 * TOP, TOP, 1000))]


@pytest.mark.parametrize("stretches", SETS)
def test_of_one_stretch_per_piece(stretches):
    """With an index for all steps, and with one for each."""
    lengths, begins = (np.asarray(column, np.int64) for column in zip(*stretches, strict=True))
    for index, (length, begin) in enumerate(stretches):
        for at in (jnp.uint32(index), jnp.full(len(STEPS), index, jnp.uint32)):
            way = pg.progress(
                jnp.asarray(STEPS, jnp.int32), PerPiece(lengths, at), PerPiece(begins, at)
            )
            if length < TOP or begin == 0:
                agree(way.elapsed, [share(t, min(length, TOP), begin) for t in STEPS], 4)
    early, index = [0, 4, 5], jnp.zeros(3, jnp.uint32)
    pieces = [PerPiece(column, index) for column in (lengths, begins)]
    way = pg.progress(jnp.asarray(early, jnp.float32), *pieces)
    agree(way.elapsed, [share(t, *stretches[0]) for t in early])


@pytest.mark.parametrize("exponent", [0.5, 2, 3.0])
def test_a_warped_progress(exponent):
    steps = jnp.arange(0, 11)
    way = pg.Warped(pg.progress(steps, 10), exponent)
    elapsed = (np.arange(11) / 10.0) ** exponent
    close = lambda values, expected: np.testing.assert_allclose(values, expected, rtol=1e-6)
    for forward in (way, way.reverse().reverse()):
        close(forward.elapsed, elapsed)
        close(forward.remaining, 1 - elapsed)
        close(forward.elapsed_times(3.0), 3 * elapsed)
        close(forward.remaining_times(3.0), 3 * (1 - elapsed))
        np.testing.assert_array_equal(forward.count, steps)
    back = way.reverse()
    close(back.elapsed, 1 - elapsed)
    close(back.remaining, elapsed)
    close(back.elapsed_times(3.0), 3 * (1 - elapsed))
    close(back.remaining_times(3.0), 3 * elapsed)
    np.testing.assert_array_equal(back.count, 10 - steps)


PERIODS = [1, 2, 3, 7, 10, 49, 1000, 2**24 + 1, 2**30, TOP, TOP + 1, 2**40]


def whole_and_rest(count, period):
    cycle = counts.Cycle(count, period)
    return cycle.number, cycle.rest


@pytest.mark.parametrize("period", PERIODS)
def test_periods_are_counted_in_integers(period):
    steps = jnp.asarray(STEPS, jnp.int32)
    expected = [divmod(t, period) for t in STEPS]
    numbers = [whole_and_rest(steps, period)]
    if period <= TOP:
        numbers.append(jax.jit(whole_and_rest)(steps, period))
        if period < 2**15:
            numbers.append(jax.jit(whole_and_rest)(steps, jnp.asarray(period, jnp.int16)))
        numbers.append(whole_and_rest(steps, PerPiece(np.asarray([5, period]), jnp.uint32(1))))
    for number, rest in numbers:
        assert list(zip(number.tolist(), rest.tolist(), strict=True)) == expected
        assert number.dtype == rest.dtype == steps.dtype
    read = host_function(lambda t: counts.periods(t, period), (), "x")
    assert [read(t) for t in HOST_STEPS] == [t // period for t in HOST_STEPS]


def test_the_end_is_hit_at_every_length():
    """Also where the length times its reciprocal, both rounded, is below 1."""
    short = [n for n in range(1, 300) if np.float32(n) * np.float32(1 / n) < 1]
    assert len(short) > 10
    for n in (*short, *range(1, 60)):
        assert pg.progress(jnp.asarray(n), n).elapsed == 1.0
        assert pg.progress(jnp.asarray(0), n).remaining == 1.0


@pytest.mark.parametrize("period", [1, 3, 7, 10, 41, 49, 1000, 16385])
def test_no_period_of_a_float_step_is_rounded_up(period):
    """The quotient of the number next below a multiple may be rounded onto it."""
    whole = np.float32([k * period for k in (0, 1, 2, 3, 5, 10, 41, 97, 1000)])
    steps = np.concatenate([whole, np.nextafter(whole[1:], np.float32(0)), whole + np.float32(0.5)])
    number, rest = whole_and_rest(jnp.asarray(steps), period)
    compiled = jax.jit(lambda t: counts.periods(t, period))(steps)
    traced = jax.jit(counts.periods)(jnp.asarray(steps), jnp.asarray(period, jnp.int32))
    expected = [Fraction(float(t)) // period for t in steps]
    assert number.tolist() == compiled.tolist() == traced.tolist() == expected
    exact = [float(Fraction(float(t)) - n * period) for t, n in zip(steps, expected, strict=True)]
    np.testing.assert_array_equal(rest, np.float32(exact))


def test_whole_steps_of_any_kind():
    steps = jnp.asarray([0, 5, TOP], jnp.int32)
    assert counts.whole_step(steps) is steps
    floats = jnp.asarray([0.0, 0.9, 5.0, 5.9, 1e9, 2e9, 3e9, 1e30])
    below = 2**31 - 128  # the largest float32 that an int32 holds
    assert counts.whole_step(floats).tolist() == [0, 0, 5, 5, 10**9, 2 * 10**9, below, below]
    read = host_function(counts.whole_step, (), "x")
    assert [read(t) for t in (0, 5.9, 2**40)] == [0, 5, 2**40]


@pytest.mark.parametrize("begin", [0, 1, 5, TOP - 1, TOP, TOP + 1, 2**40])
def test_the_steps_since_a_begin(begin):
    expected = [max(t - begin, 0) for t in STEPS]
    steps = jnp.asarray(STEPS, jnp.int32)
    assert counts.elapsed_since(steps, begin).tolist() == expected
    assert counts.has_begun(steps, begin).tolist() == [t >= begin for t in STEPS]
    read = host_function(lambda t: counts.elapsed_since(t, begin) * 1, (), "x")
    assert [read(t) for t in STEPS] == expected
    if begin <= TOP:
        assert jax.jit(counts.elapsed_since)(steps, begin).tolist() == expected


def test_a_sum_of_steps_saturates():
    assert counts.sum_of_steps(3, 2**40) == 3 + 2**40
    add = jax.jit(counts.sum_of_steps)
    for a, b in ((3, 4), (TOP, 0), (0, TOP), (TOP, 1), (TOP - 5, 5), (TOP - 5, 6), (TOP, TOP)):
        assert int(add(a, b)) == min(a + b, TOP)
    assert int(jax.jit(lambda a: counts.sum_of_steps(a, 2**40))(3)) == TOP
    piece = PerPiece(np.asarray([1, 2**33]), jnp.uint32(1))
    assert counts.sum_of_steps(piece, 3).numbers.tolist() == [4, 2**33 + 3]


def test_a_fraction_of_a_length_is_rounded_down():
    assert counts.share_of(0.3, 10) == 3
    assert counts.share_of(0.39, 10) == 3
    assert type(counts.share_of(0.39, 10)) is int
    lengths = PerPiece(np.asarray([10, 7]), jnp.uint32(1))
    assert counts.share_of(0.39, lengths).numbers.tolist() == [3, 2]
    for traced in (
        jax.jit(counts.share_of)(jnp.bfloat16(0.5), 7),
        jax.jit(lambda part: counts.share_of(part, 7))(jnp.bfloat16(0.5)),
    ):
        assert (int(traced), traced.dtype) == (3, jnp.int32)


REAL = [
    (0.0, 10.0), (0.0, 1e-40), (1 / 3, 1e5 + 1 / 3), (2.5, 7.25), (3.0, 3.0), (2.5, 2.5), (0.25, 0.75),
    (4.0, 1e6 + 0.5), (1e8 + 0.5, 1e8 + 64.25), (7.5, 2.0**33), (2.0**33, 2.0**34), (float(TOP), 2.0**32),
    (0.0, float(TOP)),
]  # fmt: skip


def real_share(step, begin, end) -> Fraction:
    step, begin, end = map(Fraction, (step, begin, end))
    if step >= end:
        return Fraction(1)
    return Fraction(0) if step < begin else (step - begin) / (end - begin)


@pytest.mark.parametrize(("begin", "end"), REAL)
def test_between_points_that_are_no_whole_steps(begin, end):
    near = range(math.floor(begin) - 2, math.floor(begin) + 20)
    steps = sorted({*STEPS, *(t for t in near if 0 <= t <= TOP)})
    exact = [real_share(t, begin, end) for t in steps]
    way = points.real_progress(jnp.asarray(steps, jnp.int32), begin, end)
    agree(way.elapsed, exact, 4)
    agree(way.remaining, [1 - s for s in exact], 4)
    for part, of in (("elapsed", lambda s: s), ("remaining", lambda s: 1 - s)):
        read = host_function(
            lambda t, p=part: getattr(points.real_progress(t, begin, end), p), (), "x"
        )
        host = [of(real_share(t, begin, end)) for t in HOST_STEPS]
        agree([read(t) for t in HOST_STEPS], host, 4)


@pytest.mark.parametrize(("begin", "end"), [(b, e) for b, e in REAL if 0.1 < e < 2**20])
def test_between_points_that_are_traced_or_one_per_piece(begin, end):
    steps = [t for t in STEPS if t < 2**20]
    exact = [real_share(t, begin, end) for t in steps]
    array = jnp.asarray(steps, jnp.int32)
    traced = jax.jit(lambda b, e: points.real_progress(array, b, e).elapsed)
    agree(traced(begin, end), exact, 4)
    whole = [real_share(t, 3, 3 + math.ceil(end)) for t in steps]
    agree(traced(jnp.int32(3), jnp.int32(3 + math.ceil(end))), whole, 4)
    begins, ends = np.asarray([[1.5, begin], [9.0, end]])
    index = jnp.full(len(steps), 1, jnp.uint32)
    piece = points.real_progress(array, PerPiece(begins, index), PerPiece(ends, index))
    agree(piece.elapsed, exact, 4)
    agree(piece.remaining, [1 - s for s in exact], 4)
    floats = np.float32([0.0, 0.3, 0.5, 2.0, 2.5, 3.0, 5.5, 7.25, 9.75, 12.0])
    way = points.real_progress(jnp.asarray(floats), begin, end)
    np.testing.assert_allclose(
        way.elapsed, [float(real_share(float(t), begin, end)) for t in floats], rtol=1e-6
    )
