"""How deep and how long a host function may be, and what is known of the numbers in it."""

from __future__ import annotations

import math

import pytest
from written import chain, function_of, source_of

from jaxsched._core import host
from jaxsched._core.host import DEEP, EXACT, ROOM, HostCode, HostNumber

# --- how deep, and how many ---------------------------------------------------------------------------


def variables(formula) -> int:
    return source_of(formula).count(" = ")


def test_operations_stand_in_each_other_to_a_depth():
    assert variables(lambda t: chain(t, DEEP)) == 0
    assert variables(lambda t: chain(t, DEEP + 1)) == 1
    assert variables(lambda t: chain(t, 2 * DEEP + 1)) == 1
    assert variables(lambda t: chain(t, 2 * DEEP + 2)) == 2
    assert variables(lambda t: 1.0 - chain(t, DEEP)) == 1
    assert variables(lambda t: t.code.line("{} + {}", t, chain(t, DEEP))) == 1
    assert variables(lambda t: chain(t.code.line("0.5"), DEEP - 1)) == 0
    assert variables(lambda t: chain(t.code.line("0.5"), DEEP)) == 1
    assert function_of(lambda t: chain(t, 900))(1) == 901.0
    assert DEEP == 16  # Python's parser takes no more than 200 brackets, with what is around them


def test_room_for_other_schedules():
    code = HostCode()
    step = HostNumber(code, host._Node("step"), is_step=True)
    assert code.has_room
    chain(step, ROOM - 1)
    assert code.has_room
    chain(step, 1)
    assert not code.has_room
    chain(step, 1)
    assert not code.has_room


def test_schedules_stand_in_each_other_to_a_depth():
    code, rooms = HostCode(), []
    step = HostNumber(code, host._Node("step"), is_step=True)

    def nested(t, more):
        rooms.append(code.has_room)
        result = code.take_in(nested, t, more - 1) if more else t + 2.0
        return result * 2.0

    code.take_in(nested, step, DEEP)
    found = code.take_in(nested, step, DEEP)  # as deep as the first
    assert rooms == ([True] * (DEEP - 1) + [False] * 2) * 2
    assert code.has_room
    assert not found.is_step
    assert code.compile(found, "a test")(1) == 3.0 * 2.0 ** (DEEP + 1)


# --- what is known of a number ------------------------------------------------------------------------


def test_what_is_known_of_a_number():
    code = HostCode()
    step = HostNumber(code, host._Node("step"), is_step=True)
    assert (step.is_step, step.most) == (True, math.inf)
    seen = []
    assert (
        function_of(lambda t, *values: seen.append((t.is_step, t.most, values)) or t, 3, "x")(5)
        == 5
    )
    assert seen == [(True, math.inf, (3, "x"))]
    for x in (step + 1, step * 2.0, code.choose(step < 3, lambda: step, lambda: 2.0)):
        assert (x.is_step, x.most) == (False, math.inf)
    assert step.until(10).most == 10
    assert step.until(10).until(20).most == step.until(20).until(10).most == 10
    assert step.until(EXACT).most == EXACT == 2**53  # beyond it not every integer is a float
    assert step.until(EXACT + 1).most == step.until(2**60).most == math.inf
    assert step.until(10).until(EXACT + 1).most == 10
    assert step.until(10).is_step
    assert step.since(0) is step
    later = step.until(10).since(3)
    assert (later.is_step, later.most) == (True, 7)
    assert step.since(1).most == math.inf
    assert (step + 1).since(3).is_step is False
    assert (step + 1).as_step_if(step).is_step is True
    assert step.as_step_if(step + 1).is_step is False
    assert step.until(10).as_step_if(step).most == 10
    assert (step.code, step.until(3).node, later.code) == (code, step.node, code)
    for begin in (1, 3, 0):
        assert function_of(lambda t, b=begin: t.since(b) * 1.0)(7) == 7 - begin
    with pytest.raises(TypeError, match="a formula must not branch on the step"):
        bool(step < 3)
