"""Runs in phases, and one-cycle in all its dialects."""

import math

import jax.numpy as jnp
import optax
from _entry import BETWEEN, LENGTH, Entry
from _schedules_optax import warm, warm_jnp

import jaxsched

TORCH_TOTAL = 10**8
"""torch's one-cycle refuses to be stepped past its end, and is stepped often here."""


def _stable(step):
    return 0.1 if step < 7500 else 0.1 * (1 - min(step - 7500, 2000) / 2000)


def _stable_jnp(step):
    return 0.1 * (1 - jnp.clip(step - 7500, 0, 2000) / 2000)


def _again(step):
    """Stable and decay three times: what is left of the period, at most 500 steps, sets the rate."""
    left = (3000 if step < 3000 else 6000 if step < 6000 else LENGTH) - step
    return 0.0002 * (step if step < 500 else max(min(left, 500), 0))


def _again_jnp(step):
    end = jnp.where(step < 3000, 3000, jnp.where(step < 6000, 6000, LENGTH))
    return 0.0002 * jnp.where(step < 500, step, jnp.clip(end - step, 0, 500))


def _three_stages(step):
    if step < 500:
        return 0.001 + 0.099 / 500 * step
    return 0.1 * 0.01 ** (min(max(step - 5500, 0), 4500) / 4500)


def _three_stages_jnp(step):
    fall = 0.1 * jnp.exp2(math.log2(0.01) / 4500 * jnp.clip(step - 5500, 0, 4500))
    return jnp.where(step < 500, 0.001 + 0.099 / 500 * step, fall)


def _endless(step):
    if step < 500:
        return 0.0002 * step
    if step < 3500:
        return 0.06 + 0.04 * math.cos(math.pi / 3000 * (step - 500))
    return 0.02 * 0.05 ** (min(max(step - 7500, 0), 2500) / 2500)


def _endless_jnp(step):
    cooldown = 0.06 + 0.04 * jnp.cos(math.pi / 3000 * (step - 500))
    last = 0.02 * jnp.exp2(math.log2(0.05) / 2500 * jnp.clip(step - 7500, 0, 2500))
    return jnp.where(step < 500, 0.0002 * step, jnp.where(step < 3500, cooldown, last))


def _wave(step, cos, first, last, length):
    """Half a wave from one value to another, for steps within it."""
    return (first + last) / 2 + (first - last) / 2 * cos(math.pi / length * step)


def _waves(turn, end, first, peak, last):
    """Half waves up and down, as a function of a number and as one of an array."""

    def python(step):
        if step < turn:
            return _wave(step, math.cos, first, peak, turn)
        return _wave(min(step, end) - turn, math.cos, peak, last, end - turn)

    def of_an_array(step):
        up = _wave(step, jnp.cos, first, peak, turn)
        down = _wave(jnp.minimum(step, end) - turn, jnp.cos, peak, last, end - turn)
        return jnp.where(step < turn, up, down)

    return python, of_an_array


def _joined(schedules, boundaries):
    return lambda: optax.join_schedules(schedules(), boundaries)


def _averaged(step):
    if step < 7500:
        return 0.1 * 0.9 ** (step / BETWEEN)
    return _wave(min(step - 7500, 1000), math.cos, 0.1 * 0.9**7.5, 0.05, 1000)


def _averaged_jnp(step):
    before = 0.1 * jnp.exp2(math.log2(0.9) / BETWEEN * step)
    after = _wave(jnp.clip(step - 7500, 0, 1000), jnp.cos, 0.1 * 0.9**7.5, 0.05, 1000)
    return jnp.where(step < 7500, before, after)


def _warped(step):
    share = min(step, LENGTH) / LENGTH
    return 0.0505 + 0.0495 * math.cos(math.pi * share**1.5)


def _warped_jnp(step):
    share = jnp.minimum(step, LENGTH) / LENGTH
    return 0.0505 + 0.0495 * jnp.cos(math.pi * share * jnp.sqrt(share))


def _triangle(step):
    if step < 1000:
        return 0.003125 + 0.096875 / 1000 * step
    return 0.1 - 0.096875 / 9000 * (min(step, LENGTH) - 1000)


def _triangle_jnp(step):
    down = 0.1 - 0.096875 / 9000 * (jnp.minimum(step, LENGTH) - 1000)
    return jnp.where(step < 1000, 0.003125 + 0.096875 / 1000 * step, down)


PHASES = {
    "warmup_stable_decay_schedule": Entry(
        lambda: jaxsched.warmup_stable_decay_schedule(0.0, 0.1, 500, 7500, 2000),
        _joined(
            lambda: [
                optax.linear_schedule(0.0, 0.1, 500),
                optax.constant_schedule(0.1),
                optax.linear_schedule(0.1, 0.0, 2000),
            ],
            [500, 8000],
        ),
        lambda step: warm(step, _stable),
        lambda step: warm_jnp(step, _stable_jnp),
        transformers=lambda m, opt: m.get_wsd_schedule(
            opt, 500, 2000, num_stable_steps=7500, decay_type="linear"
        ),
        timm=lambda m, opt: m.WSDLRScheduler(
            opt, 9500, 2000, decay_fn="linear", warmup_t=500, t_in_epochs=False
        ),
    ),
    "wsds_schedule": Entry(
        lambda: jaxsched.wsds_schedule(0.1, [3000, 3000, 4000], 500, 500),
        None,
        _again,
        _again_jnp,
    ),
    "tri_stage_schedule": Entry(
        lambda: jaxsched.tri_stage_schedule(0.001, 0.1, 500, 5000, 4500, 0.001),
        _joined(
            lambda: [
                optax.linear_schedule(0.001, 0.1, 500),
                optax.constant_schedule(0.1),
                optax.exponential_decay(0.1, 4500, 0.01, end_value=0.001),
            ],
            [500, 5500],
        ),
        _three_stages,
        _three_stages_jnp,
    ),
    "infinite_schedule": Entry(
        lambda: jaxsched.infinite_schedule(0.0, 0.1, 0.02, 0.001, 500, 3000, 4000, 2500),
        _joined(
            lambda: [
                optax.linear_schedule(0.0, 0.1, 500),
                optax.cosine_decay_schedule(0.1, 3000, 0.2),
                optax.constant_schedule(0.02),
                optax.exponential_decay(0.02, 2500, 0.05, end_value=0.001),
            ],
            [500, 3500, 7500],
        ),
        _endless,
        _endless_jnp,
    ),
    "torch_onecycle_schedule": Entry(
        lambda: jaxsched.torch_onecycle_schedule(TORCH_TOTAL, 0.1),
        None,
        *_waves(0.3 * TORCH_TOTAL - 1, TORCH_TOTAL - 1, 0.004, 0.1, 4e-7),
        torch=lambda m, opt: m.OneCycleLR(opt, 0.1, TORCH_TOTAL, cycle_momentum=False),
    ),
    "fastai_onecycle_schedule": Entry(
        lambda: jaxsched.fastai_onecycle_schedule(LENGTH, 0.1),
        lambda: optax.cosine_onecycle_schedule(LENGTH, 0.1, 0.25, 25.0, 4000.0),
        *_waves(2500, LENGTH, 0.004, 0.1, 1e-6),
    ),
    "flat_cosine_schedule": Entry(
        lambda: jaxsched.flat_cosine_schedule(LENGTH, 0.1),
        _joined(
            lambda: [optax.constant_schedule(0.1), optax.cosine_decay_schedule(0.1, 2500, 1e-5)],
            [7500],
        ),
        lambda step: (
            0.1 if step < 7500 else _wave(min(step - 7500, 2500), math.cos, 0.1, 1e-6, 2500)
        ),
        lambda step: _wave(jnp.clip(step - 7500, 0, 2500), jnp.cos, 0.1, 1e-6, 2500),
    ),
    "slanted_triangular_schedule": Entry(
        lambda: jaxsched.slanted_triangular_schedule(LENGTH, 0.1),
        _joined(
            lambda: [
                optax.linear_schedule(0.003125, 0.1, 1000),
                optax.linear_schedule(0.1, 0.003125, 9000),
            ],
            [1000],
        ),
        _triangle,
        _triangle_jnp,
    ),
    "k_decay_schedule": Entry(
        lambda: jaxsched.k_decay_schedule(0.1, 0.001, LENGTH, 1.5),
        None,
        _warped,
        _warped_jnp,
        timm=lambda m, opt: m.CosineLRScheduler(
            opt, LENGTH, lr_min=0.001, k_decay=1.5, t_in_epochs=False
        ),
    ),
    "swa_schedule": Entry(
        lambda: jaxsched.swa_schedule(
            jaxsched.exponential_decay(0.1, BETWEEN, 0.9), 0.05, 7500, 1000
        ),
        _joined(
            lambda: [
                optax.exponential_decay(0.1, BETWEEN, 0.9),
                optax.cosine_decay_schedule(0.1 * 0.9**7.5, 1000, 0.5 / 0.9**7.5),
            ],
            [7500],
        ),
        _averaged,
        _averaged_jnp,
    ),
    "onecycle_momentum_schedule": Entry(
        lambda: jaxsched.onecycle_momentum_schedule(LENGTH, 0.95, 0.85),
        _joined(
            lambda: [
                optax.cosine_decay_schedule(0.95, 3000, 0.85 / 0.95),
                optax.cosine_decay_schedule(0.85, 7000, 0.95 / 0.85),
            ],
            [3000],
        ),
        *_waves(3000, LENGTH, 0.95, 0.85, 0.95),
    ),
}
