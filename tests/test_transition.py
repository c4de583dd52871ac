"""Constants, which need no step: neither in a join nor under a warmup."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

import jaxsched as js


def test_the_steps_of_constants_are_neither_counted_nor_bounded():
    steps = jnp.asarray([-5, *range(12)])
    levels = [js.constant_schedule(value) for value in (1.0, 0.5, 0.25)]
    joined = js.join_schedules(levels, [3, 8])
    np.testing.assert_array_equal(joined(steps), [1.0] * 4 + [0.5] * 5 + [0.25] * 4)
    program = str(jax.make_jaxpr(joined)(steps))
    assert " sub " not in program
    assert " max " not in program
    others = js.join_schedules([js.linear_schedule(1.0, 0.0, 4), levels[1]], [3])
    np.testing.assert_array_equal(others(steps), [1.0, 1.0, 0.75, 0.5, *[0.5] * 9])
    assert " max " in str(jax.make_jaxpr(others)(steps))
