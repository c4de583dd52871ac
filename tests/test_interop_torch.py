"""from_torch by name: torch is not needed."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsched as js
from jaxsched.interop.torch import from_torch, torch_position

HALVES = {"step_size": 2, "gamma": 0.5}
BY_NAME = {
    "StepLR": (dict(lr=1.0, **HALVES), [1, 1, 0.5, 0.5, 0.25]),
    "MultiStepLR": (dict(lr=1.0, milestones=[3, 1, 3], gamma=0.5), [1, 0.5, 0.5, 0.125]),
    "ConstantLR": (dict(lr=1.0, factor=0.25, total_iters=2), [0.25, 0.25, 1, 1]),
    "LinearLR": (dict(lr=1.0, start_factor=0.5, total_iters=2), [0.5, 0.75, 1, 1]),
    "ExponentialLR": (dict(lr=1.0, gamma=0.5), [1, 0.5, 0.25]),
    "PolynomialLR": (dict(lr=1.0, total_iters=2, power=2), [1, 0.25, 0, 0]),
    "CosineAnnealingLR": (dict(lr=1.0, T_max=2, eta_min=0.5), [1, 0.75, 0.5, 0.75, 1, 0.75]),
    "CosineAnnealingWarmRestarts": (dict(lr=1.0, T_0=2, T_mult=2), [1, 0.5, 1, 0.853553, 0.5]),
    "CyclicLR": (dict(base_lr=0, max_lr=1, step_size_up=2), [0, 0.5, 1, 0.5, 0]),
    "OneCycleLR": (dict(max_lr=1, total_steps=10), [0.04, 0.52, 1, 0.950485]),
    "SWALR": (dict(lr=1.0, swa_lr=0, anneal_epochs=2, anneal_strategy="linear"), [1, 0.5, 0, 0]),
    "LambdaLR": (dict(lr=0.5, lr_lambda=lambda step: 2.0 * step), [0, 1, 2]),
    "MultiplicativeLR": (dict(lr=1.0, lr_lambda=lambda step: 0.5, steps=3), [1, 0.5, 0.25, 0.25]),
    "ChainedScheduler": (
        dict(lr=1.0, schedulers=[("StepLR", HALVES), ("ConstantLR", {"factor": 0.5})]),
        [0.5, 0.5, 0.25, 0.25, 0.125, 0.25],
    ),
    "SequentialLR": (
        dict(lr=1.0, schedulers=[("ConstantLR", {"factor": 0.5}), ("StepLR", HALVES)], milestones=[2]),
        [0.5, 0.5, 1, 1, 0.5, 0.5],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_NAME)
def test_by_name(name):
    arguments, expected = BY_NAME[name]
    schedule = from_torch(name, **arguments)
    assert [round(schedule(step), 6) for step in range(len(expected))] == expected


@pytest.mark.parametrize("name", [n for n in BY_NAME if n != "LambdaLR"])
def test_text_and_configuration(name):
    schedule = from_torch(name, **BY_NAME[name][0])
    again = js.from_config(json.loads(json.dumps(js.to_config(schedule))))
    steps = range(20)
    assert [again(step) for step in steps] == [schedule(step) for step in steps]
    if name != "MultiplicativeLR":  # an array has no text that parse reads
        assert js.parse(repr(schedule)) == schedule == again


def test_the_simplest_expressions():
    assert from_torch("StepLR", lr=0.1, step_size=30) == js.step_decay(0.1, 30, 0.1)
    assert from_torch("CosineAnnealingLR", lr=0.1, T_max=100) == js.repeat(
        js.cosine_wave_schedule(0.1, 200, 1.0), 200
    )
    warmup = from_torch(
        "SequentialLR",
        lr=0.1,
        schedulers=[("LinearLR", {"start_factor": 0.01}), ("ExponentialLR", {"gamma": 0.9})],
        milestones=[5],
    )
    pieces = [js.linear_schedule(0.1 * 0.01, 0.1, 5), js.exponential_decay(0.1, 1, 0.9)]
    assert warmup == js.join_schedules(pieces, [5])


def test_momentum_by_name():
    cyclic = from_torch("CyclicLR", quantity="momentum", base_lr=0.1, max_lr=1, step_size_up=2)
    assert [round(cyclic(step), 6) for step in range(5)] == [0.9, 0.85, 0.8, 0.85, 0.9]
    one = from_torch("OneCycleLR", quantity="momentum", max_lr=1.0, total_steps=10)
    assert [round(one(step), 6) for step in (0, 1, 2, 9)] == [0.95, 0.9, 0.85, 0.95]
    assert from_torch("OneCycleLR", max_lr=1, epochs=2, steps_per_epoch=5) == from_torch(
        "OneCycleLR", max_lr=1.0, total_steps=10
    )


def test_the_function_is_called_for_the_steps_that_are_asked_for():
    calls = []

    def factor(step):
        calls.append(step)
        return 0.5

    table = from_torch("LambdaLR", lr=1.0, lr_lambda=factor, steps=4)
    assert calls == [0, 1, 2, 3]
    assert table == js.tabulated_schedule(np.full(4, 0.5))
    calls.clear()
    from_torch("MultiplicativeLR", lr=1.0, lr_lambda=factor, steps=4)
    assert calls == [1, 2, 3]  # as in torch, whose constructor does not call it
    schedulers = [("LambdaLR", {"lr_lambda": factor}), ("MultiplicativeLR", {"lr_lambda": factor})]
    calls.clear()
    from_torch("SequentialLR", lr=1.0, schedulers=schedulers, milestones=[3], steps=5)
    assert calls == [0, 1, 2, 0, 1]


def test_a_table_runs_on_the_device():
    schedule = from_torch("LambdaLR", lr=1.0, lr_lambda=lambda t: math.pow(0.5, t), steps=4)
    assert schedule(jnp.arange(6)).tolist() == [1, 0.5, 0.25, 0.125, 0.125, 0.125]


STEP = "allowed are lr, step_size, gamma"
TABULATE = "step the peer's own scheduler and give its rates to jaxsched.tabulated_schedule"
WARMUP = ("LinearLR", {})
TORCH_ERRORS = [
    (TypeError, "StepLR: missing argument 'step_size'; " + STEP, ["StepLR"], dict(lr=1)),
    (TypeError, "StepLR: missing argument 'lr'; " + STEP, ["StepLR"], dict(step_size=1)),
    (TypeError, f"StepLR: unknown argument 'T_max'; {STEP}", ["StepLR"], dict(lr=1, T_max=1)),
    (
        ValueError,
        "StepLR: step_size must be a positive integer, got 0",
        ["StepLR"],
        dict(lr=1, step_size=0),
    ),
    (
        ValueError,
        "StepLR: lr must be a finite number, got inf",
        ["StepLR"],
        dict(lr=math.inf, **HALVES),
    ),
    (
        ValueError,
        "LinearLR: start_factor must be a number above 0 and at most 1, got 0",
        ["LinearLR"],
        dict(lr=1, start_factor=0),
    ),
    (
        ValueError,
        "MultiplicativeLR: steps must be given, the number of steps to tabulate: each rate is the "
        "product of all its factors up to there, got None",
        ["MultiplicativeLR"],
        dict(lr=1, lr_lambda=lambda step: 0.9),
    ),
    (
        TypeError,
        "LambdaLR: lr_lambda must be a function, got 3",
        ["LambdaLR"],
        dict(lr=1, lr_lambda=3),
    ),
    (
        TypeError,
        "OneCycleLR: missing argument 'total_steps', or 'epochs' and 'steps_per_epoch'",
        ["OneCycleLR"],
        dict(max_lr=1, epochs=3),
    ),
    (
        ValueError,
        "quantity must be 'lr' for a StepLR, which moves no momentum (a CyclicLR or OneCycleLR within it "
        "is converted alone), got 'momentum'",
        ["StepLR"],
        dict(lr=1, quantity="momentum", **HALVES),
    ),
    (
        ValueError,
        "quantity must be 'lr' for cycle_momentum=False, got 'momentum'",
        ["CyclicLR"],
        dict(base_lr=0, max_lr=1, cycle_momentum=False, quantity="momentum"),
    ),
    (
        ValueError,
        "quantity must be 'lr' or 'momentum', got 'beta'",
        ["StepLR"],
        dict(quantity="beta"),
    ),
    (
        ValueError,
        "steps must be a positive integer, got 0",
        ["StepLR"],
        dict(lr=1, steps=0, **HALVES),
    ),
    (
        ValueError,
        "SequentialLR: milestones must have one item fewer than schedulers: 0 for 1 schedulers, got 1",
        ["SequentialLR"],
        dict(lr=1, schedulers=[WARMUP], milestones=[3]),
    ),
    (
        TypeError,
        "SequentialLR: schedulers must be a sequence of at least one pair of a class name and its "
        "arguments, got []",
        ["SequentialLR"],
        dict(lr=1, schedulers=[], milestones=[]),
    ),
    (
        TypeError,
        "ChainedScheduler: schedulers[1] must be a pair of a class name and its arguments, got 'StepLR'",
        ["ChainedScheduler"],
        dict(lr=1, schedulers=[WARMUP, "StepLR"]),
    ),
    (
        ValueError,
        "SequentialLR: schedulers must have a ChainedScheduler only in the first place: torch raises "
        "NotImplementedError when it comes to it",
        ["SequentialLR"],
        dict(
            lr=1,
            schedulers=[WARMUP, ("ChainedScheduler", {"schedulers": [WARMUP]})],
            milestones=[2],
        ),
    ),
    (
        ValueError,
        "SequentialLR: schedulers[1]: LinearLR: total_iters must not be 0 where a SequentialLR steps it, "
        "got 0: torch divides by it and raises ZeroDivisionError",
        ["SequentialLR"],
        dict(lr=1, schedulers=[WARMUP, ("LinearLR", {"total_iters": 0})], milestones=[2]),
    ),
    (
        ValueError,
        "schedulers on top of one another: a LambdaLR, CyclicLR, OneCycleLR, CosineAnnealingWarmRestarts, "
        "SWALR or a CosineAnnealingLR with eta_min does not multiply the rate it finds, so that what "
        f"stands beside it acts for one step only; {TABULATE}",
        ["ChainedScheduler"],
        dict(lr=1, schedulers=[("CosineAnnealingLR", {"T_max": 9, "eta_min": 0.1}), WARMUP]),
    ),
    (
        ValueError,
        "schedulers on top of one another: a CosineAnnealingLR starts anew from its base rate after its "
        "lowest point, without what the other schedulers have come to, each time: there is no closed form "
        f"beyond it; {TABULATE}",
        ["ChainedScheduler"],
        dict(
            lr=1,
            schedulers=[("CosineAnnealingLR", {"T_max": 9}), ("ExponentialLR", {"gamma": 0.9})],
        ),
    ),
]


@pytest.mark.parametrize(
    ("error", "message", "given", "named"), TORCH_ERRORS, ids=range(len(TORCH_ERRORS))
)
def test_errors(error, message, given, named):
    with pytest.raises(error, match=f"^from_torch: {re.escape(message)}$"):
        from_torch(*given, **named)


def test_an_unknown_scheduler():
    with pytest.raises(
        ValueError,
        match=r"^from_torch: scheduler must be one of ChainedScheduler, .*'Cos'; did you mean "
        r"'CosineAnnealingLR' or 'CosineAnnealingWarmRestarts' or 'ConstantLR'\?$",
    ):
        from_torch("Cos", lr=1.0)
    with pytest.raises(
        ValueError, match=r"schedulers\[0\]: the class must be one of .*, got 'Reduce"
    ):
        from_torch("ChainedScheduler", lr=1.0, schedulers=[("ReduceLROnPlateau", {})])
    for function in (from_torch, torch_position):
        with pytest.raises(
            TypeError, match=r"an object of types\.SimpleNamespace; for a class of your own"
        ):
            function(SimpleNamespace())


def test_another_version_of_torch_is_told():
    kind = type("ExponentialLR", (), {"__module__": "torch.optim.lr_scheduler"})
    scheduler = kind()
    scheduler.optimizer = SimpleNamespace(param_groups=[{"lr": 0.1}])
    scheduler.base_lrs = [0.1]
    with pytest.raises(
        ValueError, match=r"^from_torch: ExponentialLR: this version of the peer has no attr"
    ):
        from_torch(scheduler)
    scheduler.gamma = 0.9
    assert from_torch(scheduler) == js.exponential_decay(0.1, 1, 0.9)
    scheduler.last_epoch = 7
    assert torch_position(scheduler) == 7


def test_torch_is_not_imported():
    program = (
        "import sys; from jaxsched.interop.torch import from_torch\n"
        "from_torch('StepLR', lr=1.0, step_size=3)\n"
        "print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
