"""Transitions, decays, stairs, cycles and waves that optax has under another name or not at all."""

import math

import jax
import jax.numpy as jnp
import optax
from _entry import BETWEEN, LENGTH, Entry
from _schedules_optax import cosine, cosine_jnp

import jaxsched
from jaxsched import shapes


def _chebyshev():
    """The rates of four epochs, by the textbook: Chebyshev's nodes on [0.05, 1] in fractal order."""
    angles = [math.pi * (2 * node + 1) / 8 for node in (0, 3, 1, 2)]
    return tuple(0.1 / (0.525 - 0.475 * math.cos(angle)) for angle in angles)


CHEBYSHEV = _chebyshev()


def _compounding(step):
    epoch = step // 100
    return 0.1 * math.exp(math.lgamma(1001) - math.lgamma(epoch + 1001) + epoch * math.log(1000))


def _growing(step):
    length = 1000 * max(-(-step // 1000), 1)
    return 0.1 * (1 - step / length) ** 2


def _growing_jnp(step):
    length = 1000 * jnp.maximum((step + 999) // 1000, 1)
    return 0.1 * (1 - step / length) ** 2


def _restarts(step):
    cycle = (step // 100 + 1).bit_length() - 1
    share = (step - 100 * (2**cycle - 1)) / (100 * 2**cycle)
    return 0.05 * (1 + math.cos(math.pi * share))


def _restarts_jnp(step):
    length = 100 << (31 - jax.lax.clz(step // 100 + 1))
    return 0.05 * (1 + jnp.cos(math.pi * ((step - (length - 100)) / length)))


def _sawtooth(step):
    cycle, local = divmod(step, 1000)
    scale = min(1.0 if cycle == 0 else local / 50, (1000 - local) / 10, 1.0)
    return (0.001 + 0.999 * scale) * cosine(step)


def _sawtooth_jnp(step):
    local = step % 1000
    scale = jnp.minimum(jnp.where(step < 1000, 1.0, local / 50), (1000 - local) / 10)
    return (0.001 + 0.999 * jnp.minimum(scale, 1.0)) * cosine_jnp(step)


def _falling_cosine(step):
    share = min(step, LENGTH) / LENGTH
    return 0.1 * ((1 - share) * 0.5 * (1 + math.cos(math.pi * share)) + 0.001)


def _falling_cosine_jnp(step):
    share = jnp.minimum(step, LENGTH) / LENGTH
    return 0.1 * ((1 - share) * 0.5 * (1 + jnp.cos(math.pi * share)) + 0.001)


DECAYS = {
    "transition_schedule, 1-sqrt": Entry(
        lambda: jaxsched.transition_schedule(0.1, 0.0, LENGTH, shapes.inverse_power(0.5)),
        None,
        lambda step: 0.1 * (1 - math.sqrt(min(step, LENGTH) / LENGTH)),
        lambda step: 0.1 * (1 - jnp.sqrt(jnp.minimum(step, LENGTH) / LENGTH)),
        simple=True,
        transformers=lambda m, opt: m.get_wsd_schedule(
            opt, 0, LENGTH, num_stable_steps=0, decay_type="1-sqrt"
        ),
    ),
    "transition_schedule, tanh": Entry(
        lambda: jaxsched.transition_schedule(0.1, 0.0, LENGTH, shapes.tanh(-6.0, 4.0)),
        None,
        lambda step: 0.05 * (1 - math.tanh(-6 + step * 0.001)) if step < LENGTH else 0.0,
        lambda step: jnp.where(step < LENGTH, 0.05 * (1 - jnp.tanh(-6 + step * 0.001)), 0.0),
        simple=True,
        timm=lambda m, opt: m.TanhLRScheduler(opt, LENGTH, -6.0, 4.0, t_in_epochs=False),
    ),
    "natural_exp_decay": Entry(
        lambda: jaxsched.natural_exp_decay(0.1, BETWEEN, 0.5),
        lambda: optax.exponential_decay(0.1, BETWEEN, math.exp(-0.5)),
        lambda step: 0.1 * math.exp(-0.0005 * step),
        lambda step: 0.1 * jnp.exp(-0.0005 * step),
        simple=True,
        torch=lambda m, opt: m.ExponentialLR(opt, math.exp(-0.5 / BETWEEN)),
        tensorflow=lambda m: lambda step: m.natural_exp_decay(0.1, step, BETWEEN, 0.5)(),
    ),
    "half_life_decay": Entry(
        lambda: jaxsched.half_life_decay(0.1, BETWEEN),
        lambda: optax.exponential_decay(0.1, BETWEEN, 0.5),
        lambda step: 0.1 * 0.5 ** (step / BETWEEN),
        lambda step: 0.1 * jnp.exp2(-1 / BETWEEN * step),
        simple=True,
        torch=lambda m, opt: m.ExponentialLR(opt, 0.5 ** (1 / BETWEEN)),
        keras=lambda m: m.ExponentialDecay(0.1, BETWEEN, 0.5),
    ),
    "geometric_schedule": Entry(
        lambda: jaxsched.geometric_schedule(0.1, 0.001, LENGTH),
        lambda: optax.exponential_decay(0.1, LENGTH, 0.01, end_value=0.001),
        lambda step: 0.1 * 0.01 ** (min(step, LENGTH) / LENGTH),
        lambda step: 0.1 * jnp.exp2(math.log2(0.01) / LENGTH * jnp.minimum(step, LENGTH)),
        simple=True,
    ),
    "inverse_sigmoid_decay": Entry(
        lambda: jaxsched.inverse_sigmoid_decay(0.1, 1000.0),
        None,
        lambda step: 100 / (1000 + math.exp(step / 1000)),
        lambda step: 100 / (1000 + jnp.exp(step / 1000)),
        simple=True,
    ),
    "inverse_time_decay": Entry(
        lambda: jaxsched.inverse_time_decay(0.1, BETWEEN, 0.5),
        None,
        lambda step: 0.1 / (1 + 0.0005 * step),
        simple=True,
        keras=lambda m: m.InverseTimeDecay(0.1, BETWEEN, 0.5),
    ),
    "time_based_decay": Entry(
        lambda: jaxsched.time_based_decay(0.1, 0.001),
        None,
        lambda step: 0.1 / (1 + 0.001 * step),
        simple=True,
        keras=lambda m: m.InverseTimeDecay(0.1, 1, 0.001),
    ),
    "compounding_time_based_decay": Entry(
        lambda: jaxsched.compounding_time_based_decay(0.1, 0.001, 100),
        None,
        _compounding,
        lambda step: jnp.asarray([_compounding(100 * i) for i in range(200)])[
            jnp.minimum(step // 100, 199)
        ],
    ),
    "power_law_schedule": Entry(
        lambda: jaxsched.power_law_schedule(0.1, 100.0, 0.51),
        None,
        lambda step: 0.1 * (1 + 0.01 * step) ** -0.51,
        simple=True,
    ),
    "inverse_sqrt_schedule": Entry(
        lambda: jaxsched.inverse_sqrt_schedule(0.1, 500),
        None,
        lambda step: 0.0002 * step if step < 500 else 0.1 * math.sqrt(500 / step),
        lambda step: jnp.where(
            step < 500, 0.0002 * step, 0.1 * math.sqrt(500) * jax.lax.rsqrt(step + 1e-9)
        ),
        transformers=lambda m, opt: m.get_inverse_sqrt_schedule(opt, 500),
    ),
    "noam_schedule": Entry(
        lambda: jaxsched.noam_schedule(512, 4000),
        None,
        lambda step: 512**-0.5 * min((step + 1) ** -0.5, (step + 1) * 4000**-1.5),
        lambda step: 512**-0.5 * jnp.minimum(jax.lax.rsqrt(step + 1.0), (step + 1) * 4000**-1.5),
    ),
    "step_decay": Entry(
        lambda: jaxsched.step_decay(0.1, 10, 0.5, 100),
        lambda: optax.exponential_decay(0.1, BETWEEN, 0.5, staircase=True),
        lambda step: 0.1 * 0.5 ** (step // BETWEEN),
        lambda step: 0.1 * jnp.exp2(-(step // BETWEEN)),
        simple=True,
        torch=lambda m, opt: m.StepLR(opt, BETWEEN, 0.5),
        keras=lambda m: m.ExponentialDecay(0.1, BETWEEN, 0.5, staircase=True),
        timm=lambda m, opt: m.StepLRScheduler(opt, BETWEEN, 0.5, t_in_epochs=False),
    ),
    "multistep_schedule": Entry(
        lambda: jaxsched.multistep_schedule(0.1, [3000, 6000], 0.1),
        lambda: optax.piecewise_constant_schedule(0.1, {3000: 0.1, 6000: 0.1}),
        lambda step: 0.1 if step < 3000 else 0.01 if step < 6000 else 0.001,
        lambda step: jnp.where(step < 3000, 0.1, jnp.where(step < 6000, 0.01, 0.001)),
        torch=lambda m, opt: m.MultiStepLR(opt, [3000, 6000], 0.1),
        keras=lambda m: m.PiecewiseConstantDecay([2999, 5999], [0.1, 0.01, 0.001]),
        timm=lambda m, opt: m.MultiStepLRScheduler(opt, [3001, 6001], 0.1, t_in_epochs=False),
    ),
    "chebyshev_schedule": Entry(
        lambda: jaxsched.chebyshev_schedule(0.1, 4, steps_per_epoch=2500),
        None,
        lambda step: CHEBYSHEV[min(step // 2500, 3)],
        lambda step: jnp.asarray(CHEBYSHEV)[jnp.minimum(step // 2500, 3)],
    ),
    "polynomial_decay, cycles": Entry(
        lambda: jaxsched.polynomial_decay(0.1, 1000, 0.0, 2.0, cycle=True),
        None,
        _growing,
        _growing_jnp,
        keras=lambda m: m.PolynomialDecay(0.1, 1000, 0.0, 2.0, cycle=True),
    ),
    "cosine_decay_restarts": Entry(
        lambda: jaxsched.cosine_decay_restarts(0.1, 100),
        lambda: optax.join_schedules(
            [optax.cosine_decay_schedule(0.1, 100 * 2**i) for i in range(7)],
            [100 * (2**i - 1) for i in range(1, 7)],
        ),
        _restarts,
        _restarts_jnp,
        torch=lambda m, opt: m.CosineAnnealingWarmRestarts(opt, 100, 2),
        keras=lambda m: m.CosineDecayRestarts(0.1, 100),
        timm=lambda m, opt: m.CosineLRScheduler(
            opt, 100, cycle_mul=2, cycle_limit=30, t_in_epochs=False
        ),
    ),
    "cyclic_schedule": Entry(
        lambda: jaxsched.cyclic_schedule(0.01, 0.1, 200),
        None,
        lambda step: 0.1 - 0.00045 * abs(step % 400 - 200),
        torch=lambda m, opt: m.CyclicLR(opt, 0.01, 0.1, 200, cycle_momentum=False),
    ),
    "jagged_restarts": Entry(
        lambda: jaxsched.jagged_restarts(jaxsched.cosine_decay_schedule(0.1, LENGTH), 1000, 50, 10),
        None,
        _sawtooth,
        _sawtooth_jnp,
    ),
    "linear_cosine_decay": Entry(
        lambda: jaxsched.linear_cosine_decay(0.1, LENGTH),
        None,
        _falling_cosine,
        _falling_cosine_jnp,
        simple=True,
        tensorflow=lambda m: lambda step: m.linear_cosine_decay(0.1, step, LENGTH)(),
    ),
    "noisy_linear_cosine_decay": Entry(
        lambda: jaxsched.noisy_linear_cosine_decay(0.1, LENGTH),
    ),
    "cosine_wave_schedule": Entry(
        lambda: jaxsched.cosine_wave_schedule(0.1, LENGTH, 2.5),
        None,
        lambda step: 0.05 * (1 + math.cos(math.pi * 0.0005 * min(step, LENGTH))),
        lambda step: 0.05 * (1 + jnp.cos(math.pi * 0.0005 * jnp.minimum(step, LENGTH))),
        simple=True,
        transformers=lambda m, opt: m.get_cosine_schedule_with_warmup(opt, 0, LENGTH, 2.5),
    ),
}
