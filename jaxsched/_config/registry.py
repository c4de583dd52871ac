"""The names a configuration or a text may use, and nothing else: jaxsched's own and registered ones."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, TypeVar

from jaxsched._core.form import Form
from jaxsched._core.near import close_names, did_you_mean
from jaxsched._core.shape import ShapeForm

F = TypeVar("F", bound=Callable[..., Any])
Factories = Iterable[Callable[..., Any]] | Mapping[str, Callable[..., Any]]

SPECIAL = frozenset({"array", "mapping", "int", "float", "inf", "nan", "True", "False", "None"})
"""Names with a meaning of their own in a configuration or a text."""
RESERVED_ARGUMENTS = ("name", "version")
"""Keys of a configuration that no hyperparameter can have."""

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_registered: dict[str, Callable[..., Any]] = {}


def register(factory: F, name: str | None = None, *, replace: bool = False) -> F:
    """Makes a schedule of your own known to :func:`from_config`, :func:`to_config` and :func:`parse`.

    The registration holds for the process. Where that is too wide, as in a library or a test, leave it
    and pass ``factories=[my_decay]`` to these three functions; a library that does register should
    prefix the name, as in ``"my_library.my_decay"``.

    Args:
      factory: what ``@schedule`` or ``@recipe`` made.
      name: the name in configurations; the function's own when None. It may have dots.
      replace: whether another factory registered under this name gives way, as when a notebook's cell
        is run again. The names of jaxsched itself never do.

    Returns:
      The factory, so that ``@jaxsched.register`` can stand above ``@jaxsched.schedule``.

    Raises:
      TypeError: not a factory made by a decorator of jaxsched.
      ValueError: the name is taken by another factory or is no name, or a hyperparameter is called
        ``name`` or ``version``, which configurations use themselves.

    Example:
      >>> import jaxsched
      >>> @jaxsched.register
      ... @jaxsched.schedule(peak=jaxsched.checks.positive)
      ... def reciprocal(step, peak):
      ...     return peak / (1.0 + step)
      >>> jaxsched.parse("reciprocal(peak=0.5)")(4)
      0.1
      >>> jaxsched.from_config({"name": "reciprocal", "peak": 0.5})(4)
      0.1
    """
    key, factory_ = _entry(factory, name)
    builtin = _public_factories().get(key)
    other = builtin or _registered.get(key)
    if other is not None and other is not factory_ and (builtin is not None or not replace):
        raise ValueError(
            f"register: the name {key!r} is taken by another factory, got {factory_!r}"
        )
    if builtin is None:
        _registered[key] = factory_
    return factory


def _entry(factory: Any, name: str | None) -> tuple[str, Callable[..., Any]]:
    """A factory under its name, both checked."""
    form = getattr(factory, "form", None)
    if not isinstance(form, Form):
        raise TypeError(
            "register: factory must be made by @jaxsched.schedule or @jaxsched.recipe, "
            f"got {factory!r}"
        )
    key = form.name if name is None else name
    if not isinstance(key, str) or not _NAME.fullmatch(key) or key in SPECIAL:
        raise ValueError(
            f"register: name must be a name other than {', '.join(sorted(SPECIAL))}, got {key!r}"
        )
    taken = [argument for argument in RESERVED_ARGUMENTS if argument in form.names]
    if taken:
        raise ValueError(
            f"register: a hyperparameter of {key} is called {taken[0]!r}, "
            "which has a meaning of its own in a configuration"
        )
    return key, factory


@functools.cache
def _public_factories() -> dict[str, Callable[..., Any]]:
    """The public factories of jaxsched and of its public modules."""
    import jaxsched

    found: dict[str, Callable[..., Any]] = {}
    modules = [
        value
        for name, value in vars(jaxsched).items()
        if isinstance(value, ModuleType)
        and not name.startswith("_")
        and value.__name__.startswith("jaxsched.")
    ]
    for module in (jaxsched, *modules):
        prefix = "" if module is jaxsched else module.__name__.removeprefix("jaxsched.") + "."
        for name, value in vars(module).items():
            if isinstance(getattr(value, "form", None), Form) and not name.startswith("_"):
                found.setdefault(prefix + name, value)
    return found


class Names:
    """The names one reading or writing may use."""

    def __init__(self, factories: Factories = ()):
        self.factories = {**_public_factories(), **_registered}
        pairs: Any = (
            factories.items() if isinstance(factories, Mapping) else ((None, f) for f in factories)
        )
        for name, factory in pairs:
            key, factory = _entry(factory, name)
            if self.factories.setdefault(key, factory) is not factory:
                raise ValueError(f"factories: the name {key!r} is taken by another factory")

    def find(self, name: str) -> Callable[..., Any]:
        """The factory of this name; or the only one whose last part, text form or import path it is."""
        key = name.removeprefix("jaxsched.")
        if key in self.factories:
            return self.factories[key]
        found = {
            factory
            for other, factory in self.factories.items()
            if name in (other.rpartition(".")[2], form_name(factory), import_path(factory))
        }
        if len(found) == 1:
            return found.pop()
        if found:
            raise ValueError(f"{len(found)} registered factories are called {name!r}")
        hint = did_you_mean(key, self.factories) or f"; known are {', '.join(self.factories)}"
        raise ValueError(f"unknown name {shown(name)}{hint}")

    def instead_of(self, form: Form) -> str:
        """What to add to a message about a shape: which schedules may be meant."""
        if not isinstance(form, ShapeForm):
            return ""
        name = form.name.rpartition(".")[2]
        alike = [other for other in self.factories if other.startswith(f"{name}_")]
        along = f"transition_schedule(..., shape={form.name}(...))"
        meant = " or ".join([along, *close_names(name, alike, most=1)])
        return f"; {form.name} is a shape, a schedule is {meant}"

    def name_of(self, form: Form) -> str:
        """The name under which a form is written."""
        for name, factory in self.factories.items():
            if factory is form.factory:
                return name
        raise ValueError(
            f"{form.name} is not known by name: register it with jaxsched.register, "
            "or pass it in factories="
        )


def form_name(factory: Any) -> str:
    """The name in the text form."""
    return factory.form.name


def import_path(factory: Any) -> str:
    """What Hydra calls the target."""
    return f"{factory.__module__}.{factory.__qualname__}"


def shown(value: Any) -> str:
    """A value in a message: bounded, whatever it is."""
    if isinstance(value, int) and abs(value) >= 10**100:
        return "an integer of more than 100 digits"
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else text[:57] + "..."
