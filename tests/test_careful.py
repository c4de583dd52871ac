"""How much larger a program each schedule is than what a careful programmer writes by hand.

The versions by hand are in `benchmarks/_careful.py`, those of compositions in `_careful_compositions.py`.
Here each of them shows that it deserves its name: it is held to what the laws hold the schedules to, with
the exact formula in mpmath beside it, and ours, which must not become larger, beside both.
"""

from __future__ import annotations

import importlib

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from case import LAST, Case
from cases_benchmarks import ALONE, JOINED, KNOWN
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

# How many equations ours have more; what is not here has as many.
MORE = {
    # one formula
    "geometric_schedule": 2,  # chooses the end, whatever a device makes of exp
    # a schedule of any kind
    "repeat, 20 cycles": 1,
    "jagged_restarts": 4,
    "with_warmup": 1,
    "with_cooldown": 1,
    "swa_schedule": 1,
    "join_schedules, 3 pieces": 1,
    # phases, which by hand are lines of which the least is taken, or are on one clock
    "warmup_cosine_decay_schedule": 3,
    "warmup_exponential_decay_schedule": 1,
    "warmup_stable_decay_schedule": 6,
    "slanted_triangular_schedule": 3,
    "linear_onecycle_schedule": 7,
    "cosine_onecycle_schedule": 3,
    "onecycle_momentum_schedule": 4,
    "piecewise_interpolate_schedule": 3,
    "tri_stage_schedule": 5,
    "infinite_schedule": 6,
    "wsds_schedule": 11,
}
if jax.__version_info__ < (0, 10):
    MORE["wsds_schedule"] = 15  # four tables, which older versions look up in one equation more

EXACT = {**KNOWN, **JOINED, **ALONE}

by_name = pytest.mark.parametrize("name", CAREFUL)


def case_of(name):
    return Case(SCHEDULES[name].jaxsched, *EXACT[name])


def equations(function):
    """Without the calls of functions, and what puts a table on a device, in older versions an equation."""
    found = primitives(jax.make_jaxpr(function)(jnp.int32(3)).jaxpr)
    return len([name for name in found if name not in ("jit", "pjit", "device_put")])


def test_every_schedule_is_written_by_hand():
    assert set(KNOWN) == set(FORMULAS)
    assert {name for name, entry in SCHEDULES.items() if entry.simple} <= set(FORMULAS)
    assert set(SCHEDULES) - set(CAREFUL) == RANDOM | LOOKED_UP
    assert set(MORE) <= set(CAREFUL) <= set(EXACT)


@by_name
def test_ours_is_no_larger_than_it_was(name):
    """One equation more fails, and one less is to be noted."""
    ours, careful = equations(SCHEDULES[name].jaxsched()), equations(CAREFUL[name])
    assert ours - careful == MORE.get(name, 0)


@by_name
@pytest.mark.parametrize("who", ["by hand", "ours"])
def test_it_is_exact_and_within_its_bounds(name, who):
    case = case_of(name)
    schedule = case.make() if who == "ours" else CAREFUL[name]
    steps = steps_of(case)
    if name == "divide":
        steps = steps[steps < 800_000]  # the divisor is 0 beyond
    references = [case.reference(mp.mpf(int(t))) for t in steps]
    values = np.asarray(jax.jit(jax.vmap(schedule))(jnp.asarray(steps, jnp.int32)))
    assert values.dtype == np.float32
    if name == "subtract":
        distances = np.abs(values - np.float64(references)) / np.spacing(np.float32(0.1))
    else:
        distances = ulps(values, references)
    assert distances.max() <= case.ulp, worst(distances, steps)
    assert np.float32(case.low) <= values.min()
    assert values.max() <= np.float32(case.high)


@by_name
def test_a_negative_step_is_step_0(name):
    schedule = jax.jit(CAREFUL[name])
    values = [float(schedule(jnp.int32(t))) for t in (-1, -1000, -(2**31), 0)]
    assert len(set(values)) == 1


@pytest.mark.parametrize("name", FORMULAS)
def test_its_slope_is_finite(name):
    if name in INTEGERS:
        assert np.isfinite(jax.jit(CAREFUL[name])(jnp.int32(LAST)))
        return
    slope = jax.jit(jax.grad(lambda t: CAREFUL[name](t)))
    turns = KNOWN[name][1]
    assert all(np.isfinite(slope(float(t))) for t in (0, 0.5, 13, *turns, LAST))


@pytest.mark.parametrize("name", COMPOSED)
def test_a_composition_is_the_same_curve(name):
    """As ours on the host, which computes in float64, around every multiple of 500."""
    steps = [1, 3, 700, 4000, 8600, 15_000, LAST]
    steps += [t + d for t in range(500, 11_000, 500) for d in (-1, 0, 1)]
    schedule = SCHEDULES[name].jaxsched()
    with np.errstate(divide="ignore"):
        expected = np.float32([schedule(t) for t in steps])
    values = jax.jit(jax.vmap(COMPOSED[name]))(jnp.asarray(steps, jnp.int32))
    absolute = 8e-9 if name == "subtract" else 1e-37
    np.testing.assert_allclose(values, expected, rtol=6e-7, atol=absolute)
