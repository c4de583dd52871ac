"""What stands in the place of a schedule: another callable, or a number; and its value."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.bound import Bound
from jaxsched._core.decorators import formula
from jaxsched._core.schedule import Schedule, as_float, checked


@formula()
def foreign(step: Any, function: Any) -> Any:
    """A callable that is not ours, as a schedule: optax's own, or a user's lambda.

    It may not accept arrays of steps, so it is mapped over them.
    """
    if nx.is_host(step):
        return step.code.line("{}({}({}), {})", as_float, function, step, "a callable")
    value_at_one = lambda s: nx.real(checked(function(s), "a callable"))
    return value_at_one(step) if step.ndim == 0 else jnp.vectorize(value_at_one)(step)


def schedule_like(value: Any, where: str) -> Schedule:
    """A schedule, or any callable from step to value."""
    if isinstance(value, Schedule):
        return value
    if not callable(value) or isinstance(value, (type, Bound)):
        raise checks.refuse(
            where, "a schedule or another callable from step to value", value, TypeError
        )
    return foreign(value)


def operand(value: Any, where: str) -> Any:
    """A schedule, a callable from step to value, or a finite number."""
    if callable(value):
        return schedule_like(value, where)
    try:
        return checks.finite(value, where)
    except (TypeError, ValueError) as error:
        allowed = "a schedule, a callable or a finite number"
        raise checks.refuse(where, allowed, value, type(error)) from None


def value_at(what: Any, step: Any) -> Any:
    """An operand's value: a schedule's at this step, a number itself."""
    if not isinstance(what, Schedule):
        return nx.num(what)
    return what._on_host(step) if nx.is_host(step) else nx.real(what._at(step))
