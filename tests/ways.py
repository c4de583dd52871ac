"""The ways in which schedules of one form are read: with every kind of hyperparameters."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

import jaxsched as js

as_argument = jax.jit(lambda schedule, steps: schedule(steps))


def ways(schedules: list[js.Schedule], count: int) -> list[np.ndarray]:
    """The first values of each: on the host, on the device, traced, and as the pieces of a join."""
    steps = jnp.arange(count)
    joined = js.join_schedules(schedules, [count * i for i in range(1, len(schedules))])
    every = jnp.arange(count * len(schedules))
    return [
        np.asarray([[s(t) for t in range(count)] for s in schedules]),
        np.stack([s(steps) for s in schedules]),
        np.stack([s(steps.astype(float)) for s in schedules]),
        np.stack([as_argument(s, steps) for s in schedules]),
        np.stack([as_argument(s, steps.astype(float)) for s in schedules]),
        jax.jit(joined)(every).reshape(-1, count),
        as_argument(joined, every).reshape(-1, count),
    ]


def reads(schedules: list[js.Schedule], steps: list) -> list[np.ndarray]:
    """Their values at any steps: on the host, on the device, and traced; as integers where they are."""
    arrays = [jnp.asarray(np.asarray(steps, float))]
    if all(t == int(t) for t in steps):
        arrays.append(jnp.asarray(np.asarray(steps, int)))
    return [
        np.asarray([[s(t) for t in steps] for s in schedules]),
        *(np.stack([s(a) for s in schedules]) for a in arrays),
        *(np.stack([as_argument(s, a) for s in schedules]) for a in arrays),
    ]


def narrow(number):
    """A number that is known only when the program runs, in a type that holds it and no more."""
    if isinstance(number, int):
        return jnp.asarray(number, jnp.int32)
    found = jnp.asarray(number, jnp.bfloat16)
    return found if float(found) == number else jnp.asarray(number, float)


def agree(values, expected, ulps, floor=0.0):
    """Values are as exact ones, to so much of each and a floor."""
    for value, number in zip(values.tolist(), expected, strict=True):
        # No assert: pytest does not rewrite this module's, and PYTHONOPTIMIZE would leave it out.
        if not abs(value - number) <= ulps * abs(number) + max(floor, 1e-37):
            raise AssertionError(f"{value} is not {number}, to {ulps} of it and {floor}")


def read_in_every_way(schedules: list[js.Schedule], expected: list, steps: list, tolerance) -> None:
    """Each of the schedules is as expected at the steps, in each way of being read.

    Args:
      schedules: of one form.
      expected: their exact values at the steps.
      steps: whole ones from 0 on, at which also their join is read, or others.
      tolerance: of the last digit of 1, the relative error and the absolute one that are allowed.
    """
    found = reads(schedules, steps)
    if steps == list(range(len(steps))):
        found += ways(schedules, len(steps))
    for values in found:
        relative, absolute = tolerance(float(np.finfo(values.dtype).eps))
        for row, numbers in zip(values, expected, strict=True):
            agree(row, numbers, relative, absolute)
