"""Joins of many pieces: warm restarts that all differ, two pieces to a cycle."""

from _measure import build_times, nanoseconds_in_a_loop
from _schedules import LIBRARIES, varied

PIECES = (2, 10, 40, 1000, 10_000)
MOST_OF_OPTAX = 40  # a thousand of optax's pieces take 14 s to trace and to compile, in every round


def measure(quick):
    rows = []
    times = build_times(
        {
            (who, n): lambda lib=library, n=n: varied(lib, n)
            for n in PIECES
            for who, library in LIBRARIES.items()
            if who == "jaxsched" or n <= MOST_OF_OPTAX
        },
        rounds=1 if quick else 5,
    )
    for n in PIECES:
        who = [name for name in LIBRARIES if (name, n) in times]
        loop = nanoseconds_in_a_loop(
            {name: varied(LIBRARIES[name], n) for name in who},
            steps=20_000 if quick else 200_000,
            rounds=3 if quick else 15,
        )
        ours, theirs = times["jaxsched", n], times.get(("optax", n))
        rows.append(
            {
                "pieces": n,
                "jaxsched ns": loop["jaxsched"],
                "optax ns": loop.get("optax"),
                "optax / jaxsched": loop["optax"] / loop["jaxsched"] if "optax" in loop else None,
                "trace ms": ours.trace * 1e3,
                "optax trace ms": theirs and theirs.trace * 1e3,
                "compile ms": ours.compile * 1e3,
                "optax compile ms": theirs and theirs.compile * 1e3,
                "jaxpr": ours.equations,
                "optax jaxpr": theirs and theirs.equations,
                "HLO": ours.instructions,
                "optax HLO": theirs and theirs.instructions,
            }
        )
    return rows


def conclude(rows):
    by_size = {row["pieces"]: row for row in rows}
    ratio = by_size[40]["optax / jaxsched"]
    yield ratio >= 5, f"40 pieces cost at most a fifth of optax's: {1 / ratio:.2f} of it"
    ten, thousand = by_size[10]["compile ms"], by_size[1000]["compile ms"]
    yield (
        thousand < 2 * ten,
        f"1000 pieces compile in less than twice the time of 10: {thousand:.0f} ms and {ten:.0f} ms",
    )
    some, many, most = (by_size[n]["jaxsched ns"] for n in (40, 1000, 10_000))
    yield (
        many < 3 * some,
        "a step with 1000 pieces costs less than three times one with 40: "
        f"{many:.1f} ns and {some:.1f} ns, {many / some:.2f} times; with 10,000, {most:.1f} ns",
    )
    some, many, most = (by_size[n]["HLO"] for n in (40, 1000, 10_000))
    yield (
        some == many,
        f"the program does not grow from 40 pieces to 1000: {some} instructions and {many}; of 10,000 it "
        f"has {most}",
    )


TITLE = "Joins of many pieces"
NOTE = (
    "SGDR whose cycles all differ in length, warmup and peak; columns as above. optax's stop at "
    f"{MOST_OF_OPTAX} pieces: its program grows with them, and one of a thousand takes a quarter of a "
    "minute to trace and to compile, in every round."
)
