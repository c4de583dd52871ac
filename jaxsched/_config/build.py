"""From a name and arguments to a schedule: what the configuration and the text form share.

A reader gives the pieces with their places; here names are looked up, durations resolved, arguments
checked, and every failure becomes a ``ValueError`` that begins with the place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxsched._config.horizon import Horizon
from jaxsched._config.registry import Factories, Names, shown
from jaxsched._config.value import FAILURES, MAX_DEPTH, Item
from jaxsched._core.frozen import FrozenDict

_DURATION = re.compile(r"\s*[+-]?(\d|\.\d)[\d_.]*(e[+-]?\d+)?\s*[a-z%]*(\s+[a-z]+)?\s*", re.I)
_EXPONENTIAL = re.compile(r"[+-]?\d+(\.\d*)?e[+-]?\d{1,3}", re.I)

NEEDS_HORIZON = "a duration needs horizon=Horizon(...)"


class _Steps(int):
    """A resolved duration. A check for whole numbers gives it back, one for a rate makes it a float:
    so it shows whether a count was expected in its place.
    """


class Builder:
    """Builds schedules for one reading.

    Args:
      describe: words for a place, or for an argument of a name there.
      horizon: what resolves durations, or None.
      factories: names for this reading alone.
    """

    def __init__(
        self,
        describe: Callable[[Any, str, str], str],
        horizon: Horizon | None,
        factories: Factories,
    ):
        if horizon is not None and not isinstance(horizon, Horizon):
            raise TypeError(f"horizon must be a Horizon or None, got {shown(horizon)}")
        self.describe, self.horizon = describe, horizon
        self.names = Names(factories)

    def fail(self, place: Any, message: Any) -> ValueError:
        """The error that says what is wrong at a place."""
        return ValueError(": ".join(filter(None, (self.describe(place, "", ""), str(message)))))

    def call(
        self, name: str, positional: Sequence[Item], named: Mapping[str, Item], place: Any
    ) -> Item:
        """What the factory of this name makes of the arguments."""
        try:
            factory: Any = self.names.find(name)
        except ValueError as error:
            raise self.fail(place, error) from None
        form = factory.form
        given = self._named(form, positional, named, place)
        bound = form.signature.bind_partial()
        for argument, item in given.items():
            bound.arguments[argument] = self._value(form, argument, item)
        try:
            value = factory(*bound.args, **bound.kwargs)
        except FAILURES as error:
            raise self.fail(place, error) from None
        depth = 1 + max((item.depth for item in given.values()), default=0)
        return self.bounded(Item(value, place, depth))

    def bounded(self, item: Item) -> Item:
        """The item, if it is not nested too deep to be read back."""
        if item.depth > MAX_DEPTH:
            raise self.fail(item.place, f"nested deeper than {MAX_DEPTH} levels")
        return item

    def _named(
        self, form: Any, positional: Sequence[Item], named: Mapping[str, Item], place: Any
    ) -> dict[str, Item]:
        """The arguments by name, in the order of the signature."""
        parameters = form.signature.parameters.values()
        slots = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        if len(positional) > len(slots):
            most = f"{len(slots)} argument{'s' * (len(slots) != 1)}"
            message = f"{form.name} takes {most} by position, got {len(positional)}"
            raise self.fail(positional[len(slots)].place, message + self.names.instead_of(form))
        given = dict(zip(slots, positional, strict=False))
        for argument, item in named.items():
            if argument not in form.names:
                message = f"{form.name} has no argument {shown(argument)}; {form.near(argument)}"
                raise self.fail(item.place, message + self.names.instead_of(form))
            if argument in given:
                raise self.fail(item.place, f"{form.name}: {argument} is given twice")
            given[argument] = item
        missing = [p.name for p in parameters if p.default is p.empty and p.name not in given]
        if missing:
            message = f"{form.name}: missing {', '.join(missing)}"
            raise self.fail(place, message + self.names.instead_of(form))
        return {name: given[name] for name in form.names if name in given}

    def _value(self, form: Any, argument: str, item: Item) -> Any:
        """The argument, checked; its durations resolved to steps."""
        value, constraint = item.value, form.constraints[form.names.index(argument)]
        if constraint is None:
            return value
        where = self.describe(item.place, form.name, argument)
        try:
            _distinct(constraint(value, where), where)
            return value
        except FAILURES as error:
            problem = str(error)
        try:
            resolved, durations = self._resolve(value, where)
            if resolved is value:
                hint = f" ({NEEDS_HORIZON})" if durations else ""
                raise ValueError(problem + hint)
            checked = constraint(resolved, where)
            _distinct(checked, where)
        except FAILURES as error:
            raise ValueError(str(error)) from None
        if _count(checked) != _count(resolved):
            raise ValueError(problem)
        return _plain(resolved)

    def _resolve(self, value: Any, where: str) -> tuple[Any, bool]:
        """The value with numbers for texts that mean some (itself if it has none); and whether it holds
        a duration.
        """
        if isinstance(value, str):
            if _EXPONENTIAL.fullmatch(value):  # YAML 1.1 reads `1e-3` as text
                return float(value), False
            if not _DURATION.fullmatch(value):
                return value, False
            if self.horizon is None:
                return value, True
            try:
                return _Steps(self.horizon.steps(value)), True
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from None
        if isinstance(value, FrozenDict):
            children = [*value.keys(), *value.values()]
        elif isinstance(value, tuple):
            children = list(value)
        else:
            return value, False
        resolved = [self._resolve(child, where) for child in children]
        found = any(duration for _, duration in resolved)
        new = [child for child, _ in resolved]
        if all(a is b for a, b in zip(new, children, strict=True)):
            return value, found
        if isinstance(value, tuple):
            return tuple(new), found
        half = len(value)
        return FrozenDict(zip(new[:half], new[half:], strict=True)), found


def _distinct(value: Any, where: str) -> None:
    """Refuses a mapping that names a step twice."""
    if isinstance(value, FrozenDict) and all(isinstance(k, int) for k in value.keys()):  # noqa: SIM118
        keys = value.keys()
        twice = [k for i, k in enumerate(keys) if i and k == keys[i - 1]]
        if value.numeric and twice:
            raise ValueError(f"{where} must name each step once, got {int(twice[0])} twice")


def _count(value: Any) -> int:
    """How many resolved durations a value holds."""
    if isinstance(value, FrozenDict):
        return _count(value.keys()) + _count(value.values())
    if isinstance(value, tuple):
        return sum(map(_count, value))
    return isinstance(value, _Steps)


def _plain(value: Any) -> Any:
    """The value with plain integers for resolved durations."""
    if isinstance(value, FrozenDict):
        return FrozenDict((_plain(k), _plain(v)) for k, v in value.items())
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return int(value) if isinstance(value, _Steps) else value
