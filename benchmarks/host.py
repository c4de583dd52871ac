"""Reading one rate on the host: what a log line or a progress bar costs."""

import warnings

import jax
from _measure import interleaved
from _peers import NAMES, STEP, installed
from _schedules import LIBRARIES, SCHEDULES, by_formulas, varied

PIECES = (10, 40, 1000)
MOST_OF_OPTAX = 40


class _Callable:
    """The least object that reads a formula: it may be given an array as well."""

    def __init__(self, formula):
        self.formula = formula

    def __call__(self, step):
        if type(step) is int:
            return self.formula(step)
        raise TypeError(step)


def _reading(who, schedule):
    """Optax's result is an array on its way."""
    if who == "optax":
        return lambda: jax.block_until_ready(schedule(STEP))
    return lambda: schedule(STEP)


def contenders(entry, peers):
    """Who -> one reading."""
    calls = {who: _reading(who, make()) for who, make in entry.makers.items()}
    if entry.python:
        least = _Callable(entry.python)
        calls["python"] = lambda: entry.python(STEP)
        calls["object"] = lambda: least(STEP)
    for who, peer in peers.items():
        if getattr(entry, who):
            calls[who] = peer.call(getattr(entry, who))
    return calls


def measure(quick):
    peers = installed()
    how = {"rounds": 3 if quick else 9, "seconds": 0.004 if quick else 0.02}
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch asks for optimizer.step() before scheduler.step()
        for name, entry in SCHEDULES.items():
            rows.append(_row(name, interleaved(contenders(entry, peers), **how)))
        for n in PIECES:
            calls = {
                who: _reading(who, varied(library, n))
                for who, library in LIBRARIES.items()
                if who == "jaxsched" or n <= MOST_OF_OPTAX
            }
            rows.append(_row(f"join of {n} pieces", interleaved(calls, **how)))
    return rows


def _row(name, seconds):
    micro = {who: s * 1e6 for who, s in seconds.items()}
    if "tensorflow" in micro:  # one column for both: no schedule is in both
        micro["keras"] = micro["tensorflow"]
    ours = micro["jaxsched"]
    shown = ("optax", *(who for who in NAMES if who != "tensorflow"))
    return {
        "schedule": name,
        "jaxsched µs": ours,
        **{f"{who} / jaxsched": micro[who] / ours if who in micro else None for who in shown},
        "python µs": micro.get("python"),
        **{
            f"jaxsched / {who}": ours / micro[who] if who in micro else None
            for who in ("python", "object")
        },
    }


SIMPLE = "a schedule of one formula"


def conclude(rows):
    named = {row["schedule"]: row for row in rows}
    simple, others = by_formulas(rows)
    for what, limit, some in ((SIMPLE, 1, simple), ("every schedule and operator", 10, rows)):
        slowest = max(some, key=lambda row: row["jaxsched µs"])
        yield (
            slowest["jaxsched µs"] < limit,
            f"{what} is read in under {limit} µs: the slowest, {slowest['schedule']}, takes "
            f"{slowest['jaxsched µs']:.2f} µs",
        )
    for limit, who, than in (
        (2, "python", "a formula by hand (a constant apart, which is nothing but the call)"),
        (1.3, "object", "such a formula that an object calls"),
    ):
        ratios = {
            row["schedule"]: row[f"jaxsched / {who}"]
            for row in simple
            if row["schedule"] != "constant_schedule" or who == "object"
        }
        most = max(ratios, key=ratios.get)
        column = f"jaxsched / {who}"
        other = max((row for row in others if row[column]), key=lambda row: row[column])
        yield (
            ratios[most] <= limit,
            f"{SIMPLE} takes at most {limit} times as long as {than}: {most} {ratios[most]:.2f} times; of "
            f"the others {other['schedule']} takes longest, {other[column]:.2f} times as long",
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
    name, ratio = _least(rows, "optax / jaxsched", "constant_schedule")
    yield (
        ratio >= 50,
        "every schedule is read at least 50 times as fast as optax's eager call (a constant apart, "
        f"which optax returns as it is): the least, {name}, {ratio:.0f} times",
    )
    for who in ("torch", "keras", "transformers", "timm"):
        column = f"{who} / jaxsched"
        if any(row[column] is not None for row in rows):
            name, ratio = _least(rows, column)
            yield (
                ratio > 1,
                f"every schedule that {who} has too is read faster: {name} {ratio:.1f} times",
            )


def _least(rows, column, *but):
    ratios = {
        row["schedule"]: row[column]
        for row in rows
        if row[column] is not None and row["schedule"] not in but
    }
    name = min(ratios, key=ratios.get)
    return name, ratios[name]


TITLE = "Host: reading the rate of one step"
NOTE = (
    f"`s({STEP})` of each of ours, in µs; the others as multiples of it. optax's result is waited for; "
    "where optax has no such name, it is the shortest composition of its schedules. torch's and "
    "transformers' is `scheduler.step()`, which only goes forward, timm's `scheduler.step_update(n)`; what "
    "Keras no longer has is TensorFlow's (`tf.compat.v1.train`). python is a formula written by hand with "
    "its numbers as literals: the limit; object is that formula called by the least object that tells a "
    "number from an array: what calling an object costs."
)
