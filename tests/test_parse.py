"""The text form: what repr prints is read back, what one types is understood, the rest is an error."""

import jax.numpy as jnp
import numpy as np
import pytest
from budget import budget
from cases import CASES, user_formula, user_recipe
from hypothesis import given
from hypothesis import strategies as st

import jaxsched as js
from jaxsched import Horizon, parse

MINE = [user_formula, user_recipe]
RUN = Horizon(steps=1000, steps_per_epoch=100)


def holds_a_callable(value) -> bool:
    """Whether a hyperparameter is a function that is no schedule: its text is no text form."""
    if hasattr(value, "hyperparameters"):
        return any(map(holds_a_callable, value.hyperparameters.values()))
    if isinstance(value, tuple):
        return any(map(holds_a_callable, value))
    return callable(value)


@pytest.mark.parametrize("name", CASES)
def test_repr_is_read_back(name):
    schedule = CASES[name].make()
    if holds_a_callable(schedule):
        with pytest.raises(ValueError, match=r"^column \d+ \("):
            parse(repr(schedule), factories=MINE)
        return
    again = parse(repr(schedule), factories=MINE)
    assert again == schedule
    assert repr(again) == repr(schedule)
    assert again(77) == schedule(77)


@pytest.mark.parametrize(
    "value",
    [
        np.asarray([0.1, 0.2], np.float32),
        np.asarray([[1, 2], [3, 4]], np.int8),
        np.asarray([], np.float64),
        jnp.float32(0.1),
        jnp.asarray([0.1], jnp.bfloat16),
        jnp.asarray(7, jnp.int32),
        5e-324,
        3.4028234663852886e38,
        0.1 + 0.2,
        -0.0,
    ],
)
def test_numbers_are_read_back(value):
    schedule = js.constant_schedule(value)
    again = parse(repr(schedule))
    assert again == schedule
    assert repr(again) == repr(schedule)
    assert type(again.value) is float or again.value.dtype == schedule.value.dtype


@js.schedule
def holds_anything(step, value):
    return 0.0


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        2**70,
        -(2**53) - 1,
        float("inf"),
        -float("inf"),
        "",
        'it\'s "quoted" \\ \n\t\x00 \u00e9 \u2028 \U0001f600',
        (),
        (1, (2.5, ("a",))),
        {"a": 1, "name": "b"},
        {1: 2, 3: (4, None)},
        {"1": 2},
        {},
        np.asarray([float("inf"), 1.0]),
        np.asarray([True, False]),
        np.asarray([2**63], np.uint64),
    ],
    ids=repr,
)
def test_any_hyperparameter_is_read_back(value):
    schedule = holds_anything(value)
    assert parse(repr(schedule), factories=[holds_anything]) == schedule
    config = js.to_config(schedule, factories=[holds_anything])
    assert js.from_config(config, factories=[holds_anything]) == schedule


A, B = "linear_schedule(0.0, 1.0, 10)", "constant_schedule(0.5)"
atoms = st.sampled_from([A, B, "shapes_", "10_000", "1e-3", ".5", "2.", "3", "0", "1.5E+2"])
EXPRESSIONS = st.recursive(
    atoms.map(lambda a: B if a == "shapes_" else a),
    lambda inner: (
        st.tuples(inner, st.sampled_from([" + ", "-", "*", " / "]), inner).map("".join)
        | inner.map("({})".format)
        | inner.map("-{}".format)
        | inner.map("+ {}".format)
        | inner.map("constant_schedule(value={},)".format)
        | st.tuples(inner, inner).map("join_schedules([{0[0]}, {0[1]}], boundaries=[5])".format)
    ),
    max_leaves=6,
)


@budget(1500)
@given(EXPRESSIONS)
def test_it_means_what_python_means(text):
    """Where both read a text to a schedule, it is the same one; what Python refuses is refused."""
    try:
        expected = eval(text, dict(vars(js)))
    except (TypeError, ValueError, ZeroDivisionError):
        expected = None
    try:
        found = parse(text)
    except ValueError as error:
        calculates = "needs a schedule on one side" in str(error)
        found = expected if calculates or not isinstance(expected, js.Schedule) else error
    if isinstance(expected, js.Schedule):
        assert found == expected
    elif isinstance(found, js.Schedule):  # Python has no unary plus for schedules
        assert "+" in text if expected is None else found == js.constant_schedule(expected)


@pytest.mark.parametrize(
    ("text", "repr_"),
    [
        ("0.001", "constant_schedule(value=0.001)"),
        ("-1_000", "constant_schedule(value=-1000.0)"),
        (" constant_schedule ( 0.5 , ) ", "constant_schedule(value=0.5)"),
        ("jaxsched.constant_schedule(0.5)", "constant_schedule(value=0.5)"),
        ("((constant_schedule(0.5)))", "constant_schedule(value=0.5)"),
        (
            "-constant_schedule(1) * 0.5",
            "multiply(a=multiply(a=-1.0, b=constant_schedule(value=1.0)), b=0.5)",
        ),
        (
            "2 - constant_schedule(1) / 4",
            "subtract(a=2.0, b=divide(a=constant_schedule(value=1.0), b=4.0))",
        ),
        (
            "linear_schedule(0, 1, '5 epochs', transition_begin='3%')",
            "linear_schedule(init_value=0.0, end_value=1.0, transition_steps=500, transition_begin=30)",
        ),
        (
            "piecewise_constant_schedule(1, {'3 epochs': .1, 600: 1e-1})",
            "piecewise_constant_schedule(init_value=1.0, boundaries_and_scales={300: 0.1, 600: 0.1})",
        ),
        (
            "join_schedules(\n  (constant_schedule(1), constant_schedule(2)),\n  ('50%',)\n)",
            "join_schedules(schedules=[constant_schedule(value=1.0), constant_schedule(value=2.0)], "
            "boundaries=[500])",
        ),
        (
            "transition_schedule(0, 1, 100, shape=shapes.cosine())",
            "transition_schedule(init_value=0.0, end_value=1.0, transition_steps=100, "
            "shape=shapes.cosine())",
        ),
    ],
)
def test_what_one_types(text, repr_):
    assert repr(parse(text, horizon=RUN)) == repr_


def test_only_a_text_is_parsed():
    with pytest.raises(TypeError, match=r"^parse: text must be a string, got 5$"):
        parse(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^horizon must be a Horizon or None, got 5$"):
        parse("1", horizon=5)  # type: ignore[arg-type]


DEEP = "add(1, " * 63 + "constant_schedule(1)" + ")" * 63


def test_what_is_read_can_be_written_and_read():
    deepest = parse(DEEP)
    assert parse(repr(deepest)) == deepest
    config = js.to_config(deepest)
    assert js.from_config(config) == deepest
    with pytest.raises(ValueError, match=r"^column 1 .*: nested deeper than 64 levels$"):
        parse(f"1 + {DEEP}")
    with pytest.raises(ValueError, match=r"^a[.b]*: nested deeper than 64 levels$"):
        js.to_config(deepest + 1.0)
    with pytest.raises(ValueError, match=r"^b[.b]*: nested deeper than 64 levels$"):
        js.from_config(
            {"name": "add", "a": 1, "b": {k: v for k, v in config.items() if k != "version"}}
        )
