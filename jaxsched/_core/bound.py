"""A function whose hyperparameters are bound as data: what schedules and shapes have in common.

A :class:`Bound` is a :class:`~jaxsched._core.form.Form` (the function, its parameters and the checks on
them) together with one value per parameter. It is immutable, a pytree with keyed paths, and prints
as the call that makes it.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import jax
import numpy as np
from jax.core import Tracer

from jaxsched import checks
from jaxsched._core.form import Form
from jaxsched._core.frozen import FrozenDict

INT32_MAX = 2**31 - 1


def _is_static(value: Any) -> bool:
    """Whether a hyperparameter is part of the structure instead of a leaf."""
    return (
        value is None
        or isinstance(value, (bool, str, bytes, enum.Enum))
        or (callable(value) and not isinstance(value, Bound))
    )


def is_huge(value: Any) -> bool:
    """Whether there is an integer in it that no int32 holds: JAX could not trace it."""
    if type(value) is int:
        return not -INT32_MAX - 1 <= value <= INT32_MAX
    if isinstance(value, FrozenDict):
        return any(map(is_huge, value.keys())) or any(map(is_huge, value.values()))
    return isinstance(value, tuple) and any(map(is_huge, value))


class _Fixed:
    """A part of the structure where a leaf would be: an item of a sequence."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value


jax.tree_util.register_pytree_node(
    _Fixed,
    lambda fixed: ((), (type(fixed.value), fixed.value)),  # True is not 1
    lambda typed, _: _Fixed(typed[1]),
)


def _fix(value: Any, integers: bool) -> Any:
    """A hyperparameter with what is static in it fixed; itself if nothing is."""
    if isinstance(value, tuple):
        items = tuple(_fix(v, integers) for v in value)
        return items if any(map(operator.is_not, items, value)) else value
    if isinstance(value, FrozenDict):
        keys = _fix(value.keys(), integers) if value.numeric else value.keys()
        values = _fix(value.values(), integers)
        if keys is value.keys() and values is value.values():
            return value
        return FrozenDict(zip(keys, values, strict=True), numeric=value.numeric)
    return _Fixed(value) if _is_static(value) or (integers and type(value) is int) else value


def _unfix(value: Any) -> Any:
    if isinstance(value, _Fixed):
        return value.value
    if isinstance(value, tuple):
        return tuple(map(_unfix, value))
    if isinstance(value, FrozenDict):
        pairs = zip(_unfix(value.keys()), _unfix(value.values()), strict=True)
        return FrozenDict(pairs, numeric=value.numeric)
    return value  # a transformation may have put anything in its place


def is_plain(value: Any) -> bool:
    """Whether a hyperparameter, however deep, holds Python numbers and no arrays (but tables)."""
    if isinstance(value, (float, int, str, bytes, enum.Enum)) or value is None:
        return True
    if isinstance(value, Bound):
        return value.is_plain
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    if isinstance(value, FrozenDict):
        return is_plain(value.keys()) and is_plain(value.values())
    return callable(value)


def _identity(value: Any) -> Any:
    """A hashable stand-in with which hyperparameters are compared."""
    if isinstance(value, Bound):
        return value._form, tuple(map(_identity, value._values))
    if isinstance(value, tuple):
        return tuple(map(_identity, value))
    if isinstance(value, FrozenDict):
        return _identity(value.keys()), _identity(value.values())
    if isinstance(value, Tracer):
        return "traced", id(value)
    if isinstance(value, (np.ndarray, jax.Array)):
        host = np.asarray(value)
        return host.dtype.name, host.shape, host.tobytes()
    # True, 1 and 1.0 are equal in Python, and are different hyperparameters.
    return (type(value), value) if isinstance(value, (bool, int, float)) else value


def text(value: Any) -> str:
    """The text form of a hyperparameter."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(text, value)) + "]"
    if isinstance(value, FrozenDict):
        return "{" + ", ".join(f"{text(k)}: {text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (np.ndarray, jax.Array)) and not isinstance(value, Tracer):
        return f"array({np.asarray(value).tolist()!r}, dtype={value.dtype.name})"
    return repr(value)


class Bound:
    """A form and one value per parameter. Made by a factory, never directly."""

    # The hyperparameters are attributes as any others: a `__getattr__` that looked them up would slow
    # down every access. What is not set here is set when it is first needed.
    __slots__ = ("__dict__", "__weakref__", "_flat", "_form", "_hash", "_is_plain", "_values")
    _form: Form
    _values: tuple[Any, ...]
    _flat: tuple[tuple[Any, ...], Any]
    _is_plain: bool
    _hash: int

    @classmethod
    def _make(cls, form: Form, values: tuple[Any, ...]) -> Self:
        """No checks: unflattening comes here with tracers and placeholders."""
        new = object.__new__(cls)
        set_ = object.__setattr__
        set_(new, "_form", form)
        set_(new, "_values", values)
        set_(new, "__dict__", dict(zip(form.names, values)))  # noqa: B905 (as many; saying so takes time)
        return new

    @property
    def factory(self) -> Callable[..., Self]:
        """The public function that builds schedules of this form."""
        return self._form.factory

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """A new dict of parameter name -> value."""
        return dict(zip(self._form.names, self._values, strict=True))

    @property
    def is_plain(self) -> bool:
        """Whether all numbers are Python numbers, so that it can be read without JAX."""
        try:
            return self._is_plain
        except AttributeError:
            form = self._form
            plain = all(
                is_plain(v) or (name in form.tables and isinstance(v, np.ndarray) and v.ndim == 1)
                for name, v in zip(form.names, self._values, strict=True)
            )
            object.__setattr__(self, "_is_plain", plain)
            return plain

    def replace(self, /, **changes: Any) -> Self:
        """A copy with some hyperparameters changed, checked like new ones.

        Args:
          **changes: hyperparameter name -> its new value.

        Example:
          >>> import jaxsched
          >>> jaxsched.constant_schedule(0.1).replace(value=0.2)
          constant_schedule(value=0.2)
        """
        return self.factory(**{**self.hyperparameters, **changes})

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{self._form.name} is immutable: use replace({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{self._form.name} is immutable")

    def __repr__(self) -> str:
        shown = []
        for p, value in zip(self._form.signature.parameters.values(), self._values, strict=True):
            if p.default is p.empty or _identity(value) != _identity(p.default):
                shown.append(f"{p.name}={text(value)}")
        return f"{self._form.name}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bound):
            return NotImplemented
        return self is other or _identity(self) == _identity(other)

    def __hash__(self) -> int:
        try:
            return self._hash  # jax.jit asks for it a dozen times
        except AttributeError:
            object.__setattr__(self, "_hash", hash(_identity(self)))
            return self._hash

    def __reduce__(self) -> Any:
        return _restore, (self._form.factory, self._values)


def _restore(factory: Any, values: tuple[Any, ...]) -> Bound:
    form = factory.form
    return form.kind._make(form, values)


def register(cls: type[Bound]) -> type[Bound]:
    """Makes a final subclass of Bound a pytree: its static values are structure, the others children.

    Which are static is decided once, for what a factory has built. What a transformation makes of it has
    the same structure, whatever stands in the place of a number: a mask, an axis, a sharding, None.
    """

    def flatten(bound: Bound) -> tuple[tuple[Any, ...], Any]:
        try:
            return bound._flat
        except AttributeError:
            object.__setattr__(bound, "_flat", split(bound._form, bound._values))
            return bound._flat

    def split(form: Form, values: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
        if all(
            type(v) is float or (type(v) is int and -INT32_MAX <= v <= INT32_MAX) for v in values
        ):
            return values, (form, (), ())  # as below, but at once
        # Steps are computed with each other: none of them can be traced if one is not.
        huge = any(map(is_huge, values))
        fixed = [
            _is_static(v) or (huge and (type(v) is int or c is checks.fraction))
            for v, c in zip(values, form.constraints, strict=True)
        ]
        dynamic = [i for i, f in enumerate(fixed) if not f]
        children = tuple(_fix(values[i], huge) for i in dynamic)
        mixed = tuple(i for i, c in zip(dynamic, children, strict=True) if c is not values[i])
        static = tuple((i, values[i]) for i, f in enumerate(fixed) if f)
        return children, (form, static, mixed)

    def flatten_with_keys(bound: Bound) -> Any:
        children, (form, static, mixed) = flatten(bound)
        fixed = {i for i, _ in static}
        names = (name for i, name in enumerate(form.names) if i not in fixed)
        keyed = zip(names, children, strict=True)
        return [(jax.tree_util.GetAttrKey(name), c) for name, c in keyed], (form, static, mixed)

    def unflatten(structure: Any, children: Any) -> Bound:
        form, static, mixed = structure
        flat = values = tuple(children)
        if static or mixed:
            given = list(flat)
            for i, value in static:  # in ascending order, so each lands at its own place
                given.insert(i, value)
            for i in mixed:
                given[i] = _unfix(given[i])
            values = tuple(given)
        new = cls._make(form, values)
        object.__setattr__(new, "_flat", (flat, structure))
        return new

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
    return cls
