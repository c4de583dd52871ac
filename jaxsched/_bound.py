"""A function whose hyperparameters are bound as data: what schedules and shapes have in common.

A :class:`Bound` is a :class:`Form` (the function, its parameters and the checks on them) together
with one value per parameter. It is immutable, a pytree with keyed paths, and prints as the call that
makes it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import jax
import numpy as np
from jax.core import Tracer

from jaxsched._frozen import FrozenDict

INT32_MAX = 2**31 - 1


class Form:
    """A function with its parameters, their defaults and their checks; compared by identity.

    Args:
      function: the function that was decorated.
      skip: how many leading parameters are not hyperparameters (``step`` is not).
      constraints: parameter name -> constraint.
      relations: constraints on several parameters at once.
      recipe: whether the function composes schedules instead of computing a value.
      numeric: whether the function's arithmetic is `_numerics` throughout, so that it also runs on
        per-piece and host numbers.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        skip: int,
        constraints: Mapping[str, Any],
        relations: Sequence[Any] = (),
        recipe: bool = False,
        numeric: bool = False,
        reserved: frozenset[str] = frozenset(),
    ):
        self.function, self.relations = function, tuple(relations)
        self.recipe, self.numeric = recipe, numeric
        self.name: str = function.__name__
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[skip:]
        for p in parameters:
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                raise TypeError(f"{self.name}: hyperparameters must be named, got {p}")
            if p.name in reserved or p.name.startswith("_"):
                raise TypeError(f"{self.name}: {p.name!r} cannot be the name of a hyperparameter")
        self.signature = signature.replace(parameters=parameters)
        self.names = tuple(p.name for p in parameters)
        unknown = [name for name in constraints if name not in self.names]
        if unknown:
            raise TypeError(
                f"{self.name}: a check is declared for {unknown[0]!r}, which is no parameter"
            )
        self.constraints = tuple(constraints.get(name) for name in self.names)
        self.kind: type[Bound] = Bound  # both are set by `make_factory`
        self.factory: Callable[..., Any] = function

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        """The checked values, in the order of the parameters."""
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None
        bound.apply_defaults()
        values = []
        for name, constraint in zip(self.names, self.constraints, strict=True):
            value = bound.arguments[name]
            where = f"{self.name}: {name}"
            values.append(constraint(value, where) if constraint else _normal(value))
        arguments = dict(zip(self.names, values, strict=True))
        for relation in self.relations:
            relation(arguments, self.name)
        return tuple(values)


def _normal(value: Any) -> Any:
    """An undeclared hyperparameter in immutable form."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_normal, value))
    if isinstance(value, Mapping) and not isinstance(value, FrozenDict):
        return FrozenDict((k, _normal(v)) for k, v in value.items())
    if isinstance(value, np.generic):
        return value.item()
    return value


def _is_static(value: Any) -> bool:
    """Whether a hyperparameter is part of the structure instead of a leaf.

    An integer that no int32 holds is: JAX could not trace it.
    """
    if type(value) is float:
        return False
    if type(value) is int:
        return not -INT32_MAX - 1 <= value <= INT32_MAX
    return (
        value is None
        or isinstance(value, (bool, str))
        or (callable(value) and not isinstance(value, Bound))
    )


def is_plain(value: Any) -> bool:
    """Whether a hyperparameter, however deep, holds Python numbers and no arrays."""
    if isinstance(value, (float, int, str)) or value is None:
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
    return value


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

    __slots__ = ("__weakref__", "_form", "_is_plain", "_values")
    _form: Form
    _values: tuple[Any, ...]
    _is_plain: bool | None

    @classmethod
    def _make(cls, form: Form, values: tuple[Any, ...]) -> Self:
        """No checks: unflattening comes here with tracers and placeholders."""
        new = object.__new__(cls)
        set_ = object.__setattr__
        set_(new, "_form", form)
        set_(new, "_values", values)
        set_(new, "_is_plain", None)
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
        if self._is_plain is None:
            object.__setattr__(self, "_is_plain", all(map(is_plain, self._values)))
        return bool(self._is_plain)

    def replace(self, **changes: Any) -> Self:
        """A copy with some hyperparameters changed, checked like new ones.

        >>> import jaxsched
        >>> jaxsched.constant_schedule(0.1).replace(value=0.2)
        constant_schedule(value=0.2)
        """
        return self.factory(**{**self.hyperparameters, **changes})

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            form = self._form
            if name in form.names:
                return self._values[form.names.index(name)]
            raise AttributeError(
                f"{form.name} has no hyperparameter {name!r}; it has {', '.join(form.names)}"
            )
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{self._form.name} is immutable: use replace({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{self._form.name} is immutable")

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *self._form.names]

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
        return hash(_identity(self))

    def __reduce__(self) -> Any:
        return _restore, (self._form.factory, self._values)


def _restore(factory: Any, values: tuple[Any, ...]) -> Bound:
    form = factory.form
    return form.kind._make(form, values)


def make_factory(form: Form, kind: type[Bound]) -> Callable[..., Any]:
    """The public function of a form: checks its arguments and binds them.

    It carries the name, the documentation and, without the leading parameters, the signature of the
    decorated function, in whose place it is found by pickle.
    """

    def factory(*args: Any, **kwargs: Any) -> Any:
        return kind._make(form, form.bind(args, kwargs))

    functools.update_wrapper(factory, form.function)
    attributes: dict[str, Any] = vars(factory)
    del attributes["__wrapped__"]  # it would be taken for the factory's own signature
    attributes["__signature__"] = form.signature.replace(return_annotation=kind)
    attributes["form"] = form
    kept = {k: v for k, v in form.function.__annotations__.items() if k in form.names}
    factory.__annotations__ = {**kept, "return": kind}
    form.kind, form.factory = kind, factory
    return factory


def register(cls: type[Bound]) -> type[Bound]:
    """Makes a final subclass of Bound a pytree: its static values are structure, the others children."""

    def split(bound: Bound) -> tuple[list[int], Any]:
        form, values = bound._form, bound._values
        dynamic = [i for i, v in enumerate(values) if not _is_static(v)]
        static = tuple((i, v) for i, v in enumerate(values) if _is_static(v))
        return dynamic, (form, static)

    def flatten_with_keys(bound: Bound) -> Any:
        dynamic, structure = split(bound)
        names, values = bound._form.names, bound._values
        return [(jax.tree_util.GetAttrKey(names[i]), values[i]) for i in dynamic], structure

    def flatten(bound: Bound) -> Any:
        dynamic, structure = split(bound)
        return [bound._values[i] for i in dynamic], structure

    def unflatten(structure: Any, children: Any) -> Bound:
        form, static = structure
        values = list(children)
        for i, value in static:  # in ascending order, so each lands at its own place
            values.insert(i, value)
        return cls._make(form, tuple(values))

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
    return cls
