"""The peers that are installed, each behind the same two questions: a call to time, the rate at a step.

The call is what a training loop does once per step. torch's and transformers' schedulers only go
forward; timm's are told the number of the update; Keras's and TensorFlow's are functions of the step.
"""

import importlib
import os
import sys
import types
import warnings
from importlib.machinery import PathFinder

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

STEP = 123


class _Scheduler:
    """A library whose schedulers write into a torch optimizer."""

    def __init__(self, module):
        self.module = module

    def _new(self, build):
        import torch

        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        return build(self.module, optimizer), optimizer

    def call(self, build):
        return self._new(build)[0].step

    def rate(self, build, step):
        scheduler, optimizer = self._new(build)
        for _ in range(step):
            scheduler.step()
        return optimizer.param_groups[0]["lr"]


class _Numbered(_Scheduler):
    """timm: the scheduler is told which update it is."""

    def call(self, build):
        scheduler, _ = self._new(build)
        return lambda: scheduler.step_update(STEP)

    def rate(self, build, step):
        scheduler, optimizer = self._new(build)
        scheduler.step_update(step)
        return optimizer.param_groups[0]["lr"]


class _Function:
    """Keras and TensorFlow: a function of the step, whose tensor is read."""

    def __init__(self, module):
        self.module = module

    def call(self, build):
        schedule = build(self.module)
        return lambda: float(schedule(STEP))

    def rate(self, build, step):
        return float(build(self.module)(step))


def _timm():
    """timm's schedulers without the package's own `__init__`, which wants torchvision."""
    folder = PathFinder.find_spec("timm").submodule_search_locations[0]
    stubs = {"timm": folder, "timm.scheduler": f"{folder}/scheduler"}
    added = [name for name in stubs if name not in sys.modules]
    for name in added:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [stubs[name]]
    try:
        kinds = {"Cosine": "cosine_lr", "MultiStep": "multistep_lr", "Poly": "poly_lr"}
        kinds |= {"Step": "step_lr", "Tanh": "tanh_lr", "WSD": "wsd_lr"}
        found = {
            f"{kind}LRScheduler": getattr(
                importlib.import_module(f"timm.scheduler.{file}"), f"{kind}LRScheduler"
            )
            for kind, file in kinds.items()
        }
    finally:
        for name in added:
            del sys.modules[name]
    return types.SimpleNamespace(**found)


# field of an Entry -> (the packages it needs, how it is asked, its module)
_PEERS = {
    "torch": (
        ("torch",), _Scheduler, lambda: importlib.import_module("torch.optim.lr_scheduler")
    ),
    "keras": (
        ("keras", "tensorflow"), _Function,
        lambda: importlib.import_module("keras.optimizers.schedules"),
    ),
    "tensorflow": (
        ("tensorflow",), _Function, lambda: importlib.import_module("tensorflow").compat.v1.train
    ),
    "transformers": (
        ("torch", "transformers"), _Scheduler,
        lambda: importlib.import_module("transformers.optimization"),
    ),
    "timm": (("torch", "timm"), _Numbered, _timm),
}  # fmt: skip

NAMES = tuple(_PEERS)


def installed():
    """Field of an Entry -> the peer, of those that are installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the peers' own imports warn of
        return {
            name: ask(module())
            for name, (packages, ask, module) in _PEERS.items()
            if all(map(PathFinder.find_spec, packages))
        }
