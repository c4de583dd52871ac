"""The functions that schedules are read with on the host: what they call, and what they leave out."""

from __future__ import annotations

import copy
import enum
import math
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest
from cases import CASES
from written import sources

import jaxsched as js
from jaxsched._core import host

LINE = js.linear_schedule(1.0, 0.0, 10)


def calls(schedule, step):
    """The Python functions that one read calls, in order, once all of them are made."""
    schedule(step)
    names = []
    sys.setprofile(lambda frame, event, _: event == "call" and names.append(frame.f_code.co_name))
    try:
        schedule(step)
    finally:
        sys.setprofile(None)
    return names


COSINE = js.warmup_cosine_decay_schedule(0.0, 0.3, 10, 100)
WHOLE = {
    "recipe": COSINE,
    "pieces": js.piecewise_constant_schedule(1.0, {5 * i: 0.5 for i in range(1, 8)}),
    "sum": 0.5 * COSINE + js.exponential_decay(1.0, 10, 0.5),
    "cooldown": js.with_cooldown(js.with_warmup(COSINE, 5), 50, 20),
    "bounds": js.clip(js.minimum(COSINE, js.linear_schedule(1.0, 0.0, 50)), 0.01, 0.2),
    "clocks": js.delay(js.by_epoch(COSINE, 3), 5),
    "override": js.override(COSINE, 50, js.polynomial_schedule(1.0, 0.1, 2.0, 50)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_schedule_of_schedules_is_one_function(name):
    for step in (0, 1, 12, 49, 50, 51, 400):
        assert calls(WHOLE[name], step) == ["__call__", "host"]


def test_of_many_pieces_the_active_one_is_called():
    schedule = js.sgdr_schedule(
        [
            dict(init_value=0.0, peak_value=1.0 / (i + 1), warmup_steps=5, decay_steps=20 + i)
            for i in range(9)
        ]
    )
    assert calls(schedule, 90) == ["__call__", "host", "__call__", "host"]


def test_a_callable_of_the_user_is_called_once_and_only_where_its_value_counts():
    seen = []

    def theirs(step):
        seen.append(step)
        return 0.5 / (step + 1)

    schedule = js.join_schedules([LINE, theirs, lambda t: 1 / 0], [3, 10])
    assert [schedule(step) for step in (2, 3, 5, 9)] == [0.8, 0.5, 0.5 / 3, 0.5 / 7]
    assert seen == [0, 2, 6]
    with pytest.raises(ZeroDivisionError):
        schedule(10)


@pytest.mark.parametrize("deep", [10, 60])
def test_schedules_deep_in_each_other(deep):
    """A function takes in what it has room for and calls the rest."""
    total, bits = LINE, LINE(3)
    for i in range(deep):
        total, bits = total * 0.99 + i, bits * 0.99 + i
    assert total(3) == bits
    nested = LINE
    for i in range(40):
        nested = js.join_schedules([js.constant_schedule(float(i)), nested, LINE], [2, 200])
    assert [nested(step) for step in (0, 2, 4, 78)] == [39.0, 38.0, 37.0, 0.0]
    assert nested(81) == 0.9
    assert nested(200) == 1.0


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 40])
def test_the_piece_is_the_one_whose_boundary_was_reached_last(n):
    """Equal boundaries and one at step 0 among them."""
    rng = np.random.default_rng(n)
    boundaries = sorted(rng.integers(0, 12, n - 1).tolist())
    pieces = [js.linear_schedule(float(i), i + 1.0, 16) for i in range(n)]
    schedule = js.join_schedules(pieces, boundaries)
    for step in [*range(30), 0.5, 3.25, 11.75, 10**6]:
        i = sum(b <= step for b in boundaries)
        assert schedule(step) == pieces[i](step - [0, *boundaries][i]), step


def written(schedule):
    """The source of a schedule's host function."""
    (source,) = sources(lambda: schedule(1))
    return source


def test_only_what_is_needed_is_written():
    warmup = written(js.warmup_cosine_decay_schedule(0.0, 0.3, 10, 100))
    assert warmup.count("<") == 2  # which piece, and whether the second is over
    assert warmup.count("step") == 4  # the parameter, the choice, the warmup, the decay's own step
    ramp = written(js.linear_schedule(0.0, 0.3, 10))
    assert "=" not in ramp  # no variable for what is used once
    assert ramp.count("10") == 3
    assert " = " in written(js.polynomial_schedule(1.0, 0.0, 2.0, 10))  # one for what is squared


def test_operations_in_each_other_do_not_exceed_what_python_parses():
    code = host.HostCode()
    number = host.HostNumber(code, host._Node("step"))
    for _ in range(500):
        number = number + 1.0
    assert code.compile(number, "a sum")(1) == 501.0


def test_a_large_step_is_not_held_by_rounded_bounds():
    """Where floats are too coarse to count steps, no clamp is left out."""
    length = 2**60 + 1
    schedule = js.join_schedules([js.linear_schedule(0.0, 1.0, length - 3)] * 2, [length])
    for step in (2.0**60, math.nextafter(2.0**60, 0), 2**60):
        assert 0 <= schedule(step) <= 1


# --- the object that is called -----------------------------------------------------------------------


def test_hyperparameters_are_attributes():
    schedule = js.warmup_cosine_decay_schedule(0.0, 0.3, 10, 100)
    assert vars(schedule) == schedule.hyperparameters
    assert set(vars(schedule)) <= set(dir(schedule))
    assert (schedule.peak_value, schedule.exponent) == (0.3, 1.0)
    assert not hasattr(schedule, "transition_steps")
    shape = js.shapes.power(3.0)
    assert vars(shape) == {"exponent": 3.0}


def unpickled(schedule):
    return pickle.loads(pickle.dumps(schedule))


def rebuilt(schedule):
    return jax.tree.map(lambda leaf: leaf, schedule)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, unpickled, rebuilt])
def test_a_copy_has_all_of_them(again):
    for case in CASES.values():
        schedule = case.make()
        before = repr(schedule), hash(schedule), schedule(7)  # all that is kept is there
        new = again(schedule)
        assert (repr(new), hash(new), new(7)) == before
        assert list(vars(new)) == list(vars(schedule))


@pytest.mark.parametrize("step", [2**30 - 1, 2**30, 2**53 + 1, 2**63 - 1, 2**63, 10**400], ids=hex)
def test_steps_around_the_bounds_of_integers(step):
    assert js.delay(lambda received: float(received), 0)(step) == float(min(step, 2**63 - 1))
    assert LINE(-step) == LINE(0) == 1.0


class Epoch(enum.IntEnum):
    THIRD = 3


def test_integers_of_other_classes_are_steps():
    assert LINE(Epoch.THIRD) == LINE(3)
    assert LINE(type("Mine", (float,), {})(3.0)) == LINE(3)
    with pytest.raises(TypeError, match="the step must be a number"):
        LINE(True)


def test_a_number_beyond_int64_counts_as_its_end():
    slow = js.inverse_time_decay(1.0, 1, 1.0)
    assert slow(2**63) == slow(10**30) == slow(1e30) == slow(2**63 - 1)


def test_a_schedule_is_made_by_a_factory():
    with pytest.raises(TypeError, match=r"^Schedule: call a factory to build one"):
        js.Schedule()


def test_a_hyperparameter_may_be_called_self():
    @js.schedule
    def factor(step, self):
        return self * 0.5

    assert factor(2.0).replace(self=3.0)(1) == 1.5


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 8, 1000, 5000, 2**31])
def test_the_order_of_chebyshev_is_the_same_everywhere(epochs):
    """In a table or by the bits, on the host and on the device, with the epochs fixed and traced."""
    schedule = js.chebyshev_schedule(1.0, epochs)
    traced = jax.jit(lambda schedule, step: schedule(step))
    for epoch in (0, 1, 2, 3, 5, 99, 998, 4999, 10**6):
        host = schedule(epoch)
        at = np.int32(epoch) * np.ones((), np.int32)
        for device in (schedule(np.asarray(at)), traced(schedule, np.asarray(at))):
            assert math.isclose(float(device), host, rel_tol=3e-6)


def in_pairs(schedules):
    """Their sum, in which no schedule stands deeper than the logarithm of their number."""
    middle = len(schedules) // 2
    return in_pairs(schedules[:middle]) + in_pairs(schedules[middle:]) if middle else schedules[0]


@pytest.mark.parametrize("step", [3, 3.5])
def test_schedules_too_deep_in_each_other(step):
    tenths = [js.constant_schedule(0.1)] * 1000
    with ThreadPoolExecutor(1) as fresh:  # whose stack is empty
        assert fresh.submit(sum(tenths[:200]), step).result() == pytest.approx(20)
        assert fresh.submit(in_pairs(tenths), step).result() == pytest.approx(100)
        with pytest.raises(RecursionError) as raised:
            fresh.submit(sum(tenths), step).result()  # on Python 3.13 some 300 have room
    assert str(raised.value) == (
        "add: schedules stand too deep in each other for Python's stack, on which 200 of them have room "
        "(sys.setrecursionlimit gives more): combine them in pairs, the pairs in pairs and so on, or write "
        "one formula with jaxsched.schedule"
    )
