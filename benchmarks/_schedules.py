"""Every public schedule and operator, with what it is compared with."""

import warnings

import jax.numpy as jnp
import optax
from _entry import LENGTH
from _peers import STEP, installed
from _schedules_decays import DECAYS
from _schedules_operators import OPERATORS
from _schedules_optax import BY_OPTAX
from _schedules_phases import PHASES

import jaxsched

SCHEDULES = {**BY_OPTAX, **DECAYS, **PHASES, **OPERATORS}

TABLES = {
    "piecewise_constant_schedule",
    "piecewise_interpolate_schedule",
    "multistep_schedule",
    "tabulated_schedule",
}
"""What looks its value up: not one formula, and no composition."""

LIBRARIES = {"jaxsched": jaxsched, "optax": optax}

PUBLIC = {
    name
    for name, value in vars(jaxsched).items()
    if not name.startswith("_") and hasattr(value, "form")
}
"""Every public factory of schedules."""

STEPS = (0, 3, 123, 499, 500, 2999, 3000, 5000, 8600, LENGTH, 10_600)
PEER_STEPS = (0, STEP, 777)  # torch's are reached step by step

RELATIVE, ABSOLUTE = 2e-6, 8e-9
"""How far two that compute the same may be apart: the least, rounded up, that float32 formulas need.

Ours are exact, but optax's and those by hand take differences of numbers as large as the peak, and most
peaks are 0.1: what is left near 0 is off by a unit of float32 there, 7.5e-9 (4e-9 was found), whatever
its own size. Larger values are off by 2e-6 of themselves, where some differences meet.
"""


def varied(library, n):
    """SGDR of n/2 cycles that all differ: n pieces of two forms."""
    return library.sgdr_schedule(
        [
            {
                "init_value": 0.0,
                "peak_value": 1 / (i + 1),
                "warmup_steps": 5 + i % 7,
                "decay_steps": 25 + i % 11,
            }
            for i in range(n // 2)
        ]
    )


def forgotten():
    """The public factories that no entry is made by."""
    return PUBLIC - {entry.jaxsched().factory.__name__ for entry in SCHEDULES.values()}


def by_formulas(rows, *, tables=False):
    """The rows of the schedules of one formula (and of the tables, if asked for), and all others."""
    known = {name for name, entry in SCHEDULES.items() if entry.simple}
    known |= TABLES if tables else set()
    simple = [row for row in rows if row["schedule"] in known]
    return simple, [row for row in rows if row not in simple]


def check():
    """Raises unless every public factory is measured, and all that is compared computes the same."""
    if forgotten():
        raise AssertionError(f"no benchmark measures {', '.join(sorted(forgotten()))}")
    peers = installed()
    for name, entry in SCHEDULES.items():
        for what, step, value, other in _compared(entry, peers):
            if not abs(value - other) <= RELATIVE * abs(value) + ABSOLUTE:
                raise AssertionError(f"{name} at {step}: {value}, but {what} has {other}")


def _compared(entry, peers):
    """What else computes the entry's curve, a step, our value there and the other."""
    schedule = entry.jaxsched()
    others = {"python": entry.python, "optax": entry.optax and entry.optax()}
    if entry.by_hand:
        others["jnp"] = lambda step: entry.by_hand(jnp.int32(step))
    for what, function in others.items():
        for step in STEPS if function else ():
            yield what, step, schedule(step), float(function(step))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch asks for optimizer.step() before scheduler.step()
        for what, peer in peers.items():
            build = getattr(entry, what)
            for step in PEER_STEPS if build else ():
                yield f"{what}'s", step, schedule(step), peer.rate(build, step)
