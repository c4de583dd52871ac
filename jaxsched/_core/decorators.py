"""The decorators that make a factory of schedules: of a formula, or of a composition of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, overload

import jax

from jaxsched import checks
from jaxsched._core.form import Form, make_factory
from jaxsched._core.schedule import Schedule

P = ParamSpec("P")

# optax takes an object with both methods for a stateful schedule.
_RESERVED = frozenset([*dir(Schedule), "init", "update"])


@overload
def schedule(function: Callable[Concatenate[Any, P], Any], /) -> Callable[P, Schedule]: ...
@overload
def schedule(
    *relations: checks.Relation, **constraints: checks.Constraint
) -> Callable[[Callable[Concatenate[Any, P], Any]], Callable[P, Schedule]]: ...
def schedule(*args: Any, **constraints: Any) -> Any:
    """Makes a factory of schedules from a formula ``(step, *hyperparameters) -> value``.

    The factory has the formula's signature without ``step``. It checks its arguments and returns a
    :class:`Schedule`.

    The formula is called with a plain Python step and plain hyperparameters, or with arrays and
    tracers of any shape; it must be traceable, and elementwise in ``step``. The step it receives is
    never negative. What it returns is converted to a float or to an array of the step's shape.

    Args:
      *args: the formula itself (``@schedule``), or relations between hyperparameters
        (``@schedule(checks.AtMost("warmup_steps", "decay_steps"), ...)``).
      **constraints: hyperparameter name -> constraint from :mod:`jaxsched.checks`. A hyperparameter
        without one takes any value. Traced values are never checked.

    Returns:
      The factory, or a decorator that makes it.

    Raises:
      TypeError: a hyperparameter has the name of a method of Schedule or is not named, or a check
        names no parameter.

    Example:
      >>> import jaxsched
      >>> from jaxsched import checks
      >>> @jaxsched.schedule(peak=checks.positive, half_life=checks.positive_steps)
      ... def halving(step, peak, half_life):
      ...     return peak * 0.5 ** (step / half_life)
      >>> halving(0.1, half_life=100)(200)
      0.025
      >>> halving(0.1, half_life=100)
      halving(peak=0.1, half_life=100)
      >>> halving(-0.1, half_life=100)
      Traceback (most recent call last):
      ValueError: halving: peak must be a positive finite number, got -0.1
    """
    if len(args) == 1 and not constraints and not isinstance(args[0], checks.Relation):
        return _maker((), {}, skip=1)(args[0])
    return _maker(args, constraints, skip=1)


def _compose_now(built: Schedule) -> None:
    """Composes a recipe of known numbers when it is built: what its parts refuse is an error there."""
    if built.is_plain or not any(map(checks.is_unknown, jax.tree.leaves(built))):
        try:
            built._composed()
        except (TypeError, ValueError) as error:
            name = built._form.name
            if str(error).startswith(f"{name}: "):
                raise
            raise type(error)(f"{name}: {error}") from None


def _maker(relations: Any, constraints: Any, **options: Any) -> Callable[..., Any]:
    def decorator(function: Callable[..., Any]) -> Callable[..., Schedule]:
        form = Form(
            function, constraints=constraints, relations=relations, reserved=_RESERVED, **options
        )
        return make_factory(form, Schedule, _compose_now if form.recipe else None)

    return decorator


def formula(
    *relations: checks.Relation, **constraints: checks.Constraint
) -> Callable[[Callable[Concatenate[Any, P], Any]], Callable[P, Schedule]]:
    """:func:`schedule` for the library's own formulas, whose arithmetic is `numerics` throughout."""
    return _maker(relations, constraints, skip=1, numeric=True)


@overload
def recipe(function: Callable[P, Schedule], /) -> Callable[P, Schedule]: ...
@overload
def recipe(
    *relations: checks.Relation, **constraints: checks.Constraint
) -> Callable[[Callable[P, Schedule]], Callable[P, Schedule]]: ...
def recipe(*args: Any, **constraints: Any) -> Any:
    """Makes a factory of schedules from a function ``(*hyperparameters) -> Schedule`` that composes others.

    The schedule has the recipe's own hyperparameters as leaves and prints as the recipe's call. It is
    composed when it is built, and again when it is evaluated where hyperparameters are arrays; the
    function must be traceable.

    Args:
      *args: the function itself (``@recipe``), or relations between hyperparameters, from
        :mod:`jaxsched.checks`.
      **constraints: hyperparameter name -> constraint. Traced values are never checked.

    Returns:
      The factory, or a decorator that makes it.

    Raises:
      TypeError: as :func:`schedule`; and from the factory, if the function returns no schedule.

    Example:
      >>> import jaxsched
      >>> from jaxsched import checks
      >>> @jaxsched.recipe(peak=checks.positive, steps=checks.steps)
      ... def down_and_hold(peak, steps):
      ...     return jaxsched.linear_schedule(peak, peak / 10, steps)
      >>> down_and_hold(peak=1.0, steps=10)(5)
      0.55
      >>> down_and_hold(peak=1.0, steps=10).replace(steps=20)
      down_and_hold(peak=1.0, steps=20)
    """
    if len(args) == 1 and not constraints and not isinstance(args[0], checks.Relation):
        return _maker((), {}, skip=0, recipe=True)(args[0])
    return _maker(args, constraints, skip=0, recipe=True)


def own_recipe(
    *relations: checks.Relation, **constraints: checks.Constraint
) -> Callable[[Callable[P, Schedule]], Callable[P, Schedule]]:
    """:func:`recipe` for the library's own compositions, whose arithmetic also takes per-piece numbers."""
    return _maker(relations, constraints, skip=0, recipe=True, numeric=True)
