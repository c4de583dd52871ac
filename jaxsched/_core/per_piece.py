"""Concrete numbers of which a traced index picks one: how many pieces are evaluated as one.

A join stacks the hyperparameters of pieces of the same form. Were they turned into device arrays at
once, everything that is computed from concrete numbers in float64 while tracing (reciprocals,
logarithms) would be computed on the device in float32 instead, and a join would be less exact than
its pieces. A :class:`PerPiece` keeps the numbers on the host, does host arithmetic on all of them at
once, and is gathered only where it meets an array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


class Few:
    """Which of two or three pieces is active: whether each but the first has been reached.

    To compare and to select takes less than to count and to look up.
    """

    __slots__ = ("_picked", "reached")

    def __init__(self, reached: list[Any]):
        self.reached = reached
        self._picked: dict[Any, Any] = {}

    @property
    def ndim(self) -> int:
        return self.reached[0].ndim

    def pick(self, items: Sequence[Any]) -> Any:
        """The active piece's item; neighbours that are the same are one."""
        if not all(isinstance(item, np.generic) for item in items):
            return self._choice(items)
        key = tuple((item.dtype, item.item()) for item in items)
        if key not in self._picked:
            self._picked[key] = self._choice(items)
        return self._picked[key]

    def _choice(self, items: Sequence[Any]) -> Any:
        here: Any = items[0]
        for i, reached in enumerate(self.reached):
            if not _same(items[i], items[i + 1]):
                here = jnp.where(reached, items[i + 1], here)
        return jnp.broadcast_to(here, self.reached[0].shape)

    def number(self) -> Any:
        """The piece's number, as an index of a table."""
        return self.pick([np.uint32(i) for i in range(len(self.reached) + 1)])


def _same(a: Any, b: Any) -> bool:
    return a is b or (isinstance(a, np.generic) and isinstance(b, np.generic) and bool(a == b))


class PerPiece:
    """One host number per piece, and the traced index of the piece that is active."""

    __slots__ = ("index", "numbers")

    def __init__(self, numbers: np.ndarray, index: Any):
        self.numbers, self.index = numbers, index

    def gather(self, dtype: Any) -> Any:
        """The active piece's number as an array of the index's shape."""
        numbers = self.numbers
        if np.issubdtype(dtype, np.integer):  # what no step reaches stays out of reach
            numbers = np.clip(numbers, np.iinfo(dtype).min, np.iinfo(dtype).max)
        else:
            numbers = saturated(numbers, dtype)
        return self._pick(numbers.astype(dtype))

    def choose(self, this: Any, that: Any) -> Any:
        """This where the active piece's number, a flag, is set, else that."""
        if isinstance(self.index, Few):
            return self.index.pick([this if flag else that for flag in self.numbers])
        return jnp.where(self._pick(self.numbers), this, that)

    def _pick(self, numbers: np.ndarray) -> Any:
        if isinstance(self.index, Few):
            return self.index.pick(list(numbers))
        return jnp.asarray(numbers).at[self.index].get(mode="promise_in_bounds")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            return NotImplemented
        return lift(ufunc, *inputs)

    def __add__(self, other: Any) -> Any:
        return _arithmetic(np.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _arithmetic(np.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _arithmetic(np.subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _arithmetic(np.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return _arithmetic(np.multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _arithmetic(np.multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _arithmetic(np.divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _arithmetic(np.divide, other, self)

    def __pow__(self, other: Any) -> Any:
        return _arithmetic(np.power, self, other)

    def __neg__(self) -> Any:
        return lift(np.negative, self)


def is_per_piece(x: Any) -> bool:
    return isinstance(x, PerPiece)


def numbers_of(x: Any) -> Any:
    """The numbers of all pieces, or the one that all of them have."""
    return x.numbers if is_per_piece(x) else x


def is_concrete(*xs: Any) -> bool:
    """Whether all are known while tracing: Python numbers, or one per piece under the same index."""
    index = None
    for x in xs:
        if isinstance(x, PerPiece):
            if index is not None and x.index is not index:
                return False
            index = x.index
        elif type(x) is not float and type(x) is not int:
            return False
    return True


def lift(function: Callable[..., Any], *xs: Any) -> Any:
    """Applies a host function of numbers or NumPy arrays to concrete numbers."""
    index = next((x.index for x in xs if isinstance(x, PerPiece)), None)
    # Floats as NumPy's: a division by 0 is infinite, as it is for an array of them.
    xs = tuple(np.float64(x) if type(x) is float else x for x in xs)
    if index is None:
        result = function(*xs)
        return result.item() if isinstance(result, (np.generic, np.ndarray)) else result
    numbers = function(*(x.numbers if isinstance(x, PerPiece) else x for x in xs))
    numbers = np.asarray(numbers)
    if numbers.dtype.kind in "if" and (numbers == numbers.flat[0]).all():
        return numbers.flat[0].item()
    return PerPiece(numbers, index)


def saturated(x: Any, dtype: Any) -> Any:
    """A number or an array of them within what a float type can represent.

    A product of hyperparameters may exceed it; an infinity times a progress of 0 would be NaN.
    """
    largest = float(np.finfo(dtype).max)
    if isinstance(x, np.ndarray):
        return np.clip(x, -largest, largest)
    return min(max(x, -largest), largest)


def settle(x: Any) -> Any:
    """An array in the place of a PerPiece; anything else as it is."""
    if not isinstance(x, PerPiece):
        return x
    whole = x.numbers.dtype.kind == "i"
    return x.gather(jax.dtypes.canonicalize_dtype(np.int64 if whole else np.float64))


def _arithmetic(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    if is_concrete(a, b):
        return lift(ufunc, a, b)
    return getattr(jnp, ufunc.__name__)(settle(a), settle(b))


def stack(numbers: list[Any], index: Any) -> Any:
    """One hyperparameter of many pieces, the index choosing among them.

    Equal Python numbers stay one number, other Python numbers become a PerPiece, and anything else
    an array that is gathered at once.
    """
    if all(type(x) is float or type(x) is int for x in numbers):
        if all(x == numbers[0] for x in numbers):
            return numbers[0]
        whole = all(type(x) is int for x in numbers)
        return PerPiece(np.asarray(numbers, np.int64 if whole else np.float64), index)
    arrays = [jnp.asarray(settle(x)) for x in numbers]
    dtype = arrays[0].dtype
    if any(x.dtype != dtype for x in arrays):
        # Lengths may be whole in one piece and not in the next; no number is rounded to another's type.
        whole = not any(jnp.issubdtype(x.dtype, jnp.floating) for x in arrays)
        dtype = jax.dtypes.canonicalize_dtype(np.int64 if whole else np.float64)
    if isinstance(index, Few):
        return index.pick([jax.lax.convert_element_type(x, dtype) for x in arrays])
    if any(map(is_per_piece, numbers)) and index.ndim:  # every step has numbers of its own
        arrays = [jnp.broadcast_to(x.astype(dtype), index.shape) for x in arrays]
        table = jnp.stack(arrays, axis=-1)
        return jnp.take_along_axis(table, jnp.expand_dims(index, -1), axis=-1)[..., 0]
    table = jnp.stack([jax.lax.convert_element_type(x, dtype) for x in arrays])
    return table.at[index].get(mode="promise_in_bounds")
