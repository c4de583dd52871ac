"""The schedules that are measured, the same of each library, and what each is at best.

`python` is a formula written by hand for exactly these numbers: what a user would write who needs
nothing else. It is the limit that a library can approach.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import optax

import jaxsched

LENGTH = 10_000
BETWEEN = 1_000
CYCLE = {"init_value": 0.0, "peak_value": 0.1, "warmup_steps": 5, "decay_steps": 25}


@dataclass(frozen=True)
class Entry:
    """One schedule in all its forms.

    Attributes:
      make: builds it with a library (jaxsched or optax).
      python: the same by hand, a function of a Python number.
      jnp: the same by hand, a function of an array, where it differs.
      simple: whether it is one formula.
      torch: builds the counterpart from torch's lr_scheduler module and an optimizer.
      keras: builds the counterpart from Keras' schedules module.
    """

    make: Callable[[Any], Any]
    python: Callable[[float], float]
    jnp: Callable[[Any], Any]
    simple: bool = True
    torch: Callable[[Any, Any], Any] | None = None
    keras: Callable[[Any], Any] | None = None


def _cosine(step):
    return 0.05 * (1 + math.cos(math.pi * min(step, LENGTH) / LENGTH))


def _cosine_jnp(step):
    return 0.05 * (1 + jnp.cos(math.pi / LENGTH * jnp.minimum(step, LENGTH)))


def _ramp(step):
    return 0.1 * (1 - min(step, LENGTH) / LENGTH)


def _ramp_jnp(step):
    return 0.1 * (1 - jnp.minimum(step, LENGTH) / LENGTH)


def _warm(step, rest):
    return 0.1 * step / 500 if step < 500 else rest(step - 500)


def _warm_jnp(step, rest):
    return jnp.where(step < 500, 0.1 / 500 * step, rest(step - 500))


def _constants(step):
    return 0.1 if step < 3000 else 0.05 if step < 6000 else 0.005


def _constants_jnp(step):
    return jnp.where(step < 3000, 0.1, jnp.where(step < 6000, 0.05, 0.005))


def _knots(step):
    if step < 3000:
        return 0.1 - 0.05 / 3000 * step
    return 0.05 - 0.045 / 3000 * (min(step, 6000) - 3000)


def _knots_jnp(step):
    later = 0.05 - 0.045 / 3000 * (jnp.minimum(step, 6000) - 3000)
    return jnp.where(step < 3000, 0.1 - 0.05 / 3000 * step, later)


def _lines(step):
    if step < 3000:
        return 0.004 + 0.096 / 3000 * step
    if step < 8500:
        return 0.1 - 0.096 / 5500 * (step - 3000)
    return 0.004 - 0.0039996 / 1500 * (min(step, LENGTH) - 8500)


def _lines_jnp(step):
    down = 0.1 - 0.096 / 5500 * (step - 3000)
    last = 0.004 - 0.0039996 / 1500 * (jnp.minimum(step, LENGTH) - 8500)
    later = jnp.where(step < 8500, down, last)
    return jnp.where(step < 3000, 0.004 + 0.096 / 3000 * step, later)


def _waves(step):
    if step < 3000:
        return 0.052 - 0.048 * math.cos(math.pi / 3000 * step)
    rest = math.cos(math.pi / 7000 * (min(step, LENGTH) - 3000))
    return 0.0500002 + 0.0499998 * rest


def _waves_jnp(step):
    early = step < 3000
    turn = math.pi * jnp.where(early, 1 / 3000, 1 / 7000)
    wave = jnp.cos(turn * (jnp.minimum(step, LENGTH) - jnp.where(early, 0, 3000)))
    return jnp.where(early, 0.052, 0.0500002) + jnp.where(early, -0.048, 0.0499998) * wave


def _cycles(step):
    cycle = min(step // 25, 19)
    local = min(step - cycle * 25, 25)
    return 0.02 * local if local < 5 else 0.05 * (1 + math.cos(math.pi / 20 * (local - 5)))


def _cycles_jnp(step):
    local = jnp.minimum(step - jnp.minimum(step // 25, 19) * 25, 25)
    decay = 0.05 * (1 + jnp.cos(math.pi / 20 * (local - 5)))
    return jnp.where(local < 5, 0.02 * local, decay)


def _torch_warmup_cosine(module, optimizer):
    warmup = module.LinearLR(optimizer, 0.01, 1.0, 500)
    decay = module.CosineAnnealingLR(optimizer, LENGTH)
    return module.SequentialLR(optimizer, [warmup, decay], [500])


SCHEDULES = {
    "constant_schedule": Entry(
        lambda lib: lib.constant_schedule(0.1),
        lambda step: 0.1,
        lambda step: 0.1,
        torch=lambda m, opt: m.ConstantLR(opt, 1.0, LENGTH),
    ),
    "linear_schedule": Entry(
        lambda lib: lib.linear_schedule(0.1, 0.0, LENGTH),
        _ramp,
        _ramp_jnp,
        torch=lambda m, opt: m.LinearLR(opt, 1.0, 0.0, LENGTH),
        keras=lambda m: m.PolynomialDecay(0.1, LENGTH, 0.0),
    ),
    "polynomial_schedule": Entry(
        lambda lib: lib.polynomial_schedule(0.1, 0.0, 2.0, LENGTH),
        lambda step: 0.1 * (1 - min(step, LENGTH) / LENGTH) ** 2,
        lambda step: 0.1 * (1 - jnp.minimum(step, LENGTH) / LENGTH) ** 2,
        torch=lambda m, opt: m.PolynomialLR(opt, LENGTH, 2.0),
        keras=lambda m: m.PolynomialDecay(0.1, LENGTH, 0.0, 2.0),
    ),
    "exponential_decay": Entry(
        lambda lib: lib.exponential_decay(0.1, BETWEEN, 0.9),
        lambda step: 0.1 * 0.9 ** (step / BETWEEN),
        lambda step: 0.1 * jnp.exp2(math.log2(0.9) / BETWEEN * step),
        torch=lambda m, opt: m.ExponentialLR(opt, 0.9 ** (1 / BETWEEN)),
        keras=lambda m: m.ExponentialDecay(0.1, BETWEEN, 0.9),
    ),
    "exponential_decay, stairs": Entry(
        lambda lib: lib.exponential_decay(0.1, BETWEEN, 0.9, staircase=True),
        lambda step: 0.1 * 0.9 ** (step // BETWEEN),
        lambda step: 0.1 * jnp.exp2(math.log2(0.9) * (step // BETWEEN)),
        torch=lambda m, opt: m.StepLR(opt, BETWEEN, 0.9),
        keras=lambda m: m.ExponentialDecay(0.1, BETWEEN, 0.9, staircase=True),
    ),
    "cosine_decay_schedule": Entry(
        lambda lib: lib.cosine_decay_schedule(0.1, LENGTH),
        _cosine,
        _cosine_jnp,
        torch=lambda m, opt: m.CosineAnnealingLR(opt, LENGTH),
        keras=lambda m: m.CosineDecay(0.1, LENGTH),
    ),
    "warmup_constant_schedule": Entry(
        lambda lib: lib.warmup_constant_schedule(0.0, 0.1, LENGTH),
        lambda step: 0.1 * min(step, LENGTH) / LENGTH,
        lambda step: 0.1 / LENGTH * jnp.minimum(step, LENGTH),
        torch=lambda m, opt: m.LinearLR(opt, 0.01, 1.0, LENGTH),
    ),
    "piecewise_constant_schedule": Entry(
        lambda lib: lib.piecewise_constant_schedule(0.1, {3000: 0.5, 6000: 0.1}),
        _constants,
        _constants_jnp,
        simple=False,
        torch=lambda m, opt: m.MultiStepLR(opt, [3000, 6000], 0.1),
        keras=lambda m: m.PiecewiseConstantDecay([3000, 6000], [0.1, 0.05, 0.005]),
    ),
    "piecewise_interpolate_schedule": Entry(
        lambda lib: lib.piecewise_interpolate_schedule("linear", 0.1, {3000: 0.5, 6000: 0.1}),
        _knots,
        _knots_jnp,
        simple=False,
    ),
    "linear_onecycle_schedule": Entry(
        lambda lib: lib.linear_onecycle_schedule(LENGTH, 0.1),
        _lines,
        _lines_jnp,
        simple=False,
        torch=lambda m, opt: m.OneCycleLR(opt, 0.1, 10**8, anneal_strategy="linear"),
    ),
    "cosine_onecycle_schedule": Entry(
        lambda lib: lib.cosine_onecycle_schedule(LENGTH, 0.1),
        _waves,
        _waves_jnp,
        simple=False,
        torch=lambda m, opt: m.OneCycleLR(opt, 0.1, 10**8),
    ),
    "warmup_cosine_decay_schedule": Entry(
        lambda lib: lib.warmup_cosine_decay_schedule(0.0, 0.1, 500, LENGTH + 500),
        lambda step: _warm(step, _cosine),
        lambda step: _warm_jnp(step, _cosine_jnp),
        simple=False,
        torch=_torch_warmup_cosine,
        keras=lambda m: m.CosineDecay(0.0, LENGTH, warmup_target=0.1, warmup_steps=500),
    ),
    "warmup_exponential_decay_schedule": Entry(
        lambda lib: lib.warmup_exponential_decay_schedule(0.0, 0.1, 500, BETWEEN, 0.9),
        lambda step: _warm(step, lambda t: 0.1 * 0.9 ** (t / BETWEEN)),
        lambda step: _warm_jnp(step, lambda t: 0.1 * jnp.exp2(math.log2(0.9) / BETWEEN * t)),
        simple=False,
    ),
    "sgdr_schedule, 20 cycles": Entry(
        lambda lib: lib.sgdr_schedule([CYCLE] * 20),
        _cycles,
        _cycles_jnp,
        simple=False,
        torch=lambda m, opt: m.CosineAnnealingWarmRestarts(opt, 25),
    ),
}

LIBRARIES = {"jaxsched": jaxsched, "optax": optax}


def varied(library, n):
    """SGDR of n/2 cycles that all differ: n pieces of two forms."""
    return library.sgdr_schedule(
        [
            {
                "init_value": 0.0,
                "peak_value": 1 / (i + 1),
                "warmup_steps": 5 + i % 7,
                "decay_steps": 25 + i % 11,
            }
            for i in range(n // 2)
        ]
    )


def check():
    """Whether all that is compared computes the same."""
    for name, entry in SCHEDULES.items():
        for step in (0, 3, 123, 499, 500, 2999, 3000, 5000, 8600, LENGTH, 10_600):
            value = entry.make(jaxsched)(step)
            others = entry.python(step), entry.jnp(jnp.int32(step)), entry.make(optax)(step)
            for other in map(float, others):
                if abs(value - other) > 1e-6:
                    raise AssertionError(f"{name} at {step}: {value} and {other} are compared")
