"""Powers of shares, what they lack of 1, and their slopes, against mpmath."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxsched._core import numerics as nx
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece

SHARES = [
    0.0,
    2.0**-62,
    2.0**-31,
    1e-3,
    0.125,
    0.3125,
    0.49,
    0.5,
    0.51,
    0.625,
    0.96875,
    1 - 2.0**-20,
    1.0,
]
EXPONENTS = [0, 0.0, 1e-50, 0.3, 0.5, 1, 1.0, 1.5, 2, 2.0, 2.5, 3.0, 3.5, 4, 4.5, 7.5, 1e4]
HALVES = [0.5, 1, 1.0, 1.5, 2, 2.5, 3, 3.5, 4]


def shares_of(shares=SHARES):
    return jnp.asarray(np.asarray(shares, nx.float_dtype()))


def exact_powers(exponent, shares=SHARES) -> list:
    with mp.workdps(120):
        return [mp.mpf(x) ** mp.mpf(exponent) for x in np.asarray(shared(shares)).tolist()]


def shared(shares) -> np.ndarray:
    return np.asarray(shares, nx.float_dtype())


def what_lacks(exponent) -> list:
    with mp.workdps(120):
        return [1 - p for p in exact_powers(exponent)]


def agree(values, exact, ulps) -> None:
    """To some units in the last place; what is below the smallest normal number, to that."""
    values = np.asarray(values)
    info = np.finfo(values.dtype)
    for value, number in zip(values.tolist(), exact, strict=True):
        digit = mp.ldexp(1, mp.frexp(abs(number))[1] - 1 - info.nmant) if number else 0
        least = mp.mpf(float(info.tiny)) if number not in (0, 1) else 0
        assert abs(mp.mpf(value) - number) <= ulps * digit + least


def program(function, *arguments) -> list[str]:
    """The operations of a program, and of those it calls."""
    names = []
    for equation in equations(jax.make_jaxpr(function)(*arguments).jaxpr):
        names.append(str(equation.primitive))
    return [name for name in names if name not in ("broadcast_in_dim", "stop_gradient")]


def equations(jaxpr):
    for equation in jaxpr.eqns:
        called = equation.params.get("jaxpr")
        yield from equations(called.jaxpr) if called is not None else [equation]


def pieces(*numbers, index=1) -> PerPiece:
    return PerPiece(np.asarray(numbers), jnp.full(len(SHARES), index, jnp.uint32))


def room(exponent) -> float:
    """Of the exponent, and of 1 minus it, a digit is worth as many as the logarithm of the share."""
    return 2.5 + (10 if 0 < exponent < 1 and exponent != 0.5 else 1.5 * min(float(exponent), 100))


def test_powers_of_shares():
    shares = shares_of()
    for exponent in EXPONENTS:
        exact = exact_powers(exponent)
        agree(nx.power(shares, exponent), exact, room(exponent))
        agree(nx.power(shares, pieces(5.0, exponent)), exact, room(exponent))
        agree(nx.power(shares, pieces(0.4, exponent)), exact, room(exponent))
    assert nx.power(shares, 1) is shares


def test_powers_with_exponents_that_are_traced():
    given = [e for e in EXPONENTS if e != 1e-50]  # of which float32 has none: 0
    each = jax.jit(lambda exponents: [nx.power(shares_of(), e) for e in exponents])
    for found, exponent in zip(each([float(e) for e in given]), given, strict=True):
        agree(found, exact_powers(exponent), room(exponent))


def test_powers_on_the_host():
    kinds = [(nx.power, lambda p: p, 1.0), (_lack, lambda p: 1 - p, 4.0)]
    for exponent in EXPONENTS:
        for function, of, ulps in kinds:
            read = host_function(lambda x, f=function, e=exponent: f(x, e) * 1.0, (), "x")
            with mp.workdps(120):
                exact = [of(mp.mpf(x) ** mp.mpf(exponent)) for x in SHARES]
            agree(np.asarray([read(x) for x in SHARES]), exact, ulps)


def _lack(share, exponent):
    return nx.one_minus_power(1.0 - share, share, exponent)


def test_a_tiny_exponent_in_float64(x64):
    """It is not lost beside 1."""
    if x64:
        found = nx.power(jnp.asarray([1e-300, 0.5, 0.0]), 1e-17)
        agree(found, [mp.mpf(1e-300) ** mp.mpf(1e-17), mp.mpf(0.5) ** mp.mpf(1e-17), mp.mpf(0)], 1)


def test_the_program_of_a_power_is_short(x64):
    share = shares_of([0.3])[0]
    of = lambda e: program(lambda x: nx.power(x, e), share)
    assert of(1) == of(1.0) == []
    assert of(2) == of(2.0) == ["mul"]
    assert of(0.5) == ["max", "sqrt", "div"]
    for exponent in (1.5, 3.0, 7.5, PerPiece(np.asarray([1.0, 2.5]), jnp.uint32(0))):
        assert [name for name in of(exponent) if name != "gather"][-1:] == ["pow"]
        assert of(exponent).count("select_n") == of(exponent).count("mul") == 0
    assert x64 or of(0.3) == ["max", "pow", "mul"]


def test_the_slopes_of_a_power_are_finite():
    """Also where nothing is left; of a root the second slope too."""
    shares = jnp.asarray(shared([0.0, 0.25, 1.0]))
    fraction = lambda index: pieces_of_3([0.5, 2.0], index)
    of = lambda e: lambda x: nx.power(x, e)
    many = [(e, of(e)) for e in (0.3, 0.5, 1.5, 2.5, 3.0)]
    many += [(0.5, of(fraction(0))), (2.0, of(fraction(1)))]
    first = lambda function: lambda x: jax.jvp(function, (x,), (jnp.ones_like(x),))[1]
    slopes = jax.jit(lambda x: ([first(f)(x) for _, f in many], first(first(of(0.5)))(x)))
    found, second = slopes(shares)
    assert np.isfinite(second).all()
    for (number, _), slope in zip(many, found, strict=True):
        np.testing.assert_allclose(
            slope[1:], number * np.asarray([0.25, 1.0]) ** (number - 1), 1e-5
        )
        assert np.isfinite(slope).all()


def pieces_of_3(numbers, index) -> PerPiece:
    return PerPiece(np.asarray(numbers), jnp.full(3, index, jnp.uint32))


@pytest.mark.parametrize("lacking", [False, True])
def test_the_slopes_by_a_traced_exponent_are_finite(lacking):
    function, sign = (_lack, -1) if lacking else (nx.power, 1)
    shares = jnp.asarray(shared([0.0, 0.25, 0.9, 1.0]))
    slopes = jax.jit(jax.jacrev(lambda e, x: function(x, e)))
    for exponent in (0.5, 3.0, 1e4):
        found = slopes(exponent, shares)
        logarithms = np.log([1.0, 0.25, 0.9, 1.0])
        with np.errstate(under="ignore"):
            expected = np.asarray([0.0, 0.25, 0.9, 1.0]) ** exponent * logarithms
        np.testing.assert_allclose(found, sign * expected, rtol=1e-5, atol=1e-30)
    by_share = jax.jit(jax.vmap(jax.grad(lambda x, e: function(x, e)), (0, None)))
    for exponent in (1.0, 3.0, 1e4):
        found = by_share(shares, exponent)
        assert np.isfinite(found).all()


def test_what_a_power_lacks_of_1():
    shares = shares_of()
    for exponent in EXPONENTS:
        exact = what_lacks(exponent)
        if exponent == 1e-50:  # it stands for the smallest number of float32: all but 0 ** it are 1
            exact = [mp.mpf(1), *([mp.mpf(0)] * (len(SHARES) - 1))]
        for values in (_lack(shares, exponent), _lack(shares, pieces(5.0, exponent))):
            values = np.where(np.abs(values) < 1e-35, 0, values)
            agree(values, exact, 3.5)


def test_what_a_power_with_a_traced_exponent_lacks_of_1():
    given = [e for e in EXPONENTS if e != 1e-50]
    each = jax.jit(lambda exponents: [_lack(shares_of(), e) for e in exponents])
    for found, exponent in zip(each([float(e) for e in given]), given, strict=True):
        agree(found, what_lacks(exponent), 3.5)


def test_half_powers_need_no_logarithm():
    share = shares_of([0.3])[0]
    for exponent in HALVES:
        assert nx.is_half_power(exponent)
        names = program(lambda x, e=exponent: _lack(x, e), share)
        assert not {"log", "log1p", "exp", "expm1", "pow"} & {*names}
        assert names.count("sqrt") == (exponent % 1 == 0.5)
    for exponent in (0, 0.25, 1.75, 4.25, 4.5, 5, 8, -1, -0.5, 1 / 3):
        assert not nx.is_half_power(exponent)
    for exponent in (jnp.asarray(0.5), pieces(0.5, 1.0), np.float64(1.0)):
        assert not nx.is_half_power(exponent)


def test_the_slopes_of_half_powers_are_finite():
    shares = jnp.asarray(shared([0.0, 0.25, 1.0]))
    slopes = jax.jit(
        lambda x: [
            jax.jvp(lambda s, e=e: _lack(s, e), (x,), (jnp.ones_like(x),))[1] for e in HALVES
        ]
    )
    for exponent, slope in zip(HALVES, slopes(shares), strict=True):
        assert np.isfinite(slope).all()
        np.testing.assert_allclose(
            slope[1:], -exponent * np.asarray([0.25, 1.0]) ** (exponent - 1), rtol=1e-5
        )
