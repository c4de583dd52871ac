"""What is read: a value with its place, the bounds on it, and the values that plain data cannot hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxsched._config.registry import Names, shown
from jaxsched._core.bound import Bound
from jaxsched._core.near import did_you_mean
from jaxsched._core.schedule import Schedule

MAX_DEPTH = 64
"""Brackets within brackets, in a text or in a configuration."""
MAX_PIECES = 100_000
"""Words, numbers and signs of a text; values of a configuration."""
MAX_DIGITS = 400
"""Digits of an integer."""
FAILURES = (TypeError, ValueError, ArithmeticError)

_DTYPES = frozenset(
    (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "bfloat16", "float32", "float64"),
    )
)


class Item(NamedTuple):
    """A value, where it stands (in its reader's terms) and how deep it is nested."""

    value: Any
    place: Any
    depth: int = 0


def as_schedule(item: Item, fail: Callable[[Any, Any], ValueError], names: Names) -> Schedule:
    """What was read as a whole: a schedule, or a number for a constant one."""
    if isinstance(item.value, Schedule):
        return item.value
    import jaxsched

    if type(item.value) in (int, float):
        try:
            return jaxsched.constant_schedule(item.value)
        except FAILURES as error:
            raise fail(item.place, error) from None
    hint = names.instead_of(item.value._form) if isinstance(item.value, Bound) else ""
    message = f"must describe a schedule or be a number, got {shown(item.value)}{hint}"
    raise fail(item.place, message)


def array(values: Any, dtype: Any) -> Any:
    """An array hyperparameter: nested tuples of numbers, and the name of their type.

    Numbers must fit the type: none is cut off or overflows.
    """
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        hint = did_you_mean(dtype, sorted(_DTYPES)) if isinstance(dtype, str) else ""
        raise ValueError(
            f"array: dtype must be the name of a number's type, got {shown(dtype)}{hint}"
        )
    target = np.dtype(dtype)
    allowed = {"b": (bool,), "i": (int,), "u": (int,)}.get(target.kind, (int, float))
    for leaf in jax.tree.leaves(values, is_leaf=lambda x: not isinstance(x, tuple)):
        if type(leaf) not in allowed:
            raise ValueError(f"array: values must be numbers of type {dtype}, got {shown(leaf)}")
    try:
        wide = np.asarray(values, target if target.kind in "biu" else np.float64)
    except FAILURES:
        raise ValueError(
            f"array: values must be rows of equal length within the range of {dtype}"
        ) from None
    with np.errstate(over="ignore"):
        result = wide.astype(target)
    if target.kind not in "biu" and not np.array_equal(
        np.isfinite(wide), np.isfinite(result.astype(np.float64))
    ):
        raise ValueError(f"array: values must be within the range of {dtype}")
    if result.ndim or jax.dtypes.canonicalize_dtype(target) != target:
        return result
    return jax.numpy.asarray(result)  # of NumPy's a check would make a Python number


def check_integer(value: int) -> int:
    """An integer of a bounded number of digits."""
    if abs(value) >= 10**MAX_DIGITS:
        raise ValueError(f"an integer must have at most {MAX_DIGITS} digits")
    return value


def special_float(value: Any) -> float:
    """A number that JSON does not know, by its name."""
    if value not in ("inf", "-inf", "nan"):
        raise ValueError(f"float: value must be 'inf', '-inf' or 'nan', got {shown(value)}")
    return math.inf if value == "inf" else -math.inf if value == "-inf" else math.nan
