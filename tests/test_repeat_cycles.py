"""Cycles of equal and of growing lengths: which one a step is in and how far, in whole numbers."""

from __future__ import annotations

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsched as js
from jaxsched._core import numerics as nx
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece
from jaxsched._operators import repeat as module

TOP = int(np.iinfo(nx.int_dtype()).max)
GROWTHS = [2, 3, 255, 46341, 2**31 - 1]
PERIODS = [1, 3, 100, 65537, 2**30, 2**31 - 1]
LIMITS = [None, 1, 2, 5]
BEYOND = [TOP, TOP + 1, TOP + 2**8]
"""The largest number that a step's type holds, and some that it does not hold."""
COUNT = 160


def cycle(step, period: int, growth: int, limit: int | None) -> tuple:
    """Its number, the schedule's own step, the rest of it, what is left, and both together."""
    number, begin, factor = 0, 0, 1
    if growth == 1 and step >= period:
        number = min(step // period, math.inf if limit is None else limit - 1)
        begin = number * period
    while growth > 1 and step >= begin + period * factor and number + 1 != limit:
        begin, factor, number = begin + period * factor, factor * growth, number + 1
    whole, rest = divmod(min(step - begin, period * factor), factor)
    return number, whole, rest, factor - rest, factor


def around(period: int, growth: int, top: int) -> list[int]:
    """The steps around every begin, in the middle of every cycle, and the last."""
    marks, length = [0], period
    while marks[-1] + length <= top and len(marks) < 20 * (growth > 1) + 12:
        marks.append(marks[-1] + length)
        length *= growth
    middles = [(a + b) // 2 for a, b in zip(marks, [*marks[1:], top], strict=True)]
    near = {mark + offset for mark in marks for offset in (-1, 0, 1)}
    return sorted(t for t in {*near, *middles, top - 1, top} if 0 <= t <= top)


def steps(period: int, growth: int) -> np.ndarray:
    """As many for every cycle: then one program reads them all."""
    found = around(period, growth, TOP)
    assert len(found) <= COUNT
    return np.resize(np.asarray(found, nx.int_dtype()), COUNT)


@pytest.fixture
def parts(monkeypatch):
    """What a step of growing cycles is made of, before the schedule is asked for its values."""
    on_line = lambda _, whole, way: (whole, way.count, way.left, way.length)
    monkeypatch.setattr(module, "on_line", on_line)
    # A cycle that no step completes is the schedule itself.
    at_once = lambda _, step: (step, jnp.zeros_like(step), *[jnp.ones_like(step)] * 2)
    monkeypatch.setattr(module, "value_at", at_once)

    def read(step, period, growth, limit, counted=True):
        number, found = module._growing_cycles(step, None, period, growth, limit, counted)
        return number, *found

    return read


def compare(found, given, case) -> None:
    expected = [cycle(int(t), *case) for t in given]
    digits = np.finfo(nx.float_dtype()).eps
    for name, values, column in zip(
        ("number", "step", "rest", "left", "length"),
        found,
        zip(*expected, strict=True),
        strict=True,
    ):
        message = f"{name} {case}"
        if name in ("number", "step"):
            np.testing.assert_array_equal(values, column, message)
            continue
        # A length beyond the step's type is a float, and so is what is left of it.
        lengths = np.asarray([float(min(e[-1], 10**38)) for e in expected])
        exact = np.asarray([float(min(c, 10**38)) for c in column])
        off = np.abs(np.minimum(np.asarray(values, np.float64), 1e38) - exact)
        assert (off <= digits * (exact if name == "length" else lengths)).all(), message


EXTREME = itertools.product([1, 3, *BEYOND[:2]], [2, *BEYOND], [None, 2, BEYOND[2]])
CASES = {
    "few": [(3, 2, None), (3, 2, 5), (65537, 46341, None), (2**30, 2, 1), (TOP, 3, 2), (1, TOP, 2)],
    "many": [*itertools.product(PERIODS, GROWTHS, LIMITS), *EXTREME],
}


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_growing_cycles(parts, cases):
    """Of plain lengths: exact, also where a cycle ends beyond the step's type."""
    for case in cases:
        given = steps(*case[:2])
        compare(parts(jnp.asarray(given), *case), given, case)


def test_growing_cycles_of_traced_lengths(parts):
    """One program for all lengths; of a growth that turns out to be 1 too."""
    cases = list(itertools.product(PERIODS, [1, *GROWTHS], [1, 2, 5, 2**31 - 1]))
    cases += itertools.product([1, 2, TOP], [2, TOP - 1, TOP], [2, TOP])
    given = np.stack([steps(period, growth) for period, growth, _ in cases])
    traced = jax.jit(jax.vmap(parts))
    columns = [jnp.asarray(column, nx.int_dtype()) for column in zip(*cases, strict=True)]
    found = traced(jnp.asarray(given), *columns)
    for i, case in enumerate(cases):
        compare([x[i] for x in found], given[i], case)


def test_growing_cycles_of_which_one_length_is_traced(parts):
    """Or the lengths are one per piece, or have no limit."""
    cases = [(3, 2, 4), (65537, 3, 2**31 - 1), (1, 1, 7), (2**30, 2, 5)]
    given = np.stack([steps(*case[:2]) for case in cases])
    columns = [np.asarray(column) for column in zip(*cases, strict=True)]
    index = jnp.broadcast_to(jnp.arange(4, dtype=jnp.uint32)[:, None], given.shape)
    pieces = [PerPiece(column, index) for column in columns]
    step, arrays = jnp.asarray(given), [jnp.asarray(column, jnp.int32) for column in columns]
    by_row = lambda read: jax.vmap(read)(step, *arrays)
    for found, case_of in (
        (by_row(lambda t, p, g, n: parts(t, p, 3, 5)), lambda p, g, n: (p, 3, 5)),
        (by_row(lambda t, p, g, n: parts(t, p, 3, n)), lambda p, g, n: (p, 3, n)),
        (by_row(lambda t, p, g, n: parts(t, p, TOP + 9, None)), lambda p, g, n: (p, TOP + 9, None)),
        (by_row(lambda t, p, g, n: parts(t, 3, g, 5)), lambda p, g, n: (3, g, 5)),
        (by_row(lambda t, p, g, n: parts(t, TOP + 1, g, 5)), lambda p, g, n: (TOP + 1, g, 5)),
        (by_row(lambda t, p, g, n: parts(t, 1, g, TOP + 1)), lambda p, g, n: (1, g, None)),
        (by_row(lambda t, p, g, n: parts(t, 3, 2, n)), lambda p, g, n: (3, 2, n)),
        (by_row(lambda t, p, g, n: parts(t, p, g, None)), lambda p, g, n: (p, g, None)),
        (parts(step, *pieces), lambda *case: case),
        (parts(step, *pieces[:2], None), lambda p, g, n: (p, g, None)),
    ):
        for i, case in enumerate(cases):
            compare([x[i] for x in found], given[i], case_of(*case))


def test_a_number_that_nobody_asks_for(parts):
    """It is counted where it is asked for or cycles are limited, and held at the last one."""
    step = jnp.asarray(steps(3, 2))
    assert not parts(step, 3, 2, None, counted=False)[0].any()
    np.testing.assert_array_equal(
        parts(step, 3, 2, 4, counted=False)[1], [cycle(int(t), 3, 2, 4)[1] for t in step]
    )
    both = jax.jit(lambda t, g: parts(t, 3, g, 4, counted=False))(step, 1)
    np.testing.assert_array_equal(both[1], [cycle(int(t), 3, 1, 4)[1] for t in step])


def test_growing_cycles_between_steps(parts):
    """The fraction of a step is a part of the rest, but after the last cycle's end."""
    given = np.asarray([t + 0.25 for t in [*range(64), *range(2**12 - 6, 2**12 + 6)]])
    step = jnp.asarray(given, nx.float_dtype())
    for case in ((3, 2, None), (3, 2, 4), (5, 7, 2), (1, 3, 3)):
        number, whole, rest, left, length = parts(step, *case)
        for i, t in enumerate(given):
            exact = cycle(int(t), *case)
            begin = case[0] * (case[1] ** exact[0] - 1) // (case[1] - 1)
            fraction = 0.25 if int(t) < begin + case[0] * exact[-1] else 0.0
            expected = (*exact[:2], exact[2] + fraction, exact[3] - fraction, exact[4])
            assert (number[i], whole[i], rest[i], left[i], length[i]) == expected, (case, t)


def test_located_on_the_host():
    """In whole numbers of any size, and with the fraction of a step."""
    for case in itertools.product(PERIODS, GROWTHS, LIMITS):
        for t in around(*case[:2], 2**53):
            number, whole, rest, _, factor = cycle(t, *case)
            assert module._locate(*case, t) == (number, whole, rest, factor), (case, t)
            ended = whole == case[0]  # after the last cycle
            if t < 2**48:
                fraction = 0.0 if ended else 0.25
                found = module._locate(*case, t + 0.25)
                assert found == (number, whole, rest + fraction, factor), (case, t)


def test_equal_cycles(monkeypatch):
    """On the host and on the device, of plain and of traced lengths, with a limit and without."""
    monkeypatch.setattr(module, "value_at", lambda _, step: step * 1)
    read = module._equal_cycles
    periods, limits = (1, 3, 2**30, *BEYOND), (None, 1, 2, 5, *BEYOND)
    for period, limit in itertools.product(periods, limits):
        given = around(period, 1, TOP)
        exact = [cycle(t, period, 1, limit) for t in given]
        numbers, locals_ = [e[0] for e in exact], [e[1] for e in exact]
        for place, column in ((0, numbers), (1, locals_)):
            function = lambda t, i=place: read(t, None, period, limit, True)[i] * 1  # noqa: B023
            on_host = host_function(function, (), "x")
            assert [on_host(t) for t in given] == column, (period, limit)
        step = jnp.asarray(np.resize(np.asarray(given, nx.int_dtype()), COUNT))
        for counted in (True, False):
            number, local = read(step, None, period, limit, counted)
            np.testing.assert_array_equal(local, np.resize(locals_, COUNT), str((period, limit)))
            if counted:
                np.testing.assert_array_equal(number, np.resize(numbers, COUNT))
            else:
                assert number is None
    cases = list(itertools.product((1, 3, 2**30, 2**31 - 1), (1, 2, 5, 2**31 - 1)))
    given = np.stack([steps(period, 1) for period, _ in cases])
    traced = jax.vmap(lambda t, p, n: read(t, None, p, n, True))
    columns = [jnp.asarray(column, jnp.int32) for column in zip(*cases, strict=True)]
    number, local = traced(jnp.asarray(given), *columns)
    for i, case in enumerate(cases):
        exact = [cycle(int(t), case[0], 1, case[1]) for t in given[i]]
        np.testing.assert_array_equal(number[i], [e[0] for e in exact])
        np.testing.assert_array_equal(local[i], [e[1] for e in exact])


def test_equal_cycles_between_steps(monkeypatch):
    monkeypatch.setattr(module, "value_at", lambda _, step: step * 1)
    step = jnp.arange(24, dtype=nx.float_dtype()) + 0.25
    for period, limit in ((3, None), (3, 4), (2**40, 1), (5, 2**70)):
        number, local = module._equal_cycles(step, None, period, limit, True)
        exact = [cycle(t, period, 1, limit) for t in range(24)]
        ended = np.asarray([e[1] == period for e in exact])
        np.testing.assert_array_equal(number, [e[0] for e in exact])
        np.testing.assert_array_equal(local, [e[1] for e in exact] + np.where(ended, 0, 0.25))


def test_equal_cycles_are_not_walked(monkeypatch):
    """However late a step is on the host, what its cycle is takes no loop."""
    monkeypatch.setattr(module, "_locate", lambda *_: pytest.fail("walked"))
    schedule = js.repeat(js.linear_schedule(1.0, 0.25, 4), 4)
    assert [schedule(t) for t in (0, 1, 5, 4 * 10**9 + 2)] == [1.0, 0.8125, 0.8125, 0.625]


def test_the_values_of_cycles():
    """Every kind of decay, of growth and of step: what is scaled, and what is walked."""
    fall = js.linear_schedule(1.0, 0.25, 4)
    cases = [(1, 1.0, None), (1, 0.5, 3), (1, 2.0, None), (2, 1.0, 3), (2, 2.0, None)]
    at = [*range(14), 27, 28, 29, 30]

    def value(t, growth, decay, limit):
        number, whole, rest, _, factor = cycle(t, 4, growth, limit)
        return decay**number * (1 - 0.1875 * (whole + rest / factor))

    step = jnp.asarray(at, jnp.int32)
    schedules = [js.repeat(fall, 4, *case) for case in cases]
    plain = jax.jit(lambda t: jnp.stack([s(t) for s in schedules]))(step)
    floats = jax.jit(lambda t: jnp.stack([s(t) for s in schedules]))(step.astype(plain.dtype))
    repeated = functools.partial(js.repeat, fall, 4)
    traced = jax.jit(
        lambda t, decays: jnp.stack(
            [
                repeated(growth, decay, limit)(t)
                for decay, (growth, _, limit) in zip(decays, cases, strict=True)
            ]
        )
    )(step, jnp.asarray([decay for _, decay, _ in cases]))
    for i, case in enumerate(cases):
        exact = [value(t, *case) for t in at]
        assert [schedules[i](t) for t in at] == pytest.approx(exact, rel=1e-15)
        for values in (plain[i], floats[i], traced[i]):
            np.testing.assert_allclose(values, exact, 3e-6, err_msg=str(case))


def test_a_traced_growth():
    """Cycles that turn out to be of one length, and such that grow, of one program."""
    step = jnp.arange(14, dtype=nx.int_dtype())
    number = lambda growth: js.repeat(js.constant_schedule(1.0), 4, growth, 0.5)(step)
    exact = [[0.5 ** cycle(t, 4, growth, None)[0] for t in range(14)] for growth in (1, 2)]
    np.testing.assert_array_equal(jax.vmap(number)(jnp.asarray([1, 2], nx.int_dtype())), exact)


@pytest.mark.parametrize("traced", [False, True])
def test_what_no_step_reaches(traced):
    """A period, a growth or a limit beyond the step's type is not taken for its largest number."""
    top = 2**31 - 1
    once, fall = js.exponential_decay(1.0, 1, 0.5), js.exponential_decay(1.0, top // 2, 0.5)
    for schedule, step in (
        (js.repeat(once, 1, limit=top + 8), top),
        (js.repeat(fall, top + 6, 2), top),
        (js.repeat(fall, top + 6, limit=3), top),
        (js.repeat(js.linear_schedule(1.0, 0.5, 1), 1, 4 * top), top // 2),
        (js.repeat(js.linear_schedule(1.0, 0.5, 1), 1, 4 * top, 0.25, 3), top // 2),
    ):
        read = (lambda t, s=schedule: s(t)) if not traced else jax.jit(schedule)
        assert float(read(jnp.int32(step))) == pytest.approx(schedule(step))
