"""No schedule is a larger program than what a careful programmer writes by hand.

The versions by hand are in `benchmarks/_careful.py`, those of compositions in `_careful_compositions.py`.
Here each of them shows that it deserves its name: a formula is held to what the laws hold the schedules to,
with the exact formula in mpmath beside it; a composition of such formulas to the same values as ours.
"""

from __future__ import annotations

import importlib

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from case import LAST, Case
from cases_benchmarks import KNOWN
from test_laws import steps_of, ulps, worst
from test_program import primitives

from benchmarks import run

assert run  # its import lets those of the other files find each other
CAREFUL = importlib.import_module("_schedules_careful").CAREFUL
FORMULAS = importlib.import_module("_schedules_careful").FORMULAS
COMPOSED = importlib.import_module("_careful_compositions").COMPOSED
SCHEDULES = importlib.import_module("_schedules").SCHEDULES

pytestmark = pytest.mark.skipif(
    bool(jax.config.jax_enable_x64), reason="the versions by hand are of one precision"
)

# Their steps are divided, or cut into bits, and cannot be floats.
INTEGERS = {
    "exponential_decay", "exponential_decay, stairs", "exponential_decay, growing", "natural_exp_decay",
    "half_life_decay", "geometric_schedule", "inverse_sigmoid_decay", "compounding_time_based_decay",
    "step_decay", "chebyshev_schedule", "polynomial_decay, cycles", "cosine_decay_restarts",
    "cyclic_schedule", "cosine_wave_schedule", "tabulated_schedule",
}  # fmt: skip

RANDOM = {"noisy_linear_cosine_decay", "with_noise"}
LOOKED_UP = {"sgdr_schedule, 20 cycles"}  # a join of so many pieces that their numbers are a table

by_name = pytest.mark.parametrize("name", FORMULAS)


def case_of(name):
    return Case(SCHEDULES[name].jaxsched, *KNOWN[name])


def equations(function):
    found = primitives(jax.make_jaxpr(function)(jnp.int32(3)).jaxpr)
    return len([name for name in found if name not in ("jit", "pjit")])


def test_every_schedule_is_written_by_hand():
    assert set(KNOWN) == set(FORMULAS)
    assert {name for name, entry in SCHEDULES.items() if entry.simple} <= set(FORMULAS)
    assert set(SCHEDULES) - set(CAREFUL) == RANDOM | LOOKED_UP


@pytest.mark.skipif(
    jax.__version_info__ < (0, 10), reason="older versions look a table up in more equations"
)
@pytest.mark.parametrize("name", CAREFUL)
def test_ours_is_not_larger(name):
    assert equations(SCHEDULES[name].jaxsched()) <= equations(CAREFUL[name])


@by_name
@pytest.mark.parametrize("who", ["by hand", "ours"])
def test_it_is_exact_and_within_its_bounds(name, who):
    case = case_of(name)
    schedule = case.make() if who == "ours" else CAREFUL[name]
    steps = steps_of(case)
    references = [case.reference(mp.mpf(int(t))) for t in steps]
    values = np.asarray(jax.jit(jax.vmap(schedule))(jnp.asarray(steps, jnp.int32)))
    assert values.dtype == np.float32
    distances = ulps(values, references)
    assert distances.max() <= case.ulp, worst(distances, steps)
    assert np.float32(case.low) <= values.min()
    assert values.max() <= np.float32(case.high)


@by_name
def test_a_negative_step_is_step_0(name):
    schedule = jax.jit(CAREFUL[name])
    values = [float(schedule(jnp.int32(t))) for t in (-1, -1000, -(2**31), 0)]
    assert len(set(values)) == 1


@by_name
def test_its_slope_is_finite(name):
    if name in INTEGERS:
        assert np.isfinite(jax.jit(CAREFUL[name])(jnp.int32(LAST)))
        return
    slope = jax.jit(jax.grad(lambda t: CAREFUL[name](t)))
    turns = KNOWN[name][1]
    assert all(np.isfinite(slope(float(t))) for t in (0, 0.5, 13, *turns, LAST))


@pytest.mark.parametrize("name", COMPOSED)
def test_a_composition_is_the_same_curve(name):
    """As ours on the host, which computes in float64; and a negative step is step 0."""
    steps = [1, 3, 700, 4000, 8600, 15_000, LAST]
    steps += [t + d for t in range(500, 11_000, 500) for d in (-1, 0, 1)]
    schedule = SCHEDULES[name].jaxsched()
    with np.errstate(divide="ignore"):
        expected = [schedule(t) for t in [*steps, 0, 0, 0]]
    array = jnp.asarray([*steps, 0, -1, -(2**31)], jnp.int32)
    values = jax.jit(jax.vmap(COMPOSED[name]))(array)
    assert values.dtype == np.float32
    absolute = 8e-9 if name == "subtract" else 1e-37
    np.testing.assert_allclose(values, np.float32(expected), rtol=1e-6, atol=absolute)
