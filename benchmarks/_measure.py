"""Measuring side by side on a machine that does other things too.

Contenders take turns, round after round, so that a slow second slows all of them; of each the
fastest round counts, for noise only ever adds.
"""

import math
import re
import time

import jax
import jax.numpy as jnp


def interleaved(contenders, *, rounds=9, seconds=0.02):
    """Seconds per call of each of the named functions: the minimum over interleaved rounds."""
    repeats = {}
    for name, call in contenders.items():
        call()  # compiles, fills caches
        n, elapsed = 1, 0.0
        while elapsed <= seconds / 4:
            n *= 2
            elapsed = _time(call, n)
        repeats[name] = max(1, round(n * seconds / elapsed))
    best = dict.fromkeys(contenders, math.inf)
    for _ in range(rounds):
        for name, call in contenders.items():
            best[name] = min(best[name], _time(call, repeats[name]) / repeats[name])
    return best


def _time(call, n):
    loop = range(n)
    begin = time.perf_counter()
    for _ in loop:
        call()
    return time.perf_counter() - begin


def build_times(makers, *, rounds=3):
    """Of each named schedule the seconds to trace and to compile, and the size of the program.

    The minimum over interleaved rounds, every one a new schedule and a new jit, so nothing is cached.
    """
    best = dict.fromkeys(makers, (math.inf, math.inf, 0))
    for _ in range(rounds):
        for name, make in makers.items():
            jax.clear_caches()
            schedule = make()
            begin = time.perf_counter()
            lowered = jax.jit(lambda step, s=schedule: s(step)).lower(jnp.int32(0))
            traced = time.perf_counter()
            compiled = lowered.compile()
            done = time.perf_counter()
            trace, compile_, _ = best[name]
            best[name] = (
                min(trace, traced - begin),
                min(compile_, done - traced),
                instructions(compiled),
            )
    return best


def instructions(compiled):
    """The instructions of an optimized program."""
    return len(re.findall(r"^\s*(?:ROOT )?%?[\w.\-]+ = ", compiled.as_text(), re.MULTILINE))


def loop(schedule, steps):
    """A compiled loop that does nothing but add up the rates of so many steps."""

    def body(step, total):
        return total + jnp.asarray(schedule(step), jnp.float32)

    run = jax.jit(lambda: jax.lax.fori_loop(0, steps, body, jnp.float32(0.0)))
    return lambda: run().block_until_ready()


def nanoseconds_in_a_loop(schedules, *, steps, rounds):
    """Nanoseconds per step of each named schedule in a compiled loop, loops taking turns."""
    loops = {name: loop(schedule, steps) for name, schedule in schedules.items()}
    seconds = interleaved(loops, rounds=rounds, seconds=0.0)
    return {name: s / steps * 1e9 for name, s in seconds.items()}


def ratio(theirs, ours):
    return None if theirs is None or ours is None else theirs / ours
