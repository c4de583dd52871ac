"""from_transformers against the live get_scheduler: every name, at every step of a run and past its end."""

from __future__ import annotations

import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import transformers
from numpy.testing import assert_array_equal
from plateau_reference import metric_sequences
from transformers.trainer_utils import SchedulerType

import jaxsched
from jaxsched.interop.transformers import NAMES, from_transformers

CASES = 250


def theirs_of(name, rate, warmup, total, arguments, steps):
    """The rates a run of so many updates uses."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = transformers.get_scheduler(name, optimizer, warmup, total, arguments)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


def lengths(rng):
    """Warmup and whole: short and long, with none, with nothing after it, longer than the run."""
    warmup = int(rng.choice([0, 1, 2, rng.integers(3, 40)]))
    after = int(rng.choice([1, 2, 0, -1, rng.integers(3, 80), rng.integers(3, 80)]))
    return warmup, max(warmup + after, 0)


def cycles(rng):
    return float(rng.choice([0.5, 0.5, 1, 1.5, 2, 3, 7, 0.25, 0.1, 0, rng.uniform(0.1, 4)]))


def a_minimum(rng, rate):
    if rng.random() < 0.5:
        return {"min_lr": float(rng.choice([0, rate, rng.uniform(0, rate)]))}
    return {"min_lr_rate": float(rng.choice([0, 1, 1.5, -0.5, rng.uniform(0, 1)]))}


def stable_decay(rng, warmup, total):
    arguments = {
        "num_decay_steps": int(rng.choice([0, 1, rng.integers(2, 60)])),
        "warmup_type": str(rng.choice(["linear", "cosine", "1-sqrt"])),
        "decay_type": str(rng.choice(["linear", "cosine", "1-sqrt"])),
        "min_lr_ratio": float(rng.choice([0, 1, 0.1, rng.uniform(0, 1)])),
        "num_cycles": cycles(rng),
    }
    if rng.random() < 0.5:
        arguments["num_stable_steps"] = int(rng.choice([0, 1, rng.integers(2, 60)]))
        total = None if rng.random() < 0.5 else total
    return total, arguments


def draw(rng, name):
    rate = float(rng.choice([1.0, 1e-4, rng.uniform(1e-3, 1)]))
    warmup, total = lengths(rng)
    arguments = {}
    if name == "cosine":
        arguments = {"num_cycles": cycles(rng)} if rng.random() < 0.8 else {}
    elif name == "cosine_with_restarts":
        waves = float(rng.choice([1, 2, 3, 4, 5, 7, 0, 0.5, 1.5, 2.7]))
        arguments = {"num_cycles": int(waves) if waves % 1 == 0 else waves}
    elif name == "polynomial":
        total += total == warmup  # there transformers divides by 0; see below
        end = float(rng.choice([0, 1e-7, rng.uniform(0, rate)]))
        arguments = {"lr_end": end, "power": float(rng.choice([0, 1, 2, 0.5, rng.uniform(0, 4)]))}
    elif name == "inverse_sqrt":
        choices = [{}, {"timescale": None}, {"timescale": int(rng.integers(1, 100))}]
        arguments, total = choices[rng.integers(3)], None
    elif name.endswith("with_min_lr"):
        arguments = {"num_cycles": cycles(rng), **a_minimum(rng, rate)}
        if name == "cosine_warmup_with_min_lr" and rng.random() < 0.6:
            arguments["warmup_lr_rate"] = float(rng.choice([0, 1, rng.uniform(0, 1.5)]))
    elif name == "warmup_stable_decay":
        total, arguments = stable_decay(rng, warmup, total)
    elif name == "constant_with_warmup":
        total = None
    elif name == "constant":
        warmup = total = None
    return rate, warmup, total, arguments


CURVES = [name for name in NAMES if name != "reduce_lr_on_plateau"]


@pytest.mark.filterwarnings("ignore:Both num_training_steps and num_stable_steps")
@pytest.mark.parametrize("name", CURVES)
def test_the_same_curve(name):
    rng = np.random.default_rng(CURVES.index(name))
    for case in range(CASES):
        rate, warmup, total, arguments = draw(rng, name)
        stable = arguments.get("num_stable_steps") or 0
        end = max(total or 0, (warmup or 0) + stable + arguments.get("num_decay_steps", 40))
        steps = end + end // 2 + 12
        theirs = theirs_of(name, rate, warmup, total, arguments, steps)
        schedule = from_transformers(name, rate, warmup, total, arguments)
        ours = np.array([schedule(step) for step in range(steps)])
        message = f"{(rate, warmup, total, arguments)}: {schedule}"
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-13 * rate, err_msg=message)
        assert eval(repr(schedule), vars(jaxsched)) == schedule
        if case % 25 == 0:
            device = jax.jit(schedule)(jnp.arange(steps))
            np.testing.assert_allclose(device, ours, rtol=2e-6, atol=1e-6 * rate, err_msg=message)


def test_every_name_of_the_installed_version_is_known():
    members = {member.value for member in SchedulerType}
    assert members - {"greedy"} == set(NAMES)


@pytest.mark.parametrize("member", list(SchedulerType))
def test_a_member_of_the_enumeration_is_its_name(member):
    arguments = {"warmup_stable_decay": {"num_decay_steps": 5}}.get(member.value, {})
    arguments |= {"min_lr": 0.01} if member.value.endswith("min_lr") else {}
    call = (0.1, 10, 100, arguments)
    if member.value == "greedy":
        with pytest.raises(ValueError, match="GreedyLR follows the metric"):
            from_transformers(member, *call)
    elif member is SchedulerType.REDUCE_ON_PLATEAU:
        assert hasattr(from_transformers(member, *call), "update")
    else:
        assert from_transformers(member, *call) == from_transformers(member.value, *call)


MISTAKES = [
    ("linear", None, 10, {}), ("cosine", None, 10, {}), ("inverse_sqrt", None, None, {}),
    ("constant_with_warmup", None, None, {}), ("warmup_stable_decay", None, 10, {}),
    ("linear", 3, None, {}), ("polynomial", 3, None, {}), ("cosine_with_restarts", 3, None, {}),
    ("linear", 3, 10, {"power": 2}), ("cosine", 3, 10, {"min_lr": 0.1}),
    ("warmup_stable_decay", 3, 10, {}), ("warmup_stable_decay", 3, None, {"num_decay_steps": 5}),
    ("warmup_stable_decay", 3, 10, {"num_decay_steps": 5, "decay_type": "sqrt"}),
    ("cosine_with_min_lr", 3, 10, {}), ("cosine_warmup_with_min_lr", 3, 10, {}),
    ("cosine_with_min_lr", 3, 10, {"min_lr": 0.1, "min_lr_rate": 0.1}),
    ("polynomial", 3, 10, {"lr_end": 0.1}), ("reduce_lr_on_plateau", None, None, {"gamma": 0.1}),
    ("reduce_lr_on_plateau", None, None, {"factor": 1.5}), ("sine", 3, 10, {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "warmup", "total", "arguments"), MISTAKES)
def test_the_same_mistakes_are_errors(name, warmup, total, arguments):
    with pytest.raises((ValueError, TypeError)) as theirs:
        theirs_of(name, 0.1, warmup, total, arguments, 1)
    with pytest.raises(theirs.type):
        from_transformers(name, 0.1, warmup, total, arguments)


def test_where_transformers_divides_by_zero_the_polynomial_has_ended():
    with pytest.raises(ZeroDivisionError):
        theirs_of("polynomial", 0.1, 5, 5, {}, 6)
    schedule = from_transformers("polynomial", 0.1, 5, 5)
    assert [schedule(4), schedule(5)] == [pytest.approx(0.08), 1e-7]


def test_where_transformers_misses_a_restart_by_its_last_digit():
    """49 * (1 / 49) is below 1: the rate is at the end of the cycle before, 0."""
    theirs = theirs_of("cosine_with_restarts", 1.0, 0, 49, {"num_cycles": 49}, 50)
    ours = from_transformers("cosine_with_restarts", 1.0, 0, 49, {"num_cycles": 49})
    assert theirs[[0, 1, 3]] == pytest.approx([1, 0, 1])
    assert [ours(step) for step in range(50)] == [1.0] * 49 + [0.0]


@pytest.mark.usefixtures("nan_on_purpose")
@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_plateau_reduces_when_theirs_does(mode):
    rng, rows = np.random.default_rng(3), 300
    bad = math.inf if mode == "min" else -math.inf
    values = metric_sequences(rng, rows, 40, positive=True, bad_infinity=bad)
    rates = rng.choice([0.25, 1.0, 8.0], rows).astype(np.float32)
    arrays = {
        "factor": rng.choice([0.125, 0.25, 0.5], rows).astype(np.float32),
        "patience": rng.integers(0, 5, rows),
        "threshold": rng.choice([0.0, 2.0**-12, 0.125], rows).astype(np.float32),
        "cooldown": rng.integers(0, 4, rows),
        "min_lr": rng.choice([0.0, 2.0**-6, 0.3125], rows).astype(np.float32),
    }

    def row(rate, numbers, values):
        arguments = {"mode": mode, **numbers}
        plateau = from_transformers(
            "reduce_lr_on_plateau", rate, scheduler_specific_kwargs=arguments
        )

        def step(state, value):
            _, state = plateau.update(jnp.ones(1), state, value=value)
            return state, rate * state.applied_scale

        return jax.lax.scan(step, plateau.init(None), values)[1]

    ours = jax.jit(jax.vmap(row))(jnp.asarray(rates), arrays, jnp.asarray(values))
    theirs = []
    for i, sequence in enumerate(values):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rates[i].item())
        arguments = {"mode": mode, **{k: a[i].item() for k, a in arrays.items()}}
        scheduler = transformers.get_scheduler(
            "reduce_lr_on_plateau", optimizer, scheduler_specific_kwargs=arguments
        )
        theirs.append([])
        for value in sequence.tolist():
            scheduler.step(value)
            theirs[-1].append(optimizer.param_groups[0]["lr"])
    assert_array_equal(np.asarray(ours), np.float32(theirs))
    assert len(np.unique(ours)) > 10


def test_the_constant_schedules_ignore_what_else_is_given_as_there():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("constant", "constant_with_warmup"):
            theirs = theirs_of(name, 0.1, 5, 20, {"power": 2}, 8)
            ours = from_transformers(name, 0.1, 5, 20, {"power": 2})
            np.testing.assert_allclose([ours(step) for step in range(8)], theirs, rtol=1e-12)
