"""Operators on schedules; in optax by its `join_schedules` or a lambda, as its users write them."""

import math

import jax.numpy as jnp
import optax
from _entry import BETWEEN, LENGTH, Entry
from _schedules_optax import cosine, cosine_jnp, ramp, ramp_jnp

import jaxsched

TABLE = (0.1, 0.08, 0.09, 0.06, 0.05, 0.03, 0.04, 0.02, 0.01, 0.001)


def _cosine(lib):
    return lib.cosine_decay_schedule(0.1, LENGTH)


def _decay(lib):
    return lib.exponential_decay(0.1, BETWEEN, 0.9)


def decay(step):
    return 0.1 * 0.9 ** (step / BETWEEN)


def decay_jnp(step):
    return 0.1 * jnp.exp2(math.log2(0.9) / BETWEEN * step)


def _two(ours, theirs, python, of_arrays=None):
    """An operator on a cosine and an exponential decay, and by hand on their two formulas."""

    def by_lambda():
        a, b = _cosine(optax), _decay(optax)
        return lambda step: theirs(a(step), b(step))

    return Entry(
        lambda: ours(_cosine(jaxsched), _decay(jaxsched)),
        by_lambda,
        lambda step: python(cosine(step), decay(step)),
        lambda step: (of_arrays or python)(cosine_jnp(step), decay_jnp(step)),
    )


def _one(ours, theirs, python, of_arrays=None):
    """An operator on the value of a cosine."""

    def by_lambda():
        schedule = _cosine(optax)
        return lambda step: theirs(schedule(step))

    return Entry(
        lambda: ours(_cosine(jaxsched)),
        by_lambda,
        lambda step: python(cosine(step)),
        lambda step: (of_arrays or python)(cosine_jnp(step)),
    )


def _clock(ours, clock, clock_jnp=None, *, inner=(_cosine, cosine, cosine_jnp)):
    """An operator on the step of a schedule."""
    make, python, of_arrays = inner

    def by_lambda():
        schedule = make(optax)
        return lambda step: schedule((clock_jnp or clock)(step))

    return Entry(
        lambda: ours(make(jaxsched)),
        by_lambda,
        lambda step: python(clock(step)),
        lambda step: of_arrays((clock_jnp or clock)(step)),
    )


_ramp = (lambda lib: lib.linear_schedule(0.1, 0.0, LENGTH), ramp, ramp_jnp)
AT_8000 = cosine(8000)

OPERATORS = {
    "add": _two(*[lambda a, b: a + b] * 3),
    "subtract": _two(*[lambda a, b: a - b] * 3),
    "multiply": _two(*[lambda a, b: a * b] * 3),
    "divide": _two(*[lambda a, b: a / b] * 3),
    "minimum": _two(jaxsched.minimum, jnp.minimum, min, jnp.minimum),
    "maximum": _two(jaxsched.maximum, jnp.maximum, max, jnp.maximum),
    "power": _one(*[lambda a: a**1.5] * 3),
    "clip": _one(
        lambda s: jaxsched.clip(s, 0.01, 0.09),
        lambda a: jnp.clip(a, 0.01, 0.09),
        lambda a: min(max(a, 0.01), 0.09),
        lambda a: jnp.clip(a, 0.01, 0.09),
    ),
    "proportional": _one(
        lambda s: jaxsched.proportional(s, 0.1, 0.0, 0.01), *[lambda a: a * 0.1] * 2
    ),
    "delay": Entry(
        lambda: jaxsched.delay(_cosine(jaxsched), 500),
        lambda: optax.join_schedules([optax.constant_schedule(0.1), _cosine(optax)], [500]),
        lambda step: cosine(max(step - 500, 0)),
        lambda step: cosine_jnp(jnp.maximum(step - 500, 0)),
    ),
    "stretch": _clock(lambda s: jaxsched.stretch(s, 3), lambda step: step / 3, inner=_ramp),
    "staircase": _clock(lambda s: jaxsched.staircase(s, 100), lambda step: step // 100 * 100),
    "by_epoch": _clock(lambda s: jaxsched.by_epoch(s, 100), lambda step: step // 100),
    "reverse": _clock(
        lambda s: jaxsched.reverse(s, 5000),
        lambda step: max(5000 - step, 0),
        lambda step: jnp.maximum(5000 - step, 0),
    ),
    "repeat, 20 cycles": Entry(
        lambda: jaxsched.repeat(jaxsched.cosine_decay_schedule(0.1, 500), 500, limit=20),
        lambda: optax.join_schedules(
            [optax.cosine_decay_schedule(0.1, 500)] * 20, [500 * i for i in range(1, 20)]
        ),
        lambda step: 0.05 * (1 + math.cos(math.pi / 500 * (step % 500))) if step < LENGTH else 0.0,
        lambda step: jnp.where(
            step < LENGTH, 0.05 * (1 + jnp.cos(math.pi / 500 * (step % 500))), 0.0
        ),
        transformers=lambda m, opt: m.get_cosine_with_hard_restarts_schedule_with_warmup(
            opt, 0, LENGTH, 20
        ),
    ),
    "with_warmup": Entry(
        lambda: jaxsched.with_warmup(_decay(jaxsched), 500),
        lambda: optax.join_schedules([optax.linear_schedule(0.0, 0.1, 500), _decay(optax)], [500]),
        lambda step: 0.0002 * step if step < 500 else decay(step - 500),
        lambda step: jnp.where(step < 500, 0.0002 * step, decay_jnp(step - 500)),
    ),
    "with_cooldown": Entry(
        lambda: jaxsched.with_cooldown(_cosine(jaxsched), 8000, 1000),
        lambda: optax.join_schedules(
            [_cosine(optax), optax.linear_schedule(AT_8000, 0.0, 1000)], [8000]
        ),
        lambda step: cosine(step) if step < 8000 else AT_8000 * (9000 - min(step, 9000)) / 1000,
        lambda step: jnp.where(
            step < 8000, cosine_jnp(step), AT_8000 / 1000 * (9000 - jnp.minimum(step, 9000))
        ),
    ),
    "override": Entry(
        lambda: jaxsched.override(_cosine(jaxsched), 8000, _decay(jaxsched)),
        lambda: optax.join_schedules(
            [_cosine(optax), optax.exponential_decay(AT_8000, BETWEEN, 0.9)], [8000]
        ),
        lambda step: cosine(step) if step < 8000 else AT_8000 * 0.9 ** ((step - 8000) / BETWEEN),
        lambda step: jnp.where(
            step < 8000, cosine_jnp(step), 10 * AT_8000 * decay_jnp(step - 8000)
        ),
    ),
    "with_noise": Entry(lambda: jaxsched.with_noise(_cosine(jaxsched), 0.1)),
    "tabulated_schedule": Entry(
        lambda: jaxsched.tabulated_schedule(TABLE, every=1000),
        None,
        lambda step: TABLE[min(step // 1000, 9)],
        lambda step: jnp.asarray(TABLE)[jnp.minimum(step // 1000, 9)],
    ),
}
