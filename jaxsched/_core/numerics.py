"""Arithmetic for formulas, which are written once and run on the host and on the device.

Four kinds of numbers meet here. *Plain*: Python numbers, hyperparameters mostly. *Host*: a number
that depends on the step in host code being written (`host`), in float64. *Arrays*: device arrays and
tracers, in float32, or float64 under x64. *Per piece*: concrete numbers under a traced index
(`per_piece`). A step is a host number or an array; with a host step all hyperparameters are plain.

Whatever can be computed from concrete hyperparameters is computed in float64 while tracing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched._core.host import HostNumber
from jaxsched._core.per_piece import PerPiece, is_concrete, lift, numbers_of, saturated

_config: Any = jax.config  # its options are attributes that no type checker knows


def float_dtype() -> Any:
    """float32, or float64 under x64; never the dtype of anybody's parameters."""
    return np.dtype(np.float64 if _config.jax_enable_x64 else np.float32)


def int_dtype() -> Any:
    return np.dtype(np.int64 if _config.jax_enable_x64 else np.int32)


def is_plain(x: Any) -> bool:
    return type(x) is float or type(x) is int


def is_host(x: Any) -> bool:
    return isinstance(x, HostNumber)


def is_whole(step: Any) -> bool:
    """Whether an array of steps holds integers: then counts and remainders are exact."""
    return np.issubdtype(step.dtype, np.integer)


def dtype_of(x: Any) -> Any:
    """The type in which a number that depends on the step is computed."""
    return np.float64 if is_host(x) else x.dtype.type


def real(x: Any) -> Any:
    """Any number but a host one as an array of the float dtype."""
    dtype = float_dtype()
    if isinstance(x, PerPiece):
        return x.gather(dtype)
    if isinstance(x, (jax.Array, np.ndarray)):
        # Also of a weakly typed tracer: the schedule's value must not yield to bfloat16 updates.
        return lax.convert_element_type(x, dtype)
    return jnp.asarray(
        saturated(float(x), dtype), dtype
    )  # an int may exceed what JAX takes for one


def strong(x: Any) -> Any:
    """An array of floats in the float dtype; whatever else it is, as it is."""
    floats = isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, np.floating)  # bfloat16 too
    return lax.convert_element_type(x, float_dtype()) if floats else x


def num(x: Any) -> Any:
    """A number for arithmetic with a float that depends on the step; literals stay literals."""
    if is_host(x):
        return x
    return saturated(x, float_dtype()) if is_plain(x) else real(x)


def exact(x: Any) -> Any:
    """A hyperparameter for arithmetic among hyperparameters: concrete ones stay so, in float64."""
    return x if is_concrete(x) else real(x)


def like_step(step: Any, x: Any) -> Any:
    """A length or boundary for arithmetic with the step."""
    if is_plain(x):
        # JAX takes no integer beyond int32 for a number beside a float.
        return x if is_host(step) or is_whole(step) else float(x)
    if not is_whole(step):
        return real(x)
    if isinstance(x, PerPiece):
        return x.gather(int_dtype())
    if isinstance(x, np.ndarray):
        x = np.clip(x, np.iinfo(int_dtype()).min, np.iinfo(int_dtype()).max)
    return lax.convert_element_type(x, int_dtype())


def spread(value: Any, step: Any) -> Any:
    """The value in the step's shape (and in its own, where hyperparameters are arrays)."""
    return jnp.broadcast_to(value, jnp.broadcast_shapes(value.shape, step.shape))


def normal_step(step: Any, clamped: bool = True) -> Any:
    """A step as an array of the int or the float dtype, not negative unless it is not clamped.

    An integer that the int dtype does not hold becomes its largest, as optax's counter saturates.
    """
    top = int(np.iinfo(int_dtype()).max)
    if type(step) is float:
        return jnp.asarray(step, float_dtype())
    if type(step) is int:
        return jnp.asarray(min(step, top), int_dtype())
    if not np.issubdtype(step.dtype, np.integer):
        step = lax.convert_element_type(jnp.asarray(step), float_dtype())
        return jnp.maximum(step, 0) if clamped else step
    if isinstance(step, np.ndarray):
        top = min(top, int(np.iinfo(step.dtype).max))  # NumPy 2.0 takes no other bound
        return jnp.asarray(np.clip(step, 0, top).astype(int_dtype()))
    if np.iinfo(step.dtype).max > top:
        step = jnp.minimum(step, np.asarray(top, step.dtype))
    signed = np.issubdtype(step.dtype, np.signedinteger)
    step = lax.convert_element_type(step, int_dtype())
    return jnp.maximum(step, 0) if clamped and signed else step


def minimum(x: Any, y: Any) -> Any:
    if not is_host(x):
        return jnp.minimum(x, y)
    if is_plain(y) and x.most <= y:
        return x
    smaller = x.code.line("{0} if {0} < {1} else {1}", x, y)
    return smaller.until(y) if is_plain(y) else smaller


def maximum(x: Any, y: Any) -> Any:
    return x.code.line("{0} if {0} > {1} else {1}", x, y) if is_host(x) else jnp.maximum(x, y)


def where(condition: Any, x: Any, y: Any) -> Any:
    if is_host(condition):
        return condition.code.line("{1} if {0} else {2}", condition, x, y)
    # A literal has the other's type at once: else it would be converted to it in the program.
    if is_plain(x) and not is_plain(y):
        x = y.dtype.type(x)
    elif is_plain(y) and not is_plain(x):
        y = x.dtype.type(y)
    return jnp.where(condition, x, y)


def _function(name: str, on_device: Any = None) -> Any:
    """An elementary function for every kind of number; of concrete ones in float64."""
    on_host, on_numbers = getattr(math, name), getattr(np, name)
    on_device = on_device or getattr(jnp, name)

    def function(x: Any) -> Any:
        if is_host(x):
            return x.code.line("{}({})", on_host, x)
        if is_plain(x):
            return on_host(x)
        return lift(on_numbers, x) if is_concrete(x) else on_device(x)

    return function


sin, exp, sqrt = _function("sin"), _function("exp"), _function("sqrt")
log = _function("log")


def _log1p(x: Any) -> Any:
    """log(1 + x), in float64 by its own series: XLA's is off by 100 ulp there."""
    if x.dtype == jnp.float32:
        return jnp.log1p(x)
    near = jnp.clip(x, -0.5, 0.5)
    z = near / (near + 2.0)  # log(1 + x) = 2 artanh(z)
    series = jnp.zeros_like(z)
    for k in range(37, 1, -2):
        series = (series + 1.0 / k) * (z * z)
    # At 0.5 itself the slope of the clipped number would be half of the right one.
    return jnp.where(jnp.abs(x) < 0.5, 2.0 * (z + z * series), jnp.log(1.0 + x))


log1p = _function("log1p", _log1p)


def _expm1(x: Any) -> Any:
    """exp(x) - 1 to 1.5 ulp; XLA's own is off by up to 5 in float32, and by more in float64."""
    near = jnp.clip(x, -0.7, 0.7)
    series = jnp.zeros_like(near)
    for k in range(10 if x.dtype == jnp.float32 else 18, 1, -1):
        series = series * near + 1.0 / math.factorial(k)
    return jnp.where(jnp.abs(x) < 0.7, near + near * near * series, jnp.exp(x) - 1.0)


expm1 = _function("expm1", _expm1)


def interpolate(values: Sequence[Any], position: Any) -> Any:
    """Straight lines through values at 0, 1, 2, ...; the position is from 0 to the last."""
    last = len(values) - 1
    if is_host(position):
        return position.code.line("{}({}, {})", _interpolated, tuple(values), position)
    index = jnp.minimum(jnp.floor(position), last - 1)
    table = stacked(tuple(values))
    place = lax.convert_element_type(index, jnp.uint32)
    left, right = picked(table, place), picked(table, place + 1)
    return left + (right - left) * (position - index)


def stacked(values: Any) -> Any:
    """A table of values as an array, along its last axis; as a constant where they are known."""
    if not isinstance(values, tuple):
        return real(jnp.asarray(values))
    if all(map(is_plain, values)):
        return jnp.asarray(np.asarray(values, float_dtype()))
    return jnp.stack(jnp.broadcast_arrays(*map(real, values)), axis=-1)


def picked(table: Any, index: Any) -> Any:
    """A table's entry, of one table or of one for each index."""
    if table.ndim == 1:
        return table.at[index].get(mode="promise_in_bounds")
    shape = jnp.broadcast_shapes(table.shape[:-1], index.shape)
    table = jnp.broadcast_to(table, (*shape, table.shape[-1]))
    index = jnp.expand_dims(jnp.broadcast_to(index, shape), -1)
    return jnp.take_along_axis(table, index, axis=-1, mode="promise_in_bounds")[..., 0]


def _interpolated(values: tuple[float, ...], position: float) -> float:
    index = min(int(position), len(values) - 2)
    return values[index] + (values[index + 1] - values[index]) * (position - index)


def power(x: Any, exponent: Any) -> Any:
    """X ** exponent for x from 0 to 1 and a non-negative exponent; 0 ** 0 is 1."""
    if is_plain(exponent):
        if exponent == 1:
            return x
        if exponent == 2:
            return x * x
        if is_host(x):
            return x.code.line("{} ** {}", x, exponent)
        if exponent == 0.5 or (0 < exponent < 1 and float_dtype() == np.float32):
            # At 0 the slope of a root is infinite, and times a slope of 0 it would be NaN. In float64
            # the difference would round.
            inside = jnp.maximum(x, _small(x))
            return x / jnp.sqrt(inside) if exponent == 0.5 else x * _power(inside, exponent - 1.0)
    if is_concrete(exponent) and np.all(numbers_of(exponent) >= 1):
        return _power(x, exponent)
    positive = x > 0
    exponent = _exponent(exponent)
    at_zero = lax.convert_element_type(exponent == 0, x.dtype)
    return jnp.where(positive, jnp.power(where(positive, x, 1.0), exponent), at_zero)


def _power(x: Any, exponent: Any) -> Any:
    return jnp.power(x, real(exponent))


def _small(x: Any) -> float:
    """Not above the square of the smallest share of a way; its own square has a reciprocal."""
    return 2.0**-62 if x.dtype == jnp.float32 else 2.0**-510


def _exponent(x: Any) -> Any:
    """A positive number stays positive in float32: 0 ** 1e-50 is 0, but 0 ** 0 is 1."""
    if is_concrete(x):
        x = lift(lambda p: np.where(p > 0, np.maximum(p, 1.2e-38), p), x)
    return real(x)


def is_half_power(exponent: Any) -> bool:
    """Whether 1 - s ** exponent has few summands: half of 1, 2, ..., 8."""
    return is_plain(exponent) and exponent * 2 in range(1, 9)


def one_minus_power(rest: Any, base: Any, exponent: Any) -> Any:
    """1 - base ** exponent without cancellation, where rest + base = 1."""
    if is_plain(exponent):
        if exponent == 0:
            return rest * 0.0
        if exponent == 1:
            return rest
        if is_half_power(exponent):
            return _one_minus_half_powers(rest, base, exponent)
        if is_host(rest):
            template = "-{2}({4} * ({3}(-{0}) if {0} < 0.5 else {5}({1}))) if {1} > 0 else 1.0"
            return rest.code.line(template, rest, base, math.expm1, math.log1p, exponent, math.log)
    exponent = _exponent(exponent)
    # At base = 0 the logarithm is infinite, and so would be the gradient by the exponent.
    positive, early = base > 0, rest < 0.5
    inside = where(positive, base, 1.0)
    logarithm = jnp.where(early, log1p(-where(early, rest, 0.0)), jnp.log(inside))
    value = -expm1(exponent * logarithm)
    return jnp.where(positive, value, lax.convert_element_type(exponent > 0, value.dtype))


def _one_minus_half_powers(rest: Any, base: Any, exponent: float) -> Any:
    """The same for a multiple of a half: (1 - s) (1 + s + ... + s ** n / (1 + sqrt(s)))."""
    whole, half = divmod(exponent, 1)
    factor = base
    if half:
        root = sqrt(base) if is_host(base) else jnp.sqrt(jnp.maximum(base, _small(base)))
        if not whole:
            return rest / (root + 1.0)
        factor = base / (root + 1.0)
    for _ in range(int(whole) - (not half) - 1):
        factor = base * (factor + 1.0)
    return rest * (factor + 1.0)
