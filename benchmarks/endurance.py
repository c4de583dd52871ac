"""Ten million steps of a training loop with a composed schedule and a plateau, at constant memory.

    python benchmarks/endurance.py [--steps 10000000] [--write]

The updates run on the device, a thousand a call; between the calls the loop does what loops do: it
gives the reducer a validation loss, reads the rate used, asks for the report, and reads the schedule
on the host. It prints the memory of the process at eleven points, and fails if it has grown, if more is
held than before, or if a step was traced twice.
"""

import argparse
import gc
import os
import resource
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = str(Path(__file__).parent.parent)
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

import jax  # noqa: E402 (the path is set for the script's sake)
import jax.numpy as jnp  # noqa: E402 (likewise)
import optax  # noqa: E402 (likewise)

import jaxsched  # noqa: E402 (likewise)

PAGE = Path(ROOT) / "docs" / "cost.md"
BEGIN, END = "<!-- endurance:begin -->\n", "<!-- endurance:end -->\n"

UPDATES = 1000
POINTS = 10
ALLOWED_MIB = 8.0
"""What the process may grow by after its first tenth: allocators keep some pages now and then."""


@dataclass(frozen=True)
class Point:
    """What is held at some step.

    Attributes:
      step: the updates done.
      seconds: since the start.
      mib: the resident memory of the process.
      arrays: the arrays that JAX holds.
      objects: the objects that Python's collector knows.
      reductions: how often the reducer has lowered the rate.
    """

    step: int
    seconds: float
    mib: float
    arrays: int
    objects: int
    reductions: int


def resident_mib():
    """The resident memory of this process, or where the system does not tell it, the most it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts in bytes
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def composed(steps, cycle=5000, warmup=1000):
    """A warmup, restarts that grow, noise, and a cooldown at the end of the run."""
    restarts = jaxsched.repeat(
        jaxsched.cosine_decay_schedule(0.1, cycle, alpha=0.1), cycle, growth=2, decay=0.9
    )
    noisy = jaxsched.with_noise(restarts, 0.05, seed=3)
    warm = jaxsched.with_warmup(noisy, warmup)
    return jaxsched.with_cooldown(warm, steps - steps // 10, steps // 10)


def loop(steps, visit=lambda state: None):
    """Trains; the points, the last state, the schedule, and how often a step was traced."""
    schedule, traces = composed(steps), []
    base = optax.chain(optax.scale_by_adam(), jaxsched.scale_by_learning_rate(schedule))
    optimizer = jaxsched.with_plateau(base, factor=0.9, patience=steps // UPDATES // 20 + 1)
    truth = jnp.arange(4.0)

    def update(carry, _):
        traces.append(1)
        params, state = carry
        grads = jax.grad(lambda p: jnp.mean((p - truth) ** 2))(params)
        updates, state = optimizer.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), None

    @jax.jit
    def some_updates(params, state):
        return jax.lax.scan(update, (params, state), length=UPDATES)[0]

    observe = jax.jit(lambda state, value: jaxsched.observe(optimizer, state, value=value))
    params, points, begin = jnp.zeros(4), [], time.perf_counter()
    state = optimizer.init(params)
    calls = steps // UPDATES
    for call in range(calls):
        params, state = some_updates(params, state)
        state = observe(state, 1.0 if call else 2.0)  # no improvement after the first: a plateau
        visit(state)
        schedule(call * UPDATES)
        rate = float(jaxsched.learning_rate(state))
        if (call + 1) % max(calls // POINTS, 1) == 0 or call == 0:
            reductions = jaxsched.plateau_report(state).num_reductions
            gc.collect()
            held = len(jax.live_arrays()), len(gc.get_objects())
            now = time.perf_counter() - begin
            points.append(Point((call + 1) * UPDATES, now, resident_mib(), *held, reductions))
            print(f"{points[-1]}, rate {rate:.6g}", flush=True)
    return points, state, schedule, len(traces)


def growth(points):
    """MiB, arrays and objects gained after the first tenth."""
    first, last = points[1], points[-1]
    return last.mib - first.mib, last.arrays - first.arrays, last.objects - first.objects


def faults(points, traces):
    """What a run must not do; each point that is noted is an object itself."""
    mib, arrays, objects = growth(points)
    if mib > ALLOWED_MIB:
        yield f"memory has grown by {mib:.1f} MiB"
    if arrays > 0:
        yield f"{arrays} more arrays are held"
    if objects > len(points):
        yield f"{objects} more Python objects are held, {len(points)} of them the points"
    if traces != 1:
        yield f"a step was traced {traces} times"


def summary(points, traces):
    """One line, for docs/cost.md."""
    mib, arrays, objects = growth(points)
    first, last = points[1], points[-1]
    times = "once" if traces == 1 else f"{traces} times"
    return (
        f"{last.step} updates in {last.seconds:.0f} s, traced {times}, {last.reductions} reductions: "
        f"{first.mib:.1f} MiB at a tenth, {last.mib:.1f} MiB at the end ({mib:+.1f} MiB, {arrays:+d} "
        f"arrays, {objects:+d} Python objects)"
    )


def write(line):
    """Puts the line between the marks in docs/cost.md."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{PAGE.name}: {BEGIN.strip()} and {END.strip()} are not there")
    PAGE.write_text(before + begin + textwrap.fill(line + ".", 120) + "\n" + end + after)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=10_000_000, help="a multiple of 10000")
    parser.add_argument("--write", action="store_true", help="write the result into docs/cost.md")
    arguments = parser.parse_args(arguments)
    steps = arguments.steps
    if steps < 10_000 or steps % 10_000:
        parser.error("--steps must be a multiple of 10000")
    points, *_, traces = loop(steps)
    print(summary(points, traces))
    if found := list(faults(points, traces)):
        raise SystemExit("; ".join(found))
    if arguments.write:
        write(summary(points, traces))


if __name__ == "__main__":
    main()
