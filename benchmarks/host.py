"""Reading one rate on the host: what a log line or a progress bar costs."""

import warnings

import jax
from _measure import interleaved, reading
from _peers import NAMES, STEP, installed
from _schedules import LIBRARIES, SCHEDULES, by_formulas, varied
from calls import Callable

PIECES = (10, 40, 1000)
AT = (STEP, 2000, 5000, 7800, 8600, 10_600)
"""A step in each phase of any of the schedules, the warmup and past the end among them."""
MOST_OF_OPTAX = 40


def contenders(entry, peers):
    """(Who, step) -> one reading: ours and those by hand in each phase, the peers at one step."""
    ours = entry.jaxsched()
    readers = {"jaxsched": ours}
    if entry.python:
        readers |= {"python": entry.python, "object": Callable(entry.python)}
    calls = {(who, step): reading(read, step) for who, read in readers.items() for step in AT}
    if entry.optax:
        calls["optax", STEP] = _waited_for(entry.optax())
    for who, peer in peers.items():
        if getattr(entry, who):
            calls[who, STEP] = peer.call(getattr(entry, who))
    return calls


def _waited_for(schedule):
    """Optax's result is an array on its way."""
    return lambda: jax.block_until_ready(schedule(STEP))


def measure(quick):
    peers = installed()
    how = {"rounds": 3 if quick else 9, "seconds": 0.002 if quick else 0.008}
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch asks for optimizer.step() before scheduler.step()
        for name, entry in SCHEDULES.items():
            rows.append(_row(name, interleaved(contenders(entry, peers), **how)))
        for n in PIECES:
            join = varied(LIBRARIES["jaxsched"], n)
            calls = {("jaxsched", step): reading(join, step) for step in AT}
            if n <= MOST_OF_OPTAX:
                calls["optax", STEP] = _waited_for(varied(LIBRARIES["optax"], n))
            rows.append(_row(f"join of {n} pieces", interleaved(calls, **how)))
    return rows


def _row(name, seconds):
    micro = {where: s * 1e6 for where, s in seconds.items()}
    if ("tensorflow", STEP) in micro:  # one column for both: no schedule is in both
        micro["keras", STEP] = micro["tensorflow", STEP]
    ours = {step: micro["jaxsched", step] for step in AT}
    shown = ("optax", *(who for who in NAMES if who != "tensorflow"))
    return {
        "schedule": name,
        "jaxsched µs": ours[STEP],
        "slowest µs": max(ours.values()),
        **{
            f"{who} / jaxsched": micro[who, STEP] / ours[STEP] if (who, STEP) in micro else None
            for who in shown
        },
        "python µs": micro.get(("python", STEP)),
        **{
            f"jaxsched / {who}": max(ours[step] / micro[who, step] for step in AT)
            if (who, STEP) in micro
            else None
            for who in ("python", "object")
        },
    }


SIMPLE = "a schedule of one formula or of a table"


def conclude(rows):
    named = {row["schedule"]: row for row in rows}
    simple, others = by_formulas(rows, tables=True)
    for what, limit, some in ((SIMPLE, 1, simple), ("every schedule and operator", 10, rows)):
        slowest = max(some, key=lambda row: row["slowest µs"])
        yield (
            slowest["slowest µs"] < limit,
            f"{what} is read in under {limit} µs: the slowest, {slowest['schedule']}, takes "
            f"{slowest['slowest µs']:.2f} µs",
        )
    yield from _against_a_formula(simple, others)
    for name in ("warmup_cosine_decay_schedule", "join of 40 pieces"):
        value = named[name]["slowest µs"]
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


def _against_a_formula(simple, others):
    """What a reading takes beside the formula by hand, and beside an object that calls that formula."""
    by_hand, called = "jaxsched / python", "jaxsched / object"
    most = max(simple, key=lambda row: row[by_hand])
    over = [row for row in simple if row[by_hand] > 2]
    other = max((row for row in others if row[by_hand]), key=lambda row: row[by_hand])
    verdict = f"{most['schedule']} {most[by_hand]:.2f} times"
    if over:
        longest = max(row["python µs"] for row in over)
        verdict = (
            f"{len(simple) - len(over)} of {len(simple)} do; at most {verdict}. All that do not are "
            f"formulas of at most {longest * 1e3:.0f} ns, and take at most "
            f"{max(row[called] for row in over):.2f} times what an object takes that calls them"
        )
    yield (
        not over,
        f"{SIMPLE} takes at most twice as long as its formula by hand: {verdict}; of the others "
        f"{other['schedule']} takes longest, {other[by_hand]:.2f} times as long",
    )
    most = max(simple, key=lambda row: row[called])
    other = max((row for row in others if row[called]), key=lambda row: row[called])
    yield (
        most[called] <= 1.3,
        f"{SIMPLE} takes at most 1.3 times as long as an object that calls its formula: {most['schedule']} "
        f"{most[called]:.2f} times; of the others {other['schedule']} takes longest, {other[called]:.2f} "
        "times as long",
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
    f"`s({STEP})` of each of ours, in µs, with no other call around it; the others as multiples of it. "
    f"slowest is that of the steps {', '.join(map(str, AT))}, of which one at least is in each phase. "
    "optax's result is waited for; "
    "where optax has no such name, it is the shortest composition of its schedules. torch's and "
    "transformers' is `scheduler.step()`, which only goes forward, timm's `scheduler.step_update(n)`; what "
    "Keras no longer has is TensorFlow's (`tf.compat.v1.train`). python is a formula written by hand with "
    "its numbers as literals: the limit; object is that formula called by the least object that tells a "
    "number from an array: what calling an object costs. Of both the largest ratio at any of the steps is "
    "shown."
)
