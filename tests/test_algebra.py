"""Laws between schedules, on schedules and steps that hypothesis chooses."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from budget import budgeted
from hypothesis import strategies as st

import jaxsched as js

given = budgeted(60)

values = st.floats(-10, 10).filter(lambda x: x == 0 or abs(x) > 1e-6)
rates = st.floats(0.01, 2.0)
lengths = st.integers(0, 2000)
steps = st.one_of(st.integers(0, 5000), st.integers(0, 2**31 - 1))

atoms = st.one_of(
    st.builds(js.constant_schedule, values),
    st.builds(js.linear_schedule, values, values, lengths, lengths),
    st.builds(js.polynomial_schedule, values, values, st.floats(0, 4), lengths, lengths),
    st.builds(js.cosine_decay_schedule, values, lengths, st.floats(0, 1), st.floats(0, 3)),
    st.builds(js.exponential_decay, values, st.integers(1, 2000), rates, lengths, st.booleans()),
)


@st.composite
def joins(draw, pieces=atoms, most=6):
    schedules = draw(st.lists(pieces, min_size=1, max_size=most))
    count = len(schedules) - 1
    boundaries = sorted(draw(st.lists(lengths, min_size=count, max_size=count)))
    return js.join_schedules(schedules, boundaries)


schedules = st.one_of(atoms, joins(), joins(joins(most=3), most=3))

LARGEST = float(np.finfo(np.float32).max)


def close(a, b):
    """Equal up to the rounding of float32; beyond its range, at its end."""
    a, b = (min(max(float(x), -LARGEST), LARGEST) for x in (a, b))
    return a == b or abs(a - b) <= 3e-5 * max(abs(a), abs(b)) + 1e-5 * 1e-3


@given(schedules, st.lists(steps, min_size=1, max_size=8))
def test_host_and_device_agree(schedule, at):
    with np.errstate(over="ignore"):
        device = np.asarray(schedule(jnp.asarray(at, jnp.int32)), np.float64)
        for step, value in zip(at, device, strict=True):
            assert close(schedule(step), value), (schedule, step)


@given(schedules, steps)
def test_join_of_one_is_the_one(schedule, step):
    assert js.join_schedules([schedule], [])(step) == schedule(step)


@given(atoms, atoms, atoms, lengths, lengths, steps)
def test_join_is_associative(a, b, c, first, more, step):
    left = js.join_schedules([js.join_schedules([a, b], [first]), c], [first + more])
    right = js.join_schedules([a, js.join_schedules([b, c], [more])], [first])
    flat = js.join_schedules([a, b, c], [first, first + more])
    assert left(step) == right(step) == flat(step)
    on_device = [np.asarray(s(jnp.asarray([step], jnp.int32)))[0] for s in (left, right, flat)]
    with np.errstate(over="ignore"):
        assert all(close(float(x), flat(step)) for x in on_device)


@given(joins())
def test_a_boundary_belongs_to_the_piece_on_its_right(joined):
    begins = [0, *joined.boundaries]
    for i, begin in enumerate(begins):
        if i + 1 == len(begins) or begins[i + 1] > begin:
            assert joined(begin) == joined.schedules[i](0)
            if i + 1 < len(begins):
                last = begins[i + 1] - 1
                assert joined(last) == joined.schedules[i](last - begin)


@given(atoms, lengths, steps)
def test_a_phase_of_no_steps_vanishes(schedule, boundary, step):
    other = js.constant_schedule(7.0)
    assert js.join_schedules([schedule, other, schedule], [boundary, boundary])(
        step
    ) == js.join_schedules([schedule, schedule], [boundary])(step)


@given(schedules, schedules, steps)
def test_arithmetic_is_pointwise(a, b, step):
    x, y = a(step), b(step)
    assert (a + b)(step) == x + y
    assert (a - b)(step) == x - y
    assert (a * b)(step) == x * y
    assert (2.0 * a)(step) == (a * 2.0)(step) == 2.0 * x
    assert (1.0 - a)(step) == 1.0 - x
    assert (a / 4)(step) == x / 4
    assert (-a)(step) == -x
    if y:
        assert (a / b)(step) == x / y
        assert (1.0 / b)(step) == 1.0 / y
    assert (a + (lambda t: 3.0))(step) == x + 3.0


@given(schedules)
def test_text_and_pytree_round_trips(schedule):
    assert eval(repr(schedule), vars(js)) == schedule
    leaves, structure = jax.tree.flatten(schedule)
    assert jax.tree.unflatten(structure, leaves) == schedule


@given(st.lists(st.tuples(lengths, st.floats(0, 2)), max_size=8), values, steps)
def test_piecewise_constant_is_a_product(pairs, init_value, step):
    table = dict(pairs)
    expected = init_value
    for boundary in sorted(table):
        if step >= boundary:
            expected *= table[boundary]
    assert js.piecewise_constant_schedule(init_value, table)(step) == expected


@given(
    values,
    values,
    st.floats(0, 3),
    st.integers(0, 2000),
    st.lists(st.integers(0, 2100), max_size=30),
)
def test_a_transition_stays_between_its_ends(start, end, power, length, at):
    schedule = js.polynomial_schedule(start, end, power, length)
    numbers = jax.jit(schedule)(jnp.asarray([0, length, *at], jnp.int32))
    dtype = numbers.dtype.type
    low, high = dtype(min(start, end)), dtype(max(start, end))
    assert low <= numbers.min()
    assert numbers.max() <= high
    if length and power:
        assert numbers[0] == dtype(start)
        assert numbers[1] == dtype(end)
    on_host = [schedule(step) for step in at]
    assert all(min(start, end) <= x <= max(start, end) for x in on_host)


@given(
    st.sampled_from([js.linear_schedule, js.cosine_decay_schedule, js.exponential_decay]),
    st.lists(
        st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.none(), st.booleans()),
        max_size=7,
    ),
)
def test_bad_input_is_an_error_with_a_name_or_a_finite_schedule(factory, arguments):
    schedule, message = None, ""
    try:
        schedule = factory(*arguments)
    except (TypeError, ValueError) as error:
        message = str(error)
    assert message.startswith(f"{factory.__name__}: ") if message else math.isfinite(schedule(0))
