"""What schedules and shapes are as data: leaves and structure, equality, text."""

from __future__ import annotations

import enum
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsched as js
from jaxsched import checks
from jaxsched._core import bound
from jaxsched._core.frozen import FrozenDict

MOST = 2**31 - 1
LINE = js.linear_schedule(1.0, 0.0, 8)


class Mode(enum.Enum):
    SLOW = "slow"


class Whole(enum.IntEnum):
    ONE = 1


@js.schedule
def holds(step, a, b=2.0, c=None):
    """A form that takes anything."""
    return 1.0


@js.schedule(share=checks.fraction, length=checks.steps)
def shared(step, length, share=0.5, other: Any = 0.5):
    """One with a share of a length."""
    return share


def a_function(step):
    return 1.0


# --- what is a leaf ------------------------------------------------------------------------------------

TABLE = np.arange(3.0)

LEAVES: list[tuple[Any, list[Any]]] = [
    (1.5, [1.5]), (3, [3]), (MOST, [MOST]), (-MOST - 1, [-MOST - 1]), (MOST + 1, []),
    (-MOST - 2, []), (True, []), (None, []), ("a", []), (b"a", []), (Mode.SLOW, []),
    (Whole.ONE, []), (a_function, []), (LINE, [1.0, 0.0, 8, 0]), (js.shapes.power(3.0), [3.0]),
    (TABLE, [TABLE]), ((), []), ((1, 1.5), [1, 1.5]), ((1.5, "a"), [1.5]), (("a", 1.5), [1.5]),
    (("a", None, True), []), ((1, (1.5, "a")), [1, 1.5]), ((2**40, 1.5, 3), [1.5]),
    ((3, (2**40, 1.5)), [1.5]), ({"x": 1.5, "y": 2}, [1.5, 2]), ({"x": "a", "y": 2}, [2]),
    ({"x": "a"}, []), ({"x": 2**40, "y": 1.5, "z": 3}, [1.5]), ({"x": (2**40, 1.5, "a")}, [1.5]),
    (FrozenDict([(3, 0.5), (7, 1)], numeric=True), [3, 7, 0.5, 1]),
    (FrozenDict([(3, 0.5), (2**40, 0.25)], numeric=True), [0.5, 0.25]),
    (FrozenDict([(3, 2**40), (7, 0.25)], numeric=True), [0.25]),
    (FrozenDict([(3, "a"), (7, 0.25)], numeric=True), [3, 7, 0.25]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "leaves"), LEAVES, ids=map(str, range(len(LEAVES))))
def test_numbers_are_leaves_and_the_rest_is_structure(value, leaves):
    for schedule, others in (
        (holds(value), [2.0]),
        (holds(value, c="text"), [2.0]),
        (holds(value, True), []),
        (holds(value, 2.5, 3.5), [2.5, 3.5]),
    ):
        found, structure = jax.tree.flatten(schedule)
        assert [(type(x), repr(x)) for x in found] == [(type(x), repr(x)) for x in leaves + others]
        again = jax.tree.unflatten(structure, found)
        assert again == schedule
        assert type(again.a) is type(schedule.a)
        assert repr(again) == repr(schedule)
        assert jax.tree.structure(again) == structure
        new = type(schedule)._make(schedule._form, again._values)
        assert jax.tree.structure(new) == structure  # as often as it is split
        keyed, same = jax.tree_util.tree_flatten_with_path(new)
        assert same == structure
        assert [x for _, x in keyed] == found
        assert [str(path[0]) for path, _ in keyed] == [".a"] * len(leaves) + [".b", ".c"][
            : len(others)
        ]
        numbers = jax.tree.unflatten(structure, range(len(found)))
        assert jax.tree.leaves(numbers) == list(range(len(found)))
        assert numbers.b == (len(leaves) if others else True)
        assert numbers.c == (len(leaves) + 1 if len(others) == 2 else schedule.c)
        assert (type(numbers.a) is type(schedule.a)) or [numbers.a] == [*range(len(leaves))]


def test_what_is_fixed_is_told_apart():
    """True is not 1 in the structure either, nor is 1 a 1.0; and each is where it was."""
    structures = [
        jax.tree.structure(holds((x, 1.5, "a"))) for x in (True, Whole.ONE, "1", None, b"1", 1, 0.5)
    ]
    assert all((a == b) == (i == j or {i, j} == {5, 6})
               for i, a in enumerate(structures) for j, b in enumerate(structures))  # fmt: skip
    leaves, structure = jax.tree.flatten(holds((True, 1.5, "a", 2)))
    assert leaves == [1.5, 2, 2.0]
    assert jax.tree.unflatten(structure, [3.5, 4, 5.0]).a == (True, 3.5, "a", 4)


def test_any_thing_may_stand_in_the_place_of_a_number():
    """A mask, an axis, None: the structure stays that of what was built."""
    for schedule in (LINE, holds((1, "a"), 2.0, None), holds({"x": 1.5}), holds(2**40, 1.5)):
        leaves, structure = jax.tree.flatten(schedule)
        for x in (None, True, "a", 2**40, a_function):
            filled = jax.tree.unflatten(structure, [x] * len(leaves))
            assert structure.flatten_up_to(filled) == [x] * len(leaves)
            found = jax.tree.leaves(filled, is_leaf=lambda y: y is None)
            assert found == [x] * len(leaves)


def test_lengths_are_traced_all_or_none():
    """A share belongs to the length that it is of."""
    assert jax.tree.leaves(shared(5)) == [5, 0.5, 0.5]
    assert jax.tree.leaves(shared(2**40)) == [0.5]
    assert jax.tree.leaves(shared(2**40, 0.25, 0.75)) == [0.75]
    assert jax.tree.leaves(shared(5, other=(2**40, 1.5))) == [1.5]
    for schedule in (shared(2**40), shared(5, other=(2**40, 1.5))):
        assert jax.tree.map(lambda x: x, schedule) == schedule
    # They're a share of nothing where no length is beyond int32.
    assert jax.tree.leaves(shared(5, 0.25, "a")) == [5, 0.25]


def test_what_is_huge():
    for value in (MOST + 1, -MOST - 2, (1, MOST + 1), ((), ((2**70,),), 1.0)):
        assert bound.is_huge(value)
    for value in (MOST, -MOST - 1, 1e30, (1, 2.5), (), "a", None, True, Whole.ONE, TABLE):
        assert not bound.is_huge(value)
    for keys, values, huge in (
        ((1, 2), (1, 2), False), ((), (), False), ((1, 2**40), (1, 2), True),
        ((1, 2), (1, 2**40), True), ((2**40, 2), (2**40, 3), True),
    ):  # fmt: skip
        assert bound.is_huge(FrozenDict(zip(keys, values, strict=True))) is huge


# --- what is read without JAX ---------------------------------------------------------------------------


def test_plain_are_python_s_numbers_and_what_holds_them():
    array = jnp.float32(1.0)
    traced = LINE.replace(init_value=array)
    plain = [1.0, 1, True, "a", b"a", Mode.SLOW, None, a_function, LINE, (), (1, (2.0,)), {"x": 1}]
    for value in (*plain, {"x": (1, None)}, FrozenDict([(3, 0.5)], numeric=True)):
        assert holds(value).is_plain is True
    other = [array, TABLE, traced, (1, array), (1, (array, 1)), {"x": array}, {"x": 1, "y": TABLE}]
    for value in (*other, FrozenDict([(jnp.int32(3), 0.5)]), FrozenDict([(3, array)])):
        for schedule in (holds(value), holds(1.0, 2.0, value)):
            assert schedule.is_plain is False
            assert schedule.is_plain is False  # what was kept
    table = js.tabulated_schedule(TABLE)
    make = lambda **changes: type(table)._make(
        table._form, tuple({**table.hyperparameters, **changes}.values())
    )
    assert make(values=TABLE).is_plain is True
    assert make(values=(1.0, 2.0)).is_plain is True
    for values in (np.ones((2, 2)), np.ones(()), jnp.ones(3), np.float32(1.0)):
        assert make(values=values).is_plain is isinstance(values, float)
    assert make(values=TABLE, every=np.arange(3)).is_plain is False
    assert make(values=TABLE, every=jnp.int32(3)).is_plain is False


# --- equality -------------------------------------------------------------------------------------------

DIFFERENT: list[Any] = [
    1, 1.0, True, 0.0, False, None, "a", "1", b"a", Mode.SLOW, a_function, (), (1,), (1.0,), (True,),
    (1, 2), ((1,),), {}, {"x": 1}, {"x": 1.0}, {"x": True}, {"y": 1}, {"x": 1, "y": 2}, LINE,
    LINE.replace(transition_steps=9), LINE.replace(end_value=0.5), js.constant_schedule(1.0), TABLE,
    js.shapes.cosine(), TABLE + 1, TABLE.astype(np.float32), TABLE.astype(int), TABLE[:2],
    TABLE.reshape(3, 1), (TABLE,), np.ones(()), FrozenDict([(3, 1.0)], numeric=True),
    FrozenDict([(4, 1.0)], numeric=True), {"x": TABLE},
]  # fmt: skip


def test_what_differs_is_not_equal():
    schedules = [holds(value) for value in DIFFERENT]
    for i, one in enumerate(schedules):
        for j, other in enumerate(schedules):
            assert (one == other) is (i == j), (one, other)
            assert (one != other) is (i != j)
    assert len(set(schedules)) == len(schedules)


class Asked:
    """What is no schedule says itself whether it is equal to one."""

    def __eq__(self, other):
        return isinstance(other, bound.Bound)

    __hash__ = None  # pyright: ignore[reportAssignmentType]


def test_what_is_made_alike_is_equal():
    for value in DIFFERENT:
        one, other = holds(value), holds(value)
        assert one is not other
        assert one == other
        assert hash(one) == hash(other) == hash(one)
    assert holds(TABLE.astype("f4")) == holds(jnp.asarray(TABLE, "f4"))
    assert holds({"x": 1, "y": 2}) == holds({"y": 2, "x": 1})
    assert holds(1.0) == Asked()
    assert (holds(1.0) == 1.0) is False


def test_traced_hyperparameters_are_equal_where_they_are_the_same():
    def compare(x, y):
        assert holds(x) == holds(x)
        assert holds(x) != holds(y)
        assert hash(holds((x, y))) == hash(holds((x, y)))
        assert repr(holds(x)).startswith("holds(a=")
        assert "array(" not in repr(holds(x))
        return x

    jax.jit(compare)(1.0, 1.0)


# --- text -----------------------------------------------------------------------------------------------


def test_text():
    for schedule, expected in (
        (holds(1.0), "holds(a=1.0)"),
        (holds(1.0, 2.0, None), "holds(a=1.0)"),
        (holds(1.0, 2), "holds(a=1.0, b=2)"),
        (holds(True, 3.0), "holds(a=True, b=3.0)"),
        (holds("x", c=0), "holds(a='x', c=0)"),
        (holds((1, (2.5, "y"))), "holds(a=[1, [2.5, 'y']])"),
        (holds(()), "holds(a=[])"),
        (holds({"k": (1, 2), "m": 0.5}), "holds(a={'k': [1, 2], 'm': 0.5})"),
        (holds(FrozenDict([(3, 0.5)], numeric=True)), "holds(a={3: 0.5})"),
        (holds(TABLE), "holds(a=array([0.0, 1.0, 2.0], dtype=float64))"),
        (holds(jnp.asarray([1, 2], "int32")), "holds(a=array([1, 2], dtype=int32))"),
        (holds((jnp.asarray(1.5, "float32"),)), "holds(a=[array(1.5, dtype=float32)])"),
        (holds(LINE), f"holds(a={LINE!r})"),
        (js.shapes.power(3.0), "shapes.power(exponent=3.0)"),
    ):
        assert repr(schedule) == expected


# --- the object -----------------------------------------------------------------------------------------


def test_it_is_immutable_and_copied_with_changes():
    schedule = holds(1.0, c="x")
    assert schedule.hyperparameters == {"a": 1.0, "b": 2.0, "c": "x"}
    assert schedule.hyperparameters is not schedule.hyperparameters
    assert schedule.replace(b=3.0) == holds(1.0, 3.0, "x")
    assert schedule.factory is holds
    with pytest.raises(AttributeError, match=r"holds is immutable: use replace\(a=\.\.\.\)"):
        schedule.a = 2.0
    with pytest.raises(AttributeError, match=r"holds is immutable$"):
        del schedule.a
    for value in (LINE, js.shapes.power(2.5), js.join_schedules([LINE, LINE], [2**40])):
        again = pickle.loads(pickle.dumps(value))
        assert again == value
        assert type(again) is type(value)
        assert again.factory is value.factory
