"""torch's schedulers by class name and arguments: what torch's constructors make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jaxsched import checks
from jaxsched.interop import _peer
from jaxsched.interop._torch_classes import (
    ALL,
    COMPOSED,
    CYCLES,
    LEAVES,
    WHERE,
    Leaf,
    Node,
    chained,
    sequential,
)

_RATE = _peer.Parameter(checks.finite)


def named(name: str, given: Mapping[str, Any]) -> Node:
    """The scheduler of this class, made for an optimizer with the rate ``lr``.

    What the constructors leave in the optimizer's parameter group is its rate before any scheduler
    ("initial_lr"), which the first one notes, and which a OneCycleLR overwrites.
    """
    given = dict(given)
    if name in CYCLES:
        rate = checks.finite(_peer.number(given.pop("lr", 0.0)), f"{WHERE}: {name}: lr")
    else:
        values = _peer.arguments(
            given, {"lr": _RATE, **(LEAVES | COMPOSED)[name]}, f"{WHERE}: {name}"
        )
        rate = values["lr"]
        del given["lr"]
    return _make(name, given, _Group(rate), WHERE)


class _Group:
    """A parameter group: the rate given, and the one that the first scheduler noted."""

    def __init__(self, rate: float):
        self.rate = rate
        self.initial_lr: float | None = None
        self.kept: dict[str, list[dict[str, Any]]] = {}

    def note(self, rate: float) -> float:
        """The noted rate; this one, if none is noted yet."""
        if self.initial_lr is None:
            self.initial_lr = rate
        return self.initial_lr

    def keep(self, name: str, values: dict[str, Any]) -> None:
        """Rates that a class keeps in the group: all its schedulers have those of the last one made."""
        others = self.kept.setdefault(name, [])
        others.append(values)
        for other in others:
            other.update({key: values[key] for key in _IN_GROUP[name]})


_IN_GROUP = {"OneCycleLR": ("max_lr", "div_factor", "final_div_factor"), "SWALR": ("swa_lr",)}


def _make(name: str, given: Mapping[str, Any], group: Any, place: str) -> Node:
    where = f"{place}: {name}"
    if name in COMPOSED:
        values = _peer.arguments(given, COMPOSED[name], where)
        children = [
            _child(child, f"{where}: schedulers[{i}]", group)
            for i, child in enumerate(_pairs(values["schedulers"], where))
        ]
        if name == "SequentialLR":
            return sequential(children, values["milestones"], group.initial_lr, where)
        return chained(children)
    values = _peer.arguments(given, LEAVES[name], where)
    if name == "CyclicLR":
        return Leaf(name, values["base_lr"], values, group.note(values["base_lr"]), where)
    if name == "OneCycleLR":
        values["total_steps"] = _total_steps(values, where)
        base = group.initial_lr = values["max_lr"] / values["div_factor"]
        group.keep(name, values)
        return Leaf(name, base, values, base, where)
    if name == "SWALR":
        group.keep(name, values)
    base = group.note(group.rate)
    return Leaf(name, base, values, base, where)


def _pairs(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise checks.refuse(
            f"{where}: schedulers",
            "a sequence of at least one pair of a class name and its arguments",
            value,
            TypeError,
        )
    return value


def _child(value: Any, where: str, group: _Group) -> Node:
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    if not pair or not isinstance(value[0], str) or not isinstance(value[1], Mapping):
        raise checks.refuse(where, "a pair of a class name and its arguments", value, TypeError)
    name, given = value
    classes = [n for n in ALL if n != "ReduceLROnPlateau"]
    name = _peer.known(name, classes, where, "the class", "torch")
    return _make(name, given, group, where)


def _total_steps(values: Mapping[str, Any], where: str) -> int:
    if values["total_steps"] is not None:
        return values["total_steps"]
    if values["epochs"] is None or values["steps_per_epoch"] is None:
        raise TypeError(
            f"{where}: missing argument 'total_steps', or 'epochs' and 'steps_per_epoch'"
        )
    return values["epochs"] * values["steps_per_epoch"]
