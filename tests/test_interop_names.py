"""The names that a peer has for a scheduler, and what is said of a misspelt one. No peer is needed."""

from __future__ import annotations

import pytest

import jaxsched as js
from jaxsched._tools.source import read
from jaxsched.interop.keras import from_keras
from jaxsched.interop.timm import from_timm
from jaxsched.interop.torch import from_torch
from jaxsched.interop.transformers import FUNCTIONS, NAMES, from_transformers

DECAY = js.cosine_decay_schedule(0.1, 10)
STAIRS = js.step_decay(0.1, 3, 0.1)
COSINE = js.transition_schedule(0.1, 0.0, 10, js.shapes.cosine())
LINE = js.join_schedules(
    [js.linear_schedule(0.0, 0.1, 2), js.linear_schedule(0.1, 0.0, 4)], boundaries=[2]
)
TORCH = dict(lr=0.1, step_size=3)
TIMM = dict(lr=0.1, t_initial=10)
KERAS = dict(initial_learning_rate=0.1, decay_steps=10)
TRANSFORMERS = dict(learning_rate=0.1, num_warmup_steps=2, num_training_steps=6)

# (function, name, arguments, the schedule): the command line writes the same name after the peer's.
ACCEPTED = [
    (from_torch, "StepLR", TORCH, STAIRS),
    (from_torch, "torch.optim.lr_scheduler.StepLR", TORCH, STAIRS),
    (from_timm, "CosineLRScheduler", TIMM, COSINE),
    (from_timm, "timm.scheduler.CosineLRScheduler", TIMM, COSINE),
    (from_timm, "cosine", TIMM, COSINE),
    (from_keras, "CosineDecay", KERAS, DECAY),
    (from_keras, "keras.optimizers.schedules.CosineDecay", KERAS, DECAY),
    (from_keras, "tf.keras.optimizers.schedules.CosineDecay", KERAS, DECAY),
    (from_transformers, "linear", TRANSFORMERS, LINE),
    (from_transformers, "get_linear_schedule_with_warmup", TRANSFORMERS, LINE),
    (from_transformers, "transformers.get_linear_schedule_with_warmup", TRANSFORMERS, LINE),
]


@pytest.mark.parametrize(
    ("function", "name", "given", "schedule"), ACCEPTED, ids=[row[1] for row in ACCEPTED]
)
def test_python_and_the_command_take_the_same_names(function, name, given, schedule):
    assert function(name, **given) == schedule
    peer = function.__name__.removeprefix("from_")
    path = name if "." in name else f"{peer}.{name}"
    written = ", ".join(f"{key}={value!r}" for key, value in given.items())
    assert read(f"{path}({written})") == schedule


def test_a_path_stands_within_another_scheduler_too():
    line = ("torch.optim.lr_scheduler.LinearLR", {"total_iters": 4})
    children = [line, ("StepLR", {"step_size": 3})]
    whole = from_torch("SequentialLR", lr=0.1, schedulers=children, milestones=[4])
    plain = [("LinearLR", {"total_iters": 4}), ("StepLR", {"step_size": 3})]
    assert whole == from_torch("SequentialLR", lr=0.1, schedulers=plain, milestones=[4])


def test_every_short_name_of_timm():
    for name in ("cosine", "tanh", "poly"):
        kind = {"cosine": "Cosine", "tanh": "Tanh", "poly": "Poly"}[name]
        assert from_timm(name, **TIMM) == from_timm(f"{kind}LRScheduler", **TIMM)
    stairs = from_timm("StepLRScheduler", lr=0.1, decay_t=3)
    assert from_timm("step", lr=0.1, decay_t=3) == stairs
    several = from_timm("MultiStepLRScheduler", lr=0.1, decay_t=[3])
    assert from_timm("multistep", lr=0.1, decay_t=[3]) == several
    stable = from_timm("WSDLRScheduler", lr=0.1, t_initial=9, decay_t=3)
    assert from_timm("wsd", lr=0.1, t_initial=9, decay_t=3) == stable
    assert hasattr(from_timm("plateau", lr=0.1), "update")


def test_every_function_of_transformers_has_its_name():
    assert {*FUNCTIONS.values()} == {*NAMES, "greedy"}
    assert all(function.startswith("get_") for function in FUNCTIONS)


def test_keras_by_name_is_keras_by_mapping():
    given = {"class_name": "CosineDecay", "config": KERAS}
    assert from_keras("CosineDecay", **KERAS) == from_keras(given)
    state = from_keras("ReduceLROnPlateau", learning_rate=0.1, factor=0.5).init(None)
    assert state.scale == 1


TORCHES = (
    "ChainedScheduler, ConstantLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR, "
    "ExponentialLR, LambdaLR, LinearLR, MultiStepLR, MultiplicativeLR, OneCycleLR, PolynomialLR, "
    "ReduceLROnPlateau, SWALR, SequentialLR, StepLR"
)
KERASES = (
    "ExponentialDecay, PiecewiseConstantDecay, PolynomialDecay, InverseTimeDecay, CosineDecay, "
    "CosineDecayRestarts, LearningRateScheduler, ReduceLROnPlateau"
)
MISSPELT = [
    (lambda: from_torch("StepRL"), ValueError,
     f"from_torch: scheduler must be one of {TORCHES}, got 'StepRL'; did you mean 'StepLR' or "
     "'MultiStepLR'?"),
    (lambda: from_torch("StepLR", lr=0.1, stepsize=3), TypeError,
     "from_torch: StepLR: unknown argument 'stepsize'; did you mean 'step_size'? Allowed are lr, "
     "step_size, gamma"),
    (lambda: from_timm("CosineLRSchedular", lr=0.1), ValueError,
     "from_timm: scheduler must be one of CosineLRScheduler, MultiStepLRScheduler, PlateauLRScheduler, "
     "PolyLRScheduler, StepLRScheduler, TanhLRScheduler, WSDLRScheduler, got 'CosineLRSchedular'; did you "
     "mean 'CosineLRScheduler' or 'TanhLRScheduler' or 'StepLRScheduler'?"),
    (lambda: from_keras("CosinDecay", **KERAS), ValueError,
     f"from_keras: schedule must be one of {KERASES}, got 'CosinDecay'; did you mean 'CosineDecay' or "
     "'CosineDecayRestarts' or 'PolynomialDecay'?"),
    (lambda: from_keras("CosineDecay", initial_learning_rate=0.1, decay_step=10), TypeError,
     "from_keras: CosineDecay: no argument is called 'decay_step'; did you mean 'decay_steps' or "
     "'warmup_steps'? It has initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps"),
    (lambda: from_keras({"class_name": "CosineDecay", "config": KERAS}, alpha=0.5), TypeError,
     "from_keras: 'alpha' must not be given beside an object or a mapping, which have their own arguments"),
    (lambda: from_transformers("cosin", 0.1), ValueError,
     f"from_transformers: name must be {' or '.join(map(repr, NAMES))}, got 'cosin'; did you mean 'cosine' "
     "or 'cosine_with_min_lr' or 'cosine_with_restarts'?"),
    (lambda: from_transformers("cosine", lr=0.1), TypeError,
     "from_transformers: no argument is called 'lr'; it has name, learning_rate, num_warmup_steps, "
     "num_training_steps, scheduler_specific_kwargs"),
    (lambda: from_transformers("cosine", 0.1, 1, 9, {"num_cycle": 1}), TypeError,
     "from_transformers: scheduler_specific_kwargs of 'cosine': no argument is called 'num_cycle'; did "
     "you mean 'num_cycles'? It has num_cycles"),
    (lambda: read("torch.CosineAnealingLR(lr=0.1, T_max=9)"), ValueError,
     f"from_torch: scheduler must be one of {TORCHES}, got 'CosineAnealingLR'; did you mean "
     "'CosineAnnealingLR' or 'CosineAnnealingWarmRestarts' or 'ExponentialLR'?"),
    (lambda: read("CosineAnnealingLR(lr=0.1, T_max=9)"), ValueError,
     "'CosineAnnealingLR' needs the library's name before it: torch.CosineAnnealingLR"),
    (lambda: read("ReduceLROnPlateau(lr=0.1)"), ValueError,
     "'ReduceLROnPlateau' needs the library's name before it: torch.ReduceLROnPlateau or "
     "keras.ReduceLROnPlateau"),
    (lambda: read("CosineAnealingLR(lr=0.1, T_max=9)"), ValueError,
     "'CosineAnealingLR' is not known; did you mean 'torch.CosineAnnealingLR' or "
     "'torch.CosineAnnealingWarmRestarts' or 'keras.CosineDecay'?"),
    (lambda: read("linear_schedul(1, 0, 9)"), ValueError,
     "column 1 ('linear_schedul(1, 0, 9)'): unknown name 'linear_schedul'; did you mean "
     "'linear_schedule' or 'noam_schedule' or 'linear_onecycle_schedule'?"),
    (lambda: js.Horizon(example=9), TypeError,
     "Horizon: no argument is called 'example'; did you mean 'examples' or 'tokens_per_example'? It has "
     "examples, batch_size, epochs, steps, steps_per_epoch, accumulation, replicas, tokens_per_example, "
     "last_batch"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), MISSPELT, ids=range(len(MISSPELT)))
def test_a_misspelt_name_is_named_with_what_was_probably_meant(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert type(raised.value) is error
    assert str(raised.value) == message
