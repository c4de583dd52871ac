"""By name of the benchmarks' schedules: what each is at its smallest, if it is to be right.

Those of random numbers have none, nor has the join of 40 pieces, which looks their numbers up.
"""

import math

from _careful import (
    constant,
    cosine,
    exponential,
    fall,
    flat_cosine,
    geometric,
    inverse_time,
    k_decay,
    one_cycle,
    one_minus_root,
    power_law,
    rise,
    rise_and_root,
    sigmoid,
    square,
    stairs,
    tanh,
)
from _careful_compositions import COMPOSED
from _careful_cycles import (
    chebyshev,
    compounding,
    growing_square,
    linear_cosine,
    restarts,
    steps_at,
    table,
    triangles,
    wave,
)
from _entry import BETWEEN, LENGTH
from _schedules_operators import TABLE
from _schedules_phases import TORCH_TOTAL

FORMULAS = {
    "constant_schedule": constant(0.1),
    "linear_schedule": fall(0.1, 0.0, LENGTH),
    "polynomial_schedule": square(0.1, LENGTH),
    "exponential_decay": exponential(0.1, math.log2(0.9) / BETWEEN),
    "exponential_decay, stairs": stairs(0.1, math.log2(0.9), BETWEEN),
    "exponential_decay, growing": exponential(0.1, math.log2(1.01) / BETWEEN),
    "cosine_decay_schedule": cosine(0.1, 0.0, LENGTH),
    "warmup_constant_schedule": rise(0.0, 0.1, LENGTH),
    "piecewise_constant_schedule": steps_at((0.1, 0.05, 0.005), (3000, 6000)),
    "transition_schedule, 1-sqrt": one_minus_root(0.1, LENGTH),
    "transition_schedule, tanh": tanh(0.1, LENGTH, -6.0, 4.0),
    "natural_exp_decay": exponential(0.1, -0.5 / BETWEEN / math.log(2)),
    "half_life_decay": exponential(0.1, -1 / BETWEEN),
    "geometric_schedule": geometric(0.1, 0.001, LENGTH),
    "inverse_sigmoid_decay": sigmoid(0.1, 1000.0),
    "inverse_time_decay": inverse_time(0.1, 0.5 / BETWEEN),
    "time_based_decay": inverse_time(0.1, 0.001),
    "compounding_time_based_decay": compounding(0.1, 0.001, 100),
    "power_law_schedule": power_law(0.1, 100.0, 0.51),
    "inverse_sqrt_schedule": rise_and_root(0.1, 500, 0),
    "noam_schedule": rise_and_root(1 / math.sqrt(512 * 4000), 4000, 1),
    "step_decay": stairs(0.1, -1.0, BETWEEN),
    "multistep_schedule": steps_at((0.1, 0.01, 0.001), (3000, 6000)),
    "chebyshev_schedule": chebyshev(0.1, 0.05, 1.0, (0, 3, 1, 2), 2500),
    "polynomial_decay, cycles": growing_square(0.1, 1000),
    "cosine_decay_restarts": restarts(0.1, 100),
    "cyclic_schedule": triangles(0.01, 0.1, 200),
    "linear_cosine_decay": linear_cosine(0.1, LENGTH, 0.0, 0.001),
    "cosine_wave_schedule": wave(0.1, 0.0, LENGTH, 2.5),
    "torch_onecycle_schedule": one_cycle(0.004, 0.1, 4e-7, 0.3 * TORCH_TOTAL - 1, TORCH_TOTAL - 1),
    "fastai_onecycle_schedule": one_cycle(0.004, 0.1, 1e-6, 2500, LENGTH),
    "flat_cosine_schedule": flat_cosine(0.1, 1e-6, 7500, LENGTH),
    "k_decay_schedule": k_decay(0.1, 0.001, LENGTH),
    "tabulated_schedule": table(TABLE, BETWEEN),
}
CAREFUL = {**FORMULAS, **COMPOSED}
