"""Cycles that grow by any factor: their number and how far a step is, against 80 digits."""

from __future__ import annotations

import functools
from bisect import bisect_right

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxsched._core import numerics as nx
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece, settle
from jaxsched._forms.restarts import restarts

GROWTHS = [1.0, 1.005, 1.01, 1.5, 2.0, 7.3, 1e4, 3e38]
PAIRS = [(first, growth) for first in (1, 10) for growth in GROWTHS]
LONG = [(3 * 2**31, 1.0), (3 * 2**31, 2.0), (2**31 - 1, 1.5), (2**31, 1.0), (2**62, 1.0)]
FEW = [(10, 7.3), (1, 1e4), (3 * 2**31, 2.0)]
WHOLE = [2.0, 3.0, 7.0, 10.0, 1e4]


@functools.cache
def begins(first, growth, top) -> list:
    """Where the cycles begin, as far as the first one beyond the last step."""
    with mp.workdps(80):
        found, length = [mp.mpf(0)], mp.mpf(first)
        while found[-1] <= top and len(found) < 8000:
            found.append(found[-1] + length)
            length *= mp.mpf(growth)
    return found


def cycle(first, growth, step, marks) -> tuple:
    """Its number, the steps done and left, and the length."""
    if growth == 1:
        number, done = divmod(step, first)
        return int(number), done, first - done, first
    with mp.workdps(80):
        number = bisect_right(marks, step) - 1
        return (
            number,
            step - marks[number],
            marks[number + 1] - step,
            marks[number + 1] - marks[number],
        )


def around(marks, top) -> list[int]:
    """The whole steps before, at and after the first begins, some later ones and the last."""
    some = [int(mark) for mark in (*marks[:12], *marks[12:-1:150], *marks[-3:-1])]
    near = {t for mark in some for t in (mark - 1, mark, mark + 1, mark + 2)}
    return sorted({t for t in near if 0 <= t <= top} | {top})


def parts(step, first, growth) -> tuple:
    number, _, way = restarts(step, first, growth, counted=True)
    return number, *(nx.real(settle(x)) for x in (way.count, way.left, way.length))


def on_host(steps, first, growth) -> list[np.ndarray]:
    def part(step, place):
        number, most, way = restarts(step, first, growth, counted=True)
        assert most is None
        return (number, way.count, way.left, way.length)[place] * 1.0

    read = [host_function(functools.partial(part, place=i), (), "x") for i in range(4)]
    return [np.asarray([r(t) for t in steps]) for r in read]


def compare(found, exact, rtol, atol=0.0, case=None) -> None:
    np.testing.assert_array_equal(np.ravel(found[0]), [e[0] for e in exact], str(case))
    for place, values in enumerate(found[1:], 1):
        values = np.broadcast_to(values, found[0].shape).ravel()
        expected = np.asarray([float(min(e[place], 10**37)) for e in exact])
        np.testing.assert_allclose(values, expected, rtol, atol, err_msg=str(case))


def filled(steps, dtype, count=200) -> jax.Array:
    """An array of always the same length, so that one program reads them all."""
    assert len(steps) <= count
    return jnp.asarray(np.resize(np.asarray(steps, dtype), count))


def test_an_even_cycle_is_not_tabulated():
    """A table of them would have no end. It is not counted either where it need not be."""
    for step in (jnp.asarray(5, nx.int_dtype()), jnp.asarray(5, nx.float_dtype())):
        for counted in (False, True):
            number, most, way = restarts(step, 2**30, 1.0, counted)
            assert most is None
            assert (number is not None) == counted
            assert (way.count, way.length) == (5, 2**30)


@pytest.mark.parametrize("pairs", [FEW, PAIRS + LONG], ids=["few", "many"])
def test_on_the_device(pairs):
    """A table for each, and the number of the cycle that the largest step is in."""
    top = int(np.iinfo(nx.int_dtype()).max)
    rtol = 3e-7 if nx.float_dtype() == np.float32 else 1e-15
    marks = [begins(*pair, top) for pair in pairs]
    steps = [around(m, top) for m in marks]
    most = []

    def every(arrays):
        for array, pair in zip(arrays, pairs, strict=True):
            most.append(restarts(array, *pair, counted=True)[1])
        return [parts(a, *pair) for a, pair in zip(arrays, pairs, strict=True)]

    arrays = [jnp.asarray(np.asarray(s, nx.int_dtype()))[:, None] for s in steps]
    for pair, found, s, m in zip(pairs, jax.jit(every)(arrays), steps, marks, strict=True):
        compare(found, [cycle(*pair, t, m) for t in s], rtol, case=pair)
    last = [cycle(*pair, top, m)[0] for pair, m in zip(pairs, marks, strict=True)]
    assert most == [n if pair[1] > 1 else None for n, pair in zip(last, pairs, strict=True)]


def test_between_steps():
    pairs = [(first, growth) for first in (1, 10) for growth in (1.0, 2.0, 3.0, 1e4)]
    marks = [begins(*pair, 2**10) for pair in pairs]
    steps = [
        [t + 0.25 for t in around(m, 2**9) if min(abs(t + 0.25 - mark) for mark in m) > 0.01]
        for m in marks
    ]
    arrays = [jnp.asarray(s, nx.float_dtype()) for s in steps]
    found = jax.jit(lambda arrays: [parts(a, *p) for a, p in zip(arrays, pairs, strict=True)])
    for pair, device, s, m in zip(pairs, found(arrays), steps, marks, strict=True):
        exact = [cycle(*pair, t, m) for t in s]
        compare(device, exact, 1e-6, 1e-2, pair)
        compare(on_host(s, *pair), exact, 1e-12, case=pair)


@pytest.mark.parametrize("growth", GROWTHS)
def test_on_the_host(growth):
    for first in (1, 10, 3 * 2**31):
        marks = begins(first, growth, 2**40)
        steps = around(marks, 2**40)[:-1]
        exact = [cycle(first, growth, t, marks) for t in steps]
        compare(on_host(steps, first, growth), exact, 1e-15)


def test_the_last_step_of_all_may_begin_a_cycle():
    last = 2**63 - 1
    read = host_function(lambda t: restarts(t, last, 2.0, counted=True)[0] * 1, (), "x")
    assert [read(last - 1), read(last)] == [0, 1]
    step = jnp.zeros(1, nx.float_dtype())
    most = [restarts(step, first, 2.0, counted=True)[1] for first in (last, last + 1)]
    assert most == [1, 0]


def test_traced():
    """Where both are traced and where one is; a growth of hardly more than 1 counts as 1."""
    both = jax.jit(parts)
    one = {10: jax.jit(lambda t, g: parts(t, 10, g))}
    other = {g: jax.jit(lambda t, f, g=g: parts(t, f, g)) for g in (1.0, 1.002, 1.5)}
    for first in (1, 10):
        for growth in (1.0, 1.002, 1.005, 1.01, 1.5, 2.0, 3.0, 2.5):
            grown = 1.0 if growth < 1.005 else float(np.asarray(growth, nx.float_dtype()))
            marks = begins(first, grown, 2**12)
            # At the end of a cycle a step may be in the next in float32, where no whole step begins it.
            whole = {int(mark) for mark in marks if mark == int(mark)}
            steps = [
                t
                for t in around(marks, 2**12)
                if t in whole or grown == 1 or min(abs(t - mark) for mark in marks) > 0.1
            ]
            array = filled(steps, nx.int_dtype())
            exact = [cycle(first, grown, int(t), marks) for t in array]
            compare(both(array, first, growth), exact, 1e-4, 0.1, (first, growth))
            if first in one:
                compare(one[first](array, growth), exact, 1e-4, 0.1)
            if growth in other:
                compare(other[growth](array, first), exact, 1e-4, 0.1)


def test_traced_whole_growths_are_exact():
    """Around every begin that float32 holds, where the logarithm may be off by one; a length below 1
    counts as 1, and so does a growth.
    """
    both = jax.jit(parts)
    for growth in WHOLE:
        for first in (1, 3):
            marks = begins(first, growth, 2**24)
            held = [int(m) for m in marks if m * (growth - 1) <= 2**24]
            near = {m + i for m in held for i in (-2, -1, 0, 1)}
            array = filled([t for t in sorted(near) if 0 <= t < held[-1]], nx.int_dtype())
            exact = [cycle(first, growth, int(t), marks) for t in array]
            compare(both(array, first, int(growth)), exact, 3e-7, case=(first, growth))
    steps = [0, 1, 2, 5, 4000, 2**20]
    array = filled(steps, nx.int_dtype())
    for first, growth, counted in (
        (0, 1, (1, 1)),
        (3, 0, (3, 1)),
        (0, 2, (1, 2)),
        (-4, -3, (1, 1)),
    ):
        marks = begins(*counted, 2**21) if counted[1] > 1 else []
        exact = [cycle(*counted, int(t), marks) for t in array]
        compare(both(array, first, growth), exact, 3e-7, case=(first, growth))
    even = jax.jit(lambda t, f: parts(t, f, 1))(array, 0)
    compare(even, [cycle(1, 1, int(t), []) for t in array], 3e-7)


def test_traced_growths_that_are_large():
    """Where the next power is beyond float32 too: then no step reaches the next cycle."""
    top = int(np.iinfo(nx.int_dtype()).max)
    dtype = nx.float_dtype().type
    growths = [float(dtype(g)) for g in (35000, 45000, 1e5, 1e10, 2.0**50, 2.0**70, 3e38)]
    cases = [(first, growth) for first in (1, 10, 2**30) for growth in growths]
    at = [0, 5, 2**29, 2**30 - 2**8, 2**30, 3 * 2**29, 2**31 - 2**8, top // 7, top // 2 + 1]

    @jax.jit
    def shares(steps, first, growth):
        number, _, way = restarts(steps, first, growth, counted=True)
        return number, way.elapsed, way.remaining

    firsts, powers = (np.asarray(column, dtype) for column in zip(*cases, strict=True))
    steps = jnp.asarray(at, nx.int_dtype())
    found = jax.vmap(shares, (None, 0, 0))(steps, jnp.asarray(firsts), jnp.asarray(powers))
    for i, case in enumerate(cases):
        exact = [cycle(*case, t, begins(*case, top)) for t in at]
        np.testing.assert_array_equal(found[0][i], [e[0] for e in exact], str(case))
        for values, place in ((found[1], 1), (found[2], 2)):
            expected = [float(e[place] / e[3]) for e in exact]
            np.testing.assert_allclose(values[i], expected, 0, 2e-6, err_msg=str(case))


def test_traced_counts_stay_within_the_cycle():
    """Where a quotient is rounded beyond it, and of more cycles than there are powers for."""
    cases = [(25, 1.1015323), (26, 7.7579865), (13, 46.21888), (29, 1.0994729), (1, 1.4689521)]
    late = [(1, 1.006), (10, 1.0055)]
    firsts, growths = (jnp.asarray(x, nx.float_dtype()) for x in zip(*cases, *late, strict=True))
    top = int(np.iinfo(nx.int_dtype()).max)
    at = jnp.asarray([*[first for first, _ in cases], top, top // 64], nx.int_dtype())
    count, left, length = jax.vmap(parts)(at, firsts, growths)[1:]
    assert (count >= 0).all()
    assert (left >= 0).all()
    assert (left <= length).all()


def test_one_per_piece():
    """Firsts, growths or both under an index; one first is beyond the steps of 32 bits."""
    cases = [(5, 2), (4, 3), (1, 2), (2**31 + 2**8, 2)]
    steps = np.asarray([0, 3, 4, 7, 100, 2**20], nx.int_dtype())
    index = jnp.broadcast_to(jnp.arange(4, dtype=jnp.uint32)[:, None], (4, 6))
    step = jnp.broadcast_to(jnp.asarray(steps), (4, 6))
    firsts, growths = np.asarray(cases).T
    for first, growth, meant in (
        (PerPiece(firsts, index), PerPiece(growths * 1.0, index), cases),
        (PerPiece(firsts, index), PerPiece(growths, index), cases),
        (PerPiece(firsts, index), 3.0, [(f, 3) for f, _ in cases]),
        (7, PerPiece(growths, index), [(7, g) for _, g in cases]),
        (PerPiece(firsts, index), 1.0, [(f, 1) for f, _ in cases]),
    ):
        exact = [cycle(*pair, int(t), begins(*pair, 2**21)) for pair in meant for t in steps]
        found = jax.jit(lambda t, f=first, g=growth: parts(t, f, g))(step)
        compare(found, exact, 3e-7, case=meant)
    beyond = PerPiece(np.asarray([3 * 2**31, 5, 4, 1]), index)
    way = restarts(step, beyond, 1.0, counted=False)[2]
    np.testing.assert_allclose(way.elapsed + way.remaining, 1.0, 1e-6)


def test_the_slope_by_a_traced_growth_is_finite():
    length = lambda g, t: restarts(t, 10, g, counted=False)[2].length
    steps = jnp.asarray([5, 12, 40, 2**30], nx.int_dtype())
    found = jax.jit(jax.vmap(jax.grad(length), (None, 0)))(2.0, steps)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:3], [0.0, 10.0, 10 * 2 * 2.0], 1e-6)
