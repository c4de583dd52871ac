"""What a unit shape is, and how a value moves along one.

A shape is a function of a progress (`elapsed` and `remaining`, each exact at its own end) that falls
from 1 to 0. It may also say how its complement `1 - shape` is computed without cancellation, for
transitions that rise; a shape that looks the same backwards says so with ``symmetric=True``. One
whose formula misses 1 or 0 at its ends is ``pinned`` to them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.bound import Bound, register
from jaxsched._core.form import Form, make_factory
from jaxsched._core.per_piece import (
    Few,
    PerPiece,
    is_concrete,
    is_per_piece,
    lift,
    numbers_of,
    saturated,
)

P = ParamSpec("P")


class Shape(Bound):
    """A unit shape with its hyperparameters bound: falls from 1 to 0 while a progress elapses."""

    __slots__ = ()

    def between(self, start: Any, end: Any, progress: Any) -> Any:
        """The value on the way from `start` to `end`.

        Args:
          start: the value where the progress begins.
          end: the value where it is over.
          progress: how far it is, with the shares `elapsed` and `remaining`.
        """
        form: Any = self._form
        return between(start, end, progress, form, *self._values)


register(Shape)


class ShapeForm(Form):
    """A form with the complement of its function."""

    fall: Callable[..., Any]
    rise: Callable[..., Any]
    fall_from: Callable[..., Any]
    rise_to: Callable[..., Any]
    is_symmetric: Callable[..., bool]


class ShapeFactory(Protocol[P]):
    """A public function that makes shapes; type checkers know its parameters."""

    form: ShapeForm

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Shape: ...


def shape(
    *,
    symmetric: bool = False,
    complement: Callable[..., Any] | None = None,
    pinned: str = "",
    clamped: str = "both",
    scaled: Callable[..., Any] | None = None,
    symmetric_if: Callable[..., bool] | None = None,
    **constraints: Any,
) -> Callable[[Callable[Concatenate[Any, P], Any]], ShapeFactory[P]]:
    """Makes a factory of shapes from a function ``(progress, *hyperparameters) -> weight``.

    Args:
      symmetric: whether 1 - shape is the shape walked backwards.
      complement: the function of 1 - shape, where the difference would lose digits.
      pinned: "end" or "both": where the formula is replaced by the exact 0 (and 1).
      clamped: where a pinned formula may be beyond 0 and 1: at "both", at the "top", or at none ("").
      scaled: ``(progress, goal, bounded, *hyperparameters)`` -> goal * shape, where that takes less
        than the product; not ``bounded``, it may be beyond the goal, where it is cut afterwards.
      symmetric_if: for which hyperparameters, where it depends on them.
      **constraints: hyperparameter name -> constraint.
    """

    def decorator(function: Callable[..., Any]) -> Any:
        form = ShapeForm(
            function, skip=1, constraints=constraints, numeric=True, reserved=frozenset(dir(Shape))
        )
        form.name = f"shapes.{form.name}"
        form.is_symmetric = symmetric_if or (lambda *values: symmetric)
        if symmetric:
            rise = lambda progress, *values: function(progress.reverse(), *values)
        else:
            rise = complement or (lambda progress, *values: 1.0 - function(progress, *values))
        form.fall = _pin(function, 1.0, pinned, clamped)
        form.rise = _pin(rise, 0.0, pinned, clamped)
        form.fall_from = scaled or (
            lambda progress, goal, bounded, *values: goal * form.fall(progress, *values)
        )
        if scaled is not None and symmetric:
            form.rise_to = lambda progress, *how: form.fall_from(progress.reverse(), *how)
        else:
            form.rise_to = lambda progress, goal, bounded, *values: (
                goal * form.rise(progress, *values)
            )
        return make_factory(form, Shape)

    return decorator


def _pin(
    function: Callable[..., Any], start: float, pinned: str, clamped: str
) -> Callable[..., Any]:
    """A weight that is exact where the formula is not, and stays within 0 and 1."""
    if not pinned:
        return function

    def weight(progress: Any, *values: Any) -> Any:
        inside = function(progress, *values)
        inside = nx.maximum(inside, 0.0) if clamped == "both" else inside
        inside = nx.minimum(inside, 1.0) if clamped else inside
        inside = nx.where(progress.over, 1.0 - start, inside)
        return nx.where(progress.count <= 0, start, inside) if pinned == "both" else inside

    return weight


def shape_like(value: Any, where: str) -> Shape:
    """A shape."""
    if not isinstance(value, Shape):
        raise checks.refuse(where, "a shape, such as shapes.cosine()", value, TypeError)
    return value


def between(start: Any, end: Any, progress: Any, form: ShapeForm, *parameters: Any) -> Any:
    """The value at `progress` on the way from `start` to `end` along a shape.

    Both ends are hit exactly and the value never leaves their interval. It is anchored at the end of
    the smaller magnitude: from there the way is added, not subtracted, and no digits are lost.
    """
    if nx.is_plain(end) and end == 0:
        return form.fall_from(progress, nx.num(start), True, *parameters)
    if nx.is_plain(start) and start == 0:
        return form.rise_to(progress, nx.num(end), True, *parameters)
    if nx.is_plain(start) and nx.is_plain(end):
        falls = abs(end) <= abs(start)
        small, large = (end, start) if falls else (start, end)
        dtype = np.float64 if progress.on_host else nx.float_dtype().type
        small, large = saturated(small, dtype), saturated(large, dtype)
        if _is_too_far(small, large, dtype):
            half = saturated(start, dtype) * 0.5, saturated(end, dtype) * 0.5
            return between(*half, progress, form, *parameters) * 2.0
        way, exact = _way(small, large, dtype)
        along = form.fall_from if falls else form.rise_to
        value = small + along(progress, way, exact, *parameters)
        if exact:
            return value
        return (nx.minimum if large > small else nx.maximum)(value, float(dtype(large)))
    if is_concrete(start, end):
        value = _of_one_per_piece(start, end, progress, form, *parameters)
        if value is not None:
            return value
    start, end = nx.num(start), nx.num(end)
    value = start * form.fall(progress, *parameters) + end * form.rise(progress, *parameters)
    if nx.is_host(value):  # an end that is read each time: in a trace it may be traced
        return value.code.line("{}({}, {}, {})", _bounded_on_host, value, start, end)
    return _bounded(value, start, end)


def _bounded_on_host(value: Any, start: Any, end: Any) -> Any:
    if type(value) is float:
        return min(max(value, min(start, end)), max(start, end))
    return _bounded(*map(nx.real, (value, start, end)))


@jax.custom_jvp
def _bounded(value: Any, start: Any, end: Any) -> Any:
    """The value, or the end that it is beyond by its rounding: the gradient is the value's alone."""
    low, high = jnp.minimum(start, end), jnp.maximum(start, end)
    return jnp.where(value > high, high, jnp.where(value < low, low, value))


@_bounded.defjvp
def _gradient_of_the_value(primals: Any, tangents: Any) -> tuple[Any, Any]:
    return _bounded(*primals), tangents[0]


def _of_one_per_piece(
    start: Any, end: Any, progress: Any, form: ShapeForm, *parameters: Any
) -> Any:
    """The same where an end is one per piece, if it is computed alike for all of them, else None."""
    dtype = nx.float_dtype().type
    index = next(x.index for x in (start, end) if is_per_piece(x))
    falls = lift(lambda a, b: np.abs(b) <= np.abs(a), start, end).numbers
    small = lift(lambda a, b, f=falls: saturated(np.where(f, b, a), dtype), start, end)
    large = lift(lambda a, b, f=falls: saturated(np.where(f, a, b), dtype), start, end)
    lows, highs = (np.broadcast_to(numbers_of(x), falls.shape) for x in (small, large))
    if (highs - lows > float(np.finfo(dtype).max) * 0.75).any() or (highs < lows).any():
        return None
    ways, exact = zip(*(_way(*pair, dtype) for pair in zip(lows, highs, strict=True)), strict=True)
    way = lift(lambda *_: np.asarray(ways), start, end)
    if falls.all():
        value = form.fall_from(progress, way, True, *parameters)
    elif not falls.any():
        value = form.rise_to(progress, way, True, *parameters)
    elif form.is_symmetric(*parameters):
        progress = progress.reversed_where(PerPiece(~falls, index))
        value = form.fall_from(progress, way, True, *parameters)
    else:
        return None
    if any(lows):
        value = small + value
    # Of many pieces some would need the bound: the program does not depend on which numbers they have.
    few = isinstance(index, Few)
    return value if few and all(exact) else jnp.minimum(value, nx.num(large))


def lifted(base: Any, peak: Any, weight: Any, bounded: bool = True) -> Any:
    """Base + (peak - base) * weight, where the weight depends on more than a progress.

    Exact at weights 0 and 1, and if `bounded`, as for weights from 0 to 1, never beyond the peak.
    """
    if not (nx.is_plain(base) and nx.is_plain(peak)):
        base = nx.num(base)
        return base + (nx.num(peak) - base) * weight
    if base == 0:
        return peak * weight
    dtype = nx.dtype_of(weight)
    base, peak = saturated(base, dtype), saturated(peak, dtype)
    if _is_too_far(base, peak, dtype):
        return lifted(base * 0.5, peak * 0.5, weight, bounded) * 2.0
    way, exact = _way(base, peak, dtype)
    value = base + weight * way
    if exact or not bounded:
        return value
    return (nx.minimum if peak > base else nx.maximum)(value, float(dtype(peak)))


def _is_too_far(small: float, large: float, dtype: Any) -> bool:
    """Whether the way between two numbers may be more than holds them; half of it, or a quarter, is not."""
    return abs(large - small) > float(np.finfo(dtype).max) * 0.75


def _way(small: float, large: float, dtype: Any) -> tuple[float, bool]:
    """Large - small, rounded so that `small` plus it reaches `large`; and whether it lands on it."""
    anchor, goal = dtype(small), dtype(large)
    # Of the rounded ends: between neighbours of `dtype` the exact way would be far too short.
    way, outwards = (
        dtype(float(goal) - float(anchor)),
        dtype(math.copysign(math.inf, large - small)),
    )
    while (goal - (anchor + way)) * np.sign(outwards) > 0:
        way = np.nextafter(way, outwards)
    return float(way), bool(anchor + way == goal)
