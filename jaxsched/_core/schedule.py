"""Schedule: a function from step to value whose hyperparameters are its data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

import jax
import jax.numpy as jnp
import numpy as np

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.bound import Bound, is_huge, register
from jaxsched._core.host import HostNumber, host_function
from jaxsched._core.per_piece import is_per_piece, settle

if TYPE_CHECKING:
    import numpy.typing as npt

INT64_MAX = 2**63 - 1
AT_A_GLANCE = 2**30 - 1
"""The largest integer that Python compares in one instruction."""


class Schedule(Bound):
    """A pure function ``step -> value`` with its hyperparameters bound as data.

    Call it with a Python or NumPy number and it answers with a Python float, computed in float64
    without JAX. Call it with an array or inside a transformation and it answers with an array of the
    step's shape in float32 (float64 under ``jax_enable_x64``).

    With an array among its hyperparameters, as it comes back from `jax.jit`, `jax.device_get` or a
    checkpoint, it answers a number with an array, too (of which type checkers know nothing), computed on
    the device each time, in some tenths of a millisecond: ``jax.tree.map(lambda x: x.item(), schedule)``
    makes its numbers Python's again.

    It is a pytree: numbers and arrays among its hyperparameters are leaves, so that a schedule can
    be an argument of a jitted function, be stacked and mapped over, and be differentiated
    (``jax.grad(..., allow_int=True)``, for the lengths are integers).

    A step may have a fraction: a smooth curve goes on between two updates, and what changes at whole
    steps keeps its value until the next one. A negative step counts as step 0. A number beyond 2**63 - 1
    counts as that; without x64, a step on the device beyond 2**31 - 1 counts as 2**31 - 1, where optax's
    own counter stops.
    """

    __slots__ = ("_composition", "_host")  # set when they are needed
    __array_ufunc__ = None  # else NumPy takes `np.float64(2) * schedule` for an array of objects
    _host: Callable[[int | float], float]
    _composition: Schedule

    def __init__(self, *args: Any, **kwargs: Any):
        del args, kwargs
        raise TypeError(
            "Schedule: call a factory to build one, such as jaxsched.linear_schedule, or one of your own, "
            "which the decorator jaxsched.schedule makes of a formula"
        )

    @overload
    def __call__(self, step: float | np.integer[Any] | np.floating[Any]) -> float: ...
    @overload
    def __call__(self, step: jax.Array | npt.NDArray[Any]) -> jax.Array: ...
    @overload  # either, as optax's type of a schedule says
    def __call__(self, step: jax.typing.ArrayLike) -> Any: ...
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
            return self._reader()(min(step, INT64_MAX) if step > 0 else 0)
        if isinstance(step, (int, np.integer)) and not isinstance(step, bool):
            return self(int(step))
        if isinstance(step, (float, np.floating)):
            return self(float(step))
        if not isinstance(step, (np.ndarray, jax.Array)) or not _is_real(step.dtype):
            raise checks.refuse(
                f"{self._form.name}: the step", "a number or an array of numbers", step, TypeError
            )
        return self._on_device(nx.normal_step(step, not self._is_held()))

    def _is_held(self) -> bool:
        """Whether a negative step need not be made step 0 first."""
        if self._form.recipe:
            return self.is_plain and self._composed()._is_held()
        return self._form.is_held(*self._values)

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
        try:
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
                bound = lambda step: as_float(function(step, *values), name)
        except RecursionError:
            raise RecursionError(
                f"{form.name}: schedules stand too deep in each other for Python's stack, on which 200 of "
                "them have room (sys.setrecursionlimit gives more): combine them in pairs, the pairs in "
                "pairs and so on, or write one formula with jaxsched.schedule"
            ) from None
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
            if (
                not self.is_plain
            ):  # a float is brought to the type of the arithmetic here, not twice
                values = map(nx.strong, values)
            return form.function(step, *values)
        values = jax.tree.map(_settled, values, is_leaf=is_per_piece)
        return checked(form.function(step, *values), form.name)

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


def _is_real(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, np.integer) or jnp.issubdtype(dtype, np.floating)


def _settled(value: Any) -> Any:
    """A hyperparameter for a user's formula on the device, which cannot trace an int beyond int32."""
    return float(value) if type(value) is int and is_huge(value) else settle(value)


def as_float(value: Any, name: str) -> Any:
    """What a user's formula returned for a plain step, as a float; under a trace it stays traced."""
    if type(value) is float or checks.is_unknown(value):
        return value
    value = checked(value, name)
    if np.ndim(value):
        raise checks.refuse(f"{name}: the value at one step", "one number", value, TypeError)
    return float(value)


def checked(value: Any, name: str) -> Any:
    """What a user's formula returned, if it is a real number or an array of them."""
    dtype = getattr(value, "dtype", None)
    if not (
        isinstance(value, (int, float))
        if dtype is None
        else _is_real(dtype) or jnp.issubdtype(dtype, np.bool_)
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
