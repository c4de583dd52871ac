"""Faults that were found once, each with the smallest input that showed it."""

from __future__ import annotations

import enum
import functools
import re
import typing

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from cases import CASES

import jaxsched as js
from jaxsched import checks, shapes
from jaxsched._core import numerics as nx

CYCLE = {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 3, "decay_steps": 10}
STEPS = np.arange(200)


def inner(d):
    constants = [js.constant_schedule(v + d) for v in (1.0, 2.0, 3.0)]
    return js.join_schedules(constants, [1 + d, 3 + d])


@pytest.mark.parametrize(
    "make",
    [
        inner,
        lambda d: js.sgdr_schedule([{**CYCLE, "peak_value": d + k} for k in (1.0, 2.0, 3.0)]),
        lambda d: js.piecewise_constant_schedule(1.0 + d, {5 + d: 0.5, 9: 0.25}),
        lambda d: js.linear_onecycle_schedule(50 + d, 1.0 + d),
        lambda d: js.cosine_onecycle_schedule(50 + d, 1.0 + d),
        lambda d: inner(d) * (2.0 + d),
    ],
)
def test_joins_of_joins_take_arrays_of_steps(make):
    joined = js.join_schedules([make(0), make(1), make(2)], [60, 130])
    expected = [joined(int(t)) for t in STEPS]
    for steps in (STEPS, STEPS.reshape(4, 50)):
        np.testing.assert_allclose(np.asarray(joined(steps)).ravel(), expected, rtol=2e-6)
    as_argument = jax.jit(lambda s, t: s(t))(joined, STEPS)
    np.testing.assert_allclose(np.asarray(as_argument), expected, rtol=2e-6)


@js.recipe
def by_jnp(peak):
    return js.constant_schedule(jnp.sqrt(peak))


def test_a_recipe_in_jnp_keeps_no_tracer():
    schedule = by_jnp(0.25)
    assert jax.jit(schedule)(jnp.int32(3)) == 0.5
    assert schedule(3) == 0.5
    assert jax.jit(schedule)(3) == 0.5
    assert schedule(jnp.int32(3)) == 0.5


@js.recipe
def halfway(peak, steps):
    return js.linear_schedule(0.0, jnp.minimum(peak, 5.0), steps // 2)


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize(
    "make",
    [
        lambda i: js.fastai_onecycle_schedule(100 + i, 0.1),  # its turn is whole in every fourth
        lambda i: js.noam_schedule(512 + i, 40),
    ],
    ids=["fastai", "noam"],
)
def test_lengths_that_are_whole_in_one_piece_and_not_in_the_next(make, n):
    """Under strict promotion too, which these tests run with."""
    joined = js.join_schedules([make(i) for i in range(n)], [50 * (i + 1) for i in range(n - 1)])
    steps = jnp.arange(0, 50 * n + 60, 7)
    expected = [joined(int(t)) for t in steps]
    np.testing.assert_allclose(np.asarray(jax.jit(joined)(steps)), expected, rtol=1e-6)


def test_a_users_recipes_are_joined():
    joined = js.join_schedules([halfway(1.0, 10), halfway(2.0, 20)], [10])
    assert joined(jnp.int32(12)) == pytest.approx(float(joined(12)), rel=1e-6)
    assert joined(12) == pytest.approx(0.4, rel=1e-6)


def test_boundaries_do_not_wrap():
    long = {**CYCLE, "warmup_steps": 0, "decay_steps": 1_500_000_000}
    schedule = js.sgdr_schedule([long] * 3)
    value = jax.jit(lambda s, t: s(t))(schedule, jnp.int32(10**6))
    assert float(value) == pytest.approx(schedule(10**6), rel=1e-5)
    ends = js.sgdr_schedule([{**long, "decay_steps": n} for n in (10, 2**31 - 1, 10)])
    value = jax.jit(lambda s, t: s(t))(ends, jnp.int32(5))
    assert float(value) == pytest.approx(ends(5), rel=1e-5)


def test_ends_beyond_int32_do_not_wrap_in_a_join():
    begin = 1_500_000_000
    lines = [js.linear_schedule(1.0 + k, 0.0, begin + k, begin) for k in range(2)]
    joined = js.join_schedules(lines, [10])
    for step in (5, begin + 20, 2 * 10**9):
        assert float(joined(jnp.int32(step))) == pytest.approx(joined(step), rel=1e-6)


@pytest.mark.parametrize(("low", "high"), [(0.48, 0.52), (0.4999, 0.5001), (-0.1, 0.1)])
def test_nearly_equal_ends_do_not_hang(low, high):
    digit = 2.0**-23
    schedule = js.linear_schedule(1 + low * digit, 1 + high * digit, 10)
    values = np.asarray(schedule(np.arange(12)))
    assert np.abs(values - 1.0).max() <= digit


def test_exponentials_of_different_periods_are_exact_in_a_join(x64):
    joined = js.join_schedules(
        [js.exponential_decay(0.1, 1000, 0.96), js.exponential_decay(0.2, 1001, 0.95)], [100]
    )
    steps = np.random.default_rng(0).integers(0, 10**6, 500)
    expected = np.asarray([joined(int(t)) for t in steps])
    np.testing.assert_allclose(np.asarray(jax.jit(joined)(steps)), expected, rtol=5e-7)


def test_nobody_changes_an_array_under_a_schedule():
    values = np.asarray([1.0, 2.0])
    schedule = js.constant_schedule(values)
    values[0] = 9.0
    np.testing.assert_array_equal(schedule(0), [1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        schedule.value[0] = 9.0


def test_a_length_of_0_between_steps():
    schedule = js.linear_schedule(1.0, 0.5, 0, transition_begin=10)
    for step, value in ((9.5, 1.0), (10.0, 0.5), (9, 1.0), (10, 0.5)):
        assert schedule(step) == value
        assert schedule(jnp.asarray(step)) == value
        assert jax.jit(lambda s, t: s(t))(schedule, step) == value


def test_a_foreign_schedule_under_a_trace():
    foreign = optax.cosine_decay_schedule(1.0, 10)
    ratio = js.linear_schedule(1.0, 0.5, 5) / foreign
    root = js.add(foreign, 0.0) ** 0.5
    expected = 0.7 / float(foreign(3))
    assert float(jax.jit(lambda: ratio(3))()) == pytest.approx(expected, rel=1e-6)
    assert float(jax.jit(lambda: root(3))()) == pytest.approx(float(foreign(3)) ** 0.5, rel=1e-6)


@pytest.mark.parametrize("shape", [shapes.tanh(-500.0, 500.0), shapes.inverse_sigmoid(2000.0)])
def test_steep_shapes_stay_finite(shape):
    schedule = js.transition_schedule(1.0, 0.0, 10, shape)
    gradient = jax.grad(lambda s, t: s(t), allow_int=True)
    for step in range(12):
        assert 0.0 <= schedule(step) <= 1.0
        assert float(schedule(jnp.int32(step))) == pytest.approx(schedule(step), abs=1e-6)
        leaves = jax.tree.leaves(gradient(schedule, step))
        assert all(np.isfinite(x) for x in leaves if x.dtype != jax.dtypes.float0)


def test_low_precision_hyperparameters_are_computed_in_float32():
    schedule = js.cosine_onecycle_schedule(100, jnp.float16(1e-3))
    assert float(schedule(jnp.int32(100))) == pytest.approx(4e-9, rel=1e-3)


def test_equal_numbers_of_different_types_are_different_hyperparameters():
    @js.schedule
    def anything(step, flag):
        return float(flag)

    assert anything(True) != anything(1)
    assert anything(1) != anything(1.0)


@pytest.mark.parametrize("name", ["init", "update"])
def test_no_schedule_looks_stateful_to_optax(name):
    scope = {}
    exec(f"def formula(step, {name}): return {name}", scope)
    with pytest.raises(TypeError, match=f"'{name}' cannot be the name of a hyperparameter"):
        js.schedule(scope["formula"])


def test_equal_ends_have_the_gradient_of_the_value():
    gradient = jax.grad(lambda s: s(3), allow_int=True)(js.linear_schedule(0.3, 0.3, 10))
    assert float(gradient.init_value) == pytest.approx(0.7)
    assert float(gradient.end_value) == pytest.approx(0.3)


def test_equal_ends_have_the_gradient_of_the_value_also_where_its_rounding_leaves_them():
    """Of one such value in ten, at some step, the sum of both shares is beyond it."""
    gradient = jax.jit(jax.vmap(jax.grad(lambda s, t: s(t), allow_int=True), (0, None)))
    values = jnp.linspace(0.001, 1.0, 200)
    stacked = jax.vmap(lambda value: js.linear_schedule(value, value, 10))(values)
    for step in range(11):
        found = gradient(stacked, step)
        np.testing.assert_allclose(found.init_value, 1 - step / 10, rtol=1e-6)
        np.testing.assert_allclose(found.end_value, step / 10, rtol=1e-6)


def test_lengths_are_bounded():
    with pytest.raises(ValueError, match="decay_steps must be a non-negative integer below 2"):
        js.cosine_decay_schedule(0.1, 10**400)


FIRST_CASES = {name.split("/")[0]: name for name in reversed(CASES)}


@pytest.mark.parametrize("name", FIRST_CASES.values())
def test_extreme_hyperparameters_give_no_nan(name):
    schedule, steps = CASES[name].make(), [0, 1, 5, 17, 100, 1000, 10**6, 2**31 - 1]
    tried = 0
    for parameter, value in schedule.hyperparameters.items():
        for extreme in (3e38, 1e-37) if type(value) is float else ():
            try:
                changed = schedule.replace(**{parameter: extreme})
            except ValueError:
                continue  # it says so
            values = np.asarray(jax.jit(changed)(jnp.asarray(steps)))
            assert not np.isnan(values).any(), changed
            for step, v in zip(steps, values, strict=True):
                assert np.isfinite(v) or abs(changed(step)) > 3e38, (changed, step)
            tried += 1
    assert tried or not any(type(v) is float for v in schedule.hyperparameters.values())


def test_a_recipe_is_refused_when_it_is_built():
    message = (
        "piecewise_constant_schedule: constant_schedule: value must be a finite number of at most "
        "3.4e+38 in size, which is as much as float32 can hold, got 1e+39"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        js.piecewise_constant_schedule(1e38, {1: 10.0})
    with pytest.raises(
        ValueError, match=r"^piecewise_constant_schedule: constant_schedule: value "
    ):
        js.piecewise_constant_schedule(jnp.float32(1e38), {1: 10.0})


class Kind(enum.Enum):
    UP = 1


@js.schedule
def mixed(step, parts, kind=Kind.UP):
    scale = 3.0 if parts[0] == "up" and kind is Kind.UP else 1.0
    return scale * parts[1] if parts[2] else 0.0


def test_words_and_flags_in_a_sequence_are_structure():
    schedule = mixed(["up", 0.5, True, None, Kind.UP])
    assert jax.tree.leaves(schedule) == [0.5]
    assert jax.jit(lambda s, t: s(t))(schedule, 3) == schedule(3) == 1.5
    assert jax.tree.map(lambda x: 2 * x, schedule)(3) == 3.0
    structure = jax.tree.structure(schedule)
    assert structure == jax.tree.structure(mixed(["up", 0.7, True, None, Kind.UP]))
    assert structure != jax.tree.structure(mixed(["up", 0.7, 1, None, Kind.UP]))
    assert structure != jax.tree.structure(mixed(["up", 0.7, False, None, Kind.UP]))


def test_a_length_beyond_int32_leaves_the_rates_traceable():
    schedule = js.piecewise_constant_schedule(1.0, {5: 0.5, 2**40: 0.25})
    assert jax.tree.leaves(schedule) == [1.0, 0.5, 0.25]
    assert jax.jit(lambda s, t: s(t))(schedule, 7) == 0.5


@pytest.mark.parametrize("step", [np.nan, np.inf, -np.inf])
def test_a_step_must_be_finite(step):
    with pytest.raises(
        ValueError, match=r"^linear_schedule: the step must be a finite number, got"
    ):
        js.linear_schedule(1.0, 0.0, 10)(step)


@pytest.mark.parametrize(
    "step", [np.array([1j]), np.array(["a"]), np.array([None]), np.array([True])]
)
def test_an_array_of_steps_must_hold_real_numbers(step):
    with pytest.raises(TypeError, match=r"^linear_schedule: the step must be a number or an array"):
        js.linear_schedule(1.0, 0.0, 10)(step)


def test_a_jitted_formula_and_a_single_relation_are_told_apart():
    assert js.schedule(jax.jit(lambda step, slope: slope * step))(2.0)(3) == 6.0

    @checks.Relation
    def in_order(arguments, where):
        if arguments["low"] > arguments["high"]:
            raise ValueError(f"{where}: low is above high")

    @js.schedule(in_order)
    def between(step, low, high):
        return low + (high - low) / (1 + step)

    assert between(0.0, 1.0)(1) == 0.5
    with pytest.raises(ValueError, match=r"^between: low is above high$"):
        between(1.0, 0.0)


def test_type_hints_of_a_factory_are_types():
    hints = typing.get_type_hints(js.cosine_decay_schedule)
    assert hints["decay_steps"] is int
    assert hints["return"] is js.Schedule


@pytest.mark.parametrize(
    ("schedule", "step", "value"),
    [
        (js.linear_schedule(1.0, 0.0, 5, 10**9), 3.0, 1.0),
        (js.linear_schedule(1.0, 0.0, 10, 10**8), 3.0, 1.0),
        (js.linear_schedule(1.0, 0.0, 1, 2**24), 3.0, 1.0),
        (js.geometric_schedule(1.0, 0.1, 5, 10**9), 3.0, 1.0),
        (js.linear_schedule(1.0, 0.0, 8, 10**9), 2.0e9, 0.0),
    ],
)
def test_float_steps_long_before_a_transition(schedule, step, value):
    for dtype in (jnp.float32, jnp.bfloat16):
        assert schedule(jnp.asarray(step, dtype)) == value


@pytest.mark.skipif(bool(jax.config.jax_enable_x64), reason="is about float32")
@pytest.mark.parametrize(
    ("schedule", "step", "value"),
    [
        (js.exponential_decay(1e-25, 1, 1e20, end_value=1.0), 2, 1.0),
        (js.exponential_decay(1e-30, 1000, 1e20, end_value=1.0, staircase=True), 2000, 1.0),
        (js.exponential_decay(1.0, 1, 2.0), 127, 2.0**127),
        (js.exponential_decay(1.0, 1, 2.0), 1000, np.finfo(np.float32).max),
        (js.exponential_decay(-1.0, 1, 1e5), 9, -np.finfo(np.float32).max),
        (js.exponential_decay(1.0, 1, 1.84375), 145, 1.84375**145),
        (js.exponential_decay(0.0, 1, 2.0), 2000, 0.0),
        (js.geometric_schedule(1e-30, 1e30, 3), 2, 1e10),
        (js.geometric_schedule(1e30, 1e-30, 3), 2, 1e-10),
        (js.geometric_schedule(1e-20, 1e20, 30), 29, 1e-20 * 1e40 ** (29 / 30)),
        (js.natural_exp_decay(1e30, 1, 10.0), 12, 1e30 * np.exp(-120.0)),
        (js.step_decay(1e-10, 1, 1e3), 9, 1e17),
    ],
)
def test_powers_beyond_float32_whose_value_is_within(schedule, step, value):
    assert jax.jit(schedule)(jnp.int32(step)) == pytest.approx(value, rel=1e-6)
    largest = float(np.finfo(np.float32).max)
    assert np.clip(schedule(step), -largest, largest) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "schedule",
    [
        js.polynomial_schedule(1.0, 0.1, 0.5, 10),
        js.polynomial_schedule(1.0, 0.1, 0.3, 10),
        js.polynomial_schedule(0.1, 1.0, 0.3, 10),
        js.polynomial_schedule(1.0, 0.1, 0.0, 10),
        js.cosine_decay_schedule(1.0, 10, 0.0, 0.3),
        js.warmup_cosine_decay_schedule(0.0, 1.0, 5, 10, exponent=0.3),
    ],
)
def test_gradients_by_the_step_are_finite(schedule):
    for step in (0.0, 5.0, 9.5, 10.0, 11.0, 1e6):
        assert np.isfinite(jax.grad(schedule)(step))
        assert np.isfinite(jax.grad(lambda t, s: s(t))(step, schedule))


def test_a_traced_length_below_0_is_0():
    lengths = jnp.asarray([-3, 0, 2])
    values = jax.vmap(lambda n: js.linear_schedule(0.1, 0.2, n)(jnp.int32(1)))(lengths)
    np.testing.assert_allclose(values, [0.2, 0.2, 0.15], rtol=1e-6)
    warmups = jax.vmap(lambda w: js.warmup_cosine_decay_schedule(0.0, 1.0, w, 10, 0.1)(1000))
    np.testing.assert_allclose(warmups(jnp.asarray([5, 12])), 0.1, rtol=1e-6)


def test_a_traced_length_must_be_of_an_integer_type():
    with pytest.raises(TypeError, match=r"transition_steps must be a non-negative integer, got "):
        jax.grad(lambda n: js.linear_schedule(1.0, 0.0, n)(jnp.int32(3)))(10.0)


@js.schedule(n=checks.positive_steps)
def inverse(step, n):
    return 1.0 / (n + 1.0 * step)


def test_lengths_beyond_int32_reach_a_users_formula():
    schedule = inverse(2**40)
    assert schedule(jnp.asarray(3.0)) == pytest.approx(schedule(3), rel=1e-6)


def test_scalars_and_steps_of_any_size():
    assert js.constant_schedule(0.1)(np.longdouble(3)) == 0.1
    assert js.exponential_decay(1.0, 10, 0.5)(10**400) == 0.0


def test_what_is_decorated_is_checked():
    for wrong in (3, functools.partial(len)):
        with pytest.raises(
            TypeError, match=r"^schedule: what is decorated must be a named function"
        ):
            js.schedule(wrong)
    with pytest.raises(TypeError, match=r"the first parameter of a formula is the step, got none"):
        js.schedule(lambda: 1.0)
    with pytest.raises(
        TypeError, match=r"the check of n must be a constraint from jaxsched.checks"
    ):
        js.schedule(n=3)(lambda step, n: n)


@pytest.mark.parametrize("result", [None, 1j, "x"])
def test_what_a_formula_returns_is_checked(result):
    def formula(step):
        return result

    for schedule in (js.schedule(formula)(), js.join_schedules([formula, lambda t: 1.0], [5])):
        for step in (3, jnp.arange(2)):
            with pytest.raises(TypeError, match="value must be a number or an array"):
                schedule(step)


def test_a_formula_that_is_not_elementwise_is_told():
    schedule = js.schedule(lambda step: np.zeros(3))()
    with pytest.raises(TypeError, match="the value at one step must be one number"):
        schedule(3)
    with pytest.raises(ValueError, match="a formula must be elementwise in the step"):
        schedule(jnp.arange(2))


@js.schedule
def weighted(step, weights):
    return weights["a"] + weights["b"]


def test_mappings_are_compared_whatever_their_order():
    one, other = weighted({"a": 1.0, "b": 2.0}), weighted({"b": 2.0, "a": 1.0})
    assert one == other
    assert hash(one) == hash(other)
    assert jax.tree.structure(one) == jax.tree.structure(other)
    assert one.weights == other.weights == {"b": 2.0, "a": 1.0}


def test_no_steps_at_all_are_over_at_the_last_step_too():
    """The steps since the step before 0, which is where a length of 0 was counted from, wrapped."""
    last = 2**31 - 1
    lines = [js.linear_schedule(1.0, 0.0, last, 5), js.linear_schedule(0.3, 0.7, 0)]
    joined = js.join_schedules(lines, [0])
    for step in (0, last - 1, last):
        assert float(joined(jnp.int32(step))) == pytest.approx(joined(step)) == 0.7


def test_a_cycle_beyond_int32_after_a_traced_one():
    def rate(length, step):
        cycles = [{**CYCLE, "decay_steps": n} for n in (length, 2**40, 10)]
        return js.sgdr_schedule(cycles)(step)

    for step in (5, 12, 2 * 10**9):
        assert jax.jit(rate)(10, jnp.int32(step)) == pytest.approx(rate(10, step), rel=1e-6)


def test_ends_further_apart_than_float32_is_wide():
    """The way between them was an infinity, and times a weight of 0 no number."""
    line = js.linear_schedule(-3e38, 3e38, 4)
    wave = js.cosine_wave_schedule(3e38, 4, 1.0, -1.0)
    for schedule, expected in ((line, [-2, -1, 0, 1, 2]), (wave, [2, 0, -2, 0, 2])):
        for values in (schedule(jnp.arange(5)), [schedule(t) for t in range(5)]):
            np.testing.assert_allclose(np.asarray(values, float) / 1.5e38, expected, atol=1e-6)


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize(
    "make",
    [
        lambda i: js.linear_schedule(1.0, 0.0, 10 + 5 * i, 30 - 5 * i),
        lambda i: js.linear_schedule(1.0, 0.0, 10, 30 - 5 * i),
        lambda i: js.linear_schedule(1.0, 0.0, 2**31 - 20 * i, 20 * i),
        lambda i: js.jagged_restarts(js.constant_schedule(1.0), 11, 3, 5 - i, 0.1),
        lambda i: js.exponential_decay(0.8, 0, 0.5, 10 + i, end_value=0.25),
        lambda i: js.cyclic_schedule(0.25, 1.0, 4 + i),
        lambda i: js.cyclic_schedule(0.25, 1.0, 4 + i, 7),
    ],
    ids=["line", "later line", "long line", "jagged", "at once", "cycles", "lopsided"],
)
def test_joined_pieces_that_differ_in_part(make, n):
    """Of the begin, the length and the end of a stretch two may differ and the third be the same."""
    joined = js.join_schedules([make(i) for i in range(n)], [50 * (i + 1) for i in range(n - 1)])
    steps = jnp.arange(0, 50 * n + 60)
    expected = [joined(int(t)) for t in steps]
    for kind in (nx.int_dtype(), nx.float_dtype()):
        values = jax.jit(joined)(steps.astype(kind))
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


def test_lengths_beyond_32_bits_at_steps_that_are_not_whole():
    for n in (2**31 - 1, 2**31, 2**40, 2**62):
        for schedule in (
            js.geometric_schedule(1.0, 30.0, n),
            js.transition_schedule(1.0, 0.25, n, js.shapes.exponential(0.5)),
            js.linear_schedule(1.0, 0.25, n),
        ):
            for t in (0.0, 2.5, 2.0**30, 2.0**31):
                assert float(schedule(jnp.asarray(t))) == pytest.approx(schedule(t), rel=1e-5)
