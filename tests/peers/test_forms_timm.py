"""The live schedulers of timm. Its `__init__` wants torchvision; the schedulers do not."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types

import numpy as np
import pytest
import torch

import jaxsched as js

FOLDER = importlib.util.find_spec("timm").submodule_search_locations[0]


def scheduler_module(name: str):
    """A module of timm.scheduler, without running the packages' own `__init__`."""
    for package, path in (("timm", FOLDER), ("timm.scheduler", f"{FOLDER}/scheduler")):
        stub = sys.modules.setdefault(package, types.ModuleType(package))
        stub.__path__ = [path]
    return importlib.import_module(f"timm.scheduler.{name}")


@pytest.mark.parametrize("seed", range(8))
def test_k_decay(seed):
    rng = np.random.default_rng(seed)
    cosine = scheduler_module("cosine_lr").CosineLRScheduler
    rate, total, k = rng.uniform(0.1, 1), int(rng.integers(10, 100)), rng.uniform(0.5, 3)
    low = rate * rng.uniform(0, 0.5)
    run = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = cosine(run, total, lr_min=low, k_decay=k)
    theirs = []
    for epoch in range(total):
        scheduler.step(epoch)
        theirs.append(run.param_groups[0]["lr"])
    ours = js.k_decay_schedule(rate, low, total, k)
    np.testing.assert_allclose([ours(t) for t in range(total)], theirs, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("seed", range(8))
def test_tanh(seed):
    rng = np.random.default_rng(seed)
    tanh = scheduler_module("tanh_lr").TanhLRScheduler
    rate, total = rng.uniform(0.1, 1), int(rng.integers(10, 100))
    low, lower, upper = rate * rng.uniform(0, 0.5), -rng.uniform(2, 8), rng.uniform(1, 4)
    run = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = tanh(run, total, lb=lower, ub=upper, lr_min=low)
    theirs = []
    for epoch in range(total + 3):
        scheduler.step(epoch)
        theirs.append(run.param_groups[0]["lr"])
    ours = js.transition_schedule(rate, low, total, js.shapes.tanh(lower, upper))
    np.testing.assert_allclose([ours(t) for t in range(total + 3)], theirs, rtol=1e-9, atol=1e-14)
