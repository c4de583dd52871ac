"""The live schedulers of torch, for random hyperparameters over whole runs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler, swa_utils

import jaxsched as js

SEEDS = range(8)


def optimizer(rate: float = 1.0):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate, momentum=0.9)


def curve(make, rate: float, steps: int) -> list[float]:
    """The rates a run of so many updates uses."""
    run = optimizer(rate)
    scheduler, rates = make(run), []
    for step in range(steps):
        rates.append(run.param_groups[0]["lr"])
        if step + 1 < steps:
            run.step()
            scheduler.step()
    return rates


def same(schedule: js.Schedule, rates: list[float]) -> None:
    ours = [schedule(step) for step in range(len(rates))]
    np.testing.assert_allclose(ours, rates, rtol=1e-9, atol=1e-15)


@pytest.fixture(params=SEEDS)
def rng(request):
    return np.random.default_rng(request.param)


def test_step_lr(rng):
    rate, every, gamma = rng.uniform(0.01, 1), int(rng.integers(1, 20)), rng.uniform(0.1, 1.1)
    rates = curve(lambda o: lr_scheduler.StepLR(o, every, gamma), rate, 100)
    same(js.step_decay(rate, every, gamma), rates)


def test_multi_step_lr(rng):
    rate, gamma = rng.uniform(0.01, 1), rng.uniform(0.1, 1)
    milestones = sorted(rng.integers(1, 100, 5).tolist())
    rates = curve(lambda o: lr_scheduler.MultiStepLR(o, milestones, gamma), rate, 120)
    same(js.multistep_schedule(rate, milestones, gamma), rates)


def test_warm_restarts(rng):
    rate, first, growth = rng.uniform(0.01, 1), int(rng.integers(1, 20)), int(rng.integers(1, 4))
    low = rng.uniform(0, rate)
    make = lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, first, growth, low)
    same(js.cosine_decay_restarts(rate, first, growth, alpha=low / rate), curve(make, rate, 300))


@pytest.mark.parametrize("mode", ["triangular", "triangular2", "exp_range"])
def test_cyclic_lr(rng, mode):
    low, high = rng.uniform(0.01, 0.1), rng.uniform(0.2, 1)
    up, down, gamma = int(rng.integers(1, 20)), int(rng.integers(1, 20)), rng.uniform(0.9, 1)
    make = lambda o: lr_scheduler.CyclicLR(o, low, high, up, down, mode, gamma)
    ours = js.cyclic_schedule(low, high, up, down, mode, gamma)
    ours_at = [ours(step) for step in range(200)]
    np.testing.assert_allclose(ours_at, curve(make, low, 200), rtol=1e-9, atol=1e-12 * high)


@pytest.mark.parametrize("scale_mode", ["cycle", "iterations"])
def test_cyclic_lr_with_a_scale_function(rng, scale_mode):
    up, down = int(rng.integers(1, 20)), int(rng.integers(1, 20))
    scale = lambda x: 1 / (1 + 0.1 * x)
    make = lambda o: lr_scheduler.CyclicLR(
        o, 0.1, 0.5, up, down, scale_fn=scale, scale_mode=scale_mode
    )
    ours = js.cyclic_schedule(0.1, 0.5, up, down, scale_function=scale, scale_mode=scale_mode)
    np.testing.assert_allclose(
        [ours(step) for step in range(200)], curve(make, 0.1, 200), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_one_cycle(rng, strategy, three_phase):
    total, peak = int(rng.integers(20, 200)), rng.uniform(0.01, 1)
    start, div, final = rng.uniform(0.1, 0.45), rng.uniform(2, 50), rng.uniform(10, 1e5)
    make = lambda o: lr_scheduler.OneCycleLR(
        o, peak, total, pct_start=start, anneal_strategy=strategy, div_factor=div,
        final_div_factor=final, three_phase=three_phase,
    )  # fmt: skip
    ours = js.torch_onecycle_schedule(total, peak, start, strategy, div, final, three_phase)
    np.testing.assert_allclose(
        [ours(step) for step in range(total)],
        curve(make, peak, total),
        rtol=1e-9,
        atol=1e-14 * peak,
    )


@pytest.mark.parametrize(
    ("strategy", "shape"), [("cos", js.shapes.cosine()), ("linear", js.shapes.linear())]
)
def test_swa_lr(rng, strategy, shape):
    rate, goal, gamma = rng.uniform(0.1, 1), rng.uniform(0.01, 0.1), rng.uniform(0.9, 1)
    start, anneal = int(rng.integers(1, 30)), int(rng.integers(1, 20))
    run = optimizer(rate)
    base, rates = lr_scheduler.ExponentialLR(run, gamma), []
    for step in range(80):
        rates.append(run.param_groups[0]["lr"])
        run.step()
        if step < start:
            base.step()
            if step + 1 == start:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    swa = swa_utils.SWALR(run, goal, anneal, strategy)
        else:
            swa.step()
    schedule = js.swa_schedule(js.exponential_decay(rate, 1, gamma), goal, start, anneal, shape)
    same(schedule, rates)
