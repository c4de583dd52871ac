"""Straight lines as shapes, which note what is asked of them, and their exact values."""

from __future__ import annotations

from fractions import Fraction

import jax.numpy as jnp
import numpy as np

from jaxsched._core import numerics as nx
from jaxsched._core.shape import shape
from jaxsched.checks import is_unknown

LENGTH = 4
STEPS = range(-1, LENGTH + 2)
DTYPE = nx.float_dtype().type
LARGEST = float(np.finfo(DTYPE).max)
EPSILON = float(np.finfo(DTYPE).eps)
CALLS: list = []


def note(name, value):
    CALLS.append(name)
    return value


def calls() -> list:
    noted = CALLS[:]
    CALLS.clear()
    return noted


def lopsided(progress):
    return note("fall", progress.remaining)


def even(progress):
    return note("fall", progress.remaining)


def to_goal(progress, goal, bounded, *values):
    known = "traced" if is_unknown(goal) else goal  # a tracer noted would outlive its trace
    return note((known, bounded), goal * progress.remaining)


def scaled(progress):
    return progress.remaining


def scaled_and_even(progress):
    return progress.remaining


def forms() -> list:
    """Straight lines that note what is asked of them."""
    return [
        shape(complement=lambda progress: note("rise", progress.elapsed))(lopsided).form,
        shape(symmetric=True)(even).form,
        shape(scaled=to_goal)(scaled).form,
        shape(symmetric=True, scaled=to_goal)(scaled_and_even).form,
    ]


def exact(start, end) -> list[float]:
    shares = [Fraction(min(max(t, 0), LENGTH), LENGTH) for t in STEPS]
    return [float(Fraction(start) + (Fraction(end) - Fraction(start)) * s) for s in shares]


def steps():
    return jnp.maximum(jnp.asarray(STEPS), 0)
