"""Straight lines of which each piece has a length of its own: one factor and one bound for all of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from straight import DTYPE

import jaxsched as js
from jaxsched._core.per_piece import PerPiece
from jaxsched._core.progress import progress

LENGTHS = np.arange(1, 300)


def overshooting(goal) -> np.ndarray:
    """The lengths whose factor, as it is rounded, gives more than the goal."""
    full, factor = LENGTHS.astype(DTYPE), (goal / LENGTHS).astype(DTYPE)
    factor = np.where(full * factor < DTYPE(goal), np.nextafter(factor, DTYPE(np.inf)), factor)
    return LENGTHS[full * factor > DTYPE(goal)]


@pytest.mark.parametrize("goal", [0.1, 0.3, 1.0, 1e-33])
def test_both_ends_are_exact_and_nothing_is_beyond(goal):
    lengths = [*overshooting(goal)[:40], 7, 1000, 10**6]
    every = jnp.tile(jnp.asarray([0, 1, 5], jnp.result_type(int)), (len(lengths), 1))
    index = jnp.broadcast_to(jnp.arange(len(lengths), dtype=jnp.uint32)[:, None], every.shape)

    @jax.jit
    def both_ways():
        way = progress(every, PerPiece(np.asarray(lengths), index))
        return way.remaining_to(goal), way.reverse().remaining_to(-goal)

    length = np.asarray(lengths)[:, None]
    done = np.minimum([[0, 1, 5]], length)
    references = goal * ((length - done) / length), -goal * (done / length)
    found = [np.asarray(values) for values in both_ways()]
    for values, reference in zip(found, references, strict=True):
        np.testing.assert_allclose(values, reference, 4 * np.finfo(DTYPE).eps, 1e-37)
        assert np.abs(values).max() <= DTYPE(goal)
    assert (found[0][:, 0] == DTYPE(goal)).all()


@pytest.mark.parametrize(
    "ends",
    [
        [(0.1, 0.0), (0.1, 0.0)],
        [(0.5, 0.25), (0.25, 0.0)],
        [(0.25, 0.5), (0.0, 0.25)],
        [(0.25, 0.5), (0.25, 0.0)],
    ],
)
def test_a_join_of_lines_of_one_height(ends):
    """Of lengths that overshoot, one after the other: both ends of each are exact, or next to them."""
    lengths = [int(n) for n in overshooting(abs(ends[0][1] - ends[0][0]))[[0, -1]]]
    pieces = [js.linear_schedule(*pair, n) for pair, n in zip(ends, lengths, strict=True)]
    joined = js.join_schedules(pieces, lengths[:1])
    steps = np.arange(sum(lengths) + 3)
    values = np.asarray(jax.jit(joined)(steps))
    np.testing.assert_allclose(values, [joined(int(t)) for t in steps], 4e-7, 1e-37)
    assert values[0] == DTYPE(ends[0][0])
    assert values[lengths[0]] == DTYPE(ends[1][0])
    assert (values[-3:] == DTYPE(ends[1][1])).all()
    assert str(jax.make_jaxpr(joined)(jnp.int32(3))).count(" mul ") == 1
