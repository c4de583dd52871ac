"""What a hyperparameter may be: each constraint holds its test and its message in one object.

A constraint is declared once, beside the formula it guards, as an argument of
:func:`jaxsched.schedule`::

    @schedule(init_value=checks.finite, decay_steps=checks.steps)
    def my_decay(step, init_value, decay_steps): ...

It is applied when the schedule is built. It returns the value in its normal form (an integer given
for a rate becomes a ``float``, a list becomes a tuple, a NumPy scalar becomes a Python number), so
that equal schedules have equal leaves and one compiled step serves all of them. Traced values pass
unchecked: their numbers are not known while tracing. Concrete arrays are checked element by element.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxsched._core.frozen import FrozenDict
from jaxsched._core.per_piece import PerPiece

__all__ = [
    "AtMost", "Constraint", "Number", "OneFewer", "Relation", "boundaries", "finite", "flag", "fraction",
    "is_unknown", "mapping_by_step", "nonnegative", "nonzero", "one_of", "optional", "positive",
    "positive_steps", "refuse", "sequence_of", "steps",
]  # fmt: skip

Constraint = Callable[[Any, str], Any]
"""Takes a value and the words that say where it stands; returns its normal form or raises."""


def refuse(where: str, allowed: str, value: Any, error: type[Exception] = ValueError) -> Exception:
    """The one form of all messages: where, what is allowed, what was given.

    Args:
      where: the function and its argument.
      allowed: what the argument must be.
      value: what it is.
      error: the type of the exception.

    Returns:
      The exception, to be raised.
    """
    shown = "a key of jax.random" if _is_key(value) else repr(value)
    if len(shown) > 120:
        shown = shown[:117] + "..."
    return error(f"{where} must be {allowed}, got {shown}")


def _is_key(value: Any) -> bool:
    """Whether this is one of JAX's typed random keys, traced or not: its dtype is none of NumPy's."""
    return isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)


def is_unknown(value: Any) -> bool:
    """Whether the number is not known yet (traced), or was checked as a hyperparameter of a piece.

    Args:
      value: a hyperparameter. What is unknown is not checked.
    """
    return isinstance(value, (Tracer, PerPiece))


LARGEST = float(np.finfo(np.float32).max)
SMALLEST = float(np.finfo(np.float32).tiny)


def _may_be_integer(value: Tracer) -> bool:
    return not jnp.issubdtype(value.dtype, np.inexact)


class Number:
    """A real number or an array of them, within bounds; its message is made of the same bounds.

    A number that is not whole must be one that float32, in which devices compute, can hold: beyond
    its range it would be an infinity there, and a positive number below it a zero.

    Args:
      integer: whether only whole numbers are allowed. ``1e4`` is one; ``2.5`` is not.
      above: the exclusive lower bound, or None.
      minimum: the inclusive lower bound, or None.
      maximum: the inclusive upper bound, or None.
      nonzero: whether zero is refused.
    """

    def __init__(
        self,
        *,
        integer: bool = False,
        above: float | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
        nonzero: bool = False,
    ):
        self.integer, self.above, self.minimum = integer, above, minimum
        self.maximum, self.nonzero = maximum, nonzero

    @property
    def _allowed_in_float32(self) -> str:
        least = f"at least {SMALLEST:.2g} and " if self.above == 0 else ""
        limit = f"{least}at most {LARGEST:.2g} in size, which is as much as float32 can hold"
        return f"{self.allowed} of {limit}"

    @property
    def allowed(self) -> str:
        """What may be given, in the words of the message."""
        noun, article = ("integer", "an") if self.integer else ("finite number", "a")
        if self.minimum is not None and self.maximum is not None:
            article, noun = ("an", "integer") if self.integer else ("a", "number")
            return f"{article} {noun} from {self.minimum:g} to {self.maximum:g}"
        if self.above == 0:
            return f"a positive {noun}"
        if self.minimum == 0:
            return f"a non-negative {noun}"
        if self.above is not None:
            return f"{article} {noun} above {self.above:g}"
        if self.minimum is not None:
            return f"{article} {noun} of at least {self.minimum:g}"
        return f"{article} {noun}{' other than 0' if self.nonzero else ''}"

    def _holds(self, x: Any) -> Any:
        ok = np.isfinite(x) if isinstance(x, np.ndarray) else math.isfinite(x)
        if self.above is not None:
            ok = ok & (x > self.above)
        if self.minimum is not None:
            ok = ok & (x >= self.minimum)
        if self.maximum is not None:
            ok = ok & (x <= self.maximum)
        if self.nonzero:
            ok = ok & (x != 0)
        return ok

    def _fits(self, x: Any) -> Any:
        """Whether float32 holds the number, given that it is allowed."""
        if self.integer:
            return True
        return (abs(x) <= LARGEST) & ((self.above != 0) | (abs(x) >= SMALLEST))

    def __call__(self, value: Any, where: str) -> Any:
        if _is_key(value):
            raise refuse(where, self.allowed, value, TypeError)
        if is_unknown(value):
            if self.integer and isinstance(value, Tracer) and not _may_be_integer(value):
                raise refuse(where, self.allowed, value, TypeError)
            return value
        if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
            value = value.item()
        if isinstance(value, (np.ndarray, jax.Array)):
            return self._array(value, where)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise refuse(where, self.allowed, value, TypeError)
        if self.integer and isinstance(value, float):
            if not value.is_integer():  # inf and NaN are not integers either
                raise refuse(where, self.allowed, value)
            number = int(value)
        else:
            try:
                number = value if self.integer else float(value)
            except OverflowError:
                raise refuse(where, self.allowed, value) from None
        if self.integer and number >= 2**63:
            raise refuse(where, f"{self.allowed} below 2**63", value)
        if not self._holds(number):
            raise refuse(where, self.allowed, value)
        if not self._fits(number):
            raise refuse(where, self._allowed_in_float32, value)
        return number

    def _array(self, value: Any, where: str) -> Any:
        kinds = "iu" if self.integer else "iuf"
        # bfloat16 and its kin are of NumPy's kind "V": ask JAX what a floating type is.
        floating = not self.integer and jnp.issubdtype(value.dtype, np.floating)
        if value.dtype.kind not in kinds and not floating:
            raise refuse(where, self.allowed, value, TypeError)
        host = np.asarray(value).astype(np.int64 if self.integer else np.float64)
        if not np.all(self._holds(host)):
            raise refuse(where, self.allowed, value)
        if not np.all(self._fits(host)):
            raise refuse(where, self._allowed_in_float32, value)
        if floating and value.dtype.itemsize < 4:  # never computed in less than float32
            value = value.astype(np.float32)
        if isinstance(value, np.ndarray):
            value = value.copy()  # and nobody changes it under the schedule
            value.setflags(write=False)
        return value


finite = Number()
"""Any finite number, as a float."""
positive = Number(above=0)
"""A finite number above 0."""
nonnegative = Number(minimum=0)
"""A finite number of at least 0."""
nonzero = Number(nonzero=True)
"""A finite number other than 0."""
fraction = Number(minimum=0, maximum=1)
"""A number from 0 to 1."""
steps = Number(integer=True, minimum=0)
"""A count of steps: an integer of at least 0."""
positive_steps = Number(integer=True, above=0)
"""A count of steps: an integer of at least 1."""


def flag(value: Any, where: str) -> bool:
    """True or False."""
    if isinstance(value, np.bool_):
        value = bool(value)
    if not isinstance(value, bool):
        raise refuse(where, "True or False", value, TypeError)
    return value


def one_of(*options: str) -> Constraint:
    """One of the given words.

    Args:
      *options: the words.
    """
    allowed = " or ".join(map(repr, options))

    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or value not in options:
            raise refuse(where, allowed, value)
        return value

    return check


def optional(constraint: Constraint) -> Constraint:
    """None, or what the constraint allows.

    Args:
      constraint: what a value other than None may be.
    """

    def check(value: Any, where: str) -> Any:
        return None if value is None else constraint(value, where)

    return check


def sequence_of(item: Constraint, what: str, *, at_least: int = 0) -> Constraint:
    """A list, tuple or other finite iterable of items; becomes a tuple.

    Args:
      item: what each item may be.
      what: the items' name in the message, in the plural.
      at_least: the smallest length.
    """
    allowed = f"a sequence of {f'at least {at_least} ' if at_least else ''}{what}"

    def check(value: Any, where: str) -> tuple[Any, ...]:
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise refuse(where, allowed, value, TypeError)
        items = tuple(value)
        if len(items) < at_least:
            raise refuse(where, allowed, value)
        return tuple(item(x, f"{where}[{i}]") for i, x in enumerate(items))

    return check


def _first_descent(numbers: tuple[Any, ...]) -> int | None:
    """Index of the first number below its predecessor; traced numbers are not compared."""
    for i in range(1, len(numbers)):
        pair = numbers[i - 1 : i + 1]
        if not any(map(is_unknown, pair)) and np.any(np.asarray(pair[1]) < np.asarray(pair[0])):
            return i
    return None


def boundaries(value: Any, where: str) -> Any:
    """Non-negative integers in ascending order (equal ones bound a piece of no steps)."""
    numbers = sequence_of(steps, "non-negative integers")(value, where)
    descent = _first_descent(numbers)
    if descent is not None:
        raise refuse(where, "in ascending order", list(numbers))
    return numbers


def mapping_by_step(values: Constraint) -> Constraint:
    """A mapping from step to value; becomes a frozen mapping sorted by step.

    Args:
      values: what each value may be.
    """

    def check(value: Any, where: str) -> FrozenDict:
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise refuse(where, "a mapping from step to number", value, TypeError)
        pairs = [
            (steps(k, f"{where}: the step"), values(v, f"{where}[{k!r}]")) for k, v in value.items()
        ]
        if not any(is_unknown(k) for k, _ in pairs):
            pairs.sort(key=lambda pair: pair[0])
        return FrozenDict(pairs, numeric=True)

    return check


class Relation:
    """A condition on several hyperparameters at once.

    Args:
      check: takes a mapping of hyperparameter to value and the name of the function, and raises.
    """

    def __init__(self, check: Callable[[Mapping[str, Any], str], None]):
        self._check = check

    def __call__(self, arguments: Mapping[str, Any], where: str) -> None:
        self._check(arguments, where)


class AtMost(Relation):
    """A relation of two hyperparameters: ``smaller`` must not exceed ``larger``."""

    def __init__(self, smaller: str, larger: str):
        self.smaller, self.larger = smaller, larger

    def __call__(self, arguments: Mapping[str, Any], where: str) -> None:
        low, high = arguments[self.smaller], arguments[self.larger]
        if is_unknown(low) or is_unknown(high):
            return
        if not np.all(np.asarray(low) <= np.asarray(high)):
            raise refuse(f"{where}: {self.smaller}", f"at most {self.larger} ({high!r})", low)


class OneFewer(Relation):
    """A relation of two sequences: ``shorter`` has one item fewer than ``longer``."""

    def __init__(self, shorter: str, longer: str):
        self.shorter, self.longer = shorter, longer

    def __call__(self, arguments: Mapping[str, Any], where: str) -> None:
        expected, given = len(arguments[self.longer]) - 1, len(arguments[self.shorter])
        if given != expected:
            raise ValueError(
                f"{where}: {self.shorter} must have one item fewer than {self.longer}: "
                f"{expected} for {expected + 1} {self.longer}, got {given}"
            )
