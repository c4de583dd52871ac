"""Reading one rate on the host: what a log line or a progress bar costs."""

import warnings

import jax
from _measure import interleaved
from _schedules import LIBRARIES, SCHEDULES, varied

import jaxsched

STEP = 123


def _torch():
    """torch's schedulers and an optimizer for each; None without torch."""
    try:
        import torch
    except ImportError:
        return None, None
    parameter = torch.nn.Parameter(torch.zeros(1))
    return torch.optim.lr_scheduler, lambda: torch.optim.SGD([parameter], lr=0.1)


def _keras():
    try:
        from keras.optimizers import schedules
    except ImportError:
        return None
    return schedules


def contenders(entry, torch, keras):
    ours, theirs = (entry.make(library) for library in LIBRARIES.values())
    calls = {
        "jaxsched": lambda: ours(STEP),
        "optax": lambda: jax.block_until_ready(theirs(STEP)),
        "python": lambda: entry.python(STEP),
    }
    schedulers, optimizer = torch
    if entry.torch and schedulers:
        scheduler = entry.torch(schedulers, optimizer())
        calls["torch"] = scheduler.step
    if entry.keras and keras:
        schedule = entry.keras(keras)
        calls["keras"] = lambda: float(schedule(STEP))
    return calls


def measure(quick):
    rows = []
    torch, keras = _torch(), _keras()
    how = {"rounds": 3 if quick else 9, "seconds": 0.005 if quick else 0.02}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch asks for optimizer.step() before scheduler.step()
        for name, entry in SCHEDULES.items():
            rows.append(_row(name, interleaved(contenders(entry, torch, keras), **how)))
        for n in (10, 40, 1000):
            ours = varied(jaxsched, n)
            calls = {"jaxsched": lambda s=ours: s(STEP)}
            if n <= 40:
                import optax

                theirs = varied(optax, n)
                calls["optax"] = lambda s=theirs: jax.block_until_ready(s(STEP))
            rows.append(_row(f"join of {n} pieces", interleaved(calls, **how)))
    return rows


def _row(name, seconds):
    micro = {who: s * 1e6 for who, s in seconds.items()}
    ours = micro["jaxsched"]
    return {
        "schedule": name,
        "jaxsched µs": ours,
        **{f"{who} µs": micro.get(who) for who in ("optax", "torch", "keras", "python")},
        **{
            f"{who} / jaxsched": micro[who] / ours if who in micro else None
            for who in ("optax", "torch", "keras")
        },
        "jaxsched / python": ours / micro["python"] if "python" in micro else None,
    }


def conclude(rows):
    named = {row["schedule"]: row for row in rows}
    atoms = [row for name, row in named.items() if SCHEDULES.get(name) and SCHEDULES[name].simple]
    slowest = max(atoms, key=lambda row: row["jaxsched µs"])
    yield (
        slowest["jaxsched µs"] < 1,
        f"an atom is read in under 1 µs: the slowest, {slowest['schedule']}, takes "
        f"{slowest['jaxsched µs']:.2f} µs",
    )
    for name in ("warmup_cosine_decay_schedule", "join of 40 pieces"):
        value = named[name]["jaxsched µs"]
        yield value < 2, f"{name} is read in under 2 µs: {value:.2f} µs"
    faster = named["cosine_decay_schedule"]["torch / jaxsched"]
    if faster is not None:
        yield (
            faster > 1,
            "a cosine is read faster than torch's CosineAnnealingLR steps: "
            f"{faster:.1f} times as fast",
        )
    ratios = {
        name: row["optax / jaxsched"]
        for name, row in named.items()
        if row["optax / jaxsched"] is not None and name != "constant_schedule"
    }
    least = min(ratios, key=ratios.get)
    yield (
        ratios[least] >= 50,
        "every schedule is read at least 50 times as fast as optax's eager call (a constant apart, "
        f"which optax returns as it is): the least, {least}, {ratios[least]:.0f} times",
    )


TITLE = "Host: reading the rate of one step"
NOTE = (
    "`s(123)` of each. optax's result is waited for; torch's is `scheduler.step()`, which only goes "
    "forward; python is a formula written by hand with its numbers as literals: the limit."
)
