"""What a share of a stretch is multiplied by: the end that a curve comes from, its square and power."""

from __future__ import annotations

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from shares import agree, steps_of

import jaxsched as js
from jaxsched._core import numerics as nx
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece
from jaxsched._core.progress import Warped, progress

LENGTHS = [1, 3, 4, 7, 49, 100, 1000, 2**24 + 3, 2**31 - 1]
GOALS = [
    0.3,
    1.0,
    0.5,
    -0.7,
    1e-30,
    -1e-37,
    -2.5,
    17,
    0,
    0.0,
    0.9e38,
    -0.9e38,
    2e38,
    3.4e38,
    -3.4e38,
]


def places(length) -> list[int]:
    """As many for every length: the ends and what is near to them, and some between."""
    near = (0, 1, 2, length // 3, length // 2, length - 1, length, length + 1)
    return [min(t, length + 1, 2**31 - 1) for t in near]


def rest_of(step, length) -> Fraction:
    return max(1 - Fraction(step, length), Fraction(0))


PRODUCTS = {
    "line": (lambda way, goal: way.remaining_to(goal), 1),
    "unbounded": (lambda way, goal: way.remaining_to(goal, False), 1),
    "square": (lambda way, goal: way.remaining_squared_to(goal), 2),
}


@pytest.mark.parametrize("lengths", [LENGTHS[:5], LENGTHS[5:]])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_with_numbers(name, lengths):
    function, power = PRODUCTS[name]
    for length in lengths:
        steps = places(length)
        way = progress(steps_of(steps), length)
        shares = [rest_of(t, length) ** power for t in steps]
        for goal in GOALS:
            agree(function(way, goal), goal, shares, 2 + power, bounded=name != "unbounded")


def test_the_goal_is_hit_where_its_rounded_quotient_falls_short():
    kind = nx.float_dtype().type
    for goal in (1.0, -0.3):
        quotients = {n: kind(goal / n) for n in range(1, 500)}
        short = [n for n, q in quotients.items() if abs(kind(n) * q) < abs(kind(goal))]
        for length in short[:9]:
            way = progress(jnp.zeros(1, nx.int_dtype()), length)
            assert way.remaining_to(goal).tolist() == [float(kind(goal))]
            assert abs(way.remaining_to(goal, False)[0]) >= abs(kind(goal))
    rooted = {n: kind(0.3**0.5 / n) * kind(n) for n in range(1, 500)}
    short = [n for n, root in rooted.items() if root * root < kind(0.3)]
    for length in short[:9]:
        way = progress(jnp.zeros(1, nx.int_dtype()), length)
        assert way.remaining_squared_to(0.3).tolist() == [float(kind(0.3))]


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_lengths_that_are_powers_of_2_are_exact(name):
    function, power = PRODUCTS[name]
    for length in (1, 2, 64, 1024):
        steps = list(range(0, length + 1, max(1, length // 32)))
        way = progress(steps_of(steps), length)
        for goal in (1.0, 4.0, 0.25, -1.0, -0.25):
            expected = [float(goal * rest_of(t, length) ** power) for t in steps]
            assert function(way, goal).tolist() == expected


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_on_the_host(name):
    function, power = PRODUCTS[name]
    for length in (1, 49, 1000):
        for back in (False, True):
            shares = [rest_of(t, length) for t in places(length)]
            shares = [(1 - s if back else s) ** power for s in shares]
            for goal in (0.3, -0.7, 0, 1e300):

                def read(step, n=length, goal=goal, back=back):
                    way = progress(step, n)
                    return function(way.reverse() if back else way, goal) * 1.0

                host = host_function(read, (), "x")
                agree([host(t) for t in places(length)], goal, shares)


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_what_is_traced_or_one_per_piece(name):
    function, power = PRODUCTS[name]
    steps = [0, 1, 20, 48, 49, 50]
    shares = [rest_of(t, 49) ** power for t in steps]
    array, index = steps_of(steps), jnp.uint32(1)
    pieces = PerPiece(np.asarray([7, 49]), index)
    both = jax.jit(lambda n, goal: function(progress(array, n), goal))
    for goal in (0.3, -0.7, 1.0):
        found = [
            both(49, goal),
            jax.jit(lambda n, g=goal: function(progress(array, n), g))(49),
            jax.jit(lambda g: function(progress(array, 49), g))(goal),
            function(progress(array, pieces), goal),
            function(progress(array, 49), PerPiece(np.asarray([7.0, goal]), index)),
        ]
        for values in found:
            agree(values, goal, shares, 5)
    assert np.isfinite(function(progress(array, pieces), 1e300)).all()


def test_products_of_a_warped_share_and_backwards():
    steps = [0, 10, 20, 49]
    array = steps_of(steps)
    for goal in (0.3, 2.0):
        way = progress(array, 49).reverse()
        for line, square in (
            (way.remaining_to(goal), way.remaining_squared_to(goal)),
            (way.reverse().reverse().remaining_to(goal), way.remaining_squared_to(goal)),
        ):
            shares = [1 - rest_of(t, 49) for t in steps]
            agree(line, goal, shares)
            agree(square, goal, [s**2 for s in shares], 4)
        warped = Warped(progress(array, 49), 2.0)
        for either, shares in (
            (warped, [1 - Fraction(t, 49) ** 2 for t in steps]),
            (warped.reverse(), [Fraction(t, 49) ** 2 for t in steps]),
        ):
            agree(either.remaining_to(goal), goal, shares, 6)
            agree(either.remaining_squared_to(goal), goal, [s**2 for s in shares], 12)


EXPONENTS = [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 3.7, 4.5, 1e4]


@pytest.mark.parametrize("kind", ["number", "traced", "host", "warped"])
def test_what_a_power_of_the_share_lacks_of_1(kind):
    steps, length = [0, 1, 7, 24, 25, 40, 48, 49], 49
    array = steps_of(steps)
    for exponent in EXPONENTS:
        with mp.workdps(50):
            share = [(mp.mpf(t) / length) ** (2 if kind == "warped" else 1) for t in steps]
            exact = [float(1 - s ** mp.mpf(exponent)) for s in share]
        if kind == "host":
            read = lambda t, e=exponent: progress(t, length).remaining_of_power(e) * 1.0
            host = host_function(read, (), "x")
            np.testing.assert_allclose([host(t) for t in steps], exact, rtol=1e-14)
            continue
        if kind == "traced":
            found = jax.jit(lambda n, e=exponent: progress(array, n).remaining_of_power(e))(length)
        else:
            way = progress(array, length)
            found = (Warped(way, 2.0) if kind == "warped" else way).remaining_of_power(exponent)
        digit = np.finfo(nx.float_dtype()).eps
        # The share is rounded, which its power multiplies.
        np.testing.assert_allclose(found, exact, rtol=5 * digit, atol=digit * exponent / 100)
        assert (np.asarray(found) <= 1).all()


def lacking(way, goal, exponent, bounded=True):
    return way.remaining_of_power_to(goal, bounded, exponent)


@pytest.mark.parametrize("exponent", [0.5, 1, 1.5, 2, 2.5, 4, 3.7])
def test_a_goal_times_what_a_power_of_the_share_lacks_of_1(exponent):
    for length in (1, 49, 10**6 + 3, 2**31 - 1):
        steps = places(length)
        array = steps_of(steps)
        with mp.workdps(50):
            share = [min(mp.mpf(t) / length, 1) for t in steps]
            exact = np.asarray([float(1 - s ** mp.mpf(exponent)) for s in share])
        for goal in (1.0, 0.1, -0.3, 1e-30, 2.0, 0, 2e38):
            kind, way = nx.float_dtype().type, progress(array, length)
            found = lacking(way, goal, exponent)
            digit = np.finfo(kind).eps * abs(goal)
            close = {"rtol": 5 * np.finfo(kind).eps, "atol": digit / 20}
            np.testing.assert_allclose(np.float64(found), exact * goal, **close)
            np.testing.assert_allclose(
                np.float64(lacking(way, goal, exponent, False)), exact * goal, **close
            )
            assert float(found[0]) == float(kind(goal))
            if (
                abs(goal) < 1e28
            ):  # else the share is multiplied, which may be above 1 by the last digit
                assert (np.abs(found) <= abs(kind(goal))).all()
            assert not np.asarray(found)[np.asarray(exact) == 0].any()
            traced = jax.jit(lambda n, g, a=array: lacking(progress(a, n), g, exponent))
            np.testing.assert_allclose(np.float64(traced(length, goal)), exact * goal, **close)
            read = lambda t, n=length, g=goal: lacking(progress(t, n), g, exponent) * 1.0
            host = host_function(read, (), "x")
            values = [host(t) for t in steps]
            np.testing.assert_allclose(values, exact * goal, rtol=1e-14, atol=abs(goal) * 1e-30)


def test_a_goal_beyond_the_floats_is_their_largest():
    steps = steps_of([0, 7, 49])
    for goal in (1e300, -1e300) if nx.float_dtype() == np.float32 else ():
        found = lacking(progress(steps, 49), goal, 0.5)
        assert [float(found[0]), float(found[2])] == [math.copysign(nx.num(1e300), goal), 0.0]


def test_it_is_never_beyond_its_goal():
    """Also where (1 - s) (1 + s / (1 + sqrt(s))) is rounded up."""
    length = 2**31 - 1
    steps = steps_of([int(1.5**k) for k in range(53)])
    beyond = 0
    for goal in (0.1, 0.3, -0.7, 1.0):
        most = nx.float_dtype().type(goal)
        for exponent in (1.5, 2, 2.5, 3, 3.5, 4):
            way = progress(steps, length)
            assert (abs(lacking(way, goal, exponent)) <= abs(most)).all()
            beyond += int((abs(lacking(way, goal, exponent, False)) > abs(most)).sum())
    assert beyond


def test_a_share_of_a_warped_way_is_multiplied_where_it_is_known():
    steps = steps_of([0, 3, 10])
    once = program(lambda t: Warped(progress(t, 10), 1.5).remaining_times(3.0), steps)
    assert "min" not in once[1:]  # of the step alone

    def both(step):
        way = Warped(progress(step, 10), 1.5)
        return way.remaining, way.remaining_times(3.0)

    assert program(both, steps).count("sqrt") == 1
    np.testing.assert_allclose(both(steps)[1], 3.0 * both(steps)[0], rtol=1e-6)
    mirrored = js.transition_schedule(
        1.0, 0.0, 10, js.shapes.warped(js.shapes.mirror_cosine(), 1.5)
    )
    assert program(mirrored, steps_of(3)).count("sqrt") == 1


@pytest.mark.parametrize("begin", [0, 5])
def test_a_product_that_rises_is_cut_at_its_goal_alone(begin):
    """The step needs no bound beside it, and no step times the slope is infinite."""
    since = [] if begin == 0 else ["max", "sub"]
    way = lambda t, n=10: progress(t, n, begin).reverse()
    assert program(lambda t: way(t).remaining_to(0.5), steps_of(3)) == [
        *since,
        CONVERT,
        "mul",
        "min",
    ]
    top = int(np.iinfo(nx.int_dtype()).max)
    steps = steps_of([0, begin, begin + 1, begin + 9, begin + 10, begin + 11, 10**6, top - 1, top])
    shares = [0, 0, 0.1, 0.9, 1, 1, 1, 1, 1]
    for goal in (0.3, -0.7, 0.9e28, -0.9e28, 1.1e28, 2e38):
        full = float(nx.float_dtype().type(goal))
        values = np.float64(way(steps).remaining_to(goal))
        np.testing.assert_allclose(values, np.asarray(shares) * goal, rtol=3e-7)
        assert (values[4:] == full).all()
        values = way(steps, 1).remaining_to(goal, False)
        assert np.isfinite(values).all()
        assert (abs(values[2:]) >= abs(full)).all()
    # There and back it is held at both ends, and what is not cut is held.
    there_and_back = way(steps).reverse().reverse().remaining_to(0.3)
    np.testing.assert_array_equal(there_and_back, way(steps).remaining_to(0.3))
    assert way(steps).remaining_times(2.0)[-1] == 2.0
    assert way(steps).reverse().remaining_to(0.3, False).tolist()[-3:] == [0, 0, 0]


@pytest.mark.parametrize("end", [1e-33, -1e-33, 1.2e-37])
def test_an_end_over_more_steps_than_float32_divides_it_by(end):
    line = js.linear_schedule(end, 0.0, 10**6)
    assert (line(0), float(line(jnp.asarray(0)))) == (end, float(nx.float_dtype().type(end)))
    assert float(line(jnp.asarray(5 * 10**5))) == pytest.approx(end / 2, rel=1e-6)
    assert float(line(jnp.asarray(10**6))) == 0.0


def program(function, *arguments) -> list[str]:
    """The operations of a program."""
    equations = jax.make_jaxpr(function)(*arguments).eqns
    names = [str(equation.primitive) for equation in equations]
    return [name for name in names if name not in ("broadcast_in_dim", "stop_gradient")]


CONVERT = "convert_element_type"


def test_a_product_with_a_number_takes_one_factor():
    step, way = jnp.asarray(3), lambda t: progress(t, 10)
    count = program(lambda t: way(t).left, step)
    for goal in (0.5, 1.0, 2.5):
        line = program(lambda t, g=goal: way(t).remaining_to(g), step)
        assert line == [*count, CONVERT, "mul", "min"]
        line = program(lambda t, g=goal: way(t).remaining_to(g, False), step)
        assert line == [*count, CONVERT, "mul"]
    assert program(lambda t: way(t).remaining_to(-0.5), step)[-2:] == ["mul", "max"]
    for goal in (0.5, 1.0, 2.5):
        square = program(lambda t, g=goal: way(t).remaining_squared_to(g), step)
        assert square == [*count, CONVERT, "mul", "mul", "min"]
    power = program(lambda t: way(t).remaining_of_power(1.5), step)
    assert power.count("min") == 2  # of the step and of the remaining share, not of the elapsed one
    for exponent in (0.5, 1.5):
        power = program(lambda t, e=exponent: lacking(way(t), 0.3, e), step)
        assert [power.count("min"), power[-1]] == [2, "min"]  # of the step and of the product
        power = program(lambda t, e=exponent: lacking(way(t), 0.3, e, False), step)
        assert power.count("min") == 1


def test_what_is_asked_for_is_computed_once():
    step = jnp.asarray(3)
    assert program(lambda t: progress(t, 10).elapsed, step) == ["min", CONVERT, "mul", "min"]
    assert program(lambda t: progress(t, 10).over, step) == ["min", "ge"]
    assert "ge" not in program(lambda t: progress(t, 0).elapsed, step)

    def traced(t, n):
        way = progress(t, n)
        shares = way.elapsed, way.remaining, way.elapsed_times(3.0), way.remaining_times(3.0)
        return *shares, way.count, way.left, way.over, way.elapsed, way.left, way.reverse().count

    # The length, the count and what is left become floats; a flag becomes a count.
    assert program(traced, steps_of(3), steps_of(10)).count(CONVERT) == 4
    way = progress(step, 10)
    for name in ("count", "left", "over", "elapsed", "remaining"):
        assert getattr(way, name) is getattr(way, name)
