"""`inspect`: its numbers against a plain loop, its warnings on schedules with and without mistakes."""

import itertools
import json
import math

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsched as js
from jaxsched._tools import inspect as inspection

WARMUP_COSINE = js.warmup_cosine_decay_schedule(0.0, 1e-3, 500, 10_000)
JOINED = js.join_schedules(
    [js.linear_schedule(0.0, 1.0, 10), js.cosine_decay_schedule(0.3, 90)], [10]
)
RESTARTS = js.sgdr_schedule(
    [dict(init_value=0.0, peak_value=1.0, warmup_steps=0, decay_steps=50)] * 3
)
STAIRS = js.piecewise_constant_schedule(0.1, {50: 0.1, 75: 0.1})
PEAK_AT_THE_END = "the rate still rises at the end: its peak is at the last step of the run"

SCHEDULES = {
    "warmup cosine": (WARMUP_COSINE, 10_000),
    "joined": (JOINED, 100),
    "restarts": (RESTARTS, 150),
    "stairs": (STAIRS, 100),
    "one step": (js.linear_schedule(1.0, 0.0, 10), 1),
    "rising": (js.linear_schedule(0.1, 0.3, 100), 100),
    "negative": (js.linear_schedule(1.0, -1.0, 10), 20),
}


@pytest.mark.parametrize("steps", [300, 40_000, 5_000_000])
def test_the_largest_change_of_a_straight_line_is_its_first(steps):
    """Rounding, which makes one of the equal changes the largest, does not pick the step."""
    line = js.warmup_constant_schedule(0.0, 1e-3, 150)
    found = js.inspect(line, steps)
    assert (found.jump_step, found.largest_jump) == (1, pytest.approx(1e-3 / 150))
    whole = js.inspect(js.linear_schedule(0.0, 1e-3, 1000) * 1.1, 900)
    assert whole.jump_step == 1
    later = js.inspect(js.join_schedules([line, js.constant_schedule(2e-3)], [200]), steps)
    assert (later.jump_step, later.largest_jump) == (200, pytest.approx(1e-3))


@pytest.mark.parametrize(("schedule", "steps"), SCHEDULES.values(), ids=SCHEDULES.keys())
def test_numbers_are_those_of_a_loop(schedule, steps):
    found = js.inspect(schedule, steps)
    values = [schedule(step) for step in range(steps)]
    assert found.steps == found.evaluated == steps
    assert (found.first, found.final) == (values[0], values[-1])
    assert (found.peak, found.peak_step) == (max(values), values.index(max(values)))
    assert (found.lowest, found.lowest_step) == (min(values), values.index(min(values)))
    assert found.area == pytest.approx(sum(values), rel=1e-12, abs=1e-15)
    assert found.mean == pytest.approx(sum(values) / steps, rel=1e-12, abs=1e-15)
    changes = [b - a for a, b in itertools.pairwise(values)]
    if changes:
        largest = max(map(abs, changes))  # the first of those that only rounding tells apart
        jump = next(c for c in changes if abs(c) > largest - 1e-15 * max(map(abs, values)))
        assert (found.largest_jump, found.jump_step) == (jump, changes.index(jump) + 1)
    else:
        assert (found.largest_jump, found.jump_step) == (0.0, 0)
    rises, falls = any(c > 1e-9 for c in changes), any(c < -1e-9 for c in changes)
    trend = {(1, 1): "up and down", (1, 0): "rising", (0, 1): "falling", (0, 0): "constant"}
    assert found.trend == trend[rises, falls]
    assert found.monotone == (not (rises and falls))
    assert found.decay_factor == pytest.approx(max(values) / values[-1])


@pytest.mark.parametrize(
    ("schedule", "steps", "warnings"),
    [
        # What is as it should be.
        (WARMUP_COSINE, 10_000, []),
        (STAIRS, 100, []),
        (js.constant_schedule(0.1), 1000, []),
        (js.exponential_decay(1.0, 10, 0.5), 100, []),
        (js.exponential_decay(1.0, 10, 0.5, staircase=True), 100, []),
        (js.linear_schedule(1.0, 0.0, 50), 50, []),
        (js.linear_schedule(1.0, 0.0, 50), 51, []),
        (js.cosine_onecycle_schedule(100, 1.0), 100, []),
        (js.linear_onecycle_schedule(10, 1.0), 10, []),
        (js.linear_schedule(1.0, 0.01, 100), 100, []),
        (js.warmup_constant_schedule(0.0, 0.1, 10), 100, []),
        (js.warmup_cosine_decay_schedule(0.0, 0.1, 1, 100), 100, []),
        (js.warmup_cosine_decay_schedule(0.01, 0.1, 2, 100), 100, []),
        (js.constant_schedule(0.1), 1, []),
        # A jump.
        (JOINED, 100, ["the rate jumps down from 0.9 to 0.3 at step 10"]),
        (RESTARTS, 150, ["the rate jumps up from 0.0009866 to 1 at step 50 (and at 1 other step)"]),
        (
            js.piecewise_constant_schedule(1.0, {50: 0.01}),
            100,
            ["the rate jumps down from 1 to 0.01 at step 50"],
        ),
        # A peak that is never reached.
        (
            js.warmup_cosine_decay_schedule(0.0, 0.1, 500, 10_000),
            400,
            ["the rate still rises at the end: the warmup is longer than the run of 400 steps"],
        ),
        *(
            (schedule, steps, [PEAK_AT_THE_END])
            for schedule, steps in [
                (js.linear_schedule(1e-4, 1e-3, 99), 100),
                (js.warmup_cosine_decay_schedule(0.0, 1e-3, 999, 2000), 1000),
                (js.cyclic_schedule(1e-4, 1e-2, 50), 151),
                (lambda step: [0.1, 0.105, 0.11][int(step)], 3),
            ]
        ),
        # Negative, zero, not finite.
        (
            js.linear_schedule(1.0, -0.5, 100),
            100,
            ["the rate is negative, for the first time at step 67"],
        ),
        (
            js.linear_schedule(1.0, 0.0, 50),
            100,
            ["the rate is 0 from step 50 on: the last 50 of 100 updates change nothing"],
        ),
        (
            js.piecewise_interpolate_schedule("linear", 1.0, {10: 0.0, 20: 1.0}) + STAIRS * 0,
            15,
            ["the rate is 0 from step 10 on: the last 5 of 15 updates change nothing"],
        ),
        (
            js.join_schedules([js.constant_schedule(0.0), js.constant_schedule(1.0)], [3]),
            100,
            ["the rate is 0 inside the run, for the first time at step 1"],
        ),
        (
            js.constant_schedule(0.0),
            9,
            ["the rate is 0 in the whole run: no update changes anything"],
        ),
        (lambda t: 1 / (t - 3) if t != 3 else math.inf, 9, ["the rate is inf at step 3"]),
        (lambda t: math.nan if t > 4 else 1.0, 9, ["the rate is nan at step 5"]),
        # A decay that does not end with the run.
        (
            js.linear_schedule(1.0, 0.01, 50),
            100,
            [
                "the decay ends at step 50, before the run does: the last 50 of 100 updates are at the "
                "final rate of 0.01"
            ],
        ),
        (
            WARMUP_COSINE,
            5_000,
            [
                "the run ends before the decay, which goes on until step 10000: the final rate is "
                "54.1 % of the peak"
            ],
        ),
        # Too little of it in a long run.
        (
            js.constant_schedule(0.1),
            10_000,
            [
                "by the end of a long run the rate has decayed not at all; a hundredfold or more is usual"
            ],
        ),
        (
            js.exponential_decay(0.1, 10_000, 0.1),
            10_001,
            [
                "by the end of a long run the rate has decayed only by a factor of 10; a hundredfold or "
                "more is usual"
            ],
        ),
        # Far from the usual.
        (js.constant_schedule(50.0), 9, ["the rate starts at 50, far from the usual 1e-07 to 10"]),
        (
            js.constant_schedule(1e-9),
            9,
            ["the rate starts at 1e-09, far from the usual 1e-07 to 10"],
        ),
        (
            js.warmup_constant_schedule(0.0, 100.0, 5),
            20,
            ["the rate warms up to 100, far from the usual 1e-07 to 10"],
        ),
    ],
)
def test_warnings(schedule, steps, warnings):
    assert list(js.inspect(schedule, steps).warnings) == warnings


def test_device_and_host_agree():
    steps = inspection.HOST + 1
    schedule = js.warmup_cosine_decay_schedule(0.0, 0.1, 1000, steps)
    device, host = js.inspect(schedule, steps), js.inspect(schedule, steps - 1)
    assert device.evaluated == steps
    assert device.peak == pytest.approx(host.peak, rel=1e-7)
    assert device.peak_step == host.peak_step == 1000
    assert device.area == pytest.approx(host.area, rel=1e-6)
    assert device.warnings == host.warnings == ()


def test_chunks_cover_every_step():
    steps = 2 * inspection.CHUNK + 12345
    found = js.inspect(js.linear_schedule(1.0, 0.0, steps), steps)
    assert found.evaluated == steps
    assert found.area == pytest.approx((steps + 1) / 2, rel=1e-6)
    assert found.final == pytest.approx(1 / steps, rel=1e-6)
    assert found.peak_step == 0


@pytest.mark.parametrize("steps", [10**9, 2**31 - 1])
def test_long_runs_are_sampled_but_exact_at_boundaries(steps):
    pieces = [
        js.constant_schedule(1.0),
        js.constant_schedule(3.0),
        js.cosine_decay_schedule(1.0, 10**8),
    ]
    schedule = js.join_schedules(pieces, [123_456_789, 123_456_790])
    found = js.inspect(schedule, steps)
    assert found.evaluated < 3_000_000
    assert (found.peak, found.peak_step) == (3.0, 123_456_789)
    assert (found.largest_jump, found.jump_step) == (2.0, 123_456_789)
    assert found.area == pytest.approx(123_456_789 + 3 + 0.5e8, rel=1e-5)
    left = steps - 223_456_790
    assert (
        found.warnings
        == (
            "the rate jumps up from 1 to 3 at step 123456789 (and at 1 other step)",
            f"the rate is 0 from step 223456790 on: the last {left} of {steps} updates change nothing",
        )[::-1]
    )


def test_a_long_run_finds_a_jump_that_no_hyperparameter_tells():
    def hidden(step):
        return jnp.where(step < 700_000_123, 1.0, 2.0)

    found = js.inspect(hidden, 10**9)
    assert found.jump_step in (700_000_123, 700_000_124)  # float32 steps are 64 apart up there
    assert found.largest_jump == 1.0


def test_foreign_callables():
    theirs = js.inspect(optax.cosine_decay_schedule(0.1, 100), 100)
    ours = js.inspect(js.cosine_decay_schedule(0.1, 100), 100)
    assert theirs.schedule == "cosine_decay_schedule.<locals>.schedule"
    assert theirs.area == pytest.approx(ours.area, rel=1e-5)
    plain = js.inspect(lambda step: 0.1 if step < 5 else 0.05, inspection.HOST + 5)
    assert plain.final == 0.05
    assert plain.evaluated == inspection.HOST + 5


def test_hyperparameters_on_the_device():
    schedule = js.linear_schedule(jnp.float32(1.0), jnp.float32(0.5), jnp.int32(10))
    found = js.inspect(schedule, 20)
    assert found.final == 0.5
    assert found.trend == "falling"
    assert 10 in inspection.turns(schedule, 20)


def test_turns_are_boundaries_and_sums_of_lengths():
    join = js.join_schedules([RESTARTS, js.linear_schedule(1.0, 0.0, 7, 5)], [200])
    assert inspection.turns(join, 300) == [50, 100, 150, 200, 205, 207, 212]
    assert inspection.turns(STAIRS, 60) == [50]


def test_text_and_data():
    found = js.inspect(JOINED, 100)
    assert str(found) == (
        "join_schedules(schedules=[linear_schedule(init_value=0.0, end_value=1.0, transition_steps=10), "
        "cosine_decay_schedule(init_value=0.3, decay_steps=90)], boundaries=[10])\n"
        "100 steps, up and down\n"
        "  first   0            at step 0\n"
        "  peak    0.9          at step 9\n"
        "  lowest  0            at step 0\n"
        "  final   9.13759e-05  at step 99, the peak divided by 9849\n"
        "  mean    0.1815\n"
        "  area    18.15        the sum of all values\n"
        "  jump    -0.6         at step 10, the largest change in a step\n"
        "warning: the rate jumps down from 0.9 to 0.3 at step 10"
    )
    data = json.loads(json.dumps(found.to_dict()))
    assert data["peak_step"] == 9
    assert data["warnings"] == list(found.warnings)


LENGTH = "inspect: steps must be an integer from 1 to 2.14748e+09, got"
SUBJECT = "inspect: schedule must be a schedule or another callable from step to value, got 0.1"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0.1, 10), TypeError, SUBJECT),
        ((STAIRS, 0), ValueError, f"{LENGTH} 0"),
        ((STAIRS, 2**31), ValueError, f"{LENGTH} 2147483648"),
        ((STAIRS, "9"), TypeError, f"{LENGTH} '9'"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error) as caught:
        js.inspect(*arguments)
    assert str(caught.value) == message


def test_frozen():
    found = js.inspect(STAIRS, 10)
    with pytest.raises(AttributeError):
        found.steps = 3
    assert np.isfinite(found.mean)
