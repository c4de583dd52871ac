"""No schedule is a larger program than what a careful programmer writes by hand.

The versions by hand are in `benchmarks/_careful.py`, those of compositions in `_careful_compositions.py`.
Here each of them shows that it deserves its name: a formula is held to what the laws hold the schedules to,
with the exact formula in mpmath beside it; a composition of such formulas to the same values as ours.
"""

from __future__ import annotations

import importlib
import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from case import LAST, Case, decay, half_cosine, ramp, share
from cases_decays import chebyshev, compounding, polynomial_cycle, restarts, triangle, wave
from cases_phases import cosines, geometric
from cases_shapes import hyperbolic
from test_laws import steps_of, ulps, worst
from test_program import primitives

from benchmarks import run

assert run  # its import lets those of the other files find each other
CAREFUL = importlib.import_module("_schedules_careful").CAREFUL
FORMULAS = importlib.import_module("_schedules_careful").FORMULAS
COMPOSED = importlib.import_module("_careful_compositions").COMPOSED
SCHEDULES = importlib.import_module("_schedules").SCHEDULES
TABLE = importlib.import_module("_schedules_operators").TABLE
TORCH = importlib.import_module("_schedules_phases").TORCH_TOTAL

pytestmark = pytest.mark.skipif(
    bool(jax.config.jax_enable_x64), reason="the versions by hand are of one precision"
)

M, L = mp.mpf, 10_000


def reads(values, boundaries):
    return lambda t: M(values[sum(b <= t for b in boundaries)])


def root_law(peak, length, first):
    return lambda t: (
        M(peak) * min((t + first) / M(length), mp.sqrt(M(length) / max(t + first, M(1))))
    )


# name -> the exact formula, the steps where it turns, the bound in ulp, the lowest and the highest value
KNOWN = {
    "constant_schedule": (lambda t: M(0.1), (), 0.5, 0.1, 0.1),
    "linear_schedule": (lambda t: ramp(0.1, 0.0, share(t, L)), (L,), 4, 0.0, 0.1),
    "polynomial_schedule": (lambda t: M(0.1) * (1 - share(t, L)) ** 2, (L,), 4, 0.0, 0.1),
    "exponential_decay": (lambda t: decay(0.1, 0.9, t / 1000), (1000, 815_000), 4, 0.0, 0.1),
    "exponential_decay, stairs": (
        lambda t: decay(0.1, 0.9, mp.floor(t / 1000)), (1000, 815_000, 816_000), 4, 0.0, 0.1,
    ),
    "exponential_decay, growing": (
        lambda t: min(decay(0.1, 1.01, t / 1000), M(float(np.finfo(np.float32).max))),
        (1000, 9_148_000), 4, 0.1, float(np.finfo(np.float32).max),
    ),
    "cosine_decay_schedule": (lambda t: half_cosine(0.1, 0.0, share(t, L)), (L,), 8, 0.0, 0.1),
    "warmup_constant_schedule": (lambda t: ramp(0.0, 0.1, share(t, L)), (L,), 4, 0.0, 0.1),
    "piecewise_constant_schedule": (
        reads((0.1, 0.05, 0.005), (3000, 6000)), (3000, 6000), 0.5, 0.005, 0.1,
    ),
    "transition_schedule, 1-sqrt": (
        lambda t: M(0.1) * (1 - mp.sqrt(share(t, L))), (L,), 8, 0.0, 0.1,
    ),
    "transition_schedule, tanh": (
        lambda t: M(0.1) * hyperbolic(share(t, L), -6, 4), (L,), 8, 0.0, 0.1,
    ),
    "natural_exp_decay": (lambda t: M(0.1) * mp.exp(-t / 2000), (1000, 170_000), 4, 0.0, 0.1),
    "half_life_decay": (lambda t: decay(0.1, 0.5, t / 1000), (1000, 123_000), 4, 0.0, 0.1),
    "geometric_schedule": (lambda t: geometric(0.1, 0.001, share(t, L)), (L,), 4, 0.001, 0.1),
    "inverse_sigmoid_decay": (
        lambda t: M(0.1) * 1000 / (1000 + mp.exp(t / 1000)), (6908, 94_000), 8, 0.0, 0.1,
    ),
    "inverse_time_decay": (lambda t: M(0.1) / (1 + t / 2000), (2000,), 4, 0.0, 0.1),
    "time_based_decay": (lambda t: M(0.1) / (1 + t / 1000), (1000,), 4, 0.0, 0.1),
    "compounding_time_based_decay": (
        lambda t: compounding(t, 0.1, 0.001, 100), (100, 30_000, 409_600), 4, 0.0, 0.1,
    ),
    "power_law_schedule": (
        lambda t: M(0.1) * (1 + t / 100) ** -M(0.51), (100,), 4, 0.0, 0.1,
    ),
    "inverse_sqrt_schedule": (root_law(0.1, 500, 0), (500,), 4, 0.0, 0.1),
    "noam_schedule": (
        root_law(1 / math.sqrt(512 * 4000), 4000, 1), (3999,), 8, 0.0, 1 / math.sqrt(512 * 4000),
    ),
    "step_decay": (
        lambda t: decay(0.1, 0.5, min(mp.floor(t / 1000), M(900))), (1000, 123_000), 4, 0.0, 0.1,
    ),
    "multistep_schedule": (
        reads((0.1, 0.01, 0.001), (3000, 6000)), (3000, 6000), 0.6, 0.001, 0.1,
    ),
    "chebyshev_schedule": (
        lambda t: M(0.1) * chebyshev(t, 4, 0.05, 1.0, 2500), (2500, 5000, 10_000), 8, 0.1, 2.0,
    ),
    "polynomial_decay, cycles": (
        lambda t: polynomial_cycle(t, 0.1, 1000, 0.0, 2.0), (1000, 2000, 10**8), 8, 0.0, 0.1,
    ),
    "cosine_decay_restarts": (
        lambda t: restarts(t, 0.1, 100, 2.0, 1.0, 0.0), (100, 300, 700, 102_300), 8, 0.0, 0.1,
    ),
    "cyclic_schedule": (
        lambda t: ramp(0.01, 0.1, triangle(t, 200, 200)[1]), (200, 400, 4 * 10**8), 8, 0.01, 0.1,
    ),
    "linear_cosine_decay": (
        lambda t: M(0.1) * ((1 - share(t, L)) * wave(share(t, L), 0.5) + M(0.001)),
        (L,), 8, 0.0001, 0.1001,
    ),
    "cosine_wave_schedule": (
        lambda t: M(0.1) * wave(share(t, L), 2.5), (2000, 4000, 6000, L), 8, 0.0, 0.1,
    ),
    "torch_onecycle_schedule": (
        lambda t: cosines(t, [0.3 * TORCH - 1, TORCH - 1], [0.004, 0.1, 4e-7]),
        (int(0.3 * TORCH) - 1, TORCH - 1), 8, 4e-7, 0.1,
    ),
    "fastai_onecycle_schedule": (
        lambda t: cosines(t, [2500, L], [0.004, 0.1, 1e-6]), (2500, L), 8, 1e-6, 0.1,
    ),
    "flat_cosine_schedule": (
        lambda t: half_cosine(0.1, 1e-6, share(t, 2500, 7500)), (7500, L), 8, 1e-6, 0.1,
    ),
    "k_decay_schedule": (
        lambda t: half_cosine(0.1, 0.001, share(t, L) ** M(1.5)), (L,), 8, 0.001, 0.1,
    ),
    "tabulated_schedule": (
        lambda t: M(TABLE[min(int(t) // 1000, 9)]), (1000, 9000), 0.5, 0.001, 0.1,
    ),
}  # fmt: skip

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
    references = [case.reference(M(int(t))) for t in steps]
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
