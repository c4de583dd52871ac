"""Schedule, and the decorators that make one of a formula or of a composition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, overload

import jax
import jax.numpy as jnp
import numpy as np

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.bound import Bound, is_huge, register
from jaxsched._core.form import Form, make_factory
from jaxsched._core.host import HostNumber, host_function
from jaxsched._core.per_piece import is_per_piece, settle

P = ParamSpec("P")
INT64_MAX = 2**63 - 1
AT_A_GLANCE = 2**30 - 1
"""The largest integer that Python compares in one instruction."""


class Schedule(Bound):
    """A pure function ``step -> value`` with its hyperparameters bound as data.

    Call it with a Python or NumPy number and it answers with a Python float, computed in float64
    without JAX. Call it with an array or inside a transformation and it answers with an array of the
    step's shape in float32 (float64 under ``jax_enable_x64``).

    It is a pytree: numbers and arrays among its hyperparameters are leaves, so that a schedule can
    be an argument of a jitted function, be stacked and mapped over, and be differentiated
    (``jax.grad(..., allow_int=True)``, for the lengths are integers).

    A negative step counts as step 0. Without x64, a step on the device beyond 2**31 - 1 counts as
    2**31 - 1, where optax's own counter stops.
    """

    __slots__ = ("_composition", "_host")  # set when they are needed
    __array_ufunc__ = None  # else NumPy takes `np.float64(2) * schedule` for an array of objects
    _host: Callable[[int | float], float]
    _composition: Schedule

    def __call__(self, step: Any) -> Any:
        if type(step) is int:  # what a training loop asks with: nothing may slow it down
            try:
                host = self._host
            except AttributeError:
                host = self._bind()
            if 0 <= step <= AT_A_GLANCE:
                return host(step)
            return host(min(max(step, 0), INT64_MAX))
        if type(step) is float:
            if step - step != 0:  # an infinity or NaN
                raise checks.refuse(f"{self._form.name}: the step", "a finite number", step)
            return self._reader()(step if step > 0 else 0)
        if isinstance(step, (np.integer, np.floating)):
            return self(int(step) if isinstance(step, np.integer) else float(step))
        if not isinstance(step, (np.ndarray, jax.Array)) or not _is_real(step.dtype):
            raise checks.refuse(
                f"{self._form.name}: the step", "a number or an array of numbers", step, TypeError
            )
        return self._on_device(nx.normal_step(step))

    def _reader(self) -> Callable[[int | float], float]:
        try:
            return self._host
        except AttributeError:
            return self._bind()

    def _bind(self) -> Callable[[int | float], float]:
        """Prepares the function that serves plain steps. Nothing traced outlives its trace here:
        with an array among the hyperparameters the schedule is evaluated on the device each time.
        """
        form, values = self._form, self._values
        if not self.is_plain:
            bound = lambda step: self._on_device(nx.normal_step(step))
        elif form.recipe:
            composition = self._composed()
            if not composition.is_plain:
                return lambda step: composition(step)
            bound = composition._reader()
        elif form.numeric:
            bound = host_function(form.function, values, form.name)
        else:
            function, name = form.function, form.name
            bound = lambda step: _as_float(function(step, *values), name)
        object.__setattr__(self, "_host", bound)
        return bound

    def _on_host(self, step: HostNumber) -> HostNumber:
        """The value at a step of a host function being written, which takes in what it can."""
        form, code = self._form, step.code
        if step.is_step and self.is_plain and code.has_room:
            if not form.recipe:
                if form.numeric:
                    return code.take_in(form.function, step, *self._values)
            elif self._composed().is_plain:
                return code.take_in(self._composed()._on_host, step)
        return code.line("{}({})", self, step)

    def _on_device(self, step: Any) -> Any:
        value = nx.real(self._at(step))
        if value.shape == step.shape:
            return value
        try:
            return nx.spread(value, step)
        except ValueError:
            raise ValueError(
                f"{self._form.name}: the values of shape {value.shape} do not fit steps of shape "
                f"{step.shape}; a formula must be elementwise in the step, and schedules that are "
                "stacked are mapped over with jax.vmap"
            ) from None

    def _at(self, step: Any) -> Any:
        """The value at a step that is already normal: an array, not negative, of a device type."""
        form = self._form
        if form.recipe:
            return self._composed()._at(step)
        values = self._values
        if form.numeric:
            return form.function(step, *values)
        values = jax.tree.map(_settled, values, is_leaf=is_per_piece)
        return _checked(form.function(step, *values), form.name)

    def _composed(self) -> Schedule:
        """What a recipe composes; kept only where it cannot hold a tracer."""
        try:
            return self._composition
        except AttributeError:
            values = self._values
        if not self._form.numeric:
            values = jax.tree.map(settle, values, is_leaf=is_per_piece)
        composition = self._form.function(*values)
        if not isinstance(composition, Schedule):
            raise TypeError(
                f"{self._form.name}: a recipe must return a Schedule, got {composition!r}"
            )
        if self.is_plain and composition.is_plain:  # jnp makes tracers even of constants
            object.__setattr__(self, "_composition", composition)
        return composition

    def __add__(self, other: Any) -> Schedule:
        return _operation("add", self, other)

    def __radd__(self, other: Any) -> Schedule:
        return _operation("add", other, self)

    def __sub__(self, other: Any) -> Schedule:
        return _operation("subtract", self, other)

    def __rsub__(self, other: Any) -> Schedule:
        return _operation("subtract", other, self)

    def __mul__(self, other: Any) -> Schedule:
        return _operation("multiply", self, other)

    def __rmul__(self, other: Any) -> Schedule:
        return _operation("multiply", other, self)

    def __truediv__(self, other: Any) -> Schedule:
        return _operation("divide", self, other)

    def __rtruediv__(self, other: Any) -> Schedule:
        return _operation("divide", other, self)

    def __pow__(self, other: Any) -> Schedule:
        return _operation("power", self, other)

    def __rpow__(self, other: Any) -> Schedule:
        return _operation("power", other, self)

    def __neg__(self) -> Schedule:
        return _operation("multiply", -1.0, self)


register(Schedule)

# optax takes an object with both methods for a stateful schedule.
_RESERVED = frozenset([*dir(Schedule), "init", "update"])


def _is_real(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, np.integer) or jnp.issubdtype(dtype, np.floating)


def _settled(value: Any) -> Any:
    """A hyperparameter for a user's formula on the device, which cannot trace an int beyond int32."""
    return float(value) if type(value) is int and is_huge(value) else settle(value)


def _as_float(value: Any, name: str) -> Any:
    """What a user's formula returned for a plain step, as a float; under a trace it stays traced."""
    if type(value) is float or checks.is_unknown(value):
        return value
    value = _checked(value, name)
    if np.ndim(value):
        raise checks.refuse(f"{name}: the value at one step", "one number", value, TypeError)
    return float(value)


def _checked(value: Any, name: str) -> Any:
    """What a user's formula returned, if it is a real number or an array of them."""
    dtype = getattr(value, "dtype", None)
    if not (
        isinstance(value, (int, float)) if dtype is None else _is_real(dtype) or dtype.kind == "b"
    ):
        raise checks.refuse(
            f"{name}: the value", "a number or an array of numbers", value, TypeError
        )
    return value


def _operation(name: str, a: Any, b: Any) -> Any:
    from jaxsched._core import arithmetic  # its functions are schedules themselves

    if not all(
        isinstance(x, (int, float, np.generic, np.ndarray, jax.Array)) or callable(x)
        for x in (a, b)
    ):
        return NotImplemented
    return getattr(arithmetic, name)(a, b)


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


@formula()
def foreign(step: Any, function: Any) -> Any:
    """A callable that is not ours, as a schedule: optax's own, or a user's lambda.

    It may not accept arrays of steps, so it is mapped over them.
    """
    if nx.is_host(step):
        return step.code.line("{}({}({}), {})", _as_float, function, step, "a callable")
    value_at_one = lambda s: nx.real(_checked(function(s), "a callable"))
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
