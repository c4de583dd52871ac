"""Numbers of which a traced index picks one: their arithmetic on the host, and what is picked."""

from __future__ import annotations

import math
import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsched._core import per_piece as pp
from jaxsched._core.per_piece import Few, PerPiece, is_concrete, lift, saturated, settle

WHOLE = np.asarray([3, 2**40, -(2**40), 0])
REAL = np.asarray([0.1, 3e300, -3e300, -0.7])
LARGEST = float(np.finfo(np.float32).max)


def few(*reached) -> Few:
    return Few([jnp.asarray(r) for r in reached])


def selects(function, *xs) -> int:
    return str(jax.make_jaxpr(function)(*xs)).count("select_n")


@pytest.mark.parametrize(
    ("reached", "picked"),
    [
        ([[False, True]], [0, 1]),
        ([[False, True, True], [False, False, True]], [0, 1, 2]),
        ([[[False], [True]]], [[0], [1]]),
        ([True, False], 1),
        ([True], 1),
    ],
)
def test_the_active_one_of_a_few(reached, picked):
    index = few(*reached)
    assert index.ndim == np.ndim(picked)
    number = index.number()
    assert (number.tolist(), number.dtype) == (picked, jnp.uint32)
    for items in ([7.5, -1.0, 2.0], [7.5, 7.5, 2.0], [7.5, 2.0, 2.0], [7.5, 2.0, 7.5], [7.5] * 3):
        items = items[: len(reached) + 1]
        expected = np.asarray(items)[np.asarray(picked)].tolist()
        for kind in (np.float32, jnp.float32, jnp.asarray):
            found = index.pick([kind(item) for item in items])
            assert (found.tolist(), found.shape) == (expected, np.shape(picked))
        mixed = [np.float32(items[0]), *map(jnp.float32, items[1:])]
        assert index.pick(mixed).tolist() == expected
        assert index.pick(mixed[::-1]).tolist() == (
            np.asarray(items[::-1])[np.asarray(picked)].tolist()
        )


def test_what_was_picked_is_not_selected_again():
    index = few([False, True])
    first = index.pick([np.float32(1), np.float32(2)])
    assert index.pick([np.float32(1), np.float32(2)]) is first
    whole = index.pick([np.int32(1), np.int32(2)])
    assert (first.dtype, whole.dtype) == (jnp.float32, jnp.int32)
    assert index.pick([np.float32(2), np.float32(1)]).tolist() == [2.0, 1.0]


def test_neighbours_that_are_the_same_are_not_selected_between():
    reached = [jnp.asarray([False, True])] * 2
    number = lambda *items: selects(
        lambda *r: Few(list(r)).pick(map_to(np.float32, items)), *reached
    )
    assert [number(1, 2, 3), number(1, 1, 3), number(1, 3, 3), number(1, 1, 1)] == [2, 1, 1, 0]
    assert number(1, 2, 1) == 2
    array, other = jnp.asarray(1.0, jnp.float32), jnp.asarray(1.0, jnp.float32)
    pick = lambda *items: selects(lambda a, b, *r: Few(list(r)).pick(items_of(items, a, b)), array,
                                  other, *reached)  # fmt: skip
    assert [pick(0, 0, 0), pick(0, 0, 1), pick(0, 1, 1), pick(0, 1, 0)] == [0, 1, 1, 2]
    assert [pick(0, 0, None), pick(None, 0, 0), pick(None, None, 1), pick(0, None, 0)] == [
        1,
        1,
        1,
        2,
    ]


def map_to(kind, items) -> list:
    return [kind(item) for item in items]


def items_of(places, *arrays) -> list:
    """Traced arrays, or the same number for None, of a new object each time."""
    return [np.float32(1) if place is None else arrays[place] for place in places]


def indices() -> list:
    """Of four pieces: one for all steps, in a table, and of three of them as a few."""
    return [
        (np.asarray(1), jnp.uint32(1)),
        (np.asarray([[0, 1], [2, 3]]), jnp.asarray([[0, 1], [2, 3]], jnp.uint32)),
        (np.asarray([0, 1, 2, 1]), few([False, True, True, True], [False, False, True, False])),
    ]


@pytest.mark.parametrize("kind", ["i", "f"])
def test_gathered_numbers_stay_within_the_type(kind, x64):
    dtype = np.dtype(f"{kind}{8 if x64 else 4}")
    number, limits = (int, np.iinfo(dtype)) if kind == "i" else (float, np.finfo(dtype))
    least, most = number(limits.min), number(limits.max)
    for numbers in (WHOLE, REAL) if kind == "f" or not x64 else (WHOLE,):
        kept = [min(max(x, least), most) for x in map(number, numbers.tolist())]
        for places, index in indices():
            many = 3 if isinstance(index, Few) else 4
            found = PerPiece(numbers[:many], index).gather(dtype)
            assert (found.dtype, found.shape) == (dtype, places.shape)
            np.testing.assert_array_equal(found, np.asarray(kept, dtype)[places])


def test_an_array_in_the_place_of_numbers(x64):
    for numbers, dtype in ((WHOLE, np.int64), (REAL, np.float64)):
        found = settle(PerPiece(numbers, jnp.uint32(0)))
        assert found.dtype == jax.dtypes.canonicalize_dtype(dtype)
        assert float(found) == float(found.dtype.type(numbers[0]))
    for same in (3, 0.5, jnp.float32(3), [1]):
        assert settle(same) is same


def test_a_flag_chooses():
    flags = np.asarray([True, False, False, True])
    this, that = jnp.arange(4) + 10, jnp.arange(4) + 20
    every = jnp.arange(4, dtype=jnp.uint32)
    assert PerPiece(flags, every).choose(this, that).tolist() == [10, 21, 22, 13]
    index = few([False, True, True, True], [False, False, True, True])
    assert PerPiece(flags[:3], index).choose(this, that).tolist() == [10, 21, 22, 23]
    assert PerPiece(flags[1:], index).choose(this, that).tolist() == [20, 21, 12, 13]
    assert PerPiece(flags, jnp.uint32(3)).choose(this, that).tolist() == this.tolist()
    chosen = lambda a, b, *r: PerPiece(flags[:3], Few(list(r))).choose(a, b)
    assert selects(chosen, this, that, *index.reached) == 1  # between the two, not among flags


OPERATORS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_arithmetic_of_concrete_numbers_is_the_hosts(name):
    function, ufunc = OPERATORS[name], getattr(np, name)
    index = jnp.uint32(1)
    numbers, others = np.asarray([0.1, 2.0, 3.7]), np.asarray([0.3, 0.7, 1.1])
    piece, other = PerPiece(numbers, index), PerPiece(others, index)
    for found, expected in (
        (function(piece, 0.3), ufunc(numbers, 0.3)),
        (function(piece, other), ufunc(numbers, others)),
        (ufunc(0.3, piece), ufunc(0.3, numbers)),
        (ufunc(piece, other), ufunc(numbers, others)),
        *([] if name == "power" else [(function(0.3, piece), ufunc(0.3, numbers))]),
    ):
        assert isinstance(found, PerPiece)
        assert found.index is index
        np.testing.assert_array_equal(found.numbers, expected)
    # Of another index, and beside what is traced, they are numbers of the device.
    for scalar in (jnp.float32(0.3), PerPiece(others, jnp.uint32(0))):
        with np.errstate(all="ignore"):
            expected = function(2.0, 0.3), function(0.3, 2.0)
        for found, value in (
            (function(piece, settle_to(scalar)), expected[0]),
            *([] if name == "power" else [(function(settle_to(scalar), piece), expected[1])]),
        ):
            assert float(found) == pytest.approx(value, rel=1e-6)
            assert isinstance(found, jax.Array)


def settle_to(x):
    """An array of the float type that a settled number has beside it; numbers of pieces stay."""
    return x if isinstance(x, PerPiece) else x.astype(jax.dtypes.canonicalize_dtype(np.float64))


def test_the_negative_and_what_numpy_is_not_lent():
    piece = PerPiece(np.asarray([1, 2]), jnp.uint32(0))
    assert (-piece).numbers.tolist() == np.negative(piece).numbers.tolist() == [-1, -2]
    refused = "NotImplemented"
    with pytest.raises(TypeError, match=refused):
        np.add.reduce(piece)
    with pytest.raises(TypeError, match=refused):
        np.add(piece, 1, where=True)
    for method, options in (("reduce", {}), ("__call__", {"dtype": float}), ("at", {"axis": 0})):
        assert piece.__array_ufunc__(np.negative, method, piece, **options) is NotImplemented


def test_what_is_concrete():
    index, other = jnp.uint32(0), jnp.uint32(0)
    piece = PerPiece(WHOLE, index)
    assert is_concrete()
    assert is_concrete(1, 2.0, piece, 3, PerPiece(REAL, index))
    for x in (jnp.float32(1), np.float64(1), np.ones(2), True, None):
        assert not is_concrete(x)
        assert not is_concrete(1.0, x, piece)
        assert not is_concrete(piece, x)
    assert not is_concrete(piece, PerPiece(WHOLE, other))
    assert not is_concrete(PerPiece(WHOLE, other), 1, piece)


def test_a_function_of_numbers_alone_is_numpys():
    with np.errstate(all="ignore"):
        assert lift(lambda x: 1 / x, 0.0) == math.inf
    assert lift(lambda n: 7 // n, 2) == 3
    for found, value, kind in (
        (lift(np.sqrt, 4.0), 2.0, float),
        (lift(np.asarray, 4.0), 4.0, float),
        (lift(lambda n: n + 1, 2**70), 2**70 + 1, int),
        (lift(np.add, 2, 3), 5, int),
        (lift(lambda x: x > 1, 2.0), True, bool),
    ):
        assert (found, type(found)) == (value, kind)


def test_a_function_of_numbers_per_piece_is_of_all_at_once():
    index = jnp.uint32(0)
    numbers, others = PerPiece(np.asarray([1, 2, 4]), index), PerPiece(np.asarray([4, 2, 1]), index)
    found = lift(lambda a, b, c: a * 10 + b - c, numbers, others, 1)
    assert (found.numbers.tolist(), found.index) == ([13, 21, 40], index)
    for same, kind in ((lift(np.multiply, numbers, others), int), (numbers * others, int)):
        assert (same, type(same)) == (4, kind)  # all have it
    assert lift(np.multiply, 0.5, numbers * 0.0) == 0.0
    assert type(lift(lambda n: n * 0.0, numbers)) is float
    assert lift(lambda n: n, PerPiece(np.asarray([2.5]), index)) == 2.5
    assert lift(lambda n: 7, numbers) == 7
    with np.errstate(all="ignore"):
        assert lift(lambda n, x, y: n + x / y, numbers, 1.0, 0.0) == math.inf
    # A flag stays one per piece, also where it is the same in all.
    for flags in ([True, True, True], [True, False, True]):
        found = lift(lambda n, f=flags: np.asarray(f), numbers)
        assert found.numbers.tolist() == flags
    assert lift(lambda n: [2, 2, 3], numbers).numbers.tolist() == [2, 2, 3]
    assert lift(lambda n: [2, 3, 3], numbers).numbers.tolist() == [2, 3, 3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.dtype(np.float32)])
def test_saturated_numbers_are_finite(dtype):
    top = float(np.finfo(dtype).max)
    numbers = [0.0, -1.5, top, -top, math.inf, -math.inf, 1e300, -1e300]
    expected = [min(max(x, -top), top) for x in numbers]
    assert [saturated(x, dtype) for x in numbers] == expected
    assert saturated(np.asarray(numbers), dtype).tolist() == expected


def test_what_all_pieces_have():
    piece = PerPiece(WHOLE, jnp.uint32(0))
    assert pp.numbers_of(piece) is WHOLE
    assert pp.numbers_of(0.5) == 0.5
