"""Schedules from plain data: what JSON, YAML and Hydra hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxsched._config.build import Builder
from jaxsched._config.horizon import Horizon
from jaxsched._config.registry import Factories, shown
from jaxsched._config.to_config import VERSION, WHOLE
from jaxsched._config.value import (
    MAX_PIECES,
    Item,
    array,
    as_schedule,
    check_integer,
    special_float,
)
from jaxsched._core.frozen import FrozenDict
from jaxsched._core.schedule import Schedule

_HYDRA = ("_convert_", "_recursive_", "_partial_")


def from_config(
    config: Mapping[str, Any], *, horizon: Horizon | None = None, factories: Factories = ()
) -> Schedule:
    """The schedule that plain data describes: ``{"name": "exponential_decay", "init_value": 0.1, ...}``.

    A mapping with a ``name`` is a schedule (or a shape) wherever one is expected, its other entries are
    the arguments. ``_target_: jaxsched.exponential_decay``, as Hydra writes it, means the same; nothing
    is ever imported. Where whole numbers are the keys (``boundaries_and_scales``), strings of digits
    are taken for them. A number instead of a mapping is a constant schedule.

    Where a number of steps is expected, a text such as ``"5 epochs"``, ``"3%"`` or ``"2B tokens"`` is
    resolved with ``horizon``; see :class:`Horizon`.

    ``version`` may stand in the outermost mapping. Configurations of older versions are read with
    their old meaning, those of newer ones are refused, and one without a version is a current one.

    Args:
      config: the data, as JSON or YAML readers (or OmegaConf) give it.
      horizon: what durations are resolved with.
      factories: schedules of your own that this configuration may name, besides the registered ones: a
        sequence of factories, or a mapping from name to factory.

    Returns:
      The schedule; ``from_config(to_config(s)) == s``.

    Raises:
      ValueError: anything is wrong: a name or argument is unknown (near matches are told) or missing, a
        value is refused, a duration has no horizon, the data is nested deeper than 64 levels or has
        more than 100 000 values. The message begins with the place, as in ``schedules[1].decay_steps``.

    Example:
      >>> import jaxsched
      >>> config = {"name": "cosine_decay_schedule", "init_value": 0.1, "decay_steps": "90%"}
      >>> jaxsched.from_config(config, horizon=jaxsched.Horizon(steps=10_000))
      cosine_decay_schedule(init_value=0.1, decay_steps=9000)
      >>> jaxsched.from_config({**config, "decay_steps": -1})
      Traceback (most recent call last):
      ValueError: cosine_decay_schedule: decay_steps must be a non-negative integer, got -1
      >>> jaxsched.from_config({"name": "constant_schedule", "valeu": 0.1})
      Traceback (most recent call last):
      ValueError: valeu: constant_schedule has no argument 'valeu'; did you mean 'value'? It has value
    """
    reader = _Reader(horizon, factories)
    if isinstance(config, Mapping) and "version" in config:
        reader.check_version(config["version"])
        config = {k: v for k, v in config.items() if k != "version"}
    item = reader.read(config, "", 1)
    return as_schedule(item, reader.builder.fail, reader.builder.names)


def _describe(path: str, name: str, argument: str) -> str:
    """The path itself; at the top the words of a direct call."""
    return path if "." in path or "[" in path or not name else f"{name}: {argument}"


class _Reader:
    """Reads one configuration; counts what it reads."""

    def __init__(self, horizon: Horizon | None, factories: Factories):
        self.builder, self.pieces = Builder(_describe, horizon, factories), 0

    def check_version(self, version: Any) -> None:
        if type(version) is not int or version < 1:
            raise ValueError(f"version must be a positive integer, got {shown(version)}")
        if version > VERSION:
            raise ValueError(
                f"version: {shown(version)} was written by a newer jaxsched; "
                f"this one reads up to {VERSION}"
            )

    def read(self, value: Any, path: str, depth: int) -> Item:
        self.pieces += 1
        if self.pieces > MAX_PIECES:
            raise self.builder.fail(path, f"more than {MAX_PIECES} values")
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool):
            return Item(value, path)
        if isinstance(value, int):
            return Item(self._checked(check_integer, int(value), path), path)
        if isinstance(value, (str, float)):
            return Item(str(value) if isinstance(value, str) else float(value), path)
        self.builder.bounded(Item(value, path, depth))
        if isinstance(value, Mapping):
            if "name" in value or "_target_" in value:
                return self._read_call(value, path, depth)
            return self._read_mapping(value, path, depth)
        if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
            items = [self.read(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)]
            return self._container(tuple(item.value for item in items), items, path)
        raise self.builder.fail(
            path,
            f"must be plain data (a mapping, list, text, number, bool or null), got {shown(value)}",
        )

    def _container(self, value: Any, items: Sequence[Item], path: str) -> Item:
        return Item(value, path, 1 + max((item.depth for item in items), default=0))

    def _read_mapping(self, value: Mapping[Any, Any], path: str, depth: int) -> Item:
        pairs, items = {}, []
        for key, entry in value.items():
            place = f"{path}[{shown(key)}]"
            if isinstance(key, str) and WHOLE.fullmatch(key):
                key = int(key)
            if not isinstance(key, (str, int, float)):
                raise self.builder.fail(
                    place, f"a key must be a text or a number, got {shown(key)}"
                )
            if isinstance(key, int):
                self._checked(check_integer, key, place)
            if key in pairs:
                raise self.builder.fail(place, "the key stands here twice")
            items.append(self.read(entry, place, depth + 1))
            pairs[key] = items[-1].value
        return self._container(FrozenDict(pairs.items()), items, path)

    def _read_call(self, value: Mapping[Any, Any], path: str, depth: int) -> Item:
        fail, hydra = self.builder.fail, "_target_" in value
        if hydra and "name" in value:
            raise fail(path, "has both 'name' and '_target_'")
        name = value["_target_" if hydra else "name"]
        if not isinstance(name, str):
            raise fail(path, f"the name must be a text, got {shown(name)}")
        if hydra and value.get("_partial_"):
            raise fail(path, "_partial_ has no meaning for a schedule")
        ignored = ("name", "_target_", *(_HYDRA if hydra else ()))
        positional, named = [], {}
        for key, entry in value.items():
            if key in ignored:
                continue
            if not isinstance(key, str):
                raise fail(path, f"an argument's name must be a text, got {shown(key)}")
            place = f"{path}.{key}" if path else key
            if hydra and key == "_args_":
                if not isinstance(entry, Sequence) or isinstance(entry, str):
                    raise fail(place, f"must be a list, got {shown(entry)}")
                positional = [self.read(v, f"{place}[{i}]", depth + 1) for i, v in enumerate(entry)]
            else:
                named[key] = self.read(entry, place, depth + 1)
        if name in _SPECIAL and not hydra:
            function, arguments = _SPECIAL[name]
            if set(named) != set(arguments):
                raise fail(
                    path, f"{name} has the entries {', '.join(arguments)}, got {list(named)}"
                )
            values = [named[argument].value for argument in arguments]
            result = self._checked(lambda _: function(*values), None, path)
            return self._container(result, list(named.values()), path)
        return self.builder.call(name, positional, named, path)

    def _checked(self, function: Any, value: Any, path: str) -> Any:
        try:
            return function(value)
        except ValueError as error:
            raise self.builder.fail(path, error) from None


def _integer(value: Any) -> int:
    if not isinstance(value, str) or not WHOLE.fullmatch(value):
        raise ValueError(f"int: value must be a text of at most 400 digits, got {shown(value)}")
    return int(value)


def _mapping(items: Any) -> FrozenDict:
    pair = lambda x: isinstance(x, tuple) and len(x) == 2
    if not isinstance(items, tuple) or not all(map(pair, items)):
        raise ValueError(f"mapping: items must be a list of pairs, got {shown(items)}")
    return FrozenDict(items)


_SPECIAL: dict[str, tuple[Any, tuple[str, ...]]] = {
    "array": (array, ("values", "dtype")),
    "mapping": (_mapping, ("items",)),
    "int": (_integer, ("value",)),
    "float": (special_float, ("value",)),
}
