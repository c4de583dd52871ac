"""The live schedules of transformers and timm, for random hyperparameters over whole runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

import jaxsched as js
from jaxsched import shapes


@pytest.fixture(params=range(6))
def rng(request):
    return np.random.default_rng(request.param)


def optimizer(rate: float):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)


def same(schedule: js.Schedule, make, rate: float, steps: int) -> None:
    run = optimizer(rate)
    scheduler, theirs = make(run), []
    for _ in range(steps):
        theirs.append(run.param_groups[0]["lr"])
        run.step()
        scheduler.step()
    ours = [schedule(step) for step in range(steps)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-14)


DECAYS = {
    "linear": shapes.linear(),
    "cosine": shapes.cosine(),
    "1-sqrt": shapes.inverse_power(0.5),
}
WARMUPS = {"linear": shapes.linear(), "cosine": shapes.cosine(), "1-sqrt": shapes.power(0.5)}


@pytest.mark.parametrize("warmup", WARMUPS)
@pytest.mark.parametrize("decay", DECAYS)
def test_wsd(rng, decay, warmup):
    rate, ratio = rng.uniform(0.1, 1), rng.uniform(0, 0.3)
    w, s, d = (int(n) for n in rng.integers(1, 40, 3))
    make = lambda o: transformers.get_wsd_schedule(
        o, w, d, num_stable_steps=s, warmup_type=warmup, decay_type=decay, min_lr_ratio=ratio
    )
    ours = js.warmup_stable_decay_schedule(
        rate * ratio, rate, w, s, d, rate * ratio, DECAYS[decay], WARMUPS[warmup]
    )
    same(ours, make, rate, w + s + d + 10)


def test_inverse_sqrt(rng):
    rate, warmup = rng.uniform(0.1, 1), int(rng.integers(1, 40))
    same(
        js.inverse_sqrt_schedule(rate, warmup),
        lambda o: transformers.get_inverse_sqrt_schedule(o, warmup),
        rate, 200,
    )  # fmt: skip
    scale = int(rng.integers(1, 100))
    same(
        js.inverse_sqrt_schedule(rate, warmup, scale),
        lambda o: transformers.get_inverse_sqrt_schedule(o, warmup, scale),
        rate, 200,
    )  # fmt: skip


def test_cosine_waves(rng):
    rate, total = rng.uniform(0.1, 1), int(rng.integers(20, 100))
    waves = float(rng.uniform(0.2, 3))
    same(
        js.cosine_wave_schedule(rate, total, waves),
        lambda o: transformers.get_cosine_schedule_with_warmup(o, 0, total, waves),
        rate, total,
    )  # fmt: skip
