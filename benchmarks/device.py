"""A schedule in a compiled loop: what it adds to a step."""

from _measure import mean, nanoseconds_in_a_loop
from _schedules import SCHEDULES, by_formulas


def measure(quick):
    steps, rounds = (100_000, 3) if quick else (1_000_000, 11)
    rows = []
    for name, entry in SCHEDULES.items():
        contenders = {who: make() for who, make in entry.makers.items()}
        if entry.by_hand:
            contenders["by hand"] = entry.by_hand
        contenders["nothing"] = lambda step: 0.1
        loop = nanoseconds_in_a_loop(contenders, steps=steps, rounds=rounds)
        ours = loop["jaxsched"]
        rows.append(
            {
                "schedule": name,
                "jaxsched ns": ours,
                "optax ns": loop.get("optax"),
                "by hand ns": loop.get("by hand"),
                "nothing ns": loop["nothing"],
                "it adds ns": max(ours - loop["nothing"], 0.0),
                "jaxsched / optax": ours / loop["optax"] if "optax" in loop else None,
                "jaxsched / by hand": ours / loop["by hand"] if "by hand" in loop else None,
            }
        )
    return rows


NOISE = 1.05
CYCLE = 0.4  # nanoseconds: differences of one clock cycle are the loop's, not the schedule's
MORE = 5.0  # nanoseconds: what one of several formulas may add beyond optax's
BY_HAND = 1.25


def conclude(rows):
    compared = [row for row in rows if row["optax ns"] is not None]
    simple, others = by_formulas(compared)
    slower = [
        f"{row['schedule']} {row['jaxsched / optax']:.2f}"
        for row in simple
        if row["jaxsched ns"] > max(NOISE * row["optax ns"], row["optax ns"] + CYCLE)
    ]
    yield (
        not slower,
        "in a compiled loop no schedule of one formula costs more than optax's (5 % or one clock cycle "
        "allowed)" + (f": but {', '.join(slower)} times optax's" if slower else ""),
    )
    dearest = max(others, key=lambda row: row["jaxsched ns"] - row["optax ns"])
    more = dearest["jaxsched ns"] - dearest["optax ns"]
    most = max(others, key=lambda row: row["jaxsched / optax"])
    yield (
        more <= MORE,
        f"none of the others adds more than {MORE:g} ns to what optax's costs: at most {more:.1f} ns "
        f"({dearest['schedule']}); the most times optax's, {most['schedule']}, "
        f"{most['jaxsched / optax']:.2f} times, {most['jaxsched ns']:.1f} ns against "
        f"{most['optax ns']:.1f} ns",
    )
    ratio = mean([row["jaxsched / optax"] for row in compared])
    more = sum(row["jaxsched / optax"] > NOISE for row in compared)
    yield (
        ratio < 1,
        "on the geometric mean of all schedules that optax can make a step costs less than optax's: "
        f"{ratio:.2f} times; {more} of {len(compared)} cost more (by over 5 %)",
    )
    limits = {row["schedule"]: row["jaxsched / by hand"] for row in rows}
    limits = {name: ratio for name, ratio in limits.items() if ratio is not None}
    most = max(limits, key=limits.get)
    beyond = sum(ratio >= BY_HAND for ratio in limits.values())
    yield (
        mean(limits.values()) < BY_HAND,
        f"on the geometric mean of all schedules a step costs less than {BY_HAND:g} times that of an "
        f"expression by hand: {mean(limits.values()):.2f} times; {beyond} of {len(limits)} cost that or "
        f"more, the most, {most}, {limits[most]:.2f} times",
    )
    most = max(rows, key=lambda row: row["it adds ns"])
    yield (
        most["it adds ns"] < 1000,
        f"none adds a microsecond to a step: at most {most['it adds ns']:.0f} ns ({most['schedule']})",
    )


TITLE = "Device: in a compiled loop"
NOTE = (
    "A `fori_loop` that only adds up the rates of a million steps (with `--quick` a tenth), on the CPU; "
    "ns per step, the loop's own work included. `nothing` adds a constant rate; what a schedule adds is "
    "the difference. By hand: a `jax.numpy` expression with its numbers as literals, the limit."
)
