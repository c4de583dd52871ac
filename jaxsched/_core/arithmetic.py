"""The arithmetic of schedules: what `+ - * / **` build."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula
from jaxsched._core.operand import operand, value_at


def _divisor(value: Any, where: str) -> Any:
    """An operand that is not the number 0."""
    checked = operand(value, where)
    return checked if callable(value) else checks.nonzero(value, where)


def _ratio(x: float, y: float) -> float:
    """X / y as in IEEE 754, where Python would raise."""
    if type(x) is not float or type(y) is not float or y:  # a foreign schedule's may be traced
        return x / y
    return x * math.copysign(math.inf, y)


@formula(a=operand, b=operand)
def add(step: Any, a: Any, b: Any) -> Any:
    """a(step) + b(step): what ``a + b`` builds.

    Args:
      a: a schedule, another callable from step to value, or a number.
      b: likewise.

    Raises:
      TypeError: an operand is none of these.
      ValueError: a number is not finite.

    Example:
      >>> import jaxsched
      >>> (jaxsched.linear_schedule(0.0, 1.0, 10) + 0.5)(5)
      1.0
    """
    return value_at(a, step) + value_at(b, step)


@formula(a=operand, b=operand)
def subtract(step: Any, a: Any, b: Any) -> Any:
    """a(step) - b(step): what ``a - b`` builds.

    Args:
      a: a schedule, another callable from step to value, or a number.
      b: likewise.

    Raises:
      TypeError: an operand is none of these.
      ValueError: a number is not finite.

    Example:
      >>> import jaxsched
      >>> (1.0 - jaxsched.linear_schedule(0.0, 1.0, 8))(2)
      0.75
    """
    return value_at(a, step) - value_at(b, step)


@formula(a=operand, b=operand)
def multiply(step: Any, a: Any, b: Any) -> Any:
    """a(step) * b(step): what ``a * b`` builds.

    Args:
      a: a schedule, another callable from step to value, or a number.
      b: likewise.

    Raises:
      TypeError: an operand is none of these.
      ValueError: a number is not finite.

    Example:
      >>> import jaxsched
      >>> 2.0 * jaxsched.constant_schedule(0.1)
      multiply(a=2.0, b=constant_schedule(value=0.1))
      >>> (2.0 * jaxsched.constant_schedule(0.1))(0)
      0.2
    """
    return value_at(a, step) * value_at(b, step)


@formula(a=operand, b=_divisor)
def divide(step: Any, a: Any, b: Any) -> Any:
    """a(step) / b(step): what ``a / b`` builds.

    Where a divisor schedule is 0 the result is infinite or not a number, as in IEEE 754.

    Args:
      a: a schedule, another callable from step to value, or a number.
      b: likewise, but not the number 0.

    Raises:
      TypeError: an operand is none of these.
      ValueError: a number is not finite, or b is 0.

    Example:
      >>> import jaxsched
      >>> (jaxsched.constant_schedule(0.5) / 2)(0)
      0.25
    """
    x, y = value_at(a, step), value_at(b, step)
    return step.code.line("{}({}, {})", _ratio, x, y) if nx.is_host(step) else x / y


def _power(x: float, y: float) -> float:
    """X ** y as in IEEE 754, where Python would raise or leave the real numbers."""
    if type(x) is not float or type(y) is not float:  # a foreign schedule's may be traced
        return x**y
    try:
        return math.pow(x, y)
    except OverflowError:
        return math.copysign(math.inf, x) if y % 2 == 1 else math.inf
    except ValueError:
        return math.nan if x else math.inf


@formula(schedule=operand, exponent=operand)
def power(step: Any, schedule: Any, exponent: Any) -> Any:
    """schedule(step) ** exponent(step): what ``schedule ** exponent`` builds.

    Where the schedule is negative the result is not a number unless the exponent is whole; where it
    is 0 and the exponent negative, it is infinite.

    Args:
      schedule: a schedule, another callable from step to value, or a number.
      exponent: likewise.

    Raises:
      TypeError: an operand is none of these.
      ValueError: a number is not finite.

    Example:
      >>> import jaxsched
      >>> (jaxsched.linear_schedule(1.0, 0.0, 4) ** 2)(2)
      0.25
      >>> (0.5 ** jaxsched.linear_schedule(0.0, 2.0, 4))(4)
      0.25
    """
    x, y = value_at(schedule, step), value_at(exponent, step)
    if nx.is_plain(y) and y in (1, 2):
        return x if y == 1 else x * x
    if nx.is_host(step):
        return step.code.line("{}({}, {})", _power, x, y)
    plain = nx.is_plain(y)
    if plain and y > 1:
        return jnp.power(x, y)
    # 0 has no derivative under a power below 1: the value is chosen, and so is a slope of 0.
    zero = x == 0
    value = jnp.power(nx.where(zero, 1.0, x), y)
    if plain:
        return nx.where(zero, _power(0.0, float(y)), value)
    return jnp.where(zero, jnp.where(y > 0, 0.0, jnp.where(y == 0, 1.0, jnp.inf)), value)
