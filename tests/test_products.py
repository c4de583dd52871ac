"""What a share of a stretch is multiplied by: the end that a curve comes from, its square and power."""

from __future__ import annotations

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
