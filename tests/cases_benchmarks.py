"""The exact formulas of the benchmarks' schedules, with the benchmarks' numbers, in mpmath.

Of each the formula, the steps where it turns, the bound in ulp on the device, and its extreme values.
"""

from __future__ import annotations

import importlib
import math

import mpmath as mp
import numpy as np
from case import decay, half_cosine, pieces, ramp, share
from cases_decays import chebyshev, compounding, polynomial_cycle, restarts, triangle, wave
from cases_operators import momentum
from cases_phases import cosines, geometric
from cases_shapes import hyperbolic

from benchmarks import run

assert run  # its import lets those of the other files find each other
TABLE = importlib.import_module("_schedules_operators").TABLE
TORCH = importlib.import_module("_schedules_phases").TORCH_TOTAL

M, L = mp.mpf, 10_000


def scaled(scales, boundaries):
    """0.1, multiplied by a scale at each boundary."""
    return lambda t: (
        M(0.1) * mp.fprod(M(s) for s, b in zip(scales, boundaries, strict=True) if b <= t)
    )


def root_law(peak, length, first):
    return lambda t: (
        M(peak) * min((t + first) / M(length), mp.sqrt(M(length) / max(t + first, M(1))))
    )


# What is one formula: `benchmarks/_careful.py` has it by hand.
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
        scaled((0.5, 0.1), (3000, 6000)), (3000, 6000), 0.5, 0.005, 0.1,
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
        lambda t: decay(0.1, 0.5, mp.floor(t / 1000)), (1000, 123_000), 4, 0.0, 0.1,
    ),
    "multistep_schedule": (
        scaled((0.1, 0.1), (3000, 6000)), (3000, 6000), 0.6, 0.001, 0.1,
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


def cycles(t):
    local = t - 25 * min(mp.floor(t / 25), M(19))
    return (
        ramp(0.0, 0.1, share(local, 5)) if local < 5 else half_cosine(0.1, 0.0, share(local, 20, 5))
    )


TENTH = float(np.float32(0.1))


def half_wave(t, length=L):
    return half_cosine(0.1, 0.0, share(t, length))


def exponential(t):
    return decay(0.1, 0.9, t / 1000)


# What is composed, of the schedules that optax or a peer has too.
JOINED = {
    "piecewise_interpolate_schedule": (
        lambda t: pieces(t, [
            (0, lambda u: ramp(0.1, 0.05, share(u, 3000))),
            (3000, lambda u: ramp(0.05, 0.005, share(u, 3000))),
        ]),
        (3000, 6000), 4, 0.005, 0.1,
    ),
    "linear_onecycle_schedule": (
        lambda t: pieces(t, [
            (0, lambda u: ramp(0.004, 0.1, share(u, 3000))),
            (3000, lambda u: ramp(0.1, 0.004, share(u, 5500))),
            (8500, lambda u: ramp(0.004, 4e-7, share(u, 1500))),
        ]),
        (3000, 8500, L), 4, 4e-7, 0.1,
    ),
    "cosine_onecycle_schedule": (
        lambda t: cosines(t, [3000, L], [0.004, 0.1, 4e-7]), (3000, L), 8, 4e-7, 0.1,
    ),
    "warmup_cosine_decay_schedule": (
        lambda t: ramp(0.0, 0.1, share(t, 500)) if t < 500 else half_cosine(0.1, 0.0, share(t, L, 500)),
        (500, 10_500), 8, 0.0, 0.1,
    ),
    "warmup_exponential_decay_schedule": (
        lambda t: ramp(0.0, 0.1, share(t, 500)) if t < 500 else decay(0.1, 0.9, (t - 500) / 1000),
        (500, 815_500), 4, 0.0, 0.1,
    ),
    "sgdr_schedule, 20 cycles": (cycles, (5, 25, 30, 475, 480, 500), 8, 0.0, 0.1),
    "join_schedules, 3 pieces": (
        lambda t: pieces(t, [
            (0, lambda u: ramp(0.0, 0.1, share(u, 500))),
            (500, lambda u: M(0.1)),
            (5000, lambda u: half_cosine(0.1, 0.0, share(u, L))),
        ]),
        (500, 5000, 15_000), 8, 0.0, 0.1,
    ),
    "warmup_stable_decay_schedule": (
        lambda t: pieces(t, [
            (0, lambda u: ramp(0.0, 0.1, share(u, 500))),
            (500, lambda u: ramp(0.1, 0.0, share(u, 2000, 7500))),
        ]),
        (500, 8000, L), 4, 0.0, 0.1,
    ),
    "tri_stage_schedule": (
        lambda t: pieces(t, [
            (0, lambda u: ramp(0.001, 0.1, share(u, 500))),
            (500, lambda u: geometric(0.1, 0.001, share(u, 4500, 5000))),
        ]),
        (500, 5500, L), 4, 0.001, 0.1,
    ),
    "infinite_schedule": (
        lambda t: pieces(t, [
            (0, lambda u: ramp(0.0, 0.1, share(u, 500))),
            (500, lambda u: half_cosine(0.1, 0.02, share(u, 3000))),
            (3500, lambda u: geometric(0.02, 0.001, share(u, 2500, 4000))),
        ]),
        (500, 3500, 7500, L), 8, 0.0, 0.1,
    ),
    "slanted_triangular_schedule": (
        lambda t: ramp(0.1 / 32, 0.1, min(share(t, 1000), 1 - share(t, 9000, 1000))),
        (1000, L), 4, 0.1 / 32, 0.1,
    ),
    "swa_schedule": (
        lambda t: half_cosine(decay(0.1, 0.9, min(t, M(7500)) / 1000), 0.05, share(t, 1000, 7500)),
        (7500, 8500), 8, 0.0453, 0.1,
    ),
    "onecycle_momentum_schedule": (
        lambda t: momentum(t, 0.95, 0.85, 3000, L), (3000, L), 4, 0.85, 0.95,
    ),
    "delay": (lambda t: half_wave(max(t - 500, M(0))), (500, 10_500), 8, 0.0, 0.1),
    "repeat, 20 cycles": (
        lambda t: half_wave(t % 500, 500) if t < L else M(0), (500, 1000, L), 8, 0.0, 0.1,
    ),
    "with_warmup": (
        lambda t: ramp(0.0, 0.1, share(t, 500)) if t < 500 else exponential(t - 500),
        (500, 815_500), 4, 0.0, 0.1,
    ),
    "with_cooldown": (
        lambda t: half_wave(t) if t < 8000 else half_wave(M(8000)) * (1 - share(t, 1000, 8000)),
        (8000, 9000), 8, 0.0, 0.1,
    ),
    "override": (
        lambda t: half_wave(t) if t < 8000 else half_wave(M(8000)) * 10 * exponential(t - 8000),
        (8000, 823_000), 8, 0.0, 0.1,
    ),
}  # fmt: skip

# What no peer has, or only by arithmetic on its own schedules. The bound of a difference is in units of
# what is subtracted, 0.1: of what is left of it near 0, no more is known.
ALONE = {
    "add": (lambda t: half_wave(t) + exponential(t), (L,), 4, 0.0, 0.2),
    "subtract": (lambda t: half_wave(t) - exponential(t), (L,), 2, -0.037, 0.02),
    "multiply": (lambda t: half_wave(t) * exponential(t), (L,), 8, 0.0, TENTH**2),
    "divide": (lambda t: half_wave(t) / exponential(t), (L,), 8, 0.0, 1.2),
    "minimum": (lambda t: min(half_wave(t), exponential(t)), (L,), 8, 0.0, 0.1),
    "maximum": (lambda t: max(half_wave(t), exponential(t)), (L,), 4, 0.0, 0.1),
    "power": (lambda t: half_wave(t) ** M(1.5), (L,), 8, 0.0, TENTH**1.5),
    "clip": (lambda t: min(max(half_wave(t), M(0.01)), M(0.09)), (L,), 4, 0.01, 0.09),
    "proportional": (lambda t: half_wave(t) * M(0.01) / M(0.1), (L,), 8, 0.0, 0.01),
    "stretch": (lambda t: ramp(0.1, 0.0, share(t, 3 * L)), (3 * L,), 4, 0.0, 0.1),
    "staircase": (lambda t: half_wave(mp.floor(t / 100) * 100), (100, L), 8, 0.0, 0.1),
    "by_epoch": (lambda t: half_wave(mp.floor(t / 100)), (100, 100 * L), 8, 0.0, 0.1),
    "reverse": (lambda t: half_wave(max(5000 - t, M(0))), (5000,), 4, 0.0499999, 0.1),
    "jagged_restarts": (
        lambda t: half_wave(t) * ramp(0.001, 1.0, min(
            share(t % 1000, 50) if t >= 1000 else M(1), 1 - share(t % 1000, 10, 990)
        )),
        (990, 1000, 1050, L), 8, 0.0, 0.1,
    ),
    "wsds_schedule": (
        lambda t: pieces(t, [
            (0, lambda u: ramp(0.0, 0.1, share(u, 500))),
            (500, lambda u: ramp(0.1, 0.0, share(u, 500, 2000))),
            (3000, lambda u: ramp(0.1, 0.0, share(u, 500, 2500))),
            (6000, lambda u: ramp(0.1, 0.0, share(u, 500, 3500))),
        ]),
        (500, 2500, 3000, 5500, 6000, 9500, L), 4, 0.0, 0.1,
    ),
}  # fmt: skip
