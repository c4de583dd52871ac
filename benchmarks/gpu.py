"""On a GPU: the kernels of a step and its time, of schedules, of plateau reducers and of training."""

import jax
import optax
import plateau
import train
from _kernels import Launches, launches, launches_per_step
from _measure import interleaved, loop
from _schedules import SCHEDULES

STEPS = 5_000
REDUCED = "a reducer on a plateau, "
TRAINED = "training, "


def device():
    """The first GPU, or None."""
    found = jax.devices()[0]
    return found if found.platform == "gpu" else None


def measure(quick, names=tuple(SCHEDULES), models=tuple(train.MODELS)):
    """On JAX's default device, whatever it is; without a GPU only the tests do that."""
    steps, rounds = (500, 3) if quick else (STEPS, 9)
    rows = [_in_a_loop(name, steps, rounds) for name in names]
    for kind, optimizer in (("SGD", optax.sgd(1e-3)), ("Adam", optax.adam(1e-3))):
        rows += [_reducers(kind, optimizer, size, steps, rounds) for size in plateau.SHAPES]
    for model in models:
        rows += _training(model, rounds)
    return rows


def _in_a_loop(name, steps, rounds):
    makers = SCHEDULES[name].makers
    loops = {who: loop(make(), steps) for who, make in makers.items()}
    loops["limit"] = loop(lambda step: 0.1, steps)
    runs = {who: run.lower().compile() for who, run in loops.items()}
    return _row(
        name,
        {who: launches_per_step(run.as_text()) for who, run in runs.items()},
        _per_step(runs, steps, rounds),
    )


def _reducers(kind, optimizer, size, steps, rounds):
    reducers = {**plateau.REDUCERS}
    reducers["limit"] = reducers.pop("none")
    shape = plateau.SHAPES[size]
    runs = {
        who: plateau.compiled_loop(optimizer, make(), shape, steps)
        for who, make in reducers.items()
    }
    return _row(
        f"{REDUCED}{kind}, {size}",
        {who: launches_per_step(run.text) for who, run in runs.items()},
        _per_step(runs, steps, rounds),
    )


def _training(model, rounds):
    steps = {
        name: train.compiled_step(model, rate)
        for name, rate in train.rates(train.IN_SHORT).items()
        if name != train.NUMBER
    }
    limit = steps.pop(train.LIMIT)
    seconds = interleaved({train.LIMIT: limit, **steps}, rounds=rounds, seconds=0.02)
    for name, step in steps.items():
        counts = {"jaxsched": launches(step.text), "limit": launches(limit.text)}
        times = {"jaxsched": seconds[name] * 1e6, "limit": seconds[train.LIMIT] * 1e6}
        yield _row(f"{TRAINED}{model}, {name}", counts, times)


def _per_step(runs, steps, rounds):
    """Who -> µs per step of runs of so many."""
    calls = {who: lambda run=run: jax.block_until_ready(run()) for who, run in runs.items()}
    seconds = interleaved(calls, rounds=rounds, seconds=0.0)
    return {who: s / steps * 1e6 for who, s in seconds.items()}


def _row(what, counts, micro):
    theirs = counts.get("optax", Launches(None, None))
    return {
        "step": what,
        "kernels": counts["jaxsched"].kernels,
        "optax kernels": theirs.kernels,
        "limit kernels": counts["limit"].kernels,
        "conditionals": counts["jaxsched"].conditionals,
        "optax conditionals": theirs.conditionals,
        "µs": micro["jaxsched"],
        "optax µs": micro.get("optax"),
        "limit µs": micro["limit"],
        "jaxsched / optax": micro["jaxsched"] / micro["optax"] if "optax" in micro else None,
        "jaxsched / limit": micro["jaxsched"] / micro["limit"],
    }


def conclude(rows):
    for ok, text in _verdicts(rows):
        yield ok, f"on a GPU {text}"


def _verdicts(rows):
    reducers = [row for row in rows if row["step"].startswith(REDUCED)]
    trained = [row for row in rows if row["step"].startswith(TRAINED)]
    loops = [row for row in rows if row not in reducers and row not in trained]
    branches = sum(row["conditionals"] for row in rows)
    yield not branches, f"no step of ours branches: {branches} conditionals"
    known = [row for row in loops if row["optax kernels"] is not None]  # which may be 0
    more = [row["step"] for row in known if row["kernels"] > row["optax kernels"]]
    yield (
        not more,
        "no schedule launches more kernels in a loop than optax's"
        + (f": but {', '.join(more)}" if more else ""),
    )
    added = max(loops, key=lambda row: row["kernels"] - row["limit kernels"])
    kernels = added["kernels"] - added["limit kernels"]
    yield (
        kernels <= 1,
        "a schedule adds at most one kernel to a loop that adds up a constant: at most "
        f"{kernels} ({added['step']})",
    )
    slowest = max(reducers, key=lambda row: row["jaxsched / optax"])
    yield (
        slowest["jaxsched / optax"] <= 1.05,
        "a step with the reducer takes no longer than with optax's (5 % allowed): at most "
        f"{slowest['jaxsched / optax']:.3f} times ({slowest['step'].removeprefix(REDUCED)})",
    )
    for row in (max(trained, key=lambda row: row["jaxsched / limit"]),) if trained else ():
        yield (
            row["jaxsched / limit"] <= 1.05,
            "no schedule makes a training step more than 5 % longer: at most "
            f"{row['jaxsched / limit']:.3f} times ({row['step'].removeprefix(TRAINED)})",
        )


TITLE = "On a GPU"
WITHOUT = (
    "- note: nothing is known of a GPU: JAX found none, and none was measured on another machine"
)
NOTE = (
    "Kernels: what a step of the optimized program launches, fusions, library calls and copies. "
    "Conditionals: branches of the program; to take one, the host may have to wait for the device. µs: "
    "per step, in one compiled loop; a training step is called by Python. Limit: a constant rate, or no "
    "reducer."
)
