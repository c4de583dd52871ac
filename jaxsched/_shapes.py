"""Unit shapes: how a transition gets from 1 to 0.

A shape is a function of a progress (`elapsed` and `remaining`, each exact at its own end) that falls
from 1 to 0. It may also say how its complement `1 - shape` is computed without cancellation, for
transitions that rise; a shape that looks the same backwards says so with ``symmetric=True``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsched import _numerics as nx
from jaxsched import checks
from jaxsched._bound import Bound, Form, make_factory, register


class Shape(Bound):
    """A unit shape with its hyperparameters bound: falls from 1 to 0 while a progress elapses."""

    __slots__ = ()

    def between(self, start: Any, end: Any, progress: Any) -> Any:
        """The value on the way from `start` to `end`."""
        form: Any = self._form
        return between(start, end, progress, form, *self._values)


register(Shape)


class ShapeForm(Form):
    """A form with the complement of its function."""

    kind = Shape
    rise: Callable[..., Any]

    @property
    def fall(self) -> Callable[..., Any]:
        return self.function


def shape(
    *, symmetric: bool = False, complement: Callable[..., Any] | None = None, **constraints: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Makes a factory of shapes from a function ``(progress, *hyperparameters) -> weight``."""

    def decorator(function: Callable[..., Any]) -> Any:
        form = ShapeForm(
            function, skip=1, constraints=constraints, numeric=True, reserved=frozenset(dir(Shape))
        )
        if symmetric:
            form.rise = lambda progress, *values: function(progress.reverse(), *values)
        else:
            form.rise = complement or (lambda progress, *values: 1.0 - function(progress, *values))
        return make_factory(form, Shape)

    return decorator


def between(start: Any, end: Any, progress: Any, form: ShapeForm, *parameters: Any) -> Any:
    """The value at `progress` on the way from `start` to `end` along a shape.

    Both ends are hit exactly and the value never leaves their interval. It is anchored at the end of
    the smaller magnitude: from there the way is added, not subtracted, and no digits are lost.
    """
    if nx.is_plain(end) and end == 0:
        return nx.num(start) * form.fall(progress, *parameters)
    if nx.is_plain(start) and start == 0:
        return nx.num(end) * form.rise(progress, *parameters)
    if nx.is_plain(start) and nx.is_plain(end):
        small, large = (end, start) if abs(end) <= abs(start) else (start, end)
        weight = (form.fall if large is start else form.rise)(progress, *parameters)
        dtype = nx.dtype_of(weight)
        way, exact = _way(small, large, dtype)
        value = small + weight * way
        if exact:
            return value
        return (nx.minimum if large > small else nx.maximum)(value, float(dtype(large)))
    start, end = nx.num(start), nx.num(end)
    value = start * form.fall(progress, *parameters) + end * form.rise(progress, *parameters)
    return jnp.clip(value, jnp.minimum(start, end), jnp.maximum(start, end))


def _way(small: float, large: float, dtype: Any) -> tuple[float, bool]:
    """Large - small, rounded so that `small` plus it reaches `large`; and whether it lands on it."""
    anchor, goal = dtype(small), dtype(large)
    way, outwards = dtype(large - small), dtype(math.copysign(math.inf, large - small))
    while (goal - (anchor + way)) * np.sign(outwards) > 0:
        way = np.nextafter(way, outwards)
    return float(way), bool(anchor + way == goal)


@shape(symmetric=True)
def linear(progress: Any) -> Any:
    """A straight line."""
    return progress.remaining


@shape(
    exponent=checks.nonnegative,
    complement=lambda progress, exponent: nx.one_minus_power(progress.elapsed, exponent),
)
def power(progress: Any, exponent: float) -> Any:
    """Remaining ** exponent: steepest at the start for exponents above 1."""
    return nx.power(progress.remaining, exponent)


def _cosine_rise(progress: Any, exponent: Any) -> Any:
    sine = nx.sin(progress.elapsed_times(math.pi / 2))
    return nx.one_minus_power(sine * sine, exponent)


@shape(exponent=checks.nonnegative, complement=_cosine_rise)
def cosine(progress: Any, exponent: float = 1.0) -> Any:
    """((1 + cos(pi * elapsed)) / 2) ** exponent, computed as sin(pi/2 * remaining) ** (2 * exponent).

    The cosine itself is near -1 at the end, where adding 1 to it leaves no digits.
    """
    sine = nx.sin(progress.remaining_times(math.pi / 2))
    return nx.power(sine, exponent * 2.0)
