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
    way = progress(every, PerPiece(np.asarray(lengths), index))
    length = np.asarray(lengths)[:, None]
    done = np.minimum([[0, 1, 5]], length)
    for values, reference in (
        (way.remaining_to(goal), goal * ((length - done) / length)),
        (way.reverse().remaining_to(-goal), -goal * (done / length)),
    ):
        values = np.asarray(values)
        np.testing.assert_allclose(values, reference, 4 * np.finfo(DTYPE).eps, 1e-37)
        assert np.abs(values).max() <= DTYPE(goal)
    assert (np.asarray(way.remaining_to(goal))[:, 0] == DTYPE(goal)).all()


@pytest.mark.parametrize("falls", [True, False])
def test_a_join_of_lines_between_the_same_values(falls):
    """Of lengths that overshoot, one after the other: no value is beyond the peak."""
    lengths = [int(n) for n in overshooting(0.1)[[0, 5, 11]]]
    ends = (0.1, 0.0) if falls else (0.0, 0.1)
    pieces = [js.linear_schedule(*ends, n) for n in lengths]
    begins = np.cumsum([0, *lengths[:-1]])
    joined = js.join_schedules(pieces, begins[1:].tolist())
    steps = np.arange(sum(lengths) + 3)
    values = np.asarray(jax.jit(joined)(steps))
    np.testing.assert_allclose(values, [joined(int(t)) for t in steps], 4e-7, 1e-37)
    assert values.max() == DTYPE(0.1)
    assert (values[begins] == DTYPE(ends[0])).all()
    program = str(jax.make_jaxpr(joined)(jnp.int32(3)))
    assert program.count(" mul ") == 1
