"""from_transformers by name, where transformers is not installed: curves, text forms and errors."""

from __future__ import annotations

import enum
import re

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsched as js
from jaxsched import shapes
from jaxsched.interop.transformers import NAMES, from_transformers

RAMP = js.linear_schedule(0.0, 1.0, 2)
ENDLESS = js.repeat(js.cosine_wave_schedule(1.0, 8, 1.0), 8)
LOWEST = js.repeat(js.cosine_wave_schedule(1.0, 8, 1.0, 0.1), 8)


def join(*pieces, at):
    return js.join_schedules(list(pieces), list(at))


# The curves are those of transformers 5.23 (tests/peers/test_interop_transformers.py runs it), at rate 1.
KNOWN = {
    "constant": (("constant", 1.0), js.constant_schedule(1.0), "1 1 1"),
    "constant_with_warmup": (
        ("constant_with_warmup", 1.0, 2), js.warmup_constant_schedule(0.0, 1.0, 2), "0 .5 1 1",
    ),
    "linear": (
        ("linear", 1.0, 2, 6), join(RAMP, js.linear_schedule(1.0, 0.0, 4), at=[2]),
        "0 .5 1 .75 .5 .25 0 0",
    ),
    "linear, no warmup": (("linear", 1.0, 0, 4), js.linear_schedule(1.0, 0.0, 4), "1 .75 .5 .25 0"),
    "linear, all warmup": (
        ("linear", 1.0, 2, 1), join(RAMP, js.linear_schedule(1.0, 0.0, 0), at=[2]), "0 .5 0 0",
    ),
    "cosine rises again": (
        ("cosine", 1.0, 2, 6), join(RAMP, ENDLESS, at=[2]),
        "0 .5 1 .853553391 .5 .146446609 0 .146446609 .5 .853553391 1 .853553391",
    ),
    "cosine, no steps": (
        ("cosine", 1.0, 2, 2),
        join(RAMP, js.repeat(js.cosine_wave_schedule(1.0, 2, 1.0), 2), at=[2]), "0 .5 1 0 1 0",
    ),
    "cosine, no waves": (
        ("cosine", 1.0, 0, 6, {"num_cycles": 0}), js.constant_schedule(1.0), "1 1 1",
    ),
    "cosine_with_restarts, one": (
        ("cosine_with_restarts", 1.0, 2, 6), join(RAMP, js.cosine_decay_schedule(1.0, 4), at=[2]),
        "0 .5 1 .853553391 .5 .146446609 0 0",
    ),
    "cosine_with_restarts": (
        ("cosine_with_restarts", 1.0, 2, 6, {"num_cycles": 2}),
        join(RAMP, js.cosine_decay_restarts(1.0, 2, 1.0), js.constant_schedule(0.0), at=[2, 6]),
        "0 .5 1 .5 1 .5 0 0",
    ),
    "cosine_with_restarts between steps": (
        ("cosine_with_restarts", 1.0, 0, 4, {"num_cycles": 3}),
        join(
            js.stretch(js.cosine_decay_restarts(1.0, 4, 1.0), 1, 3), js.constant_schedule(0.0), at=[4]
        ),
        "1 .146446609 .5 .853553391 0 0",
    ),
    "polynomial": (
        ("polynomial", 1.0, 2, 6, {"lr_end": 0.2, "power": 2}),
        join(RAMP, js.polynomial_schedule(1.0, 0.2, 2.0, 4), at=[2]), "0 .5 1 .65 .4 .25 .2 .2",
    ),
    "polynomial of power 0": (
        ("polynomial", 1.0, 0, 2, {"lr_end": 0.2, "power": 0}),
        join(js.constant_schedule(1.0), js.constant_schedule(0.2), at=[3]), "1 1 1 .2 .2",
    ),
    "inverse_sqrt": (
        ("inverse_sqrt", 1.0, 4), js.inverse_sqrt_schedule(1.0, 4, 4.0),
        "0 .25 .5 .75 1 .894427191 .816496581",
    ),
    "inverse_sqrt, no warmup": (
        ("inverse_sqrt", 1.0, 0), js.inverse_sqrt_schedule(1.0, 0, 10_000.0), "1 .999950004",
    ),
    "cosine_with_min_lr": (
        ("cosine_with_min_lr", 1.0, 2, 6, {"min_lr": 0.1}), join(RAMP, LOWEST, at=[2]),
        "0 .5 1 .868198052 .55 .231801948 .1 .231801948",
    ),
    "cosine_with_min_lr below 0": (
        ("cosine_with_min_lr", 1.0, 0, 2, {"min_lr_rate": -1.0}),
        js.maximum(js.repeat(js.cosine_wave_schedule(1.0, 4, 1.0, -1.0), 4), 0.0), "1 0 0 0 1",
    ),
    "cosine_warmup_with_min_lr": (
        ("cosine_warmup_with_min_lr", 1.0, 2, 6, {"min_lr_rate": 0.1}),
        join(js.linear_schedule(0.5, 1.0, 1), LOWEST, at=[1]),
        ".5 1 .868198052 .55 .231801948 .1 .231801948",
    ),
    "cosine_warmup_with_min_lr, from a rate": (
        ("cosine_warmup_with_min_lr", 1.0, 3, 7, {"min_lr_rate": 0.1, "warmup_lr_rate": 0.2}),
        join(js.linear_schedule(0.2, 1.0, 2), LOWEST, at=[2]), ".2 .6 1 .868198052 .55",
    ),
    "cosine_warmup_with_min_lr, one step of it": (
        ("cosine_warmup_with_min_lr", 1.0, 1, 5, {"min_lr_rate": 0.1, "warmup_lr_rate": 0.2}),
        join(
            js.constant_schedule(0.2), js.reverse(js.reverse(LOWEST, 2**31 - 1), 2**31 - 2), at=[1]
        ),
        ".2 .868198052 .55 .231801948 .1",
    ),
    "warmup_stable_decay": (
        ("warmup_stable_decay", 1.0, 2, 8, {"num_decay_steps": 4, "min_lr_ratio": 0.1}),
        js.warmup_stable_decay_schedule(0.1, 1.0, 2, 2, 4, 0.1, shapes.cosine(), shapes.linear()),
        ".1 .55 1 1 1 .868198052 .55 .231801948 .1 .1",
    ),
    "warmup_stable_decay, too long for the run": (
        ("warmup_stable_decay", 1.0, 2, 5, {"num_decay_steps": 4, "decay_type": "linear"}),
        join(
            js.transition_schedule(0.0, 1.0, 2), js.constant_schedule(1.0),
            js.reverse(js.reverse(js.transition_schedule(1.0, 0.0, 4), 4), 3), at=[2, 2],
        ),
        "0 .5 .75 .5 .25 0 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "expected", "curve"), KNOWN.values(), ids=KNOWN.keys())
def test_a_name_becomes_the_schedule_a_user_would_write(call, expected, curve):
    ours = from_transformers(*call)
    assert ours == expected
    numbers = [float(number) for number in curve.split()]
    ours_at = [ours(step) for step in range(len(numbers))]
    assert ours_at == pytest.approx(numbers, rel=1e-8, abs=1e-12)
    assert js.parse(repr(ours)) == ours
    assert js.from_config(js.to_config(ours)) == ours


def test_every_name_is_known_here():
    assert {call[0] for call, _, _ in KNOWN.values()} == set(NAMES) - {"reduce_lr_on_plateau"}


def test_a_member_of_an_enumeration_of_strings_is_its_value():
    kind = enum.Enum("SchedulerType", {"LINEAR": "linear"}, type=str)
    assert from_transformers(kind.LINEAR, 1.0, 2, 6) == from_transformers("linear", 1.0, 2, 6)


@pytest.mark.parametrize("cycles", [0.5, 1, 1.5, 0.7, 1 / 3, np.pi / 4])
def test_a_cosine_goes_on_to_the_last_step(cycles):
    """Numbers of cycles that are no fraction as well, on the host and on the device."""
    schedule = from_transformers("cosine", 1.0, 0, 100, {"num_cycles": cycles})
    steps = np.array([0, 1, 99, 100, 101, 5000, 1_000_000, 2**31 - 2])
    turns = np.array([int(step) * float(cycles) / 100 % 1 for step in steps])
    expected = np.cos(np.pi * turns) ** 2
    # Of the product of step and cycles no more than these digits are left below 1.
    lost = np.pi * steps * cycles / 100 * 2.0**-51 + 1e-15
    host = np.array([schedule(step) for step in steps.tolist()])
    assert np.all(np.abs(host - expected) <= lost), host - expected
    device = np.asarray(schedule(jnp.asarray(steps, jnp.int32)))
    assert np.all(np.abs(device - expected) <= lost + 2e-6), device - expected


def test_the_reducer_is_torchs():
    reducer = from_transformers(
        "reduce_lr_on_plateau", 1.0, scheduler_specific_kwargs={"patience": 1, "factor": 0.5}
    )
    state, scales = reducer.init(None), []
    for value in [1.0, 1.0, 1.0, 1.0]:
        state = js.observe(reducer, state, value=value)
        scales.append(float(state.scale))
    assert scales == [1, 1, 0.5, 0.5]


F = "from_transformers: "
WSD = "warmup_stable_decay"
ERRORS = [
    (("greedy", 0.1), ValueError, f"{F}'greedy' has no curve: GreedyLR follows the metric"),
    (("greedy", 0.1), ValueError, "Use 'reduce_lr_on_plateau' (jaxsched.reduce_on_plateau)"),
    (("sine", 0.1), ValueError, f"{F}name must be 'linear' or 'cosine'"),
    ((3, 0.1), ValueError, "or 'reduce_lr_on_plateau', got 3"),
    (("linear", 0.1), ValueError, f"{F}num_warmup_steps must be given for 'linear', got None"),
    (("linear", 0.1, 5), ValueError, f"{F}num_training_steps must be given for 'linear', got None"),
    (("inverse_sqrt", 0.1), ValueError, f"{F}num_warmup_steps must be given for 'inverse_sqrt'"),
    (("linear", 0.1, 2.5, 5), ValueError,
     f"{F}num_warmup_steps must be a non-negative integer, got 2.5"),
    (("linear", 0.1, 5, -1), ValueError,
     f"{F}num_training_steps must be a non-negative integer, got -1"),
    (("linear", -0.1, 5, 9), ValueError,
     f"{F}learning_rate must be a non-negative finite number, got -0.1"),
    (("linear", "0.1", 5, 9), TypeError, f"{F}learning_rate must be a non-negative finite number"),
    (("cosine", 0.1, 5, 9, {"power": 1}), TypeError,
     f"{F}scheduler_specific_kwargs of 'cosine': no argument is called 'power'; it has num_cycles"),
    (("cosine", 0.1, 5, 9, ["power"]), TypeError,
     f"{F}scheduler_specific_kwargs must be a mapping from argument to value, got ['power']"),
    (("cosine", 0.1, 5, 9, {"num_cycles": -1}), ValueError,
     f"{F}cosine: num_cycles must be a non-negative finite number, got -1"),
    (("cosine_with_restarts", 0.1, 5, 9, {"num_cycles": np.pi}), ValueError,
     f"{F}cosine_with_restarts: num_cycles must be a whole number, or a fraction with a denominator of "
     "at most 1000, got 3.14"),
    (("polynomial", 0.1, 5, 9, {"lr_end": 0.1}), ValueError,
     f"{F}polynomial: lr_end must be below learning_rate (0.1), got 0.1"),
    (("polynomial", 0.1, 5, 9, {"power": -1}), ValueError, f"{F}polynomial: power must be a non-neg"),
    (("inverse_sqrt", 0.1, 5, 9, {"timescale": 0}), ValueError,
     f"{F}inverse_sqrt: timescale must be a positive finite number, got 0"),
    (("cosine_with_min_lr", 0.1, 5, 9), ValueError,
     f"{F}cosine_with_min_lr: one of min_lr and min_lr_rate must be given in "
     "scheduler_specific_kwargs, got min_lr=None and min_lr_rate=None"),
    (("cosine_warmup_with_min_lr", 0.1, 5, 9, {"min_lr": 0.1, "min_lr_rate": 0.2}), ValueError,
     f"{F}cosine_warmup_with_min_lr: one of min_lr and min_lr_rate must be given"),
    (("cosine_with_min_lr", 0.0, 5, 9, {"min_lr": 0.1}), ValueError,
     f"{F}learning_rate must be above 0 for a min_lr, got 0.0"),
    ((WSD, 0.1, 5, 9), TypeError, "'warmup_stable_decay': missing a required"),
    ((WSD, 0.1, 5, None, {"num_decay_steps": 3}), ValueError,
     f"{F}warmup_stable_decay: num_training_steps or num_stable_steps must be given, got None"),
    ((WSD, 0.1, 5, 9, {"num_decay_steps": 3, "decay_type": "sqrt"}), ValueError,
     f"{F}warmup_stable_decay: decay_type must be 'linear' or 'cosine' or '1-sqrt', got 'sqrt'"),
    ((WSD, 0.1, 5, 9, {"num_decay_steps": 3, "min_lr_ratio": -1}), ValueError,
     f"{F}warmup_stable_decay: min_lr_ratio must be a non-negative finite number, got -1"),
    (("reduce_lr_on_plateau", 0.1, None, None, {"learning_rate": 1}), TypeError,
     f"{F}scheduler_specific_kwargs of 'reduce_lr_on_plateau': no argument is called 'learning_rate'"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_an_error_says_what_is_wrong_and_what_to_use(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        from_transformers(*call)
