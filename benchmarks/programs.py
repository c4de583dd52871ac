"""A schedule as a program: the time to trace and to compile it, and its size."""

from _measure import build_times, mean
from _page import number
from _schedules import SCHEDULES
from _schedules_careful import CAREFUL, FORMULAS

BOTH = ("jaxsched", "optax")
COLUMNS = {
    "trace ms": lambda build: build.trace * 1e3,
    "retrace ms": lambda build: build.retrace * 1e3,
    "compile ms": lambda build: build.compile * 1e3,
    "jaxpr": lambda build: build.equations,
    "HLO": lambda build: build.instructions,
}
SIZES = ("jaxpr", "HLO")


def measure(quick):
    rows = []
    for name, entry in SCHEDULES.items():
        makers = dict(entry.makers)
        if entry.by_hand:
            makers["by hand"] = lambda formula=entry.by_hand: formula
        if name in CAREFUL:
            makers["careful"] = lambda formula=CAREFUL[name]: formula
        builds = build_times(makers, rounds=1 if quick else 3)
        row = {"schedule": name}
        for column, value in COLUMNS.items():
            for who in BOTH:
                heading = column if who == "jaxsched" else f"optax {column}"
                row[heading] = value(builds[who]) if who in builds else None
            if column in SIZES:
                for who in ("by hand", "careful"):
                    row[f"{who} {column}"] = value(builds[who]) if who in builds else None
        rows.append(row)
    return rows


MORE = 1.25
LARGER = 1.5


def conclude(rows):
    compared = [row for row in rows if row["optax HLO"] is not None]
    for column, what in (
        ("trace ms", "tracing for the first time in a process"),
        ("retrace ms", "tracing later"),
        ("compile ms", "compiling"),
    ):
        ratio, beyond = _compared(compared, column, f"optax {column}", MORE)
        most = max(rows, key=lambda row: row[column])
        yield (
            ratio <= MORE,
            f"on the geometric mean {what} takes at most a quarter longer than optax's: {ratio:.2f} times; "
            f"{beyond}; the slowest, {most['schedule']}, {number(most[column])} ms",
        )
    held = [row for row in rows if row["careful jaxpr"] is not None]
    formulas = [row for row in held if row["schedule"] in FORMULAS]
    composed = [row for row in held if row not in formulas]
    for what, some in (("one formula", formulas), ("several", composed)):
        larger, most = _larger(some, "jaxpr")
        yield (
            not larger,
            f"no schedule of {what} has more equations than a careful version by hand: "
            f"{len(some) - len(larger)} of {len(some)} have not{most}",
        )
    larger, most = _larger(held, "HLO")
    yield (
        None,
        f"{len(larger)} of {len(held)} schedules have more HLO instructions than a careful version by "
        f"hand{most}",
    )
    for column in SIZES:
        ratio, beyond = _compared(rows, column, f"by hand {column}", LARGER)
        yield (
            ratio <= LARGER,
            f"{column}: on the geometric mean at most {LARGER:g} times the size of an expression by hand, "
            f"which neither clamps a step nor is exact: {ratio:.2f} times; {beyond}",
        )


def _compared(rows, column, other, limit):
    """The geometric mean of the ratios of two columns, and in words how many are beyond a limit."""
    known = [row for row in rows if row[column] and row[other]]
    ratios = [row[column] / row[other] for row in known]
    beyond = sum(ratio > limit for ratio in ratios)
    more = (
        f"{beyond or 'none'} of {len(known)} schedules {'exceeds' if beyond < 2 else 'exceed'} that"
    )
    return mean(ratios), f"{more}, the most, {_most(known, column, other)}"


def _larger(rows, column):
    """The rows that are larger than a careful version, and in words the one that is it by most."""
    other = f"careful {column}"
    larger = [row for row in rows if row[column] > row[other]]
    return larger, f"; the most, {_most(larger, column, other)}" if larger else ""


def _most(rows, column, other):
    """The largest ratio of two columns, with its name and both."""
    row = max(rows, key=lambda row: row[column] / row[other])
    sizes = f"{row[column]:.3g} against {row[other]:.3g}"
    return f"{row['schedule']}, {row[column] / row[other]:.2f} times, {sizes}"


TITLE = "Device: the program"
NOTE = (
    "Trace and compile: `jax.jit(s).lower(step)` and `.compile()`, without any cache. Retrace: "
    "`jax.jit(s).trace(step)` of a new schedule in a process that has traced the like before. jaxpr: the "
    "equations that are traced, those inside others too, but not the calls of functions. HLO: "
    "instructions of the optimized program. By hand: a `jax.numpy` expression with its numbers as "
    "literals, which neither clamps a step nor is exact. Careful: one that does and is (`_careful.py`, and "
    "`_careful_compositions.py` for what is made of several; held to it by `tests/test_careful.py`)."
)
