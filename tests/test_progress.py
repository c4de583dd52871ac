"""Where a step is on a stretch, against fractions: for every kind of step, length and begin."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

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


def test_of_a_begin_per_piece_and_one_length():
    """Steps with a fraction, and begins that no whole step reaches."""
    begins = [3, 0, TOP - 1, TOP + 5]
    for index, begin in enumerate(begins):
        for steps in (jnp.asarray(STEPS, jnp.int32), jnp.asarray([0.0, 2.5, 4.25, 9.0, 60.0])):
            at = jnp.full(len(steps), index, jnp.uint32)
            way = pg.progress(steps, 8, PerPiece(np.asarray(begins, np.int64), at))
            agree(way.elapsed, [share(t, 8, begin) for t in steps.tolist()], 4)


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


def test_the_end_is_hit_at_every_length():
    """Also where the length times its reciprocal, both rounded, is below 1."""
    short = [n for n in range(1, 300) if np.float32(n) * np.float32(1 / n) < 1]
    assert len(short) > 10
    for n in (*short, *range(1, 60)):
        assert pg.progress(jnp.asarray(n), n).elapsed == 1.0
        assert pg.progress(jnp.asarray(0), n).remaining == 1.0
