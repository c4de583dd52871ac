"""When a stretch is over, which of a few is walked, and what a length on the host may be."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shares import agree, steps_of

from jaxsched._core import numerics as nx
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import Few, PerPiece
from jaxsched._core.progress import Chosen, Progress, progress

STRETCHES = [(10, 0), (10, 3), (0, 0), (0, 5), (1, 2), (49, 1)]


@pytest.mark.parametrize("kind", ["number", "float", "traced", "host", "pieces"])
def test_whether_it_is_over(kind):
    steps = list(range(15))
    array = steps_of(steps)
    lengths, begins = np.asarray(STRETCHES).T
    for i, (length, begin) in enumerate(STRETCHES):
        exact = [t >= begin + length for t in steps]
        if kind == "host":
            over = lambda t, n=length, b=begin: progress(t, n, b).over * 1
            back = lambda t, n=length, b=begin: progress(t, n, b).reverse().over * 1
            read, read_back = (host_function(f, (), "x") for f in (over, back))
            assert [read(t) for t in (*steps, 2**40)] == [*exact, True]
            walked = [t <= begin if length else t < begin for t in steps]
            assert [read_back(t) for t in steps] == walked
            continue
        if kind == "traced":
            found = jax.jit(lambda n, b: progress(array, n, b).over)(length, begin)
        elif kind == "pieces":
            index = jnp.uint32(i)
            found = progress(array, PerPiece(lengths, index), PerPiece(begins, index)).over
        else:
            given = array if kind == "number" else array.astype(nx.float_dtype())
            way = progress(given, length, begin)
            found, full = way.over, max(length, 1)
            done = [min(max(t - begin, 0), length) if length else t >= begin for t in steps]
            shares = [Fraction(n, full) for n in done]
            agree(way.elapsed, 1, shares)
            agree(way.remaining, 1, [1 - s for s in shares])
            assert (way.count + way.left).tolist() == [full] * len(steps)
            assert way.length == full
        assert found.tolist() == exact


def test_a_stretch_beyond_the_steps_is_not_over(x64):
    if not x64:
        assert progress(jnp.asarray([0, 2**31 - 1]), 2**33).over.tolist() == [False, False]


def test_the_active_one_of_a_few_stretches_and_its_way_back():
    steps = [0, 2, 5, 6, 9, 12]
    array = steps_of(steps)
    few = Few([array >= 5])
    way = Chosen([progress(array, 5), progress(array, 7, 5)], few)
    elapsed = [Fraction(t, 5) if t < 5 else Fraction(t - 5, 7) for t in steps]
    counts = [t if t < 5 else t - 5 for t in steps]
    for flags in ([False, False], [True, False], [False, True], [True, True]):
        turned = way.reversed_where(PerPiece(np.asarray(flags), few))
        back = [flags[t >= 5] for t in steps]
        exact = [1 - s if b else s for s, b in zip(elapsed, back, strict=True)]
        agree(turned.elapsed, 1, exact)
        agree(turned.remaining, 1, [1 - s for s in exact])
        assert turned.count.tolist() == [
            (5 if t < 5 else 7) - n if b else n for t, n, b in zip(steps, counts, back, strict=True)
        ]
    assert way.over.tolist() == [s == 1 for s in elapsed]


def test_a_way_that_is_counted_in_floats_and_one_in_integers():
    steps = [0, 2, 5, 6, 9, 12]
    array = steps_of(steps)
    few = Few([array >= 5])
    half = nx.real(array) * 0.5
    way = Chosen([progress(array, 5), Progress(half, 7.0 - half, 7)], few)
    counts = [t if t < 5 else t / 2 for t in steps]
    lefts = [5 - t if t < 5 else 7 - t / 2 for t in steps]
    assert (way.count.tolist(), way.left.tolist()) == (counts, lefts)
    assert way.count.dtype == way.left.dtype == nx.float_dtype()
    assert way.over.dtype == bool
    mixed = Progress(array, 12.0 - nx.real(array), 12)
    turned = mixed.reversed_where(PerPiece(np.asarray([False, True]), few))
    assert turned.count.tolist() == [t if t < 5 else 12 - t for t in steps]
    assert turned.left.tolist() == [12 - t if t < 5 else t for t in steps]
    whole = Chosen([progress(array, 5), progress(array, 7, 5)], few)
    assert whole.count.dtype == whole.left.dtype == array.dtype


def test_a_length_on_the_host_may_depend_on_the_step():
    way = lambda t: Progress(t, 10 - t, t * 0 + 10)
    elapsed = host_function(lambda t: way(t).elapsed * 1.0, (), "x")
    times = host_function(lambda t: way(t).remaining_times(3.0) * 1.0, (), "x")
    over = host_function(lambda t: way(t).over * 1, (), "x")
    assert [elapsed(t) for t in (0, 3, 10)] == [0.0, 0.3, 1.0]
    assert [times(t) for t in (0, 3, 10)] == pytest.approx([3.0, 2.1, 0.0], rel=1e-15)
    assert [over(t) for t in (0, 9, 10)] == [0, 0, 1]
