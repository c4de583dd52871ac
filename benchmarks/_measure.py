"""Measuring side by side on a machine that does other things too.

Contenders take turns, round after round, so that a slow second slows all of them; of each the
fastest round counts, for noise only ever adds.
"""

import math
import re
import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp


def interleaved(contenders, *, rounds=9, seconds=0.02):
    """Seconds per call of each of the named functions: the minimum over interleaved rounds.

    A round calls a function for so many seconds, or once where these are 0. A `timeit.Timer` in the place
    of a function is for what takes so little that a call of a function around it would count.
    """
    repeats = {}
    for name, call in contenders.items():
        _time(call, 1)  # compiles, fills caches
        n, elapsed = 1, 0.0
        while elapsed < seconds / 4:
            n *= 2
            elapsed = _time(call, n)
        repeats[name] = max(1, round(n * seconds / elapsed)) if seconds else 1
    best = dict.fromkeys(contenders, math.inf)
    for _ in range(rounds):
        for name, call in contenders.items():
            best[name] = min(best[name], _time(call, repeats[name]) / repeats[name])
    return best


TRIES = 4


def settled(makers, base, *, allowed, tries=TRIES, **how):
    """Seconds per call of what each of the named functions makes, as `interleaved`.

    Where its arrays come to lie can make one program some percent slower than the same program made
    again. So what differs from `base` by more than the factor `allowed`, be it slower or faster, is
    made anew, and base too, and they take turns again; of each the fastest counts. Both directions:
    were only what loses made again, the comparison would lean towards what is compared.
    """
    best = interleaved({name: make() for name, make in makers.items()}, **how)
    for _ in range(tries):
        low, high = best[base] / allowed, best[base] * allowed
        apart = {name for name, seconds in best.items() if not low <= seconds <= high}
        if not apart:
            break
        again = {name: makers[name]() for name in makers if name in apart | {base}}
        for name, seconds in interleaved(again, **how).items():
            best[name] = min(best[name], seconds)
    return best


def _time(call, n):
    if isinstance(call, timeit.Timer):
        return call.timeit(n)
    loop = range(n)
    begin = time.perf_counter()
    for _ in loop:
        call()
    return time.perf_counter() - begin


def reading(schedule, step):
    """Reads a rate as a training loop does, with no call but that one."""
    return timeit.Timer("schedule(step)", globals={"schedule": schedule, "step": step})


@dataclass(frozen=True)
class Compiled:
    """A compiled program as a call to time, and its text."""

    call: Callable[[], Any]
    text: str

    def __call__(self):
        return self.call()


@dataclass(frozen=True)
class Build:
    """What a schedule is as a program: seconds to trace and to compile it, and two sizes.

    Attributes:
      trace: the first thing in a process, lowering included.
      retrace: where JAX's own functions have been traced before.
    """

    trace: float = math.inf
    retrace: float = math.inf
    compile: float = math.inf
    equations: int = 0
    instructions: int = 0


def build_times(makers, *, rounds=3):
    """Of each named schedule its Build.

    The minimum over interleaved rounds, every one a new schedule and a new jit, so nothing of them is
    cached.
    """
    best = dict.fromkeys(makers, Build())
    for _ in range(rounds):
        for name, make in makers.items():
            jax.clear_caches()
            schedule = make()
            begin = time.perf_counter()
            traced = jax.jit(lambda step, s=schedule: s(step)).trace(jnp.int32(0))
            lowered = traced.lower()
            built = time.perf_counter()
            compiled = lowered.compile()
            done = time.perf_counter()
            schedule = make()
            again = time.perf_counter()
            jax.jit(lambda step, s=schedule: s(step)).trace(jnp.int32(0))
            retraced = time.perf_counter() - again
            best[name] = Build(
                min(best[name].trace, built - begin),
                min(best[name].retrace, retraced),
                min(best[name].compile, done - built),
                equations(traced.jaxpr),
                instructions(compiled.as_text()),
            )
    return best


def equations(jaxpr):
    """The equations of a jaxpr, with those of the jaxprs in it; the call of a function is none."""
    if isinstance(jaxpr, tuple | list):
        return sum(map(equations, jaxpr))
    if not hasattr(jaxpr, "eqns"):  # another parameter of an equation; a closed jaxpr has them too
        return 0
    return sum(
        (equation.primitive.name not in ("jit", "pjit")) + equations(list(equation.params.values()))
        for equation in jaxpr.eqns
    )


def instructions(text):
    """The instructions of an optimized program."""
    return len(re.findall(r"^\s*(?:ROOT )?%?[\w.\-]+ = ", text, re.MULTILINE))


def loop(schedule, steps):
    """A compiled loop that does nothing but add up the rates of so many steps."""

    def body(step, total):
        return total + jnp.asarray(schedule(step), jnp.float32)

    return jax.jit(lambda: jax.lax.fori_loop(0, steps, body, jnp.float32(0.0)))


def nanoseconds_in_a_loop(schedules, *, steps, rounds):
    """Nanoseconds per step of each named schedule in a compiled loop, loops taking turns."""
    loops = {name: loop(schedule, steps) for name, schedule in schedules.items()}
    calls = {name: lambda run=run: run().block_until_ready() for name, run in loops.items()}
    seconds = interleaved(calls, rounds=rounds, seconds=0.0)
    return {name: s / steps * 1e9 for name, s in seconds.items()}


def mean(ratios):
    """The geometric mean: of ratios, so that a half and a double cancel."""
    return math.exp(math.fsum(map(math.log, ratios)) / len(ratios))
