"""Configurations: every schedule to plain data and back, names and versions, and what is refused."""

import json
from collections import OrderedDict
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import CASES, user_formula, user_recipe
from test_parse import holds_a_callable, holds_anything

import jaxsched as js
from jaxsched import Horizon, from_config, to_config

MINE = [user_formula, user_recipe]
RUN = Horizon(steps=1000, steps_per_epoch=100)


@pytest.mark.parametrize("name", CASES)
def test_every_schedule_is_plain_data(name):
    schedule = CASES[name].make()
    if holds_a_callable(schedule):
        with pytest.raises(
            ValueError, match=r"has no name to be written by; make it a schedule with"
        ):
            to_config(schedule, factories=MINE)
        return
    config = to_config(schedule, factories=MINE)
    through_json = json.loads(json.dumps(config, allow_nan=False))
    assert through_json == config
    assert from_config(through_json, factories=MINE) == schedule
    assert from_config(MappingProxyType(OrderedDict(config)), factories=MINE) == schedule


@pytest.mark.parametrize("name", ["sgdr_schedule", "join_schedules", "piecewise_constant_schedule"])
def test_yaml(name):
    import yaml

    schedule = CASES[name].make()
    assert from_config(yaml.safe_load(yaml.safe_dump(to_config(schedule)))) == schedule
    flow = yaml.safe_dump(to_config(schedule), default_flow_style=True)
    assert from_config(yaml.safe_load(flow)) == schedule


def test_yaml_reads_an_exponent_as_text():
    """PyYAML follows YAML 1.1, where 1e-3 is text."""
    config = {
        "name": "linear_schedule",
        "init_value": "1e-3",
        "end_value": 0,
        "transition_steps": "1e4",
    }
    assert from_config(config) == js.linear_schedule(1e-3, 0.0, 10_000)


def test_the_layout():
    """What is stored by users stays readable: this text may only change with VERSION."""
    schedule = js.join_schedules(
        [
            js.piecewise_constant_schedule(0.5, {100: 0.5}),
            js.constant_schedule(np.asarray([0.5, 1.0], np.float32)) * 2.0,
        ],
        [10],
    )
    assert to_config(schedule) == {
        "version": 1,
        "name": "join_schedules",
        "schedules": [
            {
                "name": "piecewise_constant_schedule",
                "init_value": 0.5,
                "boundaries_and_scales": {"100": 0.5},
            },
            {
                "name": "multiply",
                "a": {
                    "name": "constant_schedule",
                    "value": {"name": "array", "values": [0.5, 1.0], "dtype": "float32"},
                },
                "b": 2.0,
            },
        ],
        "boundaries": [10],
    }
    shaped = to_config(js.transition_schedule(0.0, 1.0, 100, shape=js.shapes.cosine()))
    assert shaped["shape"] == {"name": "shapes.cosine", "exponent": 1.0}
    special = holds_anything((2**53 + 1, float("inf"), {1: 2, "a": 3}))
    assert to_config(special, factories=[holds_anything])["value"] == [
        {"name": "int", "value": "9007199254740993"},
        {"name": "float", "value": "inf"},
        {"name": "mapping", "items": [[1, 2], ["a", 3]]},
    ]


def test_versions():
    config = {"name": "constant_schedule", "value": 0.5}
    expected = js.constant_schedule(0.5)
    assert from_config(config) == from_config({"version": 1, **config}) == expected
    with pytest.raises(
        ValueError, match=r"^version: 2 was written by a newer jaxsched; this one .* 1$"
    ):
        from_config({"version": 2, **config})
    for version in (0, "1", True, None, 1.0):
        with pytest.raises(ValueError, match=r"^version must be a positive integer, got "):
            from_config({"version": version, **config})
    nested = {"name": "add", "a": {"version": 1, **config}, "b": 1}
    with pytest.raises(
        ValueError, match=r"^a\.version: constant_schedule has no argument 'version'"
    ):
        from_config(nested)


def test_durations():
    config = {
        "name": "join_schedules",
        "schedules": [
            {"name": "linear_schedule", "init_value": 0, "end_value": 1, "transition_steps": "10%"},
            {"name": "piecewise_constant_schedule", "init_value": 1,
             "boundaries_and_scales": {"3 epochs": 0.1, "60%": 0.1, 700: 0.1, "800": 0.1}},
            {"name": "sgdr_schedule", "cosine_kwargs": [
                {"init_value": 0, "peak_value": 1, "warmup_steps": "1 epoch", "decay_steps": "500 steps"}
            ]},
        ],
        "boundaries": ["1 epoch", "90%"],
    }  # fmt: skip
    expected = js.join_schedules(
        [
            js.linear_schedule(0, 1, 100),
            js.piecewise_constant_schedule(1, {300: 0.1, 600: 0.1, 700: 0.1, 800: 0.1}),
            js.sgdr_schedule([dict(init_value=0, peak_value=1, warmup_steps=100, decay_steps=500)]),
        ],
        [100, 900],
    )
    found = from_config(config, horizon=RUN)
    assert found == expected
    assert all(type(leaf) in (int, float) for leaf in jax.tree.leaves(found))
    with pytest.raises(
        ValueError, match=r"^schedules\[0\].transition_steps must be .* needs horizon="
    ):
        from_config(config)


LINEAR = {"name": "linear_schedule", "init_value": 0, "end_value": 1, "transition_steps": 10}


def joined(*schedules, boundaries=(5,)):
    return {"name": "join_schedules", "schedules": list(schedules), "boundaries": list(boundaries)}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (joined(LINEAR, {**LINEAR, "transition_steps": -1}),
         "schedules[1].transition_steps must be a non-negative integer, got -1"),
        (joined(LINEAR, {**LINEAR, "transition_step": 1}),
         "schedules[1].transition_step: linear_schedule has no argument 'transition_step'; did you mean "
         "'transition_steps' or 'transition_begin'? "
         "It has init_value, end_value, transition_steps, transition_begin"),
        (joined(LINEAR, {"name": "linear_schedule"}),
         "schedules[1]: linear_schedule: missing init_value, end_value, transition_steps"),
        (joined(LINEAR, {"name": "linear_shedule"}), None),
        (joined(LINEAR, joined(LINEAR, LINEAR, boundaries=[-1])),
         "schedules[1].boundaries[0] must be a non-negative integer, got -1"),
        (joined(LINEAR, boundaries=[1]), "join_schedules: boundaries must have one item fewer than "
         "schedules: 0 for 1 schedules, got 1"),
        (joined(LINEAR, LINEAR, boundaries=["5 epohcs"]),
         "join_schedules: boundaries: a duration's unit must be steps, epochs, examples, tokens or % "
         "(did you mean 'epochs'?), got 'epohcs' in '5 epohcs'"),
        (joined(LINEAR, LINEAR, boundaries=["5"]), "join_schedules: boundaries: a duration must say its "
         "unit, as in '5 steps' or '5 epochs', got '5'"),
        ({**LINEAR, "init_value": "3%"}, "linear_schedule: init_value must be a finite number, got '3%'"),
        ({**LINEAR, "init_value": None}, "linear_schedule: init_value must be a finite number, got None"),
        ({**LINEAR, "init_value": LINEAR}, None),
        ({**LINEAR, "transition_steps": 0.03},
         "linear_schedule: transition_steps must be a non-negative integer, got 0.03"),
        ({**LINEAR, "transition_steps": 10**400},
         "transition_steps: an integer must have at most 400 digits"),
        ({"name": "piecewise_constant_schedule", "init_value": 1,
          "boundaries_and_scales": {"1 epoch": 1, "100": 2}},
         "piecewise_constant_schedule: boundaries_and_scales must name each step once, got 100 twice"),
        ({"name": "piecewise_constant_schedule", "init_value": 1, "boundaries_and_scales": {"1": 1, 1: 2}},
         "boundaries_and_scales[1]: the key stands here twice"),
        ({"name": "piecewise_constant_schedule", "init_value": 1, "boundaries_and_scales": {None: 1}},
         "boundaries_and_scales[None]: a key must be a text or a number, got None"),
        ({"name": "constant_schedule", "value": {"name": "array", "values": [1.5], "dtype": "int8"}},
         "value: array: values must be numbers of type int8, got 1.5"),
        ({"name": "constant_schedule", "value": {"name": "array", "values": [1.5]}},
         "value: array has the entries values, dtype, got ['values']"),
        ({"name": "constant_schedule", "value": {"name": "int", "value": "x"}},
         "value: int: value must be a text of at most 400 digits, got 'x'"),
        ({"name": "constant_schedule", "value": {"name": "float", "value": "inf"}},
         "constant_schedule: value must be a finite number, got inf"),
        ({"name": "constant_schedule", "value": {"name": "float", "value": []}},
         "value: float: value must be 'inf', '-inf' or 'nan', got ()"),
        ({"name": "constant_schedule", "value": {"name": "mapping", "items": [1]}},
         "value: mapping: items must be a list of pairs, got (1,)"),
        ({"name": "constant_schedule", "value": b"1"},
         "value: must be plain data (a mapping, list, text, number, bool or null), got b'1'"),
        ({"name": "constant_schedule", 5: 1}, "an argument's name must be a text, got 5"),
        ({"name": 5}, "the name must be a text, got 5"),
        ({"name": "constant_schedule", "_target_": "constant_schedule"}, "has both 'name' and '_target_'"),
        ({"_target_": "constant_schedule", "_partial_": True}, "_partial_ has no meaning for a schedule"),
        ({"_target_": "constant_schedule", "_args_": 5}, "_args_: must be a list, got 5"),
        ({"_target_": "constant_schedule", "_args_": [1, 2]},
         "_args_[1]: constant_schedule takes 1 argument by position, got 2"),
        ({"_target_": "os.system", "command": "true"}, None),
        ({"_target_": "jaxsched._core.bound.Bound"}, None),
        ({"name": "shapes.tanh"}, "must describe a schedule or be a number, got shapes.tanh(); shapes.tanh "
         "is a shape, a schedule is transition_schedule(..., shape=shapes.tanh(...))"),
        ({"name": "cosine_decay", "init_value": 1.0, "decay_steps": 10}, "unknown name 'cosine_decay'; did "
         "you mean 'cosine_decay_schedule' or 'cosine_decay_restarts' or 'warmup_cosine_decay_schedule'?"),
        ({}, "must describe a schedule or be a number, got {}"),
        (None, "must describe a schedule or be a number, got None"),
        ("constant_schedule(1)", "must describe a schedule or be a number, got 'constant_schedule(1)'"),
        (float("nan"), "constant_schedule: value must be a finite number, got nan"),
        (js.constant_schedule(1.0), "must be plain data (a mapping, list, text, number, bool or null), "
         "got constant_schedule(value=1.0)"),
    ],
)  # fmt: skip
def test_what_is_refused(config, message):
    with pytest.raises(ValueError, match=r"[a-z]") as caught:
        from_config(config, horizon=RUN)
    assert message is None or str(caught.value) == message


def test_endless_data_ends():
    circle = {"name": "add", "b": 1}
    circle["a"] = circle
    with pytest.raises(ValueError, match=r"^a[.a]*: nested deeper than 64 levels$"):
        from_config(circle)
    laughs = [LINEAR]
    for _ in range(40):
        laughs = [laughs, laughs]
    with pytest.raises(ValueError, match=r"^schedules[0-9.\[\]a-z_]*: more than 100000 values$"):
        from_config({"name": "join_schedules", "schedules": laughs})


def test_numbers_and_numpy():
    assert from_config(0.5) == js.constant_schedule(0.5)  # type: ignore[arg-type]
    config = {"name": "linear_schedule", "init_value": np.float32(0.5), "end_value": np.float64(1),
              "transition_steps": np.int64(5)}  # fmt: skip
    assert from_config(config) == js.linear_schedule(0.5, 1.0, 5)


def test_what_cannot_be_written():
    with pytest.raises(TypeError, match=r"^to_config: schedule must be a Schedule, got 5$"):
        to_config(5)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"^schedules\[1\].value: an empty array of shape \(0, 3\) has"
    ):
        to_config(
            js.join_schedules(
                [js.constant_schedule(1), js.constant_schedule(np.zeros((0, 3)))], [1]
            )
        )
    with pytest.raises(ValueError, match=r"^value: a traced value has no number yet to be written"):
        jax.jit(lambda s: to_config(s) and 0)(js.constant_schedule(jnp.float32(1)))
    with pytest.raises(ValueError, match=r"^a: <function .* has no name to be written by; "):
        to_config(js.add(lambda step: 1.0, 2))
