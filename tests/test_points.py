"""Where a step is between two points of time that need not be whole steps, against fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsched._core import numerics as nx
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece
from jaxsched._core.points import _reaching_sum, real_progress

TOP = 2**31 - 1
WAYS = [
    (0.0, 10.0), (0.0, 1e-40), (0.3, 1e-40 + 0.3), (1 / 3, 1e5 + 1 / 3), (2.5, 7.25), (3.0, 3.0),
    (2.5, 2.5), (0.25, 0.75), (0.5, 2.0), (1.0, 4.0), (4.0, 1e6 + 0.5), (-0.5, 3.5), (1.2, 6.0), (3.0, 7.6),
    (0, 10), (2, 7),
]  # fmt: skip
FAR = [
    (1e8 + 0.5, 1e8 + 64.25), (7.5, 2.0**33), (2.0**33, 2.0**34), (float(TOP), 2.0**32), (0.0, float(TOP)),
    (TOP - 0.5, TOP + 10.0), (5.0, TOP + 1.0), (TOP - 3.0, TOP + 1.5), (0, 2**33), (TOP + 0.5, TOP + 3.5),
]  # fmt: skip
"""Of which some are beyond the steps of 32 bits."""
STEPS = [*range(9), 99, 10**5, 10**5 + 1, 10**6, 10**6 + 1, 10**8, *range(10**8 + 1, 10**8 + 66, 9)]
STEPS += [10**8 + 64, 10**8 + 65, *range(TOP - 4, TOP + 1)]
FLOATS = [0.0, 0.25, 0.3125, 0.5, 0.75, 1.5, 2.0, 2.5, 3.0, 3.25, 5.5, 7.25, 9.75, 10.0, 12.0, 1e6]


def steps_of(steps=STEPS):
    kind = nx.float_dtype() if steps is FLOATS else nx.int_dtype()
    return jnp.asarray(np.asarray(steps, kind))


def share(step, begin, end) -> Fraction:
    step, begin, end = map(Fraction, (step, begin, end))
    if step >= end:
        return Fraction(1)
    return Fraction(0) if step < begin else (step - begin) / (end - begin)


def agree(values, expected: list[Fraction], ulps: float = 4.0, slack: float = 0.0) -> None:
    """To some units in the last place, and some of 1; 0 and 1 exactly."""
    values = np.asarray(values)
    digit = Fraction(float(np.finfo(values.dtype).eps))
    for value, exact in zip(values.tolist(), expected, strict=True):
        assert 0 <= value <= 1
        if exact in (0, 1):
            assert value == exact
        assert abs(Fraction(value) - exact) <= digit * (Fraction(ulps) * exact + Fraction(slack))


def check(way, steps, begin, end, slack=0.0) -> None:
    exact = [share(t, begin, end) for t in steps]
    agree(way.elapsed, exact, slack=slack)
    agree(way.remaining, [1 - s for s in exact], slack=slack)
    assert way.over.tolist() == [s == 1 for s in exact]
    count, left, full = (np.asarray(nx.real(x)) for x in (way.count, way.left, way.length))
    full, exact = np.broadcast_to(full, count.shape), np.asarray(exact, float)
    np.testing.assert_array_equal(count[exact == 1], full[exact == 1])
    np.testing.assert_array_equal(left[exact == 0], full[exact == 0])


@pytest.mark.parametrize("ways", [WAYS[:5], WAYS[5:], FAR[:4], FAR[4:]])
def test_of_whole_steps(ways):
    steps = steps_of()
    for begin, end in ways:
        check(real_progress(steps, begin, end), STEPS, begin, end)


def test_of_steps_with_a_fraction():
    steps = steps_of(FLOATS)
    for begin, end in WAYS:
        # A step and a begin that are no fractions of 2 round: the shares by the digits of the step.
        way, exact = real_progress(steps, begin, end), [share(t, begin, end) for t in FLOATS]
        expected = [float(s) for s in exact]
        rounded = 1e-6 * max(1.0, 1 / max(end - begin, 0.25))
        np.testing.assert_allclose(way.elapsed, expected, rtol=1e-6, atol=rounded)
        np.testing.assert_allclose(way.remaining, 1 - np.asarray(expected), 1e-6, atol=rounded)


def random_ways(many: int) -> list[tuple[float, float]]:
    """Whose ends' digits are lost beside their whole parts; some begin or end at a whole step."""
    rng = np.random.default_rng(1)
    begins = rng.uniform(0.0, 40.0, many)
    ends = begins + rng.choice([0.3, 7.0, 90.0, 1e5], many) * rng.uniform(0.1, 1.0, many)
    begins[::3], ends[1::3] = np.floor(begins[::3]), np.ceil(ends[1::3])
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def short_ways(many: int) -> list[tuple[float, float]]:
    """Of which the whole steps and the part of one, as float32 has them, are less than the length."""
    part = np.random.default_rng(0).uniform(0.0, 1.0, 10**5)
    whole = np.arange(part.size) % 97 + 1.0
    short = whole.astype("f") + part.astype("f") < (whole + part).astype("f")
    found = list(zip(part[short][:many].tolist(), whole[short][:many].tolist(), strict=True))
    assert len(found) == many
    return [way for p, n in found for way in ((3.0, 3.0 + n + p), (4.0 - p, 4.0 + n))]


def around(begin, end) -> list[int]:
    """The last step not after a begin, the first after it, the last before the end, and the next."""
    return [math.floor(begin), math.floor(begin) + 1, math.ceil(end) - 1, math.ceil(end)]


def test_the_ends_of_many_ways():
    """Both are hit; what makes a sum reach the length is a digit of it, not of the part of a step."""
    for begin, end in (*random_ways(20), *short_ways(6)):
        steps = around(begin, end)
        check(real_progress(steps_of(steps), begin, end), steps, begin, end, slack=1.0)
    ways = [*random_ways(150), *short_ways(60)]
    steps = [around(begin, end) for begin, end in ways]
    index = jnp.arange(len(ways), dtype=jnp.uint32)[:, None] + jnp.zeros((1, 4), jnp.uint32)
    way = real_progress(steps_of(steps), *pieces(ways, index))
    found = [np.asarray(x) for x in (*shares(way), way.count, way.left, nx.real(way.length))]
    for (begin, end), near, elapsed, remaining, over, count, left, full in zip(
        ways, steps, *found, strict=True
    ):
        exact = [share(t, begin, end) for t in near]
        agree(elapsed, exact, slack=1.0)
        agree(remaining, [1 - s for s in exact], slack=1.0)
        assert over.tolist() == [s == 1 for s in exact]
        assert (count == full).tolist() == [s == 1 for s in exact]
        assert (left == full).tolist() == [s == 0 for s in exact]


HOST_STEPS = [*STEPS, *FLOATS, 2**33 - 1, 2**33, 2**33 + 4, 2**34]


@pytest.mark.parametrize("ways", [WAYS, FAR])
def test_of_a_step_on_the_host(ways):
    for begin, end in ways:
        exact = [share(t, begin, end) for t in HOST_STEPS]
        for part, expected in (
            ("elapsed", exact),
            ("remaining", [1 - s for s in exact]),
            ("over", [Fraction(s == 1) for s in exact]),
        ):
            way = lambda t, b=begin, e=end: real_progress(t, b, e)
            read = host_function(lambda t, w=way, p=part: getattr(w(t), p) * 1.0, (), "x")
            agree([read(t) for t in HOST_STEPS], expected)
        read = host_function(lambda t, w=way: w(t).remaining_to(-0.3) * 1.0, (), "x")
        agree([read(t) / -0.3 for t in HOST_STEPS], [1 - s for s in exact], 6)
    for begin, end in random_ways(20):
        steps = around(begin, end)
        exact = [share(t, begin, end) for t in steps]
        for part, expected in (("elapsed", exact), ("remaining", [1 - s for s in exact])):
            way = lambda t, b=begin, e=end, p=part: getattr(real_progress(t, b, e), p) * 1.0
            agree([host_function(way, (), "x")(t) for t in steps], expected)


SHARES = ("elapsed", "remaining", "over")


def shares(way) -> list:
    return [getattr(way, name) for name in SHARES]


def test_between_traced_points():
    """To the digits that traced points have, and over exactly at the end."""
    steps = [t for t in STEPS if t < 2**24]
    array = steps_of(steps)

    @jax.jit
    def traced(begins, ends, whole):
        both = [shares(real_progress(array, b, e)) for b, e in zip(begins, ends, strict=True)]
        ends_alone = [shares(real_progress(array, 2.5, e)) for e in ends]
        begins_alone = [shares(real_progress(array, b, 7)) for b in begins]
        return both, ends_alone, begins_alone, shares(real_progress(array, *whole))

    ways = [(b, e) for b, e in WAYS if e >= b and (e - b > 1e-3 or b == e)]
    begins, ends = ([jnp.bfloat16(x) for x in column] for column in zip(*ways, strict=True))
    rounded = [(float(b), float(e)) for b, e in zip(begins, ends, strict=True)]
    both, ends_alone, begins_alone, whole = traced(begins, ends, [jnp.int32(3), jnp.int32(8)])
    cases = [
        *zip(both, rounded, strict=True),
        *zip(ends_alone, [(2.5, e) for _, e in rounded], strict=True),
        *zip(begins_alone, [(b, 7.0) for b, _ in rounded], strict=True),
        (whole, (3.0, 8.0)),
    ]
    for (elapsed, remaining, over), (begin, end) in cases:
        exact = [share(t, begin, end) for t in steps]
        agree(elapsed, exact, 8)
        agree(remaining, [1 - s for s in exact], 8)
        assert over.tolist() == [s == 1 for s in exact]


def pieces(ways, index) -> tuple[PerPiece, PerPiece]:
    begins, ends = np.asarray(ways, float).T
    return PerPiece(begins, index), PerPiece(ends, index)


# Where one way begins at 0, ends at whole steps, or ends beyond the steps, and another does not.
SETS = [
    [(2.5, 7.25), (0.0, 10.0), (3.0, 3.0)],
    [(0.0, 10.0), (0.0, 7.0), (-0.75, 4.0)],
    [(2.0, 10.0), (5.0, TOP + 1.0)],
    [(0.0, 10.0), (7.5, 2.0**33)],
    [(4.0, 1e6 + 0.5), (1.0, 4.0)],
    [(0.25, 10.25), (1.5, 11.5)],
]


@pytest.mark.parametrize("ways", SETS)
def test_between_points_of_one_way_per_piece(ways):
    steps = steps_of()
    for i, (begin, end) in enumerate(ways):
        index = jnp.full(steps.shape, i, jnp.uint32)
        check(real_progress(steps, *pieces(ways, index)), STEPS, begin, end)
    index = jnp.uint32(1)
    found = jax.jit(lambda t, i: shares(real_progress(t, *pieces(ways, i))))(steps, index)
    agree(found[0], [share(t, *ways[1]) for t in STEPS])
    agree(found[1], [1 - share(t, *ways[1]) for t in STEPS])


def operations(part, begin, end, *sides, step=3) -> list[int]:
    """How often the program of a count has a maximum, a minimum, and a sum or a difference."""
    way = lambda t: getattr(real_progress(t, begin, end, *sides), part)
    jaxpr = jax.make_jaxpr(way)(jnp.asarray(step))
    names = [str(equation.primitive) for equation in jaxpr.eqns]
    return [names.count("max"), names.count("min"), names.count("add") + names.count("sub")]


def test_it_is_held_only_where_it_is_used():
    assert operations("count", 2.5, 7.5) == [1, 1, 2]
    assert operations("left", 2.5, 7.5) == [1, 1, 2]
    assert operations("count", 2.5, 7.5, False, True) == [0, 1, 2]
    assert operations("count", 2.5, 7.5, True, False) == [1, 0, 2]
    assert operations("left", 2.5, 7.5, False, True) == [1, 0, 2]
    assert operations("left", 2.5, 7.5, True, False) == [0, 1, 2]
    # No step is before a begin at 0.
    for begin in (0.0, -0.5):
        assert operations("count", begin, 7.5)[:2] == [0, 1]
        assert operations("left", begin, 7.5)[:2] == [1, 0]
    # Nothing is added to whole steps.
    assert operations("count", 0.0, 10.0, step=3.0) == [0, 1, 0]
    assert operations("count", 0.0, 10.0) == [0, 1, 0]
    assert operations("left", 2.0, 10.0) == [1, 1, 1]
    assert operations("left", 2.0, 10.0, False, False) == [0, 0, 1]
    # They stay whole where they need not be held at a length, which may be none.
    for part in ("count", "left"):
        for ways in ((0.0, 10.0), (2.0, 10.0), (2.5, 10.5)):
            way = real_progress(steps_of(), *ways, False, False)
            whole = ways[0] in (0.0, 2.0)
            assert getattr(way, part).dtype == (nx.int_dtype() if whole else nx.float_dtype())
    assert real_progress(steps_of(), 0.0, 10.0).count.dtype == nx.float_dtype()
    assert real_progress(steps_of(), 0.0, 10.0).left.tolist()[-1] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_part_of_a_step_that_reaches_a_length(dtype):
    """Steps plus it are a length at least, in the type of floats; it is as little more as that takes."""
    rng = np.random.default_rng(0)
    steps = np.concatenate([rng.integers(0, 100, 200), rng.integers(0, 2**24, 200), np.zeros(20)])
    part = rng.uniform(0.0, 1.0, steps.size)
    length = steps + part
    found = _reaching_sum(steps, part, length, dtype)
    assert found.dtype == np.float64
    kept = found.astype(dtype)
    np.testing.assert_array_equal(kept, found)
    rounded, whole, full = (x.astype(dtype) for x in (part, steps, length))
    assert (whole + kept >= full).all()
    enough = whole + rounded >= full
    assert 0 < np.mean(enough) < 1 or dtype is np.float64
    np.testing.assert_array_equal(kept[enough], rounded[enough])
    assert (kept >= rounded).all()
    assert (kept - rounded <= np.spacing(full) + 2 * np.spacing(kept)).all()
    for i in (0, 250):  # alone it is the same
        assert _reaching_sum(steps[i], part[i], length[i], dtype) == found[i]
