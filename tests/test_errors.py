"""Bad input: every factory, each argument, each way to be wrong, with the whole message."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from case import PUBLIC
from errors_decays import (
    DECAY_FACTORIES,
    DECAY_SPECIAL,
    POSITIVE_STEPS,
    SCHEDULE,
    SHAPE_WORDS,
    TIMESCALE,
)

import jaxsched as js
from jaxsched import checks

NAN, INF = float("nan"), float("inf")

FINITE = "a finite number"
POSITIVE = "a positive finite number"
NONNEGATIVE = "a non-negative finite number"
STEPS = "a non-negative integer"
FRACTION = "a number from 0 to 1"
FLAG = "True or False"
FACTOR = f"{POSITIVE_STEPS} (1.5 times as long is factor=3, divisor=2)"
OPERAND = "a schedule, a callable or a finite number"

PLAIN = js.constant_schedule(0.1)

# function -> (valid arguments, {argument: what is allowed})
FACTORIES = {
    js.constant_schedule: (dict(value=1.0), dict(value=FINITE)),
    js.linear_schedule: (
        dict(init_value=1.0, end_value=0.0, transition_steps=10, transition_begin=0),
        dict(
            init_value=FINITE, end_value=FINITE, transition_steps=STEPS, transition_begin=STEPS
        ),
    ),
    js.polynomial_schedule: (
        dict(init_value=1.0, end_value=0.0, power=2.0, transition_steps=10, transition_begin=0),
        dict(
            init_value=FINITE,
            end_value=FINITE,
            power=NONNEGATIVE,
            transition_steps=STEPS,
            transition_begin=STEPS,
        ),
    ),
    js.transition_schedule: (
        dict(
            init_value=1.0,
            end_value=0.0,
            transition_steps=10,
            shape=js.shapes.cosine(),
            transition_begin=0,
        ),
        dict(
            init_value=FINITE, end_value=FINITE, transition_steps=STEPS, transition_begin=STEPS
        ),
    ),
    js.exponential_decay: (
        dict(
            init_value=1.0,
            transition_steps=10,
            decay_rate=0.5,
            transition_begin=0,
            staircase=False,
            end_value=0.1,
        ),
        dict(
            init_value=FINITE,
            transition_steps=STEPS,
            decay_rate=POSITIVE,
            transition_begin=STEPS,
            staircase=FLAG,
            end_value=FINITE,
        ),
    ),
    js.cosine_decay_schedule: (
        dict(init_value=1.0, decay_steps=10, alpha=0.0, exponent=1.0),
        dict(init_value=FINITE, decay_steps=STEPS, alpha=FINITE, exponent=NONNEGATIVE),
    ),
    js.linear_onecycle_schedule: (
        dict(
            transition_steps=10,
            peak_value=1.0,
            pct_start=0.3,
            pct_final=0.8,
            div_factor=25.0,
            final_div_factor=1e4,
        ),
        dict(
            transition_steps=STEPS,
            peak_value=FINITE,
            pct_start=FRACTION,
            pct_final=FRACTION,
            div_factor=POSITIVE,
            final_div_factor=POSITIVE,
        ),
    ),
    js.cosine_onecycle_schedule: (
        dict(
            transition_steps=10, peak_value=1.0, pct_start=0.3, div_factor=25.0, final_div_factor=1e4
        ),
        dict(
            transition_steps=STEPS,
            peak_value=FINITE,
            pct_start=FRACTION,
            div_factor=POSITIVE,
            final_div_factor=POSITIVE,
        ),
    ),
    js.warmup_constant_schedule: (
        dict(init_value=0.0, peak_value=1.0, warmup_steps=10),
        dict(init_value=FINITE, peak_value=FINITE, warmup_steps=STEPS),
    ),
    js.warmup_cosine_decay_schedule: (
        dict(
            init_value=0.0,
            peak_value=1.0,
            warmup_steps=10,
            decay_steps=100,
            end_value=0.1,
            exponent=1.0,
        ),
        dict(
            init_value=FINITE,
            peak_value=FINITE,
            warmup_steps=STEPS,
            decay_steps=STEPS,
            end_value=FINITE,
            exponent=NONNEGATIVE,
        ),
    ),
    js.warmup_exponential_decay_schedule: (
        dict(
            init_value=0.0,
            peak_value=1.0,
            warmup_steps=10,
            transition_steps=100,
            decay_rate=0.5,
            transition_begin=0,
            staircase=False,
            end_value=0.1,
        ),
        dict(
            init_value=FINITE,
            peak_value=FINITE,
            warmup_steps=STEPS,
            transition_steps=STEPS,
            decay_rate=POSITIVE,
            transition_begin=STEPS,
            staircase=FLAG,
            end_value=FINITE,
        ),
    ),
    js.piecewise_constant_schedule: (
        dict(init_value=1.0, boundaries_and_scales={5: 0.1}),
        dict(init_value=FINITE),
    ),
    js.piecewise_interpolate_schedule: (
        dict(interpolate_type="linear", init_value=1.0, boundaries_and_scales={5: 0.1}),
        dict(init_value=FINITE),
    ),
    js.add: (dict(a=1.0, b=2.0), dict(a=OPERAND, b=OPERAND)),
    js.subtract: (dict(a=1.0, b=2.0), dict(a=OPERAND, b=OPERAND)),
    js.multiply: (dict(a=1.0, b=2.0), dict(a=OPERAND, b=OPERAND)),
    js.divide: (dict(a=1.0, b=2.0), dict(a=OPERAND, b=OPERAND)),
    js.power: (dict(schedule=1.0, exponent=2.0), dict(schedule=OPERAND, exponent=OPERAND)),
    js.minimum: (dict(a=1.0, b=2.0), dict(a=OPERAND, b=OPERAND)),
    js.maximum: (dict(a=1.0, b=2.0), dict(a=OPERAND, b=OPERAND)),
    js.clip: (
        dict(schedule=PLAIN, low=0.1, high=0.5), dict(schedule=SCHEDULE, low=FINITE, high=FINITE)
    ),
    js.proportional: (
        dict(schedule=PLAIN, peak=1.0, low=0.1, high=0.5),
        dict(schedule=SCHEDULE, peak=POSITIVE, low=FINITE, high=FINITE),
    ),
    js.onecycle_momentum_schedule: (
        dict(transition_steps=10, high=0.95, low=0.85, pct_start=0.3),
        dict(transition_steps=STEPS, high=FINITE, low=FINITE, pct_start=FRACTION),
    ),
    js.delay: (dict(schedule=PLAIN, steps=5), dict(schedule=SCHEDULE, steps=STEPS)),
    js.staircase: (dict(schedule=PLAIN, every=5), dict(schedule=SCHEDULE, every=POSITIVE_STEPS)),
    js.reverse: (dict(schedule=PLAIN, steps=5), dict(schedule=SCHEDULE, steps=STEPS)),
    js.by_epoch: (
        dict(schedule=PLAIN, steps_per_epoch=5),
        dict(schedule=SCHEDULE, steps_per_epoch=POSITIVE_STEPS),
    ),
    js.stretch: (
        dict(schedule=PLAIN, factor=3, divisor=2),
        dict(
            schedule=SCHEDULE,
            factor=FACTOR,
            divisor=POSITIVE_STEPS,
        ),
    ),
    js.repeat: (
        dict(schedule=PLAIN, period=5, growth=2, decay=0.5, limit=3),
        dict(
            schedule=SCHEDULE,
            period=POSITIVE_STEPS,
            growth=POSITIVE_STEPS,
            decay=POSITIVE,
            limit=POSITIVE_STEPS,
        ),
    ),
    js.with_warmup: (
        dict(schedule=PLAIN, warmup_steps=5, init_value=0.0, first_step=0),
        dict(schedule=SCHEDULE, warmup_steps=STEPS, init_value=FINITE, first_step=STEPS),
    ),
    js.with_cooldown: (
        dict(schedule=PLAIN, begin=5, cooldown_steps=5, end_value=0.0),
        dict(schedule=SCHEDULE, begin=STEPS, cooldown_steps=STEPS, end_value=FINITE),
    ),
    js.override: (
        dict(schedule=PLAIN, begin=5, plan=PLAIN, continuous=True),
        dict(schedule=SCHEDULE, begin=STEPS, plan=SCHEDULE, continuous=FLAG),
    ),
    js.with_noise: (
        dict(schedule=PLAIN, scale=0.1, seed=0, every=1),
        dict(schedule=SCHEDULE, scale=NONNEGATIVE, seed=STEPS, every=POSITIVE_STEPS),
    ),
    js.tabulated_schedule: (
        dict(values=[1.0], every=1, interpolate=False),
        dict(every=POSITIVE_STEPS, interpolate=FLAG),
    ),
}  # fmt: skip

FACTORIES.update(DECAY_FACTORIES)
FACTORIES.update(
    {
        js.shapes.linear: ({}, {}),
        js.shapes.mirror_cosine: ({}, {}),
        js.shapes.logarithmic: ({}, {}),
        js.shapes.power: (dict(exponent=2.0), dict(exponent=NONNEGATIVE)),
        js.shapes.inverse_power: (dict(exponent=2.0), dict(exponent=POSITIVE)),
        js.shapes.cosine: (dict(exponent=2.0), dict(exponent=NONNEGATIVE)),
        js.shapes.cosine_waves: (dict(waves=2), dict(waves=POSITIVE_STEPS)),
        js.shapes.rex: (dict(beta=0.5), dict(beta=POSITIVE)),
        js.shapes.harmonic: (dict(ratio=0.1), dict(ratio=POSITIVE)),
        js.shapes.inverse_sqrt: (dict(alpha=10.0), dict(alpha=POSITIVE)),
        js.shapes.tanh: (dict(lower=-6.0, upper=3.0), dict(lower=FINITE, upper=FINITE)),
        js.shapes.inverse_sigmoid: (dict(steepness=10.0), dict(steepness=POSITIVE)),
        js.shapes.warped: (
            dict(shape=js.shapes.linear(), exponent=2.0),
            dict(shape=SHAPE_WORDS, exponent=POSITIVE),
        ),
    }
)

WRONG_TYPES = ["1", [1.0], {}, 1j, object]
# What is allowed -> the values that are refused with a ValueError, with what is said to be allowed.
WRONG_VALUES = {
    FINITE: [NAN, INF, -INF, 10**400],
    POSITIVE: [NAN, INF, 0, -0.5],
    NONNEGATIVE: [NAN, INF, -0.5],
    STEPS: [NAN, INF, -1, 2.5],
    FRACTION: [NAN, INF, -0.1, 1.1],
    FLAG: [],
    OPERAND: [NAN, INF, -INF],
    TIMESCALE: [NAN, INF, 0, -1.0, 1e-10],
    POSITIVE_STEPS: [NAN, INF, 0, -1, 2.5],
    FACTOR: [NAN, INF, 0, -1, 1.5],
    SHAPE_WORDS: [],
    SCHEDULE: [],
}


def shown(value) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def message_of(error: type[Exception], call) -> str:
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    return str(caught.value)


EVERY_WRONG_ARGUMENT = [
    pytest.param(factory, name, allowed, value, error, id=f"{factory.__name__}-{name}-{i}")
    for factory, (_, arguments) in FACTORIES.items()
    for name, allowed in arguments.items()
    for i, (value, error) in enumerate(
        [(v, TypeError) for v in WRONG_TYPES if allowed != OPERAND or v is not object]
        + [(v, TypeError) for v in ([1, None] if allowed == FLAG else [True])]
        + [(v, ValueError) for v in WRONG_VALUES[allowed]]
    )
]


@pytest.mark.parametrize(("factory", "name", "allowed", "value", "error"), EVERY_WRONG_ARGUMENT)
def test_every_argument_is_checked(factory, name, allowed, value, error):
    valid, _ = FACTORIES[factory]
    factory(**valid)  # else a failure would say nothing about this argument
    message = message_of(error, lambda: factory(**{**valid, name: value}))
    assert message == f"{factory.form.name}: {name} must be {allowed}, got {shown(value)}"


LINE = js.linear_schedule(1.0, 0.0, 10)
CYCLE = dict(init_value=0.0, peak_value=1.0, warmup_steps=2, decay_steps=10)

SPECIAL = [
    (
        lambda: js.constant_schedule(-1e39),
        ValueError,
        "constant_schedule: value must be a finite number of at most 3.4e+38 in size, "
        "which is as much as float32 can hold, got -1e+39",
    ),
    (
        lambda: js.constant_schedule(np.array([1.0, 1e39])),
        ValueError,
        "constant_schedule: value must be a finite number of at most 3.4e+38 in size, "
        "which is as much as float32 can hold, got array([1.e+00, 1.e+39])",
    ),
    (
        lambda: js.exponential_decay(1.0, 10, 1e-39),
        ValueError,
        "exponential_decay: decay_rate must be a positive finite number of at least 1.2e-38 and "
        "at most 3.4e+38 in size, which is as much as float32 can hold, got 1e-39",
    ),
    (
        lambda: js.join_schedules([], []),
        ValueError,
        "join_schedules: schedules must be a sequence of at least 1 schedules, got []",
    ),
    (
        lambda: js.join_schedules(LINE, []),
        TypeError,
        f"join_schedules: schedules must be a sequence of at least 1 schedules, got {LINE!r}",
    ),
    (
        lambda: js.join_schedules([LINE, 0.1], [5]),
        TypeError,
        "join_schedules: schedules[1] must be a schedule or another callable from step to value, got 0.1",
    ),
    (
        lambda: js.join_schedules([LINE, float], [5]),
        TypeError,
        "join_schedules: schedules[1] must be a schedule or another callable from step to value, "
        "got <class 'float'>",
    ),
    (
        lambda: js.join_schedules([LINE, LINE, LINE], [5]),
        ValueError,
        "join_schedules: boundaries must have one item fewer than schedules: 2 for 3 schedules, got 1",
    ),
    (
        lambda: js.join_schedules([LINE, LINE], [5, 6, 7]),
        ValueError,
        "join_schedules: boundaries must have one item fewer than schedules: 1 for 2 schedules, got 3",
    ),
    (
        lambda: js.join_schedules([LINE, LINE, LINE], [20, 10]),
        ValueError,
        "join_schedules: boundaries must be in ascending order, got [20, 10]",
    ),
    (
        lambda: js.join_schedules([LINE, LINE], [-5]),
        ValueError,
        "join_schedules: boundaries[0] must be a non-negative integer, got -5",
    ),
    (
        lambda: js.join_schedules([LINE, LINE], [2.5]),
        ValueError,
        "join_schedules: boundaries[0] must be a non-negative integer, got 2.5",
    ),
    (
        lambda: js.join_schedules([LINE, LINE], ["5"]),
        TypeError,
        "join_schedules: boundaries[0] must be a non-negative integer, got '5'",
    ),
    (
        lambda: js.join_schedules([LINE, LINE], 5),
        TypeError,
        "join_schedules: boundaries must be a sequence of non-negative integers, got 5",
    ),
    (
        lambda: js.piecewise_constant_schedule(1.0, [5, 0.1]),
        TypeError,
        "piecewise_constant_schedule: boundaries_and_scales must be a mapping from step to number, "
        "got [5, 0.1]",
    ),
    (
        lambda: js.piecewise_constant_schedule(1.0, {-5: 0.1}),
        ValueError,
        "piecewise_constant_schedule: boundaries_and_scales: the step must be a non-negative integer, "
        "got -5",
    ),
    (
        lambda: js.piecewise_constant_schedule(1.0, {"5": 0.1}),
        TypeError,
        "piecewise_constant_schedule: boundaries_and_scales: the step must be a non-negative integer, "
        "got '5'",
    ),
    (
        lambda: js.piecewise_constant_schedule(1.0, {5: -0.1}),
        ValueError,
        "piecewise_constant_schedule: boundaries_and_scales[5] must be a non-negative finite number, "
        "got -0.1",
    ),
    (
        lambda: js.piecewise_interpolate_schedule("linear", 1.0, {5: NAN}),
        ValueError,
        "piecewise_interpolate_schedule: boundaries_and_scales[5] must be a non-negative finite number, "
        "got nan",
    ),
    (
        lambda: js.piecewise_interpolate_schedule("cubic", 1.0, {5: 0.1}),
        ValueError,
        "piecewise_interpolate_schedule: interpolate_type must be 'linear' or 'cosine', got 'cubic'",
    ),
    (
        lambda: js.piecewise_interpolate_schedule(None, 1.0, {5: 0.1}),
        ValueError,
        "piecewise_interpolate_schedule: interpolate_type must be 'linear' or 'cosine', got None",
    ),
    (
        lambda: js.transition_schedule(1.0, 0.0, 10, "cosine"),
        TypeError,
        "transition_schedule: shape must be a shape, such as shapes.cosine(), got 'cosine'",
    ),
    (
        lambda: js.transition_schedule(1.0, 0.0, 10, js.shapes.cosine),
        TypeError,
        "transition_schedule: shape must be a shape, such as shapes.cosine(), "
        f"got {js.shapes.cosine!r}",
    ),
    (
        lambda: js.shapes.exponential(1.0),
        ValueError,
        "shapes.exponential: ratio must be a positive finite number other than 1, got 1.0",
    ),
    (
        lambda: js.shapes.power(-1.0),
        ValueError,
        "shapes.power: exponent must be a non-negative finite number, got -1.0",
    ),
    (
        lambda: js.shapes.table([1.0, 0.5]),
        ValueError,
        "shapes.table: values must be numbers of which the first is 1 and the last 0, got [1.0, 0.5]",
    ),
    (
        lambda: js.shapes.table([1.0]),
        ValueError,
        "shapes.table: values must be a sequence of at least 2 numbers from 1 to 0, got [1.0]",
    ),
    (
        lambda: js.shapes.warped(js.constant_schedule(1.0), 2.0),
        TypeError,
        "shapes.warped: shape must be a shape, such as shapes.cosine(), "
        "got constant_schedule(value=1.0)",
    ),
    (
        lambda: js.linear_onecycle_schedule(100, 1.0, 0.9, 0.8),
        ValueError,
        "linear_onecycle_schedule: pct_start must be at most pct_final (0.8), got 0.9",
    ),
    (
        lambda: js.warmup_cosine_decay_schedule(0.0, 1.0, 200, 100),
        ValueError,
        "warmup_cosine_decay_schedule: warmup_steps must be at most decay_steps (100), got 200",
    ),
    (
        lambda: js.exponential_decay(1.0, 0, 1.5),
        ValueError,
        "exponential_decay: end_value must be given for a decay_rate above 1 (1.5) over "
        "transition_steps=0, got None",
    ),
    (
        lambda: js.sgdr_schedule([]),
        ValueError,
        "sgdr_schedule: cosine_kwargs must be a sequence of at least 1 cycles, got []",
    ),
    (
        lambda: js.sgdr_schedule([CYCLE, 5]),
        TypeError,
        "sgdr_schedule: cosine_kwargs[1] must be a mapping of warmup_cosine_decay_schedule's arguments, "
        "got 5",
    ),
    (
        lambda: js.sgdr_schedule([CYCLE, {**CYCLE, "decay_steps": -1}]),
        ValueError,
        "sgdr_schedule: cosine_kwargs[1]: warmup_cosine_decay_schedule: decay_steps must be a "
        "non-negative integer, got -1",
    ),
    (
        lambda: js.sgdr_schedule([{**CYCLE, "warmup": 1}]),
        TypeError,
        "sgdr_schedule: cosine_kwargs[0]: warmup_cosine_decay_schedule: no argument is called 'warmup'; "
        "did you mean 'warmup_steps'? It has init_value, peak_value, warmup_steps, decay_steps, "
        "end_value, exponent",
    ),
    (
        lambda: js.divide(LINE, 0),
        ValueError,
        "divide: b must be a finite number other than 0, got 0",
    ),
    (
        lambda: js.clip(LINE, 0.5, 0.1),
        ValueError,
        "clip: low must be at most high (0.1), got 0.5",
    ),
    (
        lambda: js.stretch(LINE, 2**16, 2**15),
        ValueError,
        "stretch: factor * divisor must be at most 2147483647, got 2147483648",
    ),
    (
        lambda: js.with_warmup(LINE, 5, first_step=6),
        ValueError,
        "with_warmup: first_step must be at most warmup_steps (5), got 6",
    ),
    (
        lambda: js.with_warmup(LINE, 5, mode="before"),
        ValueError,
        "with_warmup: mode must be 'prefix' or 'overlay', got 'before'",
    ),
    (
        lambda: js.with_cooldown(LINE, 5, 5, shape="linear"),
        TypeError,
        "with_cooldown: shape must be a shape, such as shapes.cosine(), got 'linear'",
    ),
    (
        lambda: js.override(LINE, 5, js.linear_schedule(0.0, 1.0, 5)),
        ValueError,
        "override: plan must not start at 0 to go on continuously (or continuous must be False), got "
        "linear_schedule(init_value=0.0, end_value=1.0, transition_steps=5)",
    ),
    (
        lambda: js.with_noise(LINE, 0.1, distribution="gaussian"),
        ValueError,
        "with_noise: distribution must be 'uniform' or 'normal', got 'gaussian'",
    ),
    (
        lambda: js.tabulated_schedule([]),
        ValueError,
        "tabulated_schedule: values must be a sequence of at least 1 finite numbers, got []",
    ),
    (
        lambda: js.tabulated_schedule([1.0, NAN]),
        ValueError,
        "tabulated_schedule: values[1] must be a finite number, got nan",
    ),
    (
        lambda: js.tabulated_schedule(np.asarray([1.0, NAN])),
        ValueError,
        "tabulated_schedule: values must be a finite number, got array([ 1., nan])",
    ),
    (
        lambda: js.tabulated_schedule(np.zeros(0)),
        ValueError,
        "tabulated_schedule: values must be a sequence of at least 1 finite numbers, "
        "got array([], dtype=float64)",
    ),
    (
        lambda: js.tabulated_schedule(0.5),
        TypeError,
        "tabulated_schedule: values must be a sequence of at least 1 finite numbers, got 0.5",
    ),
    (
        lambda: js.tabulate_by_epoch(0.5, 10, 3),
        TypeError,
        "tabulate_by_epoch: function must be a function of the epoch, got 0.5",
    ),
    (
        lambda: js.tabulate_by_epoch(lambda epoch: 1.0, 0, 3),
        ValueError,
        "tabulate_by_epoch: steps_per_epoch must be a positive integer, got 0",
    ),
    (
        lambda: js.tabulate_by_epoch(lambda epoch: 1.0, 10, 2.5),
        ValueError,
        "tabulate_by_epoch: epochs must be a positive integer, got 2.5",
    ),
    (
        lambda: js.tabulate_by_epoch(lambda epoch: NAN if epoch == 2 else 1.0, 10, 3),
        ValueError,
        "tabulate_by_epoch: function(2) must be a finite number, got nan",
    ),
    (
        lambda: js.tabulate_by_epoch(lambda epoch, rate: rate, 10, 3, init_value="1"),
        TypeError,
        "tabulate_by_epoch: init_value must be a finite number, got '1'",
    ),
    (
        lambda: js.refined_schedule([1.0]),
        ValueError,
        "refined_schedule: grad_norms must be a sequence of at least 2 positive finite numbers, "
        "got [1.0]",
    ),
    (
        lambda: js.refined_schedule([1.0, 0.0]),
        ValueError,
        "refined_schedule: grad_norms must be a sequence of at least 2 positive finite numbers, "
        "got [1.0, 0.0]",
    ),
    (
        lambda: js.refined_schedule(["a", 1.0]),
        TypeError,
        "refined_schedule: grad_norms must be a sequence of at least 2 positive finite numbers, "
        "got ['a', 1.0]",
    ),
    (
        lambda: js.refined_schedule([1.0, 2.0], peak_value=0),
        ValueError,
        "refined_schedule: peak_value must be a positive finite number, got 0",
    ),
    (
        lambda: js.refined_schedule([1.0, 2.0], optimizer="lion"),
        ValueError,
        "refined_schedule: optimizer must be 'sgd' or 'adam', got 'lion'",
    ),
    (
        lambda: js.refined_schedule([1.0, 2.0], smoothing=1.5),
        ValueError,
        "refined_schedule: smoothing must be a number from 0 to 1, got 1.5",
    ),
    (
        lambda: js.refined_schedule([1.0, 2.0], every=0),
        ValueError,
        "refined_schedule: every must be a positive integer, got 0",
    ),
    (
        lambda: LINE * NAN,
        ValueError,
        "multiply: b must be a schedule, a callable or a finite number, got nan",
    ),
    (
        lambda: js.cosine_decay_schedule(0.1),
        TypeError,
        "cosine_decay_schedule: missing a required argument: 'decay_steps'",
    ),
    (
        lambda: js.cosine_decay_schedule(0.1, decaysteps=100),
        TypeError,
        "cosine_decay_schedule: no argument is called 'decaysteps'; did you mean 'decay_steps'? "
        "It has init_value, decay_steps, alpha, exponent",
    ),
    (
        lambda: js.constant_schedule(0.1).replace(steps=100),
        TypeError,
        "constant_schedule: no argument is called 'steps'; it has value",
    ),
    (
        lambda: js.cosine_decay_schedule(0.1, 100, 0.0, 1.0, 5),
        TypeError,
        "cosine_decay_schedule: too many positional arguments",
    ),
    (
        lambda: LINE("5"),
        TypeError,
        "linear_schedule: the step must be a number or an array of numbers, got '5'",
    ),
    (
        lambda: LINE(True),
        TypeError,
        "linear_schedule: the step must be a number or an array of numbers, got True",
    ),
    (
        lambda: LINE(None),
        TypeError,
        "linear_schedule: the step must be a number or an array of numbers, got None",
    ),
    (
        lambda: LINE(np.array([True])),
        TypeError,
        "linear_schedule: the step must be a number or an array of numbers, got array([ True])",
    ),
    (
        lambda: LINE.peak_value,
        AttributeError,
        "'Schedule' object has no attribute 'peak_value'",
    ),
    (
        lambda: setattr(LINE, "init_value", 2.0),
        AttributeError,
        "linear_schedule is immutable: use replace(init_value=...)",
    ),
    (
        lambda: delattr(LINE, "init_value"),
        AttributeError,
        "linear_schedule is immutable",
    ),
    (
        lambda: LINE.replace(init_value="much"),
        TypeError,
        "linear_schedule: init_value must be a finite number, got 'much'",
    ),
    (
        lambda: js.linear_schedule(jnp.asarray([1.0, NAN]), 0.0, 10),
        ValueError,
        "linear_schedule: init_value must be a finite number, got Array([ 1., nan], dtype=float32)",
    ),
    (
        lambda: js.linear_schedule(1.0, 0.0, np.asarray([1.5, 2.5])),
        TypeError,
        "linear_schedule: transition_steps must be a non-negative integer, got array([1.5, 2.5])",
    ),
]  # fmt: skip


SPECIAL += DECAY_SPECIAL

KEY, WORDS = jax.random.key(0), jax.random.PRNGKey(0)
SEEDS = (
    "the seed of a noise must be one integer, or fit the steps of shape {}, got seeds of shape (2,): "
    "schedules that are stacked are mapped over with jax.vmap, and in the place of a key of jax.random "
    "give an integer"
)


@js.schedule
def keyed(step, key):
    return key


SPECIAL += [
    (lambda: js.with_noise(PLAIN, 0.1, seed=KEY), TypeError,
     "with_noise: seed must be a non-negative integer, got a key of jax.random"),
    (lambda: jax.jit(lambda key: js.with_noise(PLAIN, 0.1, seed=key)(3))(KEY), TypeError,
     "with_noise: seed must be a non-negative integer, got a key of jax.random"),
    (lambda: js.constant_schedule(KEY), TypeError,
     "constant_schedule: value must be a finite number, got a key of jax.random"),
    (lambda: js.constant_schedule(jax.random.split(KEY)), TypeError,
     "constant_schedule: value must be a finite number, got a key of jax.random"),
    (lambda: PLAIN(KEY), TypeError,
     "constant_schedule: the step must be a number or an array of numbers, got a key of jax.random"),
    (lambda: PLAIN * KEY, TypeError,
     "multiply: b must be a schedule, a callable or a finite number, got a key of jax.random"),
    (lambda: keyed(KEY)(3), TypeError,
     "keyed: the value must be a number or an array of numbers, got a key of jax.random"),
    # Two words may also be the seeds of two schedules: only where they do not fit it is certain.
    (lambda: js.with_noise(PLAIN, 0.1, seed=WORDS)(3), ValueError, SEEDS.format("()")),
    (lambda: js.with_noise(PLAIN, 0.1, seed=WORDS)(jnp.arange(3)), ValueError, SEEDS.format("(3,)")),
    (lambda: js.with_noise(PLAIN, 0.1, WORDS, "normal")(jnp.arange(3)), ValueError,
     SEEDS.format("(3,)")),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), SPECIAL, ids=range(len(SPECIAL)))
def test_message(call, error, message, x64):
    if x64:
        message = message.replace("dtype=float32", "dtype=float64")
    assert message_of(error, call) == message


def test_every_factory_is_in_a_table():
    listed = {*FACTORIES, js.join_schedules, js.sgdr_schedule}
    assert set(PUBLIC.values()) <= listed
    shapes = {shape for shape in vars(js.shapes).values() if hasattr(shape, "form")}
    assert shapes - listed == {js.shapes.exponential, js.shapes.table}  # in SPECIAL


def _reserved():
    @js.schedule
    def formula(step, replace):
        return replace


def _starred():
    @js.schedule
    def formula(step, *values):
        return values


def _unknown_check():
    @js.schedule(rate=checks.finite)
    def formula(step, value):
        return value


def _not_a_recipe():
    @js.recipe()
    def composition(value):
        return value

    return composition(0.1)(0)


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (_reserved, "formula: 'replace' cannot be the name of a hyperparameter"),
        (_starred, "formula: hyperparameters must be named, got *values"),
        (_unknown_check, "formula: a check is declared for 'rate', which is no parameter"),
        (_not_a_recipe, "composition: a recipe must return a Schedule, got 0.1"),
    ],
)
def test_a_wrong_definition(define, message):
    assert message_of(TypeError, define) == message


@pytest.mark.parametrize(
    ("number", "allowed", "accepted", "refused"),
    [
        (checks.Number(), "a finite number", -1.5, NAN),
        (checks.Number(integer=True), "an integer", -3, 0.5),
        (checks.Number(above=2), "a finite number above 2", 2.5, 2),
        (checks.Number(minimum=2), "a finite number of at least 2", 2, 1.9),
        (checks.Number(integer=True, minimum=2), "an integer of at least 2", 2, 1),
        (checks.Number(integer=True, above=0), "a positive integer", 1, 0),
        (checks.Number(nonzero=True), "a finite number other than 0", 1, 0),
        (checks.Number(minimum=-1, maximum=2), "a number from -1 to 2", -1, 2.1),
        (checks.Number(integer=True, minimum=1, maximum=2), "an integer from 1 to 2", 2, 3),
    ],
)
def test_a_constraint_says_what_it_checks(number, allowed, accepted, refused):
    assert number(accepted, "f: x") == accepted
    message = message_of(ValueError, lambda: number(refused, "f: x"))
    assert message == f"f: x must be {allowed}, got {refused!r}"


def test_traced_values_are_not_checked():
    @jax.jit
    def read(rate, steps, begin):
        return js.exponential_decay(1.0, steps, rate, begin)(10)

    assert np.isfinite(read(0.5, 10, 0))
    assert read(0.5, 0, 0) == 0.0


def test_checked_values_are_in_normal_form():
    schedule = js.linear_schedule(1, np.float32(0.5), 1e4, np.int64(3))
    assert schedule == js.linear_schedule(1.0, 0.5, 10_000, 3)
    kinds = [type(v) for v in schedule.hyperparameters.values()]
    assert kinds == [float, float, int, int]
    joined = js.join_schedules(iter([LINE, LINE]), np.asarray([5]))
    assert joined.boundaries == (5,)
    assert js.piecewise_constant_schedule(1.0, {9: 0.5, 3: 0.25}).boundaries_and_scales == {
        3: 0.25,
        9: 0.5,
    }


def test_arrays_of_hyperparameters_are_checked_by_element():
    schedule = js.linear_schedule(jnp.asarray([1.0, 2.0]), 0.0, 10)
    np.testing.assert_array_equal(schedule(0), [1.0, 2.0])
    bfloat = js.constant_schedule(jnp.asarray(0.5, jnp.bfloat16))
    assert bfloat(0).dtype == (jnp.float64 if jax.config.jax_enable_x64 else jnp.float32)


def test_an_array_of_seeds_is_as_many_schedules_or_one_for_each_step():
    seeds = jnp.arange(3)
    single = [js.with_noise(PLAIN, 0.1, seed=k)(5) for k in range(3)]
    mapped = jax.vmap(lambda seed: js.with_noise(PLAIN, 0.1, seed=seed)(5))(seeds)
    np.testing.assert_allclose(mapped, single, rtol=1e-6)
    at_once = js.with_noise(PLAIN, 0.1, seed=seeds)(jnp.full(3, 5))
    np.testing.assert_array_equal(at_once, mapped)
