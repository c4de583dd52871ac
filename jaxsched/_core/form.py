"""A function with its parameters and their checks, and the factory that binds them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from jaxsched._core.frozen import FrozenDict
from jaxsched._core.near import near_matches


class Form:
    """A function with its parameters, their defaults and their checks; compared by identity.

    Args:
      function: the function that was decorated.
      skip: how many leading parameters are not hyperparameters (``step`` is not).
      constraints: parameter name -> constraint.
      relations: constraints on several parameters at once.
      recipe: whether the function composes schedules instead of computing a value.
      numeric: whether the function's arithmetic is `numerics` throughout, so that it also runs on
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
        decorator = "recipe" if recipe else "schedule"
        if not callable(function) or not hasattr(function, "__name__"):
            raise TypeError(
                f"{decorator}: what is decorated must be a named function, got {function!r}"
            )
        self.function, self.relations = function, tuple(relations)
        self.recipe, self.numeric = recipe, numeric
        self.name: str = function.__name__
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())
        if len(parameters) < skip:
            raise TypeError(f"{self.name}: the first parameter of a formula is the step, got none")
        parameters = parameters[skip:]
        for p in parameters:
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                raise TypeError(f"{self.name}: hyperparameters must be named, got {p}")
            if p.kind is not p.POSITIONAL_OR_KEYWORD:
                raise TypeError(
                    f"{self.name}: hyperparameters must be allowed by position and by name, got {p}"
                )
            if p.name in reserved or p.name.startswith("_"):
                raise TypeError(f"{self.name}: {p.name!r} cannot be the name of a hyperparameter")
        self.signature = signature.replace(parameters=parameters)
        self.names = tuple(p.name for p in parameters)
        unknown = [name for name in constraints if name not in self.names]
        if unknown:
            raise TypeError(
                f"{self.name}: a check is declared for {unknown[0]!r}, which is no parameter"
            )
        for name, check in constraints.items():
            if not callable(check):
                raise TypeError(
                    f"{self.name}: the check of {name} must be a constraint from jaxsched.checks, "
                    f"got {check!r}"
                )
        self.constraints = tuple(constraints.get(name) for name in self.names)
        self.tables: tuple[str, ...] = ()
        """Hyperparameters that may be NumPy arrays and still be read without JAX."""
        self.timeless = False
        """Whether the value is the same at every step: what the step is need not be computed."""
        self.is_held: Callable[..., bool] = lambda *values: self.timeless
        """Whether, with these hyperparameters, it is at negative steps what it is at step 0."""
        self.kind: Any = None  # both are set by `make_factory`
        self.factory: Callable[..., Any] = function

    def __repr__(self) -> str:
        return f"<the form of {self.name}>"

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        """The checked values, in the order of the parameters."""
        refuse_unknown(self.name, kwargs, self.names)
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

    def near(self, name: str) -> str:
        """What to try instead of a name that is no parameter's."""
        return _near(name, self.names)


def _near(name: str, names: Sequence[str]) -> str:
    near, known = near_matches(name, names), ", ".join(names) or "none"
    return f"did you mean {near}? It has {known}" if near else f"it has {known}"


def refuse_unknown(where: str, given: Iterable[str], names: Sequence[str]) -> None:
    """Refuses arguments of which there is none, with what was probably meant.

    Raises:
      TypeError: one of the names is unknown.
    """
    for name in given:
        if name not in names:
            raise TypeError(f"{where}: no argument is called {name!r}; {_near(name, names)}")


F = TypeVar("F", bound=Callable[..., Any])


def names_arguments(name: str) -> Callable[[F], F]:
    """Has a function say of a misspelt argument which one was probably meant, as schedules do.

    Args:
      name: the function's name in the message.
    """

    def decorate(function: F) -> F:
        names = tuple(key for key in inspect.signature(function).parameters if key != "self")

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            refuse_unknown(name, kwargs, names)
            return function(*args, **kwargs)

        return cast(F, checked)

    return decorate


def _normal(value: Any) -> Any:
    """An undeclared hyperparameter in immutable form."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_normal, value))
    if isinstance(value, Mapping) and not isinstance(value, FrozenDict):
        pairs = [(k, _normal(v)) for k, v in value.items()]
        if all(isinstance(k, str) for k, _ in pairs):
            pairs.sort(key=lambda pair: pair[0])  # as dicts are compared: whatever their order
        return FrozenDict(pairs)
    if isinstance(value, np.generic):
        return value.item()
    return value


def make_factory(
    form: Form, kind: Any, after: Callable[[Any], None] | None = None
) -> Callable[..., Any]:
    """The public function of a form: checks its arguments, binds them and calls `after` on the result.

    It carries the name, the documentation and, without the leading parameters, the signature of the
    decorated function, in whose place it is found by pickle.
    """

    def factory(*args: Any, **kwargs: Any) -> Any:
        new = kind._make(form, form.bind(args, kwargs))
        if after is not None:
            after(new)
        return new

    functools.update_wrapper(factory, form.function)
    attributes: dict[str, Any] = vars(
        factory
    )  # `__wrapped__` stays: its module resolves the annotations
    attributes["__signature__"] = form.signature.replace(return_annotation=kind)
    attributes["form"] = form
    kept = {k: v for k, v in form.function.__annotations__.items() if k in form.names}
    factory.__annotations__ = {**kept, "return": kind}
    form.kind, form.factory = kind, factory
    return factory
