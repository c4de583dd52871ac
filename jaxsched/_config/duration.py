"""Durations in words ("5 epochs", "3%", "2B tokens"), and the numbers of a :class:`Horizon`, checked."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from operator import index
from typing import Any, NoReturn

import numpy as np

from jaxsched._core.near import close_names

UNITS = {
    "step": "steps",
    "steps": "steps",
    "update": "steps",
    "updates": "steps",
    "epoch": "epochs",
    "epochs": "epochs",
    "example": "examples",
    "examples": "examples",
    "sample": "examples",
    "samples": "examples",
    "token": "tokens",
    "tokens": "tokens",
    "%": "percent",
    "percent": "percent",
}
SUFFIXES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}

_DURATION = re.compile(
    r"(?P<sign>[+-]?)(?P<number>(?>[0-9]+(?:_[0-9]+)*)(?:\.[0-9]+(?:_[0-9]+)*)?|\.[0-9]+(?:_[0-9]+)*)"
    r"(?P<exponent>(?:[eE][+-]?[0-9]{1,2})?)(?P<suffix>[A-Za-z]?)(?:\s*(?P<unit>%|(?<![A-Za-z])[A-Za-z]+))?"
)
_MAX_LENGTH = 100


def exact(number: float) -> Fraction:
    """The number that was written: 0.1 is a tenth, not the nearest binary fraction."""
    return Fraction(str(number))


def read(text: str) -> tuple[Fraction, str]:
    """The amount and its unit: "steps", "epochs", "examples", "tokens" or "percent".

    Raises:
      ValueError: the text is not a number and a unit.
    """
    shown = repr(text if len(text) <= 60 else text[:57] + "...")
    match = _DURATION.fullmatch(text.strip()) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise ValueError(
            "a duration must be a number and a unit, such as '500 steps', '5 epochs', '3%', "
            f"'1.5M examples' or '2B tokens', got {shown}"
        )
    if match["sign"] == "-":
        raise ValueError(f"a duration must not be negative, got {shown}")
    suffix, word = match["suffix"], match["unit"]
    if word is None:
        raise ValueError(
            f"a duration must say its unit, as in '{text.strip()} steps' or '{text.strip()} epochs', "
            f"got {shown}"
        )
    if suffix not in SUFFIXES:
        raise ValueError(
            f"a duration's suffix must be k, M, B (or G) or T, got {suffix!r} in {shown}"
        )
    unit = UNITS.get(word.lower())
    if unit is None:
        raise ValueError(f"a duration's unit must be {_units(word)}, got {word!r} in {shown}")
    amount = Fraction((match["number"] + match["exponent"]).replace("_", "")) * SUFFIXES[suffix]
    if unit == "percent" and (suffix or amount > 100):
        raise ValueError(f"a percentage must be from 0 to 100, got {shown}")
    if unit not in ("epochs", "percent") and amount.denominator != 1:
        raise ValueError(f"a duration in {unit} must be a whole number, got {shown}")
    return amount, unit


def _units(word: str) -> str:
    near = close_names(word.lower(), UNITS, most=1, cutoff=0.6)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"steps, epochs, examples, tokens or %{hint}"


def lacks(what: str, needs: str) -> NoReturn:
    raise ValueError(f"Horizon: {what} is not known: it was not given {needs}")


def nearest(steps: Fraction) -> int:
    """The rounding rule: to the nearest, halves up, but never to nothing."""
    return max(math.floor(steps + Fraction(1, 2)), 1 if steps else 0)


def count(what: str, value: Any) -> int:
    """A number of steps."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = index(value)
    except TypeError:
        raise TypeError(f"{what} must be an integer, got {value!r}") from None
    if number < 0:
        raise ValueError(f"{what} must be a non-negative integer, got {value!r}")
    return number


def positive(where: str, value: Any) -> int:
    """A count of at least 1."""
    problem = f"{where} must be a positive integer, got {value!r}"
    try:
        if count(where, value) > 0:
            return index(value)
    except TypeError:
        raise TypeError(problem) from None
    except ValueError:
        pass
    raise ValueError(problem)


def whole(name: str, value: Any) -> int | None:
    """A count of at least 1, or None."""
    return None if value is None else positive(f"Horizon: {name}", value)


def real(name: str, value: Any) -> int | float | None:
    """A positive number, or None."""
    if value is None:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"Horizon: {name} must be a positive number, got {value!r}")
    if not 0 < value < math.inf:
        raise ValueError(f"Horizon: {name} must be a positive number, got {value!r}")
    return value
