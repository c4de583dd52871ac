"""The schedules of the test registry and of the host benchmark in optax, Keras and torch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import optax
from _schedules import OPERATORS, SCHEDULES
from case import LAST, Case, decay
from cases import CASES
from cases_benchmarks import JOINED, KNOWN

import jaxsched


@dataclass(frozen=True)
class Row:
    """A schedule and what the peers have of it, None where they have not.

    Attributes:
      case: ours and the exact curve.
      optax: builds a function of the step.
      keras: builds it from `keras.optimizers.schedules`.
      tensorflow: builds it from `tf.compat.v1.train`.
      torch: the rate of the optimizer, the last step, and what builds it from torch's lr_scheduler module
        and the optimizer.
      until: the last step that is compared, in every library.
    """

    case: Case
    optax: Callable[[], Any] | None = None
    keras: Callable[[Any], Any] | None = None
    tensorflow: Callable[[Any], Any] | None = None
    torch: tuple[float, int, Callable[[Any, Any], Any]] | None = None
    until: int = LAST


RATE = 1 - 2.0**-20  # a float32, so that no peer loses anything of it

# Beside the registry: stairs in plain form, which every peer has.
ALSO = {
    "exponential_decay/short stairs": Case(
        lambda: jaxsched.exponential_decay(0.1, 1003, RATE, staircase=True),
        lambda t: decay(0.1, RATE, mp.floor(t / 1003)),
        (1003, 1003 * 1_000_003, 1003 * 2_000_003),
    ),
}

# Steps of one stair, for the share of wrong stairs.
STAIRS = {
    "exponential_decay/short stairs": 1003,
    "natural_exp_decay/stairs": 10_007,
    "inverse_time_decay/stairs": 1003,
}

# There optax answers something else on purpose or not: see the README's table of differences.
NOT_THE_SAME_IN_OPTAX = {
    "linear_schedule/no steps",
    "exponential_decay/no steps",
    "warmup_cosine_decay_schedule/from zero peak",
}

OTHER_NAMES_IN_OPTAX = {
    "natural_exp_decay": lambda: optax.exponential_decay(0.1, 1000, math.exp(-0.7)),
    "natural_exp_decay/stairs": lambda: optax.exponential_decay(
        0.1, 10_007, math.exp(-1e-4), staircase=True
    ),
    "half_life_decay": lambda: optax.exponential_decay(0.3, 1003, 0.5, 77, end_value=1e-4),
    "step_decay": lambda: optax.exponential_decay(0.3, 1030, 0.7, staircase=True),
    "multistep_schedule": lambda: optax.piecewise_constant_schedule(
        0.3, {10: 0.7**2, 500: 0.7, 10**9: 0.7}
    ),
    "geometric_schedule": lambda: optax.exponential_decay(
        700.0, 10_007, 0.003 / 700, 13, end_value=0.003
    ),
    "geometric_schedule/rising": lambda: optax.exponential_decay(
        1.0, 2**31 - 1, 30.0, end_value=30.0
    ),
    "polynomial_decay": lambda: optax.polynomial_schedule(0.3, 0.01, 1.7, 1003),
    "transition_schedule/linear": lambda: optax.linear_schedule(0.7, 0.0, 10_007),
    "transition_schedule/linear, rising": lambda: optax.linear_schedule(0.0, 0.7, 10_007, 13),
    "transition_schedule/linear, partly": lambda: optax.linear_schedule(0.7, 0.1, 10_007),
    "transition_schedule/power": lambda: optax.polynomial_schedule(0.7, 0.0, 3.0, 10_007),
    "transition_schedule/cosine": lambda: optax.cosine_decay_schedule(0.7, 10_007),
    "transition_schedule/cosine, exponent": lambda: optax.cosine_decay_schedule(
        0.7, 10_007, exponent=1.5
    ),
}


def in_optax(name, schedule):
    """The schedule made by optax, or None where optax has none of this curve."""
    if name in NOT_THE_SAME_IN_OPTAX:
        return None
    return OTHER_NAMES_IN_OPTAX[name]() if name in OTHER_NAMES_IN_OPTAX else _call(schedule)


def _call(schedule):
    """optax's function of the same name with the same arguments, in which schedules are optax's too."""
    name, given = schedule.factory.__name__, schedule.hyperparameters
    if name == "foreign":
        return given["function"]
    function = getattr(optax.schedules, name, None)
    arguments = {key: _argument(value) for key, value in given.items()}
    parts = arguments.get("schedules", ())
    return None if function is None or None in parts else function(**arguments)


def _argument(value):
    if isinstance(value, jaxsched.Schedule):
        return _call(value)
    if isinstance(value, Mapping):
        return dict(value)
    return [_argument(item) for item in value] if isinstance(value, tuple) else value


# name -> (keras.optimizers.schedules -> the schedule)
IN_KERAS = {
    "linear_schedule": lambda k: k.PolynomialDecay(0.7, 49, 0.1),
    "linear_schedule/rising": lambda k: k.PolynomialDecay(0.0, 1_000_003, 0.3),
    "linear_schedule/negative": lambda k: k.PolynomialDecay(-0.1, 1000, -0.7),
    "polynomial_schedule/root": lambda k: k.PolynomialDecay(0.7, 997, 0.0, 0.5),
    "polynomial_schedule/rising": lambda k: k.PolynomialDecay(0.0, 10_007, 0.7, 1.7),
    "polynomial_decay": lambda k: k.PolynomialDecay(0.3, 1003, 0.01, 1.7),
    "polynomial_decay/cycle": lambda k: k.PolynomialDecay(0.3, 1003, 0.01, 1.7, cycle=True),
    "exponential_decay": lambda k: k.ExponentialDecay(0.1, 1000, 0.96),
    "exponential_decay/slow": lambda k: k.ExponentialDecay(0.1, 10**8 + 7, 0.5),
    "exponential_decay/short stairs": lambda k: k.ExponentialDecay(0.1, 1003, RATE, True),
    "natural_exp_decay": lambda k: k.ExponentialDecay(0.1, 1000, math.exp(-0.7)),
    "natural_exp_decay/stairs": lambda k: k.ExponentialDecay(0.1, 10_007, math.exp(-1e-4), True),
    "step_decay": lambda k: k.ExponentialDecay(0.3, 1030, 0.7, True),
    "time_based_decay": lambda k: k.InverseTimeDecay(0.1, 1, 0.001),
    "inverse_time_decay": lambda k: k.InverseTimeDecay(0.3, 1003, 0.7),
    "inverse_time_decay/stairs": lambda k: k.InverseTimeDecay(0.3, 1003, 0.7, True),
    "cosine_decay_schedule": lambda k: k.CosineDecay(0.1, 1000),
    "cosine_decay_schedule/huge": lambda k: k.CosineDecay(0.3, 2**31 - 1),
    "warmup_cosine_decay_schedule": lambda k: k.CosineDecay(
        0.0, 9500, 0.01, warmup_target=1e-3, warmup_steps=500
    ),
    # Keras's boundary belongs to the piece on its left.
    "piecewise_constant_schedule": lambda k: k.PiecewiseConstantDecay(
        [99, 10**9 - 1, 2**31 - 2], [0.5, 0.25, 0.0625, 0.03125]
    ),
    "multistep_schedule": lambda k: k.PiecewiseConstantDecay(
        [9, 499, 10**9 - 1], [0.3 * 0.7**i for i in (0, 2, 3, 4)]
    ),
    "cosine_decay_restarts": lambda k: k.CosineDecayRestarts(0.3, 103, 2.0, 0.7, 0.05),
    "cosine_decay_restarts/to zero": lambda k: k.CosineDecayRestarts(0.3, 1, 3.0),
    "cosine_decay_restarts/between steps": lambda k: k.CosineDecayRestarts(0.3, 10, 2.5, 0.9),
    "cosine_decay_restarts/equal": lambda k: k.CosineDecayRestarts(0.3, 1003, 1.0, 0.9, 0.05),
}

# name -> (tf.compat.v1.train -> a function of the step), for what Keras no longer has
IN_TENSORFLOW = {
    "linear_cosine_decay": lambda m: (
        lambda step: m.linear_cosine_decay(0.3, step, 1003, 0.5, 0.25, 0.0625)()
    ),
    "linear_cosine_decay/waves": lambda m: (
        lambda step: m.linear_cosine_decay(0.3, step, 10_007, 3.5, 0.0, 0.0)()
    ),
}

FEASIBLE = 20_000  # torch's rates are reached step by step

# name -> (rate of the optimizer, last step, (torch.optim.lr_scheduler, optimizer) -> the scheduler)
IN_TORCH = {
    "constant_schedule": (0.3, FEASIBLE, lambda t, o: t.ConstantLR(o, 1.0, 10)),
    "linear_schedule": (0.7, FEASIBLE, lambda t, o: t.LinearLR(o, 1.0, 0.1 / 0.7, 49)),
    "warmup_constant_schedule": (0.3, FEASIBLE, lambda t, o: t.LinearLR(o, 0.1 / 0.3, 1.0, 100)),
    "exponential_decay": (0.1, FEASIBLE, lambda t, o: t.ExponentialLR(o, 0.96 ** (1 / 1000))),
    "exponential_decay/slow": (
        0.1, FEASIBLE, lambda t, o: t.ExponentialLR(o, 0.5 ** (1 / (10**8 + 7)))
    ),
    "natural_exp_decay": (0.1, FEASIBLE, lambda t, o: t.ExponentialLR(o, math.exp(-0.7 / 1000))),
    "polynomial_schedule/root": (0.7, FEASIBLE, lambda t, o: t.PolynomialLR(o, 997, 0.5)),
    "transition_schedule/power": (0.7, FEASIBLE, lambda t, o: t.PolynomialLR(o, 10_007, 3.0)),
    "step_decay": (0.3, FEASIBLE, lambda t, o: t.StepLR(o, 1030, 0.7)),
    "exponential_decay/short stairs": (0.1, FEASIBLE, lambda t, o: t.StepLR(o, 1003, RATE)),
    "multistep_schedule": (0.3, FEASIBLE, lambda t, o: t.MultiStepLR(o, [10, 10, 500, 10**9], 0.7)),
    # past its length torch's cosine rises again
    "cosine_decay_schedule": (0.1, 1000, lambda t, o: t.CosineAnnealingLR(o, 1000)),
    "transition_schedule/cosine": (0.7, 10_007, lambda t, o: t.CosineAnnealingLR(o, 10_007)),
    "cosine_decay_restarts/to zero": (
        0.3, FEASIBLE, lambda t, o: t.CosineAnnealingWarmRestarts(o, 1, 3)
    ),
    "cyclic_schedule": (1.0, FEASIBLE, lambda t, o: t.CyclicLR(o, 0.01, 0.3, 103, 57)),
    "cyclic_schedule/halving": (
        1.0, FEASIBLE, lambda t, o: t.CyclicLR(o, 0.01, 0.3, 103, mode="triangular2")
    ),
    "cyclic_schedule/shrinking": (
        1.0, FEASIBLE, lambda t, o: t.CyclicLR(
            o, 0.0, 0.3, 103, 57, mode="exp_range", gamma=1 - 2.0**-10
        )
    ),
    # past its end torch's raises
    "torch_onecycle_schedule": (
        1.0, 999, lambda t, o: t.OneCycleLR(
            o, 0.5, 1000, pct_start=0.2505, div_factor=16.0, final_div_factor=1024.0
        )
    ),
    "torch_onecycle_schedule/three straight phases": (
        1.0, 999, lambda t, o: t.OneCycleLR(
            o, 0.5, 1000, pct_start=0.25025, anneal_strategy="linear", div_factor=16.0,
            final_div_factor=1024.0, three_phase=True
        )
    ),
}  # fmt: skip

REGISTRY = {
    name: Row(
        case,
        lambda name=name, case=case: in_optax(name, case.make()),
        IN_KERAS.get(name),
        IN_TENSORFLOW.get(name),
        IN_TORCH.get(name),
    )
    for name, case in {**CASES, **ALSO}.items()
}

# The last step at which the curves of the host benchmark are one: optax's join of seven cycles ends, and
# the factor of what grows leaves float32.
UNTIL = {"cosine_decay_restarts": 12_699, "exponential_decay, growing": 8_900_000}

# Past its length torch's cosine rises again.
END_IN_TORCH = {
    "cosine_decay_schedule": 10_000,
    "warmup_cosine_decay_schedule": 10_500,
    "join_schedules, 3 pieces": 15_000,
}


def _of_benchmark(name, entry):
    return Row(
        Case(entry.jaxsched, *{**KNOWN, **JOINED}[name]),
        entry.optax,
        entry.keras,
        entry.tensorflow,
        entry.torch and (0.1, END_IN_TORCH.get(name, FEASIBLE), entry.torch),
        UNTIL.get(name, LAST),
    )


BY_JOIN = ("delay", "repeat, 20 cycles", "with_warmup", "with_cooldown", "override")
"""The operators that a join of optax's schedules makes."""

ARITHMETIC = [name for name, entry in OPERATORS.items() if entry.optax and name not in BY_JOIN]
"""Those that optax's users write themselves, on a schedule's value or on its step."""

BENCHMARKED = {
    name: _of_benchmark(name, entry)
    for name, entry in SCHEDULES.items()
    if (entry.optax or entry.keras or entry.tensorflow or entry.torch) and name not in ARITHMETIC
}
"""What the host benchmark compares, as it builds it, but for that arithmetic."""
