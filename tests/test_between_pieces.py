"""The way between two values along a shape where they are one per piece."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from straight import DTYPE, EPSILON, LARGEST, LENGTH, calls, exact, forms, steps

from jaxsched._core.per_piece import Few, PerPiece
from jaxsched._core.progress import progress
from jaxsched._core.shape import between

LOPSIDED, EVEN, *_ = forms()


def of_pieces(pairs, form, *parameters, few=False) -> np.ndarray:
    """All pieces at all steps, in rows."""
    every = jnp.tile(steps(), (len(pairs), 1))
    number = jnp.broadcast_to(jnp.arange(len(pairs), dtype=jnp.uint32)[:, None], every.shape)
    index = Few([number >= np.uint32(i) for i in range(1, len(pairs))]) if few else number
    ends = [
        PerPiece(np.asarray(column), index) if len(set(column)) > 1 else column[0]
        for column in zip(*pairs, strict=True)
    ]
    way = progress(every, LENGTH)
    return np.asarray(between(ends[0], ends[1], way, form, *parameters))


PIECES = {
    "all fall": ([(3.0, 1.0), (1.0, -0.5), (0.5, 0.5), (0.75, 0.7)], "fall", "fall"),
    "all fall to one": ([(3.0, 1.0), (2.5, 1.0), (1.0, 1.0), (8.0, 1.0)], "fall", "fall"),
    "all rise": ([(1.0, 3.0), (-0.5, 1.0), (0.7, 0.75), (-0.1, 0.2)], "rise", "fall"),
    "both": ([(3.0, 1.0), (1.0, 3.0), (-0.5, 1.0), (0.5, 0.5)], "fall rise", "fall"),
    "inexact": ([(-5.457, 7.805), (-2.222, 3.769), (-6.5, 7.3), (0.1, 0.7)], "rise", "fall"),
    "inexact falls": ([(7.805, -5.457), (3.769, -2.222), (7.3, -6.5)], "fall", "fall"),
    "negative": (
        [(-3.0, -1.0), (-1.0, -3.0), (-2.0, -0.5), (-5.0, -4.0)],
        "fall rise",
        "fall fall",
    ),
    "negative falls": ([(-3.0, -1.0), (-2.0, -0.5), (-1.0, -0.25)], "fall rise", "fall fall"),
    "one negative": ([(3.0, -1.0), (2.0, -3.0), (2.0, 0.5), (1.0, 0.9)], "fall rise", "fall fall"),
    "opposite": ([(-3.0, 1.0), (1.0, -3.0), (-1.0, 2.0), (3.0, -2.0)], "fall rise", "fall fall"),
    "equal sizes": ([(2.0, -2.0), (0.5, -0.5), (3.0, 1.0), (3.0, 3.0)], "fall", "fall"),
}


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("name", PIECES)
def test_pieces(name, few):
    pairs, weights, weights_of_even = PIECES[name]
    pairs = pairs[:3] if few and "negative" not in name and name != "both" else pairs
    for form, asked in ((LOPSIDED, weights), (EVEN, weights_of_even)):
        values = of_pieces(pairs, form, few=few)
        assert calls() == asked.split()
        for row, (start, end) in zip(values, pairs, strict=True):
            tolerance = 2 * EPSILON * max(abs(start), abs(end))
            np.testing.assert_allclose(row, exact(start, end), 0, tolerance)
            assert (row[0], row[-1]) == (DTYPE(start), DTYPE(end))
            assert DTYPE(min(start, end)) <= row.min()
            assert row.max() <= DTYPE(max(start, end))


@pytest.mark.skipif(DTYPE is np.float64, reason="no number of a schedule is as far from another")
def test_pieces_that_are_far_from_each_other():
    share = lambda *ends: [(a * LARGEST, b * LARGEST) for a, b in ends]
    for pairs, is_far in (
        (share((0.9, -0.8), (0.8, -0.8), (0.85, -0.85)), True),
        (share((0.9, -0.8), (1e-38, 1e-39), (0.5, 0.25)), True),
        (share((0.55, -0.55), (0.5, 0.25), (0.6, -0.5)), True),
        (share((0.4, -0.36), (0.5, 0.25), (0.3, 0.1)), True),
        (share((0.4, -0.3), (0.5, 0.25), (0.6, -0.1)), False),
    ):
        for few in (False, True):
            values = of_pieces(pairs, LOPSIDED, few=few)
            assert calls() == ["fall", "rise"][: 1 + is_far]
            for row, (start, end) in zip(values, pairs, strict=True):
                tolerance = 2 * EPSILON * max(abs(start), abs(end))
                np.testing.assert_allclose(row, exact(start, end), 0, tolerance)
                assert (row[0], row[-1]) == (DTYPE(start), DTYPE(end))


@pytest.mark.skipif(DTYPE is np.float64, reason="there is nothing beyond float64")
def test_pieces_beyond_float32_are_its_largest():
    for pairs in (
        [(3e38, 3.5e38), (2e38, 3.6e38), (1e38, 2e38)],
        [(3.5e38, 3e38), (3.6e38, 2e38), (2e38, 1e38)],
        [(9e38, 8e38), (8e38, 7e38), (9e38, 6e38)],
    ):
        clipped = [tuple(np.clip(pair, -LARGEST, LARGEST).tolist()) for pair in pairs]
        values = of_pieces(pairs, LOPSIDED)
        assert len(calls()) == 1
        for row, (start, end) in zip(values, clipped, strict=True):
            np.testing.assert_allclose(row, exact(start, end), 4 * EPSILON)
            assert (row[0], row[-1]) == (DTYPE(start), DTYPE(end))


def bounds(pairs, few) -> int:
    """How many bounds the program of some pieces has."""
    program = str(jax.make_jaxpr(lambda: of_pieces_of(pairs, few))())
    return program.count(" = min")


def of_pieces_of(pairs, few):
    number = jnp.zeros((), jnp.uint32)
    index = Few([number >= np.uint32(i) for i in range(1, len(pairs))]) if few else number
    starts, ends = (PerPiece(np.asarray(x), index) for x in zip(*pairs, strict=True))
    return between(starts, ends, progress(jnp.zeros((), jnp.int32), LENGTH), LOPSIDED)


def test_a_bound_is_in_the_program_where_one_is_needed():
    """Of few pieces it depends on their numbers, of many it does not."""
    exact_, missing = [(3.0, 1.0), (2.0, 0.5), (1.0, 0.25)], PIECES["inexact falls"][0]
    mixed = [*exact_[:2], missing[0]]
    assert bounds(exact_, True) + 1 == bounds(missing, True) == bounds(mixed, True)
    assert bounds(exact_, False) == bounds(missing, False) == bounds(mixed, False)
    calls()
