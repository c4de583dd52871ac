"""What the readers of several peers share: classes by name, attributes, arguments by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxsched import checks
from jaxsched._core.near import did_you_mean, near_matches

TABULATE = "step the peer's own scheduler and give its rates to jaxsched.tabulated_schedule"
"""What always works where a conversion is refused."""

LONGEST_TABLE = 1_000_000
"""The most steps of a table that a few numbers ask for."""

REQUIRED: Any = object()
"""The default of a parameter that has none."""


class Parameter(NamedTuple):
    """One keyword argument of a peer's class: what it may be, and the peer's default."""

    check: checks.Constraint
    default: Any = REQUIRED


def class_name(value: Any, package: str) -> str | None:
    """The name of an object's class if the package defines it, else None.

    A subclass of the user's is of another module: its curve is not the one its base has.
    """
    kind = type(value)
    return kind.__name__ if kind.__module__.split(".")[0] == package else None


def described(value: Any) -> str:
    """What was given in the place of a peer's scheduler, for a message."""
    kind = type(value)
    return f"an object of {kind.__module__}.{kind.__qualname__}"


def refuse_class(value: Any, where: str, what: str) -> None:
    """Refuses a class where its name or an object of it is needed."""
    if isinstance(value, type):
        raise TypeError(
            f"{where}: {what} must be an object or a name, got the class {value.__name__} itself; give "
            f"an object of it, or the name {value.__name__!r} with its arguments"
        )


def own_class(value: Any, package: str, names: Iterable[str], where: str) -> str:
    """The name of a scheduler's class, which must be one of the peer's own."""
    refuse_class(value, where, "scheduler")
    name = class_name(value, package)
    if name is None or name not in names:
        raise TypeError(
            f"{where}: scheduler must be the name of one of {package}'s schedulers or an object of one "
            f"of {', '.join(names)}, got {described(value)}; for a class of your own, {TABULATE}"
        )
    return name


def refuse_hyperparameters(given: Mapping[str, Any], where: str) -> None:
    """Refuses arguments beside an object."""
    if given:
        raise TypeError(
            f"{where}: {next(iter(given))!r} must not be given beside a scheduler object, which has "
            "its own"
        )


def refuse_group(group: int, where: str) -> None:
    """Refuses a parameter group other than the default beside a name, which has no groups."""
    if group != 0:
        raise checks.refuse(
            f"{where}: group", "left out beside a name, whose lr is that of its one group", group
        )


def attribute(value: Any, name: str, where: str) -> Any:
    """An attribute of a peer's object; another version of the peer may lack it."""
    try:
        return getattr(value, name)
    except AttributeError:
        raise ValueError(
            f"{where}: this version of the peer has no attribute {name!r}; give the class by name "
            f"with its arguments, or {TABULATE}"
        ) from None


def number(value: Any) -> Any:
    """A tensor of one element as a Python number; anything else as it is."""
    return value.item() if hasattr(value, "item") and callable(value.item) else value


def item(values: Any, index: int, name: str, where: str) -> Any:
    """One parameter group's entry of a list."""
    if not isinstance(values, Sequence) or not 0 <= index < len(values):
        raise ValueError(f"{where}: {name} must have an item for group {index}, got {values!r}")
    return number(values[index])


def param_group(scheduler: Any, group: int, where: str) -> Mapping[str, Any]:
    """One parameter group of the scheduler's optimizer."""
    groups = attribute(attribute(scheduler, "optimizer", where), "param_groups", where)
    group = checks.steps(group, f"{where}: group")
    if group >= len(groups):
        raise ValueError(
            f"{where}: group must be below the optimizer's number of parameter groups "
            f"({len(groups)}), got {group}"
        )
    return groups[group]


def bare_name(name: str, *packages: str) -> str:
    """The last part of a path such as ``torch.optim.lr_scheduler.StepLR`` that begins with a package."""
    first, _, rest = name.partition(".")
    return rest.rpartition(".")[2] if rest and first in packages else name


def known(name: str, names: Iterable[str], where: str, what: str, package: str) -> str:
    """A name the peer's classes have, alone or with its path."""
    allowed, bare = sorted(names), bare_name(name, package)
    if bare not in allowed:
        raise ValueError(
            f"{where}: {what} must be one of {', '.join(allowed)}, got {name!r}"
            f"{did_you_mean(bare, allowed)}"
        )
    return bare


def arguments(
    given: Mapping[str, Any], parameters: Mapping[str, Parameter], where: str
) -> dict[str, Any]:
    """The given keyword arguments, checked, and the peer's defaults for the others.

    Raises:
      TypeError: an argument is unknown or missing.
    """
    allowed = ", ".join(parameters) or "none"
    unknown = [name for name in given if name not in parameters]
    if unknown:
        near = near_matches(unknown[0], parameters)
        hint = f"did you mean {near}? Allowed are" if near else "allowed are"
        raise TypeError(f"{where}: unknown argument {unknown[0]!r}; {hint} {allowed}")
    values = {}
    for name, parameter in parameters.items():
        if name in given:
            values[name] = parameter.check(number(given[name]), f"{where}: {name}")
        elif parameter.default is REQUIRED:
            raise TypeError(f"{where}: missing argument {name!r}; allowed are {allowed}")
        else:
            values[name] = parameter.default
    return values


def explained(
    check: checks.Constraint, accepted: Callable[[Any], bool], why: str
) -> checks.Constraint:
    """A constraint that says why, where it refuses a number that the peer itself accepts."""

    def checked(value: Any, where: str) -> Any:
        try:
            return check(value, where)
        except ValueError as error:
            real = isinstance(value, (int, float, np.number)) and math.isfinite(value)
            if real and accepted(value):
                raise ValueError(f"{error}; {why}") from None
            raise

    return checked


def is_negative(value: Any) -> bool:
    """Whether a number is below 0."""
    return value < 0


def is_fraction(value: Any) -> bool:
    """Whether a positive number is not whole."""
    return value > 0 and value != int(value)


def whole(check: checks.Constraint) -> checks.Constraint:
    """A number of steps, where the peer takes fractions of a step."""
    why = f"the peer counts with fractions of a step, here steps are whole: round it, or {TABULATE}"
    return explained(check, is_fraction, why)


def unsigned(check: checks.Constraint) -> checks.Constraint:
    """A factor, where the peer takes one below 0."""
    why = f"with a negative one the peer's rates change their sign, which no decay here does; {TABULATE}"
    return explained(check, is_negative, why)


shrink = explained(
    checks.positive,
    lambda value: value == 0,
    "to go to min_lr at the first reduction give a small one, as 1e-9",
)
"""A reducer's factor."""
patience = explained(checks.steps, is_fraction, "rounded down it decides the same")
"""The bad observations a reducer tolerates."""
cooldown = explained(
    explained(checks.steps, is_fraction, "rounded up it decides the same"),
    is_negative,
    "0 does the same",
)
"""The observations a reducer ignores after a reduction."""
floor = explained(checks.nonnegative, is_negative, "0 does the same")
"""A rate, or a change of the rate, below which a reducer does nothing."""


def anything(value: Any, where: str) -> Any:
    """No constraint: checked where it is used."""
    return value


def function(value: Any, where: str) -> Any:
    """A callable."""
    if not callable(value):
        raise checks.refuse(where, "a function", value, TypeError)
    return value


def part(value: Any, where: str) -> float:
    """A number above 0 and at most 1."""
    share = checks.fraction(value, where)
    if share == 0:
        raise checks.refuse(where, "a number above 0 and at most 1", value)
    return share
