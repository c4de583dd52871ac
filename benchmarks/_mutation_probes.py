"""What an audit looks at, in a fork: what a version of jaxsched gives for many schedules and reducers.

A probe is named by plain values, so that another version of jaxsched makes the same one: a case of the
tests, and a number in it that is replaced. What differs between two versions is found by the programs,
which are quickly traced; only those that differ are run.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _mutation_reducers import REDUCERS, reducer_programs

LAST = 2**31 - 1
WHOLE = [
    *range(10), 16, 17, 24, 25, 49, 50, 51, 64, 99, 100, 101, 199, 200, 250, 299, 300, 301, 500, 750, 999,
    1000, 1001, 1500, 4096, 9999, 10_000, 10_007, 10_107, 40_000, 65_536, 100_003, 10**6, 2**24 + 1,
    10**8 + 7, 10**9, 10**9 + 49, 2**30, LAST - 1, LAST,
]  # fmt: skip
REAL = [
    0.0,
    1e-20,
    0.25,
    0.5,
    1.0,
    1.5,
    2.25,
    3.0,
    6.75,
    49.5,
    99.75,
    100.25,
    499.5,
    999.5,
    1e4,
    1e6,
    2e9,
]
BEYOND = [2**31, 2**32, 2**33 + 1, 10**12, 1e15, 1e30]
NUMBERS = {int: (0, 1, 2, 3), float: (0.0, 0.5, 1.0, 2.0, -0.5, 1e-30, 1e30)}
"""What is put in the place of each whole and of each other hyperparameter, in turn."""
ADDRESS = r"0x[0-9a-f]+"

Name = tuple[str, tuple[Any, ...], Any]
"""A case, the way to the number in it that is replaced, and what by."""


def load() -> Any:
    """The tests' cases, of the jaxsched that is found first now: the loaded one is forgotten."""
    for module in [m for m in sys.modules if re.match(r"(jaxsched|cases?|cases_\w+)(\.|$)", m)]:
        del sys.modules[module]
    jaxsched, cases = importlib.import_module("jaxsched"), importlib.import_module("cases").CASES
    for name in jaxsched.__all__:  # also those that are loaded when they are asked for
        getattr(jaxsched, name)
    return jaxsched, cases


def forget() -> None:
    """Empties the caches of jaxsched: what is kept would not be computed by the next probe."""
    for name, module in list(sys.modules.items()):
        if name.startswith("jaxsched"):
            for value in list(vars(module).values()):
                getattr(value, "cache_clear", lambda: None)()


def names(cases: Any) -> Iterator[Name]:
    """All probes: each case, a join of it with two like it, each with another number; and reducers."""
    for case in cases:
        yield case, (), None
    for case, entry in cases.items():
        ways = [(way, old) for way, old in _numbers(entry.make()) if way]
        for way, old in ways:
            found = [n for n in NUMBERS[type(old)] if n != old]
            yield from ((case, way, number) for number in found)
            yield case, ("join", *way), (old, *found[:2])
    yield from (("plateau", (), number) for number in range(len(REDUCERS)))


def _numbers(bound: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The numbers among the hyperparameters, also of schedules and shapes within."""
    for name, value in bound.hyperparameters.items():
        if type(value) in NUMBERS:
            yield (*way, name), value
        elif hasattr(value, "hyperparameters"):
            yield from _numbers(value, (*way, name))


def _replaced(bound: Any, way: tuple[str, ...], number: Any) -> Any:
    first, *rest = way
    return bound.replace(
        **{first: _replaced(getattr(bound, first), rest, number) if rest else number}
    )


class Probe:
    """A schedule or a reducer of one version of jaxsched, and what is known of it."""

    def __init__(self, jaxsched: Any, cases: Any, name: Name):
        case, way, number = name
        self.programs: dict[str, tuple[Any, tuple[Any, ...]]] = {}
        """Functions and their arguments, which are computed on the device."""
        self.says = ""
        self._steps: list[float] = []
        try:
            if case == "plateau":
                self.programs = reducer_programs(jaxsched, *REDUCERS[number])
                return
            self._schedule = cases[case].make()
            if way[:1] == ("join",):
                pieces = [_replaced(self._schedule, way[1:], n) for n in number]
                self._schedule = jaxsched.join_schedules(pieces, [9, 300])
            elif way:
                self._schedule = _replaced(self._schedule, way, number)
            self._look_at(self._schedule, cases[case].turns)
        except Exception as error:
            self.says += f"{type(error).__name__}: {error}"

    def _look_at(self, schedule: Any, turns: tuple[int, ...]) -> None:
        near = {t + d for t in turns for d in (-1, 0, 1)}
        whole = sorted({*WHOLE, *(t for t in near if 0 <= t <= LAST)})
        real = sorted({*REAL, *(t + d for t in turns for d in (-0.5, 0.25) if t + d >= 0)})
        ints, floats = jnp.asarray(whole, jnp.int32), jnp.asarray(real, jnp.float32)
        again = jax.tree.unflatten(jax.tree.structure(schedule), jax.tree.leaves(schedule))
        self.says = f"{schedule!r} {jax.tree.structure(schedule)} {again == schedule}"
        self._steps = [*whole, *real, *BEYOND]
        self.programs["step"] = jax.vmap(schedule), (ints,)
        self.programs["steps"] = schedule, (ints,)
        self.programs["real"] = schedule, (floats,)
        self.programs["traced"] = lambda s, t: s(t), (schedule, ints)
        self.programs["traced real"] = lambda s, t: jax.vmap(s)(t), (schedule, floats)

    def on_host(self) -> list[Any]:
        """What it says of itself, and its values on the host."""
        found: list[Any] = [self.says]
        for step in self._steps:
            try:
                found.append(float(self._schedule(step)))
            except Exception as error:
                found.append(f"{type(error).__name__}: {error}")
        return [re.sub(ADDRESS, "", x) if isinstance(x, str) else x for x in found]

    def digest(self, part: str) -> str:
        """Of one of the programs, which other numbers in it would change too."""
        function, arguments = self.programs[part]
        try:
            parts = list(_parts(jax.make_jaxpr(function)(*arguments)))
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def values(self, part: str) -> list[Any]:
        """What one of the programs gives, or nothing where it is refused."""
        function, arguments = self.programs[part]
        try:
            return [np.asarray(x) for x in jax.tree.leaves(jax.jit(function)(*arguments))]
        except Exception:
            return []


def _parts(program: Any) -> Iterator[str]:
    """The text of a program, and the arrays in it, which the text only names."""
    yield re.sub(ADDRESS, "", str(program))
    for inner in _programs(program):
        yield from (
            repr((x.dtype, x.tobytes())) for x in map(np.asarray, getattr(inner, "consts", ()))
        )
        for equation in inner.eqns:
            literals = (v.val for v in equation.invars if hasattr(v, "val"))
            yield from (repr(np.asarray(x).tobytes()) for x in literals)


def _programs(program: Any) -> Iterator[Any]:
    yield program
    for equation in program.eqns:
        for value in jax.tree.leaves(list(equation.params.values())):
            if hasattr(value, "eqns"):
                yield from _programs(value)
