"""The schedules that optax has too, by its names."""

import math

import jax.numpy as jnp
from _entry import BETWEEN, LENGTH, of_both

CYCLE = {"init_value": 0.0, "peak_value": 0.1, "warmup_steps": 5, "decay_steps": 25}

ALMOST_0 = 1e-307
"""A share of the rate: torch's warmup must not begin at 0."""


def cosine(step):
    return 0.05 * (1 + math.cos(math.pi * min(step, LENGTH) / LENGTH))


def cosine_jnp(step):
    return 0.05 * (1 + jnp.cos(math.pi / LENGTH * jnp.minimum(step, LENGTH)))


def ramp(step):
    return 0.1 * (1 - min(step, LENGTH) / LENGTH)


def ramp_jnp(step):
    return 0.1 * (1 - jnp.minimum(step, LENGTH) / LENGTH)


def warm(step, rest):
    return 0.1 * step / 500 if step < 500 else rest(step - 500)


def warm_jnp(step, rest):
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


def _torch_warmup_then(make):
    """torch's chain of a warmup and another."""

    def build(module, optimizer):
        warmup = module.LinearLR(optimizer, ALMOST_0, 1.0, 500)
        return module.SequentialLR(optimizer, [warmup, make(module, optimizer)], [500])

    return build


BY_OPTAX = {
    "constant_schedule": of_both(
        lambda lib: lib.constant_schedule(0.1),
        lambda step: 0.1,
        simple=True,
        torch=lambda m, opt: m.ConstantLR(opt, 1.0, LENGTH),
        transformers=lambda m, opt: m.get_constant_schedule(opt),
    ),
    "linear_schedule": of_both(
        lambda lib: lib.linear_schedule(0.1, 0.0, LENGTH),
        ramp,
        ramp_jnp,
        simple=True,
        torch=lambda m, opt: m.LinearLR(opt, 1.0, 0.0, LENGTH),
        keras=lambda m: m.PolynomialDecay(0.1, LENGTH, 0.0),
        transformers=lambda m, opt: m.get_linear_schedule_with_warmup(opt, 0, LENGTH),
        timm=lambda m, opt: m.PolyLRScheduler(opt, LENGTH, 1.0, t_in_epochs=False),
    ),
    "polynomial_schedule": of_both(
        lambda lib: lib.polynomial_schedule(0.1, 0.0, 2.0, LENGTH),
        lambda step: 0.1 * (1 - min(step, LENGTH) / LENGTH) ** 2,
        lambda step: 0.1 * (1 - jnp.minimum(step, LENGTH) / LENGTH) ** 2,
        simple=True,
        torch=lambda m, opt: m.PolynomialLR(opt, LENGTH, 2.0),
        keras=lambda m: m.PolynomialDecay(0.1, LENGTH, 0.0, 2.0),
        transformers=lambda m, opt: m.get_polynomial_decay_schedule_with_warmup(
            opt, 0, LENGTH, 0.0, 2.0
        ),
        timm=lambda m, opt: m.PolyLRScheduler(opt, LENGTH, 2.0, t_in_epochs=False),
    ),
    "exponential_decay": of_both(
        lambda lib: lib.exponential_decay(0.1, BETWEEN, 0.9),
        lambda step: 0.1 * 0.9 ** (step / BETWEEN),
        lambda step: 0.1 * jnp.exp2(math.log2(0.9) / BETWEEN * step),
        simple=True,
        torch=lambda m, opt: m.ExponentialLR(opt, 0.9 ** (1 / BETWEEN)),
        keras=lambda m: m.ExponentialDecay(0.1, BETWEEN, 0.9),
    ),
    "exponential_decay, stairs": of_both(
        lambda lib: lib.exponential_decay(0.1, BETWEEN, 0.9, staircase=True),
        lambda step: 0.1 * 0.9 ** (step // BETWEEN),
        lambda step: 0.1 * jnp.exp2(math.log2(0.9) * (step // BETWEEN)),
        simple=True,
        torch=lambda m, opt: m.StepLR(opt, BETWEEN, 0.9),
        keras=lambda m: m.ExponentialDecay(0.1, BETWEEN, 0.9, staircase=True),
        timm=lambda m, opt: m.StepLRScheduler(opt, BETWEEN, 0.9, t_in_epochs=False),
    ),
    "exponential_decay, growing": of_both(
        lambda lib: lib.exponential_decay(0.1, BETWEEN, 1.01),
        lambda step: 0.1 * 1.01 ** (step / BETWEEN),
        lambda step: 0.1 * jnp.exp2(math.log2(1.01) / BETWEEN * step),
        simple=True,
        torch=lambda m, opt: m.ExponentialLR(opt, 1.01 ** (1 / BETWEEN)),
        keras=lambda m: m.ExponentialDecay(0.1, BETWEEN, 1.01),
    ),
    "cosine_decay_schedule": of_both(
        lambda lib: lib.cosine_decay_schedule(0.1, LENGTH),
        cosine,
        cosine_jnp,
        simple=True,
        torch=lambda m, opt: m.CosineAnnealingLR(opt, LENGTH),
        keras=lambda m: m.CosineDecay(0.1, LENGTH),
        transformers=lambda m, opt: m.get_cosine_schedule_with_warmup(opt, 0, LENGTH),
        timm=lambda m, opt: m.CosineLRScheduler(opt, LENGTH, t_in_epochs=False),
    ),
    "warmup_constant_schedule": of_both(
        lambda lib: lib.warmup_constant_schedule(0.0, 0.1, LENGTH),
        lambda step: 0.1 * min(step, LENGTH) / LENGTH,
        lambda step: 0.1 / LENGTH * jnp.minimum(step, LENGTH),
        simple=True,
        torch=lambda m, opt: m.LinearLR(opt, ALMOST_0, 1.0, LENGTH),
        transformers=lambda m, opt: m.get_constant_schedule_with_warmup(opt, LENGTH),
    ),
    "piecewise_constant_schedule": of_both(
        lambda lib: lib.piecewise_constant_schedule(0.1, {3000: 0.5, 6000: 0.1}),
        _constants,
        _constants_jnp,
        keras=lambda m: m.PiecewiseConstantDecay([2999, 5999], [0.1, 0.05, 0.005]),
    ),
    "piecewise_interpolate_schedule": of_both(
        lambda lib: lib.piecewise_interpolate_schedule("linear", 0.1, {3000: 0.5, 6000: 0.1}),
        _knots,
        _knots_jnp,
    ),
    "linear_onecycle_schedule": of_both(
        lambda lib: lib.linear_onecycle_schedule(LENGTH, 0.1), _lines, _lines_jnp
    ),
    "cosine_onecycle_schedule": of_both(
        lambda lib: lib.cosine_onecycle_schedule(LENGTH, 0.1), _waves, _waves_jnp
    ),
    "warmup_cosine_decay_schedule": of_both(
        lambda lib: lib.warmup_cosine_decay_schedule(0.0, 0.1, 500, LENGTH + 500),
        lambda step: warm(step, cosine),
        lambda step: warm_jnp(step, cosine_jnp),
        torch=_torch_warmup_then(lambda m, opt: m.CosineAnnealingLR(opt, LENGTH)),
        keras=lambda m: m.CosineDecay(0.0, LENGTH, warmup_target=0.1, warmup_steps=500),
        transformers=lambda m, opt: m.get_cosine_schedule_with_warmup(opt, 500, LENGTH + 500),
        timm=lambda m, opt: m.CosineLRScheduler(
            opt, LENGTH, warmup_t=500, warmup_prefix=True, t_in_epochs=False
        ),
    ),
    "warmup_exponential_decay_schedule": of_both(
        lambda lib: lib.warmup_exponential_decay_schedule(0.0, 0.1, 500, BETWEEN, 0.9),
        lambda step: warm(step, lambda t: 0.1 * 0.9 ** (t / BETWEEN)),
        lambda step: warm_jnp(step, lambda t: 0.1 * jnp.exp2(math.log2(0.9) / BETWEEN * t)),
        torch=_torch_warmup_then(lambda m, opt: m.ExponentialLR(opt, 0.9 ** (1 / BETWEEN))),
    ),
    "sgdr_schedule, 20 cycles": of_both(
        lambda lib: lib.sgdr_schedule([CYCLE] * 20), _cycles, _cycles_jnp
    ),
    "join_schedules, 3 pieces": of_both(
        lambda lib: lib.join_schedules(
            [
                lib.linear_schedule(0.0, 0.1, 500),
                lib.constant_schedule(0.1),
                lib.cosine_decay_schedule(0.1, LENGTH),
            ],
            [500, 5000],
        ),
        lambda step: step * 0.0002 if step < 500 else 0.1 if step < 5000 else cosine(step - 5000),
        lambda step: jnp.where(
            step < 500, step * 0.0002, jnp.where(step < 5000, 0.1, cosine_jnp(step - 5000))
        ),
        torch=lambda m, opt: m.SequentialLR(
            opt,
            [
                m.LinearLR(opt, ALMOST_0, 1.0, 500),
                m.ConstantLR(opt, 1.0, 4500),
                m.CosineAnnealingLR(opt, LENGTH),
            ],
            [500, 5000],
        ),
    ),
}
